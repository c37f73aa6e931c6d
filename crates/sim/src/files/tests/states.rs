//! Lazy choices visit exactly the states that a contract allows.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::super::{Commits, FileContract, FileCx, Journal, MetadataOrder};
use super::brute::{Brute, Rules};
use super::contract;
use super::script::{Machine, Tree, explore, parse, render};
use super::state::State;
use crate::Calm;

/// The same contracts in the words of either side: those with a name, and then others that their
/// parameters allow.
fn contracts() -> [(&'static str, FileContract, Rules); 8] {
    let posix = Rules::default();
    let xfs = Rules { journal: true, length_after_data: true, ..posix };
    let ext4 = Rules { flushes: true, ..xfs };
    let journaled = Rules { journals_data: true, commits_all: true, ..xfs };
    let any = |covers| MetadataOrder::Any { fsync_covers_entry: covers };
    let ordered = |commits| {
        MetadataOrder::Journal(Journal { commits, replace_flushes: true, holds_data: false })
    };
    let of = |metadata, length_after_data| FileContract { metadata, length_after_data, unit: 4 };
    [
        ("posix_strict", contract("posix_strict"), posix),
        ("xfs", contract("xfs"), xfs),
        ("ext4_ordered", contract("ext4_ordered"), ext4),
        ("journaled_data", contract("journaled_data"), journaled),
        ("covers", of(any(true), false), Rules { fsync_covers_entry: true, ..posix }),
        ("careful", of(any(false), true), Rules { length_after_data: true, ..posix }),
        (
            "writeback",
            of(ordered(Commits::UpToFile), false),
            Rules { length_after_data: false, ..ext4 },
        ),
        ("whole", of(ordered(Commits::Everything), true), Rules { commits_all: true, ..ext4 }),
    ]
}

fn agree(found: &BTreeSet<Tree>, expected: &BTreeSet<Tree>, after: &str) {
    let made_up: Vec<String> = found.difference(expected).map(render).collect();
    let missed: Vec<String> = expected.difference(found).map(render).collect();
    let is_same = made_up.is_empty() && missed.is_empty();
    assert!(is_same, "{after}\nmade up: {made_up:#?}\nmissed: {missed:#?}");
}

/// Finds the states after a script both ways; how many there are.
fn check((name, contract, rules): (&str, FileContract, Rules), text: &str) -> usize {
    let mut machine = Machine::new(contract);
    let mut brute = Brute::new(rules, State::default());
    let cx = &mut FileCx { choices: &mut Calm, witness: &mut |_| {} };
    for op in parse(text) {
        let succeeded = machine.run(&op, cx);
        assert_eq!(succeeded, brute.run(&op), "{name}: {op:?} of {text}");
    }
    let expected: BTreeSet<Tree> = brute.states().iter().map(State::tree).collect();
    machine.power_cut();
    let log2 = machine.files.unresolved().log2;
    let (found, runs) = explore(|cx| machine.clone().tree(cx));
    agree(&found, &expected, &format!("{name}: {text}"));
    assert_eq!(runs, found.len(), "{name}: each state once: {text}");
    assert!(log2 >= 64 || found.len() as u64 <= 1 << log2, "{name}: at most 2^{log2}: {text}");
    runs
}

const SCRIPTS: [&str; 18] = [
    "create a; write a 0 AAAAaaaa; fsync a",
    "create a; write a 0 AAAA; fsync a; fsyncdir /; write a 2 BBBBBB",
    "create a; write a 0 AAAA; sync; create t; write t 0 BBBBb; rename t a",
    "create a; write a 0 AAAA; sync; create t; write t 0 BBBB; fsync t; rename t a; fsyncdir /",
    "create j; write j 0 old; sync; create d; write d 0 DD; fsync d; unlink j; write d 1 E",
    "create a; write a 0 AAAAAAAA; sync; len a 0; write a 0 BB; close a",
    "create a; write a 0 AAAAAAAA; sync; len a 3; write a 6 B; fdatasync a; write a 0 CC",
    "create a; write a 0 AAAAAAAA; sync; len a 3; len a 8; write a 5 x",
    "mkdir d; create d/a; write d/a 0 A; fsyncdir d; rename d e; create d",
    "mkdir d; create d/a; sync; unlink d/a; rmdir d; create d; write d 0 A",
    "create a; sync; rename a b; rename b a; create b; unlink b",
    "create a; create b; sync; rename a c; rename b a; rename c b",
    "create a; write a 0 AA; rename a b; create a; write a 0 BB; fsync a; rename a c",
    "create t; unlink t; create t; write t 0 T; unlink t; create t",
    "mkdir d; create a; write a 0 A; sync; rename a d/a; create a; fsyncdir d; unlink d/a",
    "create a; write a 0 AAAAAAAA; fsync a; len a 4; create b; len a 8; fsync b; write a 4 BB",
    "create a; write a 4 AAAA; len a 6; create b; write b 0 B; fdatasync b; len a 9",
    "create a; create b; write b 0 old; sync; write a 0 AA; rename a b; fsync a; write a 0 BBB",
];

#[test]
fn lazy_choices_visit_exactly_the_legal_states_each_once() {
    for script in SCRIPTS {
        for contract in contracts() {
            check(contract, script);
        }
    }
}

#[test]
fn a_stronger_contract_allows_no_more() {
    for script in SCRIPTS {
        let states = FileContract::NAMED.map(|(_, contract)| {
            let mut machine = Machine::new(contract.with_unit(4));
            machine.run_all(script);
            machine.power_cut();
            explore(|cx| machine.clone().tree(cx)).0
        });
        for pair in states.windows(2) {
            assert!(pair[0].is_superset(&pair[1]), "{script}");
        }
    }
}

/// Numbers that look random and are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn script(&mut self, len: usize) -> String {
        let mut script = String::new();
        for _ in 0..len {
            let paths = ["a", "b", "d", "d/a"];
            let (path, other) = (paths[self.roll(4)], paths[self.roll(4)]);
            let number = self.roll(9);
            let text = &["A", "BB", "CCCC", "DDDDDD"][self.roll(4)];
            script += &match self.roll(16) {
                0..3 => format!("create {path};"),
                3..7 => format!("write {path} {number} {text};"),
                7 => format!("len {path} {number};"),
                8 => format!("len {path} 0;"),
                9 => format!("fsync {path};"),
                10 => format!("fdatasync {path};"),
                11 => format!("fsyncdir {};", ["/", "d"][self.roll(2)]),
                12 => format!("unlink {path};"),
                13 => format!("{} d;", ["mkdir", "rmdir", "sync"][self.roll(3)]),
                14 => format!("close {path};"),
                _ => format!("rename {path} {other};"),
            };
        }
        script
    }
}

#[test]
fn so_they_do_after_anything_else_that_can_be_done() {
    let mut dice = Dice(7);
    let mut states = 0;
    let starts =
        ["", "create a; create b;", "create a; write a 0 oldold; mkdir d; sync; create d/a;"];
    for round in 0..400 {
        let script = starts[round % 3].to_string() + &dice.script(5 + round % 8);
        for contract in contracts() {
            let mut brute = Brute::new(contract.2, State::default());
            parse(&script).iter().for_each(|op| _ = brute.run(op));
            if brute.free() <= 11 {
                states += check(contract, &script);
            }
        }
    }
    assert!(states > 10_000, "the scripts leave something open: {states}");
}

/// Finds the states after several scripts with a power cut after each; how many there are.
fn check_cuts((name, contract, rules): (&str, FileContract, Rules), scripts: &[String]) -> usize {
    let mut states = BTreeSet::from([State::default()]);
    for script in scripts {
        let after = states.into_iter().flat_map(|state| {
            let mut brute = Brute::new(rules, state);
            parse(script).iter().for_each(|op| _ = brute.run(op));
            brute.states()
        });
        states = after.collect();
    }
    let (found, _) = explore(|cx| {
        let mut machine = Machine::new(contract);
        for script in scripts {
            parse(script).iter().for_each(|op| _ = machine.run(op, cx));
            machine.power_cut();
        }
        machine.tree(cx)
    });
    let expected = states.iter().map(State::tree).collect();
    agree(&found, &expected, &format!("{name}: {scripts:#?}"));
    found.len()
}

#[test]
fn after_further_cuts_no_state_is_missed_and_none_is_made_up() {
    let mut dice = Dice(11);
    let mut states = 0;
    let starts =
        ["open a; open b;", "create a; write a 0 XXXX;", "open a; write a 3 new; create b;"];
    for round in 0..60 {
        let first = "create a; write a 0 oldold;".to_string() + &dice.script(2 + round % 4);
        let second = starts[round % 3].to_string() + &dice.script(1 + round % 4);
        let third = "open a; write a 4 NEW; open b;".to_string() + &dice.script(1);
        for contract in contracts() {
            let mut brute = Brute::new(contract.2, State::default());
            parse(&first).iter().for_each(|op| _ = brute.run(op));
            if brute.free() <= 7 {
                states += check_cuts(contract, &[first.clone(), second.clone()]);
            }
            if brute.free() <= 4 {
                states += check_cuts(contract, &[first.clone(), second.clone(), third.clone()]);
            }
        }
    }
    assert!(states > 8_000, "the scripts leave something open: {states}");
}
