//! Random cases of the kinds that were recorded.

use headcrash_sim::{Choices, Key, Point, PointKind, Seeded};

use super::case::{Case, Dialect, ImageKind, IoType, Options, Request, Rule, Seen, Top};
use super::play::play;

/// The `index`-th case of `seed`, in dialect 10.0.2: always the same one.
///
/// It is one that the real `qemu-io` survives. Left out are discards that end it (quirks Q2 and
/// Q3), and flushes and discards that would not end before the next request, because `qemu-io`
/// waits for these: our own world is asked whether they would.
#[must_use]
pub fn generate(seed: u64, index: u64) -> Case {
    let mut draw = Draw {
        choices: Seeded::from_seed(seed),
        point: Point::new(PointKind::Schedule, Key::NOBODY.nth(index)),
    };
    // Most are as the recorded ones; the others reach further.
    let wide = draw.one_in(4);
    let long = draw.one_in(5);
    let image = if draw.one_in(3) { ImageKind::NullCo } else { ImageKind::File };
    let sizes: &[u64] = if wide { &[16384, 65536, 262_144] } else { &[16384, 65536] };
    let image_size = draw.of(sizes);
    let options = options(&mut draw);
    let top = (!draw.one_in(6)).then_some(Top::Raw);
    let rule_count = draw.below(if long { 20 } else { 7 });
    let rules = (0..rule_count).map(|_| rule(&mut draw, wide)).collect();
    let mut case = Case {
        id: format!("live-{seed}-{index:06}"),
        dialect: Dialect::Qemu10,
        top,
        image: Some(image),
        image_size: Some(image_size),
        init: (image == ImageKind::File).then(|| draw.of(&[0, 170])),
        options,
        rules,
        requests: Vec::new(),
    };
    let count = if long { 15 + draw.below(26) } else { 3 + draw.below(12) };
    let breaks = draw.below(3);
    let mut pattern = 0;
    while (case.requests.len() as u64) < count {
        let request = request(&mut draw, &case, wide, breaks, &mut pattern);
        let waited_for = matches!(request, Request::Flush { .. } | Request::Discard { .. });
        case.requests.push(request);
        if waited_for && !last_ends(&case) {
            case.requests.pop();
            // Whatever it is blocked by, this step gives it a chance to go.
            let tag = draw.tag();
            case.requests.push(Request::Resume { tag });
        }
    }
    case
}

/// Whether the last request has its answer at once. What the world refuses has one.
fn last_ends(case: &Case) -> bool {
    let Ok(outcome) = play(case) else { return true };
    let ended = |seen: &Seen| matches!(seen, Seen::Done(_) | Seen::Flush { .. });
    outcome.steps.last().is_some_and(|step| step.iter().any(ended))
}

/// One case's draws.
struct Draw {
    choices: Seeded,
    point: Point,
}

impl Draw {
    fn below(&mut self, n: u64) -> u64 {
        if n < 2 { 0 } else { self.choices.choose(self.point, n) }
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    fn tag(&mut self) -> String {
        self.of(&["A", "A", "A", "B", "B", "C"]).to_owned()
    }
}

const LIMITS: [u64; 8] = [512, 1024, 1536, 2048, 4096, 8192, 12288, 16384];

fn options(draw: &mut Draw) -> Options {
    let kind = draw.below(3);
    let mut options = Options::default();
    if kind > 0 {
        options.align = draw.of(&[None, Some(512), Some(512), Some(1024), Some(4096), Some(4096)]);
    }
    if kind < 2 {
        return options;
    }
    let align = options.align.unwrap_or(1);
    let mut limit = |unit: u64, all: &[u64]| {
        let mut all: Vec<_> = all
            .iter()
            .copied()
            .filter(|limit| *limit >= 512 && limit.is_multiple_of(unit))
            .collect();
        all.push(unit.max(512));
        draw.one_in(2).then(|| draw.of(&all))
    };
    options.max_transfer = limit(align, &[512, 1024, 1536, 4096, 8192, 12288, 32768]);
    options.opt_write_zero = limit(align, &LIMITS);
    let unit = options.opt_write_zero.unwrap_or(0).max(align);
    options.max_write_zero =
        limit(unit, &[unit, unit * 2, unit * 3, unit * 4, 512, 2048, 4096, 32768]);
    options.opt_discard = limit(align, &LIMITS);
    let unit = options.opt_discard.unwrap_or(0).max(align);
    options.max_discard = limit(unit, &[unit, unit * 2, unit * 4, 512, 2048, 4096, 16384]);
    options
}

/// The events that requests announce, the frequent ones oftener.
const EVENTS: [&str; 22] = [
    "write_aio",
    "write_aio",
    "write_aio",
    "read_aio",
    "read_aio",
    "read_aio",
    "pwritev",
    "pwritev",
    "pwritev",
    "pwritev_done",
    "pwritev_done",
    "flush_to_os",
    "flush_to_disk",
    "pwritev_zero",
    "pwritev_zero",
    "none",
    "pwritev_rmw_head",
    "pwritev_rmw_after_head",
    "pwritev_rmw_tail",
    "pwritev_rmw_after_tail",
    "cluster_alloc",
    "l2_load",
];

fn rule(draw: &mut Draw, wide: bool) -> Rule {
    let event = draw.of(&EVENTS).to_owned();
    let states: &[i32] =
        if wide { &[0, 0, 1, 2, 3, 4, -1, i32::MIN] } else { &[0, 0, 0, 1, 2, 3, 4] };
    let state = draw.of(states);
    if draw.below(10) < 3 {
        let new_states: &[i32] = if wide { &[0, 1, 2, 3, 4, -1] } else { &[0, 1, 1, 2, 3, 4] };
        return Rule::SetState { event, state, new_state: draw.of(new_states) };
    }
    let sectors = [0, 1, 8, 16, 31, 32, 127, 128, -1, -2];
    let far = [511, 1 << 40, i64::MAX, i64::MIN];
    let sector = match draw.below(12) {
        0..7 => -1,
        7..10 => draw.below(24) as i64,
        10 => draw.of(&sectors),
        _ => draw.of(if wide { &far } else { &sectors }),
    };
    let kinds = [
        IoType::Read,
        IoType::Write,
        IoType::WriteZeroes,
        IoType::WriteZeroes,
        IoType::Discard,
        IoType::Discard,
        IoType::Flush,
        IoType::BlockStatus,
    ];
    Rule::InjectError {
        event,
        state,
        errno: draw.of(&[5, 5, 5, 5, 28, 28, 0, 0, 0, 22, 22, 12, 12, 95, 95, 110, 1]),
        sector,
        once: draw.one_in(2),
        immediately: draw.one_in(3),
        iotype: draw.one_in(5).then(|| draw.of(&kinds)),
    }
}

fn request(draw: &mut Draw, case: &Case, wide: bool, breaks: u64, pattern: &mut u8) -> Request {
    // Cases with breakpoints, with more, and without.
    let commands = breaks * 3;
    match draw.below(10 + commands) {
        0..3 => {
            let (off, len) = range(draw, case, wide);
            *pattern = *pattern % 160 + 1;
            let fua = wide && draw.one_in(4);
            Request::Write { req: None, off, len, pat: *pattern, fua }
        }
        3..6 => {
            let (off, len) = range(draw, case, wide);
            Request::Read { req: None, off, len }
        }
        6..8 => {
            let (off, len) = range(draw, case, wide);
            Request::WriteZeroes { req: None, off, len, fua: draw.one_in(3) }
        }
        8 => {
            let (off, len) = discard(draw, case, wide);
            Request::Discard { req: None, off, len }
        }
        9 => Request::Flush { req: None },
        10..13 => Request::Break { event: draw.of(&EVENTS).to_owned(), tag: draw.tag() },
        _ if draw.one_in(6) => Request::RemoveBreak { tag: draw.tag() },
        _ => Request::Resume { tag: draw.tag() },
    }
}

fn range(draw: &mut Draw, case: &Case, wide: bool) -> (u64, u64) {
    let size = case.image_size.unwrap_or(1 << 20);
    let (off, len) = match draw.below(if wide { 6 } else { 3 }) {
        0 | 1 => (draw.below(24) * 512, draw.of(&[512, 512, 512, 1024, 2048, 4096])),
        2 => {
            let off = if draw.one_in(4) { draw.below(24) * 512 } else { draw.below(12288) };
            (off, draw.of(&[1, 10, 100, 511, 513, 1000, 3000]))
        }
        // Anywhere, of any length; none at all; up to the end.
        3 => (draw.below(size), 1 + draw.below(70_000)),
        4 => (draw.below(size), draw.of(&[0, 0, 1, 512, 4095, 4096, 8192])),
        _ => {
            let len = 1 + draw.below(9000);
            (size.saturating_sub(len), len)
        }
    };
    (off, len.min(size - off))
}

fn discard(draw: &mut Draw, case: &Case, wide: bool) -> (u64, u64) {
    let size = case.image_size.unwrap_or(1 << 20);
    for _ in 0..8 {
        let (off, len) = range(draw, case, wide);
        if survives_discard(&case.options, case.top, off, len) {
            return (off, len);
        }
    }
    let unit = case.options.align.unwrap_or(1).max(512);
    (draw.below(size / unit) * unit, unit)
}

/// Whether QEMU survives this discard: `blkdebug_co_pdiscard` asserts that what comes to it is
/// aligned, and what `bdrv_co_pdiscard` cuts it into sometimes is not (Q3), or divides by an
/// alignment of zero first (Q2).
fn survives_discard(options: &Options, top: Option<Top>, off: u64, len: u64) -> bool {
    let align = options.align.unwrap_or(1);
    let Some(opt) = options.opt_discard else {
        return off.is_multiple_of(align) && len.is_multiple_of(align);
    };
    let unit = opt.max(align);
    let max = options.max_discard.map_or(u64::MAX, |max| max - max % unit);
    let aligned =
        |(off, len): (u64, u64), to: u64| off.is_multiple_of(to) && len.is_multiple_of(to);
    let survives = |piece: &(u64, u64)| {
        (piece.1 < align || aligned(*piece, align)) && (piece.1 < opt || aligned(*piece, opt))
    };
    // A raw node above takes over the optimal size, and no more.
    let above = match top {
        Some(Top::Raw) => pieces((off, len), opt, 1, u64::MAX),
        None => vec![(off, len)],
    };
    above.into_iter().flat_map(|piece| pieces(piece, unit, align, max)).all(|p| survives(&p))
}

/// What `bdrv_co_pdiscard` cuts a discard into.
fn pieces((mut off, mut len): (u64, u64), unit: u64, align: u64, max: u64) -> Vec<(u64, u64)> {
    let (mut head, mut tail) = (off % unit, (off + len) % unit);
    let mut pieces = Vec::new();
    while len > 0 {
        let mut piece = len;
        if head > 0 {
            piece = piece.min(unit - head);
            if !piece.is_multiple_of(align) {
                piece %= align;
            }
            head = (head + piece) % unit;
        } else if tail > 0 && piece > unit {
            piece -= tail;
        } else if tail > align && !tail.is_multiple_of(align) {
            tail %= align;
            piece -= tail;
        }
        piece = piece.min(max);
        pieces.push((off, piece));
        off += piece;
        len -= piece;
    }
    pieces
}
