//! The famous cases, one by one.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::super::{FileCx, FileSystem, Inode, Place, Resolved};
use super::contract;
use super::script::{Machine, explore, render};
use crate::{Calm, Choices, Key, Point, PointKind};

/// After `first` everything is durable; then comes `then`, and the power goes. What can be found,
/// sorted.
fn check(name: &str, [first, then]: [&str; 2], expected: &[&str]) {
    let mut machine = Machine::new(contract(name));
    machine.run_all(first);
    machine.files.sync();
    machine.run_all(then);
    machine.power_cut();
    let (found, _) = explore(|cx| render(&machine.clone().tree(cx)));
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, expected, "{name}: {first}; {then}");
}

#[test]
fn a_synced_file_may_lose_its_name_unless_a_journal_holds_both() {
    let script = ["", "create a; write a 0 AAAA; fsync a"];
    check("posix_strict", script, &["", "a=AAAA"]);
    check("xfs", script, &["a=AAAA"]);
    check("ext4_ordered", script, &["a=AAAA"]);
    check("journaled_data", script, &["a=AAAA"]);
    let with_directory = ["", "create a; write a 0 AAAA; fsync a; fsyncdir /"];
    check("posix_strict", with_directory, &["a=AAAA"]);
}

#[test]
fn a_journal_makes_earlier_names_durable_too() {
    let script = ["", "create a; create b; create c; fsync b"];
    check("xfs", script, &["a= b=", "a= b= c="]);
    check("ext4_ordered", script, &["a= b=", "a= b= c="]);
    check("journaled_data", script, &["a= b= c="]);
    check("posix_strict", script, &["", "a=", "a= b=", "a= b= c=", "a= c=", "b=", "b= c=", "c="]);
}

#[test]
fn a_sync_that_changes_nothing_commits_nothing() {
    let script = ["create a", "create b; fsync a"];
    check("ext4_ordered", script, &["a=", "a= b="]);
    check("xfs", script, &["a=", "a= b="]);
    // Its length enters the journal now, after everything that is in it.
    let grown = ["create a", "create b; write a 0 A; fsync a"];
    check("ext4_ordered", grown, &["a=A b="]);
    check("xfs", grown, &["a=A b="]);
    check("posix_strict", grown, &["a=A", "a=A b="]);
}

#[test]
fn replacing_without_a_sync_may_leave_an_empty_file_where_nothing_flushes() {
    let script = ["create a; write a 0 old!", "create t; write t 0 new!; rename t a"];
    check("ext4_ordered", script, &["a=new!", "a=old!", "a=old! t=", "a=old! t=new!"]);
    check("xfs", script, &["a=", "a=new!", "a=old!", "a=old! t=", "a=old! t=new!"]);
    check("journaled_data", script, &["a=new!", "a=old!", "a=old! t=", "a=old! t=new!"]);
    // Lengths without data: zeroes, shown as dots.
    let found = ["a=", "a=....", "a=new!", "a=old!", "a=old! t=", "a=old! t=....", "a=old! t=new!"];
    check("posix_strict", script, &found);
}

#[test]
fn only_a_rename_that_replaces_something_flushes() {
    let script = ["", "create t; write t 0 new!; rename t a"];
    check("ext4_ordered", script, &["", "a=", "a=new!", "t=", "t=new!"]);
}

#[test]
fn a_rename_is_lost_or_kept_whole() {
    let script = ["create a; write a 0 A; create b; write b 0 B", "rename a b"];
    for name in ["posix_strict", "xfs", "ext4_ordered", "journaled_data"] {
        check(name, script, &["a=A b=B", "b=A"]);
    }
    let between = ["mkdir d; mkdir e; create d/a", "rename d/a e/a"];
    check("posix_strict", between, &["d/ d/a= e/", "d/ e/ e/a="]);
    // Syncing either directory makes it durable in both.
    for directory in ["d", "e"] {
        let synced = "rename d/a e/a; fsyncdir ".to_string() + directory;
        check("posix_strict", [between[0], &synced], &["d/ e/ e/a="]);
    }
}

#[test]
fn an_append_is_torn_between_data_and_length() {
    let script = ["create a; write a 0 AA", "write a 2 BBbbbb"];
    let grown = ["a=AA", "a=AABB", "a=AABBbbbb"];
    check("ext4_ordered", script, &grown);
    check("xfs", script, &grown);
    check("journaled_data", script, &grown);
    // The length may survive alone, and data under a length that did not is not seen.
    let loose =
        ["a=AA", "a=AA..", "a=AA......", "a=AA..bbbb", "a=AABB", "a=AABB....", "a=AABBbbbb"];
    check("posix_strict", script, &loose);
}

#[test]
fn deleting_a_journal_is_not_durable_before_its_directory_is_synced() {
    let commit = "write db 0 NEW!; fsync db; unlink journal";
    let before = "create db; write db 0 old!; create journal; write journal 0 old!";
    let open = ["db=NEW!", "db=NEW! journal=old!"];
    for name in ["posix_strict", "xfs", "ext4_ordered"] {
        check(name, [before, commit], &open);
        let synced = commit.to_string() + "; fsyncdir /";
        check(name, [before, &synced], &["db=NEW!"]);
    }
}

#[test]
fn a_length_that_was_set_can_be_lost_while_a_later_write_survives() {
    let script = ["create a; write a 0 AAAAAAAA", "len a 4; write a 0 BBBB"];
    let loose = ["a=AAAA", "a=AAAAAAAA", "a=BBBB", "a=BBBBAAAA"];
    // And the reverse: the bytes are gone, the length is not.
    let found = [loose[0], "a=AAAA....", loose[1], loose[2], "a=BBBB....", loose[3]];
    check("posix_strict", script, &found);
    check("xfs", script, &loose);
    check("ext4_ordered", script, &loose);
    check("journaled_data", script, &["a=AAAA", "a=AAAAAAAA", "a=BBBB"]);
}

#[test]
fn truncating_and_writing_anew_may_leave_nothing() {
    let script = ["create a; write a 0 old!", "len a 0; write a 0 new!"];
    check("ext4_ordered", script, &["a=", "a=new!", "a=old!"]);
    // Closing flushes, which is in order with what comes later.
    let closed =
        ["create a; write a 0 old!", "len a 0; write a 0 new!; close a; create b; fsync b"];
    check("ext4_ordered", closed, &["a=new! b="]);
    check("xfs", closed, &["a= b=", "a=new! b="]);
}

#[test]
fn data_without_a_name_is_not_found() {
    let script = ["", "create a; write a 0 AAAA; fdatasync a; unlink a; create b; fsyncdir /"];
    check("posix_strict", script, &["b="]);
    // It was synced, its directory never: nothing leads to it.
    check("posix_strict", ["mkdir d", "create d/a; write d/a 0 A; fsync d/a"], &["d/", "d/ d/a=A"]);
}

#[test]
fn an_unlinked_file_is_read_until_it_is_closed() {
    let mut machine = Machine::new(contract("posix_strict"));
    let cx = &mut FileCx { choices: &mut Calm, witness: &mut |_| {} };
    let old = machine.files.create("a", true, cx).unwrap();
    machine.files.write_at(old, 0, b"AAAA", cx).unwrap();
    machine.files.unlink("a", cx).unwrap();
    assert_ne!(machine.files.create("a", true, cx), Ok(old));
    let mut bytes = [0; 4];
    assert_eq!(machine.files.read_at(old, 0, &mut bytes, cx), Ok(4));
    assert_eq!(&bytes, b"AAAA");
}

#[test]
fn sectors_tear_a_page_where_the_contract_says_so() {
    let found = |unit| {
        let mut machine = Machine::new(contract("posix_strict").with_unit(unit));
        machine.run_all("create a; write a 0 AAAA; sync; write a 0 BBBB");
        machine.power_cut();
        explore(|cx| machine.clone().read("a", cx)).0.len()
    };
    assert_eq!([found(4), found(2), found(1)], [2, 4, 16]);
}

/// Writes down what is asked; answers as `newest` says.
struct Asked {
    newest: bool,
    questions: Vec<(Key, u64)>,
}

impl Choices for Asked {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        assert_eq!(point.kind, PointKind::CrashSector);
        self.questions.push((point.key, n));
        if self.newest { 0 } else { n - 1 }
    }

    fn pick(&mut self, _: Point, _: &[Key]) -> usize {
        unreachable!("files are asked for amounts")
    }
}

#[test]
fn what_recovery_does_not_look_at_is_not_asked() {
    let mut machine = Machine::new(contract("posix_strict"));
    machine.run_all("create a; create b; write a 0 AAAAAAAAAAAA; write b 0 B; fsyncdir /");
    machine.power_cut();
    let (mut told, mut asked) = (Vec::new(), Asked { newest: true, questions: vec![] });
    let witness = &mut |resolved: Resolved| told.push(resolved);
    let cx = &mut FileCx { choices: &mut asked, witness };
    let a = machine.files.open("a", cx).expect("its name is durable");
    let mut bytes = [0; 2];
    assert_eq!(machine.files.read_at(a, 5, &mut bytes, cx), Ok(2));
    // Overwritten whole, so nobody needs to know.
    machine.files.write_at(a, 0, b"CCCC", cx).unwrap();
    let inode = Inode(1);
    let resolved = |place, candidates| Resolved { place, candidates, chosen: 0 };
    assert_eq!(
        told,
        [
            resolved(Place::Length { inode, len: 12 }, 4),
            resolved(Place::Data { inode, at: 4, len: 4, below: false }, 2),
        ]
    );
    assert_eq!(asked.questions.len(), 2);
    let left = machine.files.unresolved();
    assert_eq!((left.entries, left.lengths), (0, 1));
}

#[test]
fn zero_is_everything_survived_and_the_last_that_nothing_did() {
    let script = "create a; write a 0 AAAA; sync; len a 2; write a 2 BBBBBB; create b";
    for name in ["posix_strict", "xfs", "ext4_ordered", "journaled_data"] {
        for (newest, expected) in [(true, "a=AABBBBBB b="), (false, "a=AAAA")] {
            let mut machine = Machine::new(contract(name));
            machine.run_all(script);
            machine.power_cut();
            let choices = &mut Asked { newest, questions: vec![] };
            let cx = &mut FileCx { choices, witness: &mut |_| {} };
            assert_eq!(render(&machine.tree(cx)), expected, "{name}");
        }
    }
}

#[test]
fn what_came_and_went_has_its_newest_state_first() {
    let mut machine = Machine::new(contract("posix_strict"));
    machine.run_all("create t; unlink t");
    machine.power_cut();
    for (newest, expected) in [(true, ""), (false, "t=")] {
        let choices = &mut Asked { newest, questions: vec![] };
        let cx = &mut FileCx { choices, witness: &mut |_| {} };
        // That it is gone and that it never came look alike, and are one answer: the first.
        assert_eq!(render(&machine.clone().tree(cx)), expected);
    }
}

#[test]
fn questions_are_about_names_and_not_about_numbers() {
    let keys = |before: &str| {
        let mut machine = Machine::new(contract("posix_strict"));
        machine.run_all(before);
        machine.files.sync();
        machine.run_all("mkdir d; create d/a; write d/a 0 AAAA");
        machine.power_cut();
        let mut asked = Asked { newest: true, questions: vec![] };
        let cx = &mut FileCx { choices: &mut asked, witness: &mut |_| {} };
        machine.read("d/a", cx);
        asked.questions
    };
    assert_eq!(keys("").len(), 4, "two names, a length, a unit");
    assert_eq!(keys(""), keys("create b; create c; mkdir e"));
}

#[test]
fn what_recovery_syncs_survives_the_next_cut() {
    let mut machine = Machine::new(contract("posix_strict"));
    machine.run_all("create a; write a 0 AAAABBBB; fsyncdir /");
    machine.power_cut();
    let (found, _) = explore(|cx| {
        let mut machine = machine.clone();
        let a = machine.files.open("a", cx).unwrap();
        machine.files.set_len(a, 8, cx).unwrap();
        machine.files.write_at(a, 0, b"CCCC", cx).unwrap();
        machine.files.sync_data(a).unwrap();
        machine.power_cut();
        render(&machine.tree(cx))
    });
    // What was not looked at was durable or it was not, and that is still so.
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["a=CCCC....", "a=CCCCBBBB"]);
}

#[test]
fn a_copy_goes_its_own_way() {
    let mut machine = Machine::new(contract("posix_strict"));
    machine.run_all("create a; write a 0 AAAA; sync");
    let mut copy = machine.clone();
    copy.run_all("write a 0 BBBB; create b");
    let cx = &mut FileCx { choices: &mut Calm, witness: &mut |_| {} };
    assert_eq!(render(&machine.tree(cx)), "a=AAAA");
    assert_eq!(render(&copy.tree(cx)), "a=BBBB b=");
}

#[test]
fn files_that_nothing_leads_to_are_forgotten() {
    let cx = &mut FileCx { choices: &mut Calm, witness: &mut |_| {} };
    let mut files = FileSystem::new("test", contract("ext4_ordered"));
    for _ in 0..1000 {
        let file = files.create("temporary", true, cx).unwrap();
        files.write_at(file, 0, b"bytes", cx).unwrap();
        files.close(file).unwrap();
        files.unlink("temporary", cx).unwrap();
        files.sync_dir("/", cx).unwrap();
    }
    assert!(files.objects.len() < 100, "{} objects", files.objects.len());
}

#[test]
fn one_cut_after_another_leaves_nothing_behind() {
    let cx = &mut FileCx { choices: &mut Calm, witness: &mut |_| {} };
    for name in ["posix_strict", "xfs"] {
        let mut machine = Machine::new(contract(name));
        for _ in 0..100 {
            machine.run_all("create a; write a 0 AAAAAAAA; rename a b; create t; unlink t");
            machine.power_cut();
            machine.tree(cx);
        }
        assert!(machine.files.cuts.len() < 3, "{}", machine.files.cuts.len());
    }
}
