//! Whatever a disk demands of requests, its bytes are those of a plain array.

use std::sync::Arc;

use arbitrary::{Arbitrary, Result, Unstructured};
use headcrash_engine::{Dialect, ProgramBuilder, Quirks};
use headcrash_sim::{
    Calm, ClientId, Cx, DiskId, DiskSpec, Image, Io, Key, Latencies, Latency, Limits, LimitsSpec,
    NodeSpec, Resumes, World,
};

/// Small, so that requests overlap blocks in every way.
const SIZE: u64 = 16_384;
const DISK: DiskId = DiskId(0);

#[derive(Debug, Arbitrary)]
enum Move {
    Read { at: u16, len: u16 },
    Write { at: u16, len: u16, byte: u8, fua: bool },
    Zero { at: u16, len: u16, fua: bool },
    Discard { at: u16, len: u16 },
    Flush,
}

/// Reads, writes and writes of zeroes through any alignment, limits and stack of nodes do what
/// they do to an array; flushes and discards succeed, and a discard leaves old bytes or zeroes.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn bytes(u: &mut Unstructured<'_>) -> Result<()> {
    let dialect = *u.choose(&[Dialect::Qemu10, Dialect::Qemu2_6])?;
    let nodes =
        (0..u.int_in_range(1..=2)?).map(|_| node(u, dialect)).collect::<Result<Vec<_>>>()?;
    let disk = DiskSpec {
        latencies: Latencies::all(*u.choose(&[Latency::Zero, Latency::Constant(10)])?),
        raw: u.arbitrary()?,
        no_flush: u.arbitrary()?,
        ..DiskSpec::new("d0", Image::new(SIZE, 0xAA), nodes)
    };
    let story = format!("{disk:?}");
    let mut world = World::new(vec![disk], Resumes::ByScript);
    let mut model = vec![0xAA; SIZE as usize];
    let mut cx = Cx { choices: &mut Calm, sink: &mut () };
    world.open(DISK, &mut cx);
    for _ in 0..u.int_in_range(0..=40)? {
        let step = Move::arbitrary(u)?;
        let range = |at: u16, len: u16| {
            let at = u64::from(at) % SIZE;
            (at, u64::from(len) % (SIZE - at + 1))
        };
        let io = match step {
            Move::Read { at, len } => {
                let (at, len) = range(at, len);
                Io::Read { at, len }
            }
            Move::Write { at, len, byte, fua } => {
                let (at, len) = range(at, len);
                // Bytes that differ from their neighbours show when they land in the wrong place.
                let data: Vec<_> = (0..len).map(|i| byte.wrapping_add(i as u8)).collect();
                Io::Write { at, data: Arc::from(data), fua }
            }
            Move::Zero { at, len, fua } => {
                let (at, len) = range(at, len);
                Io::WriteZeroes { at, len, fua }
            }
            Move::Discard { at, len } => {
                let (at, len) = range(at, len);
                Io::Discard { at, len }
            }
            Move::Flush => Io::Flush,
        };
        let request = world.submit(ClientId(0), (Key::NOBODY, 0), DISK, io.clone(), &mut cx);
        while let Some(due) = world.next_due() {
            world.advance(due);
            world.step(&mut cx);
        }
        let (_, done) = world.take_completion().expect("without rules a request completes");
        assert_eq!(done.request, request, "{story}\n{io:?}: another request completed");
        assert_eq!(done.result, Ok(()), "{story}\n{io:?}: nothing makes it fail");
        match &io {
            Io::Read { at, len } => {
                let wanted = &model[*at as usize..(at + len) as usize];
                assert!(done.data == wanted, "{story}\n{io:?}: other bytes were read");
            }
            Io::Write { at, data, .. } => {
                model[*at as usize..][..data.len()].copy_from_slice(data);
            }
            Io::WriteZeroes { at, len, .. } => model[*at as usize..(at + len) as usize].fill(0),
            Io::Discard { at, len } => discard(&world, &mut model, *at, *len, dialect, &story),
            Io::Flush | Io::Announce(_) => {}
            Io::Erase { .. } => unreachable!("no move erases"),
        }
        assert!(image(&world) == model, "{story}\n{io:?}: the image is not the array");
    }
    Ok(())
}

/// What a discard does is the node's affair, as long as every byte of it is old or zero, and no
/// other byte is touched; 2.6 does nothing.
fn discard(world: &World, model: &mut [u8], at: u64, len: u64, dialect: Dialect, story: &str) {
    let now = image(world);
    for index in at as usize..(at + len) as usize {
        let fine = now[index] == model[index] || (now[index] == 0 && dialect == Dialect::Qemu10);
        assert!(fine, "{story}\ndiscard {at}+{len}: byte {index} is neither old nor zero");
        model[index] = now[index];
    }
}

fn image(world: &World) -> Vec<u8> {
    let mut bytes = vec![0; SIZE as usize];
    world.image(DISK).read(0, &mut bytes);
    bytes
}

fn node(u: &mut Unstructured<'_>, dialect: Dialect) -> Result<NodeSpec> {
    let program = ProgramBuilder::new(dialect, Quirks::Safe).build();
    let program = Arc::new(program.expect("no rules are no mistake"));
    let align = *u.choose(&[None, Some(512), Some(1024), Some(4096)])?;
    let unit = align.unwrap_or(1);
    let multiple = |u: &mut Unstructured<'_>, of: u64| -> Result<Option<u64>> {
        Ok(if u.arbitrary()? { Some(of * u.int_in_range(1..=6)?) } else { None })
    };
    let mut spec = LimitsSpec { align, ..LimitsSpec::default() };
    if dialect == Dialect::Qemu10 {
        spec.max_transfer = multiple(u, unit)?.filter(|max| *max >= 64);
        spec.opt_write_zero = multiple(u, unit)?;
        spec.max_write_zero = multiple(u, spec.opt_write_zero.unwrap_or(unit))?;
        spec.opt_discard = multiple(u, unit)?;
        spec.max_discard = multiple(u, spec.opt_discard.unwrap_or(unit))?;
    }
    let limits = Limits::new(dialect, spec).expect("the limits are multiples of one another");
    Ok(NodeSpec { program, limits })
}
