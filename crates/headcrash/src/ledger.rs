//! What was asked of code under test, what it said, and which models fit that.

use std::fmt::Debug;

use crate::subject::{Model, Past};

/// After errors nobody knows what was done: so many possibilities are kept at most.
const LINES_MAX: usize = 256;

/// What is known.
#[derive(Clone)]
pub(crate) struct Ledger<M: Model> {
    /// Everything that can have happened.
    lines: Vec<Line<M>>,
    /// An operation that was begun and has not ended, and whoever may have done it is not known.
    under_way: Option<M::Op>,
    /// How many operations have begun.
    begun: u64,
    /// Operations failed in more ways than are kept: what does not fit proves nothing any more.
    lost_track: bool,
}

/// One thing that can have happened.
#[derive(Clone)]
struct Line<M> {
    /// The model after what is durable, and after each operation since.
    states: Vec<M>,
}

impl<M: Model> Line<M> {
    fn now(&self) -> &M {
        self.states.last().expect("a line has a state")
    }
}

/// Something does not fit: which property that is, and what was seen.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) property: &'static str,
    pub(crate) message: String,
}

impl<M: Model> Ledger<M> {
    pub(crate) fn new() -> Self {
        let lines = vec![Line { states: vec![M::default()] }];
        Self { lines, under_way: None, begun: 0, lost_track: false }
    }

    /// An operation begins.
    pub(crate) fn begin(&mut self, op: &M::Op) {
        self.under_way = Some(op.clone());
        self.begun += 1;
    }

    /// It was acknowledged.
    pub(crate) fn acknowledge(&mut self, op: &M::Op, reply: &M::Reply) -> Result<(), Wrong> {
        self.under_way = None;
        let mut expected = Vec::new();
        let mut kept = Vec::with_capacity(self.lines.len());
        for mut line in self.lines.drain(..) {
            let mut next = line.now().clone();
            let wanted = next.apply(op);
            if wanted != *reply {
                expected.push(format!("{wanted:?}"));
                continue;
            }
            if line.now().is_durable(op) {
                line.states.clear();
            }
            line.states.push(next);
            kept.push(line);
        }
        self.lines = kept;
        if !self.lines.is_empty() || self.lost_track {
            return Ok(());
        }
        expected.dedup();
        let message = format!("it answers {reply:?}, and should answer {}", expected.join(" or "));
        Err(Wrong { property: crate::ANSWERS, message })
    }

    /// It failed. If it did any I/O, nobody knows whether it was done. Whether that is now more than
    /// can be kept, which it was not before.
    #[must_use]
    pub(crate) fn fail(&mut self, op: &M::Op, did_io: bool) -> bool {
        self.under_way = None;
        if !did_io || self.lost_track {
            return false;
        }
        let mut lines = Vec::with_capacity(2 * self.lines.len());
        for line in self.lines.drain(..) {
            let mut done = line.clone();
            let mut next = done.now().clone();
            next.apply(op);
            done.states.push(next);
            lines.extend([line, done]);
        }
        self.lines = merged(lines);
        self.lost_track = self.lines.len() > LINES_MAX;
        self.lines.truncate(LINES_MAX);
        self.lost_track
    }

    /// Nothing has crashed: it shows the model. When a disk has failed, and it was opened again, what
    /// was not durable may be lost.
    pub(crate) fn sees(
        &mut self,
        seen: &M::View,
        reopened: bool,
        failed: bool,
    ) -> Result<(), Wrong> {
        if self.lost_track {
            return Ok(());
        }
        let fits =
            |state: &M| state.view() == *seen || (reopened && crashed(state).view() == *seen);
        let shown = |line: &Line<M>| {
            let may_be_lost = if reopened && failed { &line.states[..] } else { &[] };
            fits(line.now()) || may_be_lost.iter().any(fits)
        };
        if self.lines.iter().any(shown) {
            self.lines.retain(shown);
            return Ok(());
        }
        let wanted: Vec<_> = self.lines.iter().map(|line| line.now().view()).collect();
        let when = if reopened { "when it was closed and is opened again" } else { "at the end" };
        Err(Wrong { property: crate::SHOWS, message: differ(when, seen, &wanted) })
    }

    /// The power went, and this is seen now.
    pub(crate) fn recovers(&mut self, seen: &M::View) -> Result<Recovered, Wrong> {
        let mut states = Vec::new();
        for line in &self.lines {
            states.extend(line.states.iter().map(crashed));
            if let Some(op) = &self.under_way {
                let mut next = line.now().clone();
                next.apply(op);
                states.push(crashed(&next));
            }
        }
        self.under_way = None;
        let all = states.len();
        let past = Past { states };
        if self.lost_track {
            return Ok(Recovered::Unknown);
        }
        if !M::allows(&past, seen) {
            let mut wanted: Vec<_> = past.states.iter().map(M::view).collect();
            wanted.dedup();
            let message = differ("after the power cut", seen, &wanted);
            return Err(Wrong { property: crate::SURVIVES, message });
        }
        let mut fits = past.states.into_iter().enumerate().filter(|(_, it)| it.view() == *seen);
        match fits.next() {
            Some((number, state)) => {
                // The newest of several that look alike is as good as any.
                let (number, state) = fits.next_back().unwrap_or((number, state));
                self.lines = vec![Line { states: vec![state] }];
                Ok(Recovered::State { number: number + 1, of: all })
            }
            None => match M::adopt(seen) {
                Some(state) => {
                    self.lines = vec![Line { states: vec![state] }];
                    Ok(Recovered::Adopted)
                }
                None => Ok(Recovered::Unknown),
            },
        }
    }
}

/// Lines that came to the same are one, with the pasts of all.
fn merged<M: Model>(lines: Vec<Line<M>>) -> Vec<Line<M>> {
    let mut kept = Vec::<Line<M>>::with_capacity(lines.len());
    for line in lines {
        match kept.iter_mut().find(|other| other.now().is_same(line.now())) {
            None => kept.push(line),
            Some(other) => {
                for past in line.states {
                    if !other.states.iter().any(|known| known.is_same(&past)) {
                        let now = other.states.len() - 1;
                        other.states.insert(now, past);
                    }
                }
            }
        }
    }
    kept
}

/// What a recovery came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovered {
    /// This one of so many possible states, from 1.
    State { number: usize, of: usize },
    /// Another one, which the model goes on from.
    Adopted,
    /// Nobody can say what the model is now.
    Unknown,
}

fn crashed<M: Model>(state: &M) -> M {
    let mut state = state.clone();
    state.crash();
    state
}

/// As much of a value as anybody reads.
fn short(value: &impl Debug) -> String {
    const LONGEST: usize = 600;
    let text = format!("{value:?}");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text,
    }
}

fn differ<V: Debug>(when: &str, seen: &V, wanted: &[V]) -> String {
    const MOST: usize = 8;
    let mut text = format!("{when} it shows {}", short(seen));
    match wanted {
        [only] => text.push_str(&format!(", and should show {}", short(only))),
        several => {
            text.push_str(", and should show one of\n");
            let first = several.len().saturating_sub(MOST);
            if first > 0 {
                text.push_str(&format!("  ({first} older ones)\n"));
            }
            let lines: Vec<_> =
                several[first..].iter().map(|it| format!("  {}", short(it))).collect();
            text.push_str(&lines.join("\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number; `ALIKE` says whether models know when they are the same.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Number<const ALIKE: bool>(u8);

    impl<const ALIKE: bool> Model for Number<ALIKE> {
        type Op = u8;
        type Reply = ();
        type View = u8;

        fn apply(&mut self, op: &u8) {
            self.0 = *op;
        }

        fn view(&self) -> u8 {
            self.0
        }

        fn is_same(&self, other: &Self) -> bool {
            ALIKE && self == other
        }
    }

    fn after_failures<const ALIKE: bool>(count: u8) -> (Ledger<Number<ALIKE>>, Option<u8>) {
        let mut ledger = Ledger::new();
        let mut lost = None;
        for n in 0..count {
            let op = n % 4;
            ledger.begin(&op);
            if ledger.fail(&op, true) {
                assert_eq!(lost, None, "it is said once");
                lost = Some(n + 1);
            }
        }
        (ledger, lost)
    }

    #[test]
    fn after_many_failures_it_is_known_what_cannot_be() {
        let (mut ledger, lost) = after_failures::<true>(100);
        assert_eq!(lost, None);
        assert!(ledger.clone().recovers(&3).is_ok());
        let wrong = ledger.clone().recovers(&4).expect_err("nobody has set it to 4");
        assert_eq!(wrong.property, crate::SURVIVES);
        assert!(ledger.sees(&4, false, true).is_err());
        ledger.begin(&2);
        assert!(ledger.acknowledge(&2, &()).is_ok());
        assert!(ledger.recovers(&1).is_err(), "what was acknowledged is durable");
    }

    /// A number that is durable where it changes.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Written(u8);

    impl Model for Written {
        type Op = u8;
        type Reply = ();
        type View = u8;

        fn apply(&mut self, op: &u8) {
            self.0 = *op;
        }

        fn view(&self) -> u8 {
            self.0
        }

        fn is_durable(&self, op: &u8) -> bool {
            self.0 != *op
        }
    }

    /// What failed was done or not; to be told so again writes nothing where it was done.
    #[test]
    fn what_writes_nothing_settles_nothing() {
        let mut ledger = Ledger::<Written>::new();
        for (op, failed) in [(1, false), (2, true), (2, false)] {
            ledger.begin(&op);
            if failed {
                assert!(!ledger.fail(&op, true));
            } else {
                ledger.acknowledge(&op, &()).expect("it answers nothing");
            }
        }
        assert!(ledger.clone().recovers(&1).is_ok(), "2 may be lost, as its write failed");
        assert!(ledger.clone().recovers(&2).is_ok());
        assert!(ledger.clone().recovers(&0).is_err(), "1 is durable");
        ledger.begin(&3);
        ledger.acknowledge(&3, &()).expect("it answers nothing");
        assert!(ledger.recovers(&2).is_err(), "3 is written whatever came before");
    }

    #[test]
    fn models_that_nobody_can_compare_are_given_up() {
        let (mut ledger, lost) = after_failures::<false>(100);
        assert_eq!(lost, Some(9));
        assert!(matches!(ledger.recovers(&4), Ok(Recovered::Unknown)), "nothing proves anything");
        let (mut ledger, lost) = after_failures::<false>(8);
        assert_eq!(lost, None);
        assert!(ledger.recovers(&4).is_err());
    }
}
