//! A subject in every kind of campaign.

mod common;

use common::{Number, Op, Register, read_slot, slot};
use headcrash::io::{AsyncBlockDevice, Sector};
use headcrash::{AsyncSimDisk, AsyncSubject, Disk, Fallible, Storage, check, check_async};

/// The same code, async.
struct AsyncRegister {
    disk: AsyncSimDisk,
    sequence: u64,
    value: u8,
    /// A write has failed: what is on the disk is not known until it is opened again.
    is_broken: bool,
}

impl AsyncSubject for AsyncRegister {
    type Model = Number;
    const NAME: &'static str = "register";

    async fn open(storage: &Storage) -> Fallible<Self> {
        let disk = storage.disk("d0").into_async();
        let mut newest = (0, 0);
        for place in 0..2 {
            let mut bytes = [0; 512];
            disk.read(Sector(place), &mut bytes).await?;
            newest = newest.max(read_slot(&bytes).unwrap_or((0, 0)));
        }
        Ok(Self { disk, sequence: newest.0, value: newest.1, is_broken: false })
    }

    async fn apply(&mut self, op: &Op) -> Fallible<Option<u8>> {
        match op {
            _ if self.is_broken => Err("an earlier write has failed".into()),
            Op::Set(value) => {
                self.sequence += 1;
                self.is_broken = true;
                self.disk.write(Sector(self.sequence % 2), &slot(self.sequence, *value)).await?;
                self.disk.flush().await?;
                (self.value, self.is_broken) = (*value, false);
                Ok(None)
            }
            Op::Get => Ok(Some(self.value)),
        }
    }

    async fn show(&mut self) -> Fallible<u8> {
        if self.is_broken { Err("a write has failed".into()) } else { Ok(self.value) }
    }
}

fn disk() -> Disk {
    Disk::new(65_536).volatile_cache().latency(1_000, 9_000)
}

#[test]
fn a_register_keeps_what_it_acknowledged() {
    let campaign = check::<Register<true>>()
        .disk("d0", disk())
        .power_cuts(2)
        .seeds(0..500)
        .try_run()
        .unwrap_or_else(|report| panic!("{report}"));
    assert!(campaign.runs == 500);
}

#[test]
fn a_register_survives_a_cut_at_every_moment() {
    check::<Register<true>>().disk("d0", disk()).power_cut_everywhere(2_000).seeds(0..5).run();
}

#[test]
fn two_clients_share_a_register() {
    let check = check::<Register<true>>().disk("d0", disk()).clients(&["a", "b"]).operations(6);
    check.power_cuts(1).seeds(0..300).run();
}

#[test]
fn a_register_that_forgets_to_flush_is_found() {
    let report = check::<Register<false>>()
        .disk("d0", disk())
        .power_cuts(1)
        .seeds(0..500)
        .try_run()
        .expect_err("it loses what it acknowledged");
    assert_eq!(report.outcome, r#"violated("what was acknowledged survives")"#);
    assert_eq!(report.operations, 1, "{report}");
    // What the README shows is what is printed.
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("there is a README");
    let (shown, _) = report.text.split_once("\nas a scenario").expect("where it was written");
    assert!(readme.contains(shown.trim_end()), "the README shows another report than\n{shown}");
    let tour = std::fs::read_to_string(root.join("crates/headcrash/tests/tour.rs"));
    let tour = tour.expect("there is a tour");
    assert!(readme.contains(&tour), "the README shows another tour than tests/tour.rs");
}

#[test]
fn threads_change_nothing_about_what_comes_out() {
    let check = check::<Register<true>>().disk("d0", disk()).power_cuts(2).seeds(0..700);
    let alone = check.clone().run();
    assert!(alone.runs >= 700);
    assert_eq!(check.jobs(3).run(), alone);
    let check = check_flushless().seeds(0..500);
    let alone = check.clone().try_run().expect_err("it loses what it acknowledged");
    let several = check.jobs(3).try_run().expect_err("it loses what it acknowledged");
    assert_eq!(several.text, alone.text);
}

#[test]
fn what_is_not_to_be_made_small_is_shown_as_it_was_found() {
    let check = check_flushless().seeds(0..500);
    let found = check.shrink_runs(0).try_run().expect_err("it loses what it acknowledged");
    assert_eq!((found.shrink_runs, found.operations), (0, 20));
    assert!(found.text.contains("; not made small\n"), "{found}");
    assert!(found.text.contains("HEADCRASH_REPLAY="), "{found}");
}

fn check_flushless() -> headcrash::Check {
    check::<Register<false>>().disk("d0", disk()).power_cuts(1)
}

#[test]
fn blocking_and_async_code_give_the_same_trace() {
    let blocking = check::<Register<true>>().disk("d0", disk()).power_cuts(2);
    let futures = check_async::<AsyncRegister>().disk("d0", disk()).power_cuts(2);
    for seed in 0..50 {
        assert_eq!(blocking.trace(seed), futures.trace(seed));
    }
    assert_eq!(
        blocking.seeds(0..200).try_run().ok().map(|it| it.hash),
        futures.seeds(0..200).try_run().ok().map(|it| it.hash)
    );
}
