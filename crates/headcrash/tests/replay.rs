//! Whatever fails prints, last, the command that makes it fail again: that command is run here.

use std::process::Command;

use headcrash::io::{BlockDevice, Sector};
use headcrash::{Check, Disk, World, simulate};

/// Whether this process was started by another test, to fail.
fn is_alone() -> bool {
    std::env::var_os("HEADCRASH_TEST_ALONE").is_some()
}

fn careless() -> Check {
    simulate(|world: &World| {
        let disk = world.disk("d0");
        if world.power_ons() == 0 {
            disk.write(Sector(0), &[7; 512]).expect("it is written");
            world.remember("acknowledged", true);
        } else if world.recall("acknowledged") == Some(true) {
            let mut bytes = [0; 512];
            disk.read(Sector(0), &mut bytes).expect("it can be read");
            assert_eq!(bytes[0], 7, "it was acknowledged");
        }
    })
    .disk("d0", Disk::new(65_536).volatile_cache())
    .power_cuts(1)
}

#[test]
fn loses_a_write() {
    if is_alone() {
        careless().run();
    }
}

#[test]
fn loses_a_write_with_some_bytes() {
    if is_alone() {
        // Any bytes will do, if they are not all alike: xorshift.
        let mut state = 0x9e37_79b9_u32;
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as u8
        };
        (0..256).for_each(|_| careless().fuzz(&std::array::from_fn::<_, 64, _>(|_| byte())));
    }
}

#[test]
fn the_printed_command_repeats_the_failure() {
    repeats("loses_a_write", "found with seed ");
}

#[test]
fn so_does_that_of_a_fuzz_target() {
    repeats("loses_a_write_with_some_bytes", "found with a fuzzer's input; ");
}

fn repeats(test: &str, found: &str) {
    let folder = std::env::temp_dir().join(format!("headcrash-{test}-{}", std::process::id()));
    let program = std::env::current_exe().expect("this program has a path");
    let run = |replay: Option<&str>| {
        let mut command = Command::new(&program);
        command.args([test, "--exact"]).env("HEADCRASH_TEST_ALONE", "1");
        command.env("HEADCRASH_FAILURES", &folder).env("RUST_BACKTRACE", "0");
        if let Some(replay) = replay {
            command.env("HEADCRASH_REPLAY", replay);
        }
        let output = command.output().expect("it can be started");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = run(None);
    assert!(said.contains("it was acknowledged"), "{said}");
    assert!(said.contains(found), "{said}");
    let command =
        said.lines().find(|line| line.contains("HEADCRASH_REPLAY=")).expect("the way back");
    let words: Vec<_> = command.split_whitespace().collect();
    let (variable, rest) = words.split_first().expect("there are words");
    let (cargo, package) = (&rest[..2], std::env::var("CARGO_PKG_NAME").unwrap_or_default());
    assert_eq!(cargo, ["cargo", "test"]);
    assert_eq!(&rest[2..4], ["-p", &*package]);
    assert_eq!(&rest[4..], ["--test", "replay", test, "--", "--exact"]);
    let file = variable.strip_prefix("HEADCRASH_REPLAY=").expect("it names a file");
    let again = run(Some(file));
    assert!(again.contains("replayed: violated"), "{again}");
    assert!(again.contains("it was acknowledged"), "{again}");
    // A failure of another test is none of this one.
    let other = folder.join("other.failure.ron");
    let text = std::fs::read_to_string(file).expect("it was written");
    std::fs::write(&other, text.replace(&format!("{test}.ron"), "another.ron")).expect("a file");
    let other = run(Some(&other.display().to_string()));
    assert!(other.contains("it is of another test"), "{other}");
    _ = std::fs::remove_dir_all(folder);
}
