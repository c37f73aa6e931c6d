//! Code that ends its process is a finding.

use headcrash::io::{BlockDevice, Sector};
use headcrash::{Disk, World, simulate, tasks};

#[test]
fn code_that_ends_its_process_is_found() {
    let report = simulate(|_: &World| {
        if tasks::choose_blocking(400) == 7 {
            std::process::abort();
        }
    })
    .seeds(0..2_000)
    .in_processes()
    .try_run()
    .expect_err("one in 400 runs ends its process");
    assert_eq!(report.outcome, "the process was ended");
    let last = report.text.lines().last().unwrap_or_default();
    assert!(last.contains(&format!("HEADCRASH_SEEDS={}..", report.seed)), "{report}");
    assert!(last.contains("code_that_ends_its_process_is_found"), "{report}");
}

#[test]
fn code_that_fails_in_another_process_is_made_small_in_this_one() {
    let report = simulate(|world: &World| {
        let disk = world.disk("d0");
        if world.power_ons() == 0 {
            disk.write(Sector(0), &[7; 512]).expect("it is written");
            world.remember("acknowledged", true);
        } else if world.recall("acknowledged") == Some(true) {
            let mut bytes = [0; 512];
            disk.read(Sector(0), &mut bytes).expect("it can be read");
            assert_eq!(bytes[0], 7);
        }
    })
    .disk("d0", Disk::new(65_536).volatile_cache())
    .power_cuts(1)
    .in_processes()
    .try_run()
    .expect_err("a write is lost");
    assert_eq!(report.outcome, r#"violated("no panic")"#, "{report}");
    assert!(report.text.contains("HEADCRASH_REPLAY="), "{report}");
}

#[test]
fn what_holds_is_counted_over_all_processes() {
    let campaign = simulate(|_: &World| _ = tasks::choose_blocking(2));
    let campaign = campaign.seeds(0..700).in_processes().try_run();
    assert_eq!(campaign.map(|it| it.runs).ok(), Some(700));
}
