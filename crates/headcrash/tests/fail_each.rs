//! Each access fails once, one run after the other.

use headcrash::io::{BlockDevice, Directory, File, Sector};
use headcrash::{FileSystem, World, simulate};

fn writes_twice(is_careless: bool) -> impl Fn(&World) + Send + Sync + 'static {
    move |world: &World| {
        let disk = world.disk("d0");
        if disk.write(Sector(0), &[1; 512]).is_err() {
            return;
        }
        // The third access of all.
        let done = disk.flush().and_then(|()| disk.write(Sector(1), &[2; 512]));
        let mut second = [0; 512];
        if (is_careless || done.is_ok()) && disk.read(Sector(1), &mut second).is_ok() {
            assert_eq!(second[0], 2, "what was written is there");
        }
    }
}

#[test]
fn each_access_fails_in_a_run_of_its_own() {
    let campaign = simulate(writes_twice(false)).fail_each(100).seeds(0..1).try_run();
    // None, or one of four.
    assert_eq!(campaign.expect("it holds").runs, 5);
}

#[test]
fn the_one_that_matters_is_found() {
    let found = simulate(writes_twice(true)).fail_each(100).seeds(0..1).try_run();
    let found = found.expect_err("nobody looks at the second write's error");
    assert!(found.text.contains("what was written is there"), "{}", found.text);
}

#[test]
fn operations_on_files_fail_as_well() {
    let code = |world: &World| {
        let files = world.files("fs");
        let Ok(file) = files.create("a") else { return };
        if file.write_all_at(b"abc", 0).is_ok() && file.sync_all().is_ok() {
            files.sync_dir("").expect("a directory can always be synced");
        }
    };
    let check = simulate(code).file_system("fs", FileSystem::posix_strict());
    let found = check.fail_each(100).seeds(0..1).try_run();
    let found = found.expect_err("a sync of the directory fails too");
    assert!(found.text.contains("sync_dir"), "{}", found.text);
}

#[test]
fn errors_by_chance_come_to_files_as_well() {
    let code = |world: &World| {
        let files = world.files("fs");
        let Ok(file) = files.create("a") else { return };
        if file.write_all_at(b"abc", 0).is_ok() {
            file.sync_all().expect("a sync never fails");
        }
    };
    let check = simulate(code).file_system("fs", FileSystem::posix_strict());
    check.clone().seeds(0..50).run();
    let found = check.io_errors(3).seeds(0..50).try_run().expect_err("now it does");
    assert!(found.text.contains("a sync never fails"), "{}", found.text);
}
