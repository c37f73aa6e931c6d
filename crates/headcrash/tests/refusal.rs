//! Code that notices what a power cut has done, and refuses.

use headcrash::io::{BlockDevice, Sector};
use headcrash::{Check, Disk, Fallible, Model, SimDisk, Storage, Subject, check};

/// Two sectors that should be alike; written together, and never flushed.
struct Twins(SimDisk);

#[derive(Clone, Default)]
struct Plain(u8);

impl Model for Plain {
    type Op = u8;
    type Reply = ();
    type View = u8;

    fn apply(&mut self, op: &u8) {
        self.0 = *op;
    }

    fn view(&self) -> u8 {
        self.0
    }

    fn is_durable(&self, _: &u8) -> bool {
        false
    }
}

impl Subject for Twins {
    type Model = Plain;
    const NAME: &'static str = "twins";

    fn open(storage: &Storage) -> Fallible<Self> {
        let twins = Self(storage.disk("d0"));
        twins.look()?;
        Ok(twins)
    }

    fn apply(&mut self, op: &u8) -> Fallible<()> {
        Ok(self.0.write(Sector(0), &[*op; 1024])?)
    }

    fn show(&mut self) -> Fallible<u8> {
        self.look()
    }
}

impl Twins {
    fn look(&self) -> Fallible<u8> {
        let mut sectors = [0; 1024];
        self.0.read(Sector(0), &mut sectors)?;
        if sectors[..512] != sectors[512..] {
            return Err("the twins differ".into());
        }
        Ok(sectors[0])
    }
}

/// A sector with a mark before it, which says that it is being written; an error leaves the mark.
struct Marked(SimDisk);

impl Subject for Marked {
    type Model = Plain;
    const NAME: &'static str = "marked";

    fn open(storage: &Storage) -> Fallible<Self> {
        let mut mark = [0; 512];
        let disk = storage.disk("d0");
        disk.read(Sector(0), &mut mark)?;
        if mark[0] != 0 {
            return Err("somebody was in it".into());
        }
        Ok(Self(disk))
    }

    fn apply(&mut self, op: &u8) -> Fallible<()> {
        self.0.write(Sector(0), &[1; 512])?;
        self.0.write(Sector(1), &[*op; 512])?;
        Ok(self.0.write(Sector(0), &[0; 512])?)
    }

    fn show(&mut self) -> Fallible<u8> {
        let mut sector = [0; 512];
        self.0.read(Sector(1), &mut sector)?;
        Ok(sector[0])
    }
}

fn twins() -> Check {
    check::<Twins>().disk("d0", Disk::new(65_536).volatile_cache()).power_cuts(1).operations(1)
}

#[test]
fn who_cannot_be_opened_after_a_cut_refuses() {
    let report = twins().try_run().expect_err("one of the twins is lost");
    assert_eq!(report.outcome, "refused");
    assert!(report.text.contains("the twins differ"), "{report}");
}

#[test]
fn who_may_refuse_holds() {
    let may = twins().with("power_cut", "(at: random, may_refuse: true)");
    may.try_run().unwrap_or_else(|report| panic!("{report}"));
}

#[test]
fn code_is_not_cut_off_with_skew_everywhere() {
    let skew = r#"(at: everywhere, skew: [(dies_first: "d0", then: "d1", after_ns: 1_000)])"#;
    let check = twins().disk("d1", Disk::new(65_536)).with("power_cut", skew);
    let check = check.with("search", "crash_states()");
    let tried = std::panic::AssertUnwindSafe(|| check.try_run().map(drop));
    let said = std::panic::catch_unwind(tried).expect_err("it is refused");
    let said = said.downcast_ref::<String>().expect("a text");
    assert!(said.contains("with a subject, the power goes everywhere at once"), "{said}");
}

#[test]
fn who_cannot_be_opened_again_after_an_error_that_is_over_is_wrong() {
    let check = check::<Marked>().disk("d0", Disk::new(65_536)).io_errors(20).operations(3);
    check.clone().seeds(0..1).try_run().unwrap_or_else(|report| panic!("{report}"));
    let report = check.try_run().expect_err("the mark is left");
    let said = "it cannot be opened again at the end, and no disk has failed meanwhile: somebody was \
                in it";
    assert!(report.text.contains(said), "{report}");
    assert_eq!(report.operations, 1);
}

#[test]
fn who_is_kept_from_opening_by_a_disk_is_tried_again() {
    let fails = r#"(event: "read_aio", action: inject_error(errno: "EIO", once: true))"#;
    let check = check::<Marked>().disk("d0", Disk::new(65_536)).rule(fails).operations(1);
    let trace = check.trace(0);
    assert!(trace.contains("cannot be opened: "), "{trace}");
    assert!(trace.contains("held"), "{trace}");
    assert_eq!(trace.matches(" write d0").count(), 3, "and then it does what it is to do\n{trace}");
}

#[test]
fn runs_that_test_nothing_are_no_success() {
    let fails = r#"(event: "read_aio", action: inject_error(errno: "EIO"))"#;
    let check = check::<Marked>().disk("d0", Disk::new(65_536)).rule(fails).seeds(0..3);
    let report = check.try_run().expect_err("it is never opened");
    assert_eq!(report.outcome, "vacuous");
    assert!(report.text.contains("nothing was tested: in none of 3 runs"), "{report}");
    assert_eq!(report.text.matches("cannot be opened: ").count(), 3, "{report}");
    assert!(
        report.text.contains("repeat with\n  cargo test -p headcrash --test refusal"),
        "{report}"
    );
}

#[test]
fn who_complains_of_what_was_read_wrong_is_right() {
    let check = check::<Twins>().disk("d0", Disk::new(65_536)).operations(3).seeds(0..30);
    let wrong = "(name: \"wrong\", action: corrupt_read(bits: 1), on: [read], chance: (1, 3))";
    let check = check.rule(wrong);
    let traces: Vec<_> = (0..30).map(|seed| check.trace(seed)).collect();
    assert!(traces.iter().any(|trace| trace.contains("cannot be read: the twins differ")));
    check.run();
}
