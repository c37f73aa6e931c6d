//! Code that does not come back ends its process, and says who it was: each case is a test that
//! does so only where another test has started it, in a process of its own.

use std::process::Command;
use std::sync::{Arc, Mutex};

use headcrash::io::BlockDevice;
use headcrash::{World, simulate, tasks};

/// What a process that runs only this test says, and how it ends.
fn run_alone(test: &str, seconds: &str) -> (Option<i32>, String) {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args([test, "--exact"])
        .env("HEADCRASH_TEST_ALONE", "1")
        .env("HEADCRASH_WATCHDOG", seconds)
        .env("HEADCRASH_MEMORY", "600")
        .output()
        .expect("it can be started");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Whether this process was started by another test, to fail.
fn is_alone() -> bool {
    std::env::var_os("HEADCRASH_TEST_ALONE").is_some()
}

#[test]
fn hangs_in_a_loop() {
    if !is_alone() {
        return;
    }
    simulate(|_: &World| {
        let spins = tasks::spawn_blocking("spins", || {
            loop {
                std::hint::spin_loop();
            }
        });
        spins.join();
    })
    .run();
}

#[test]
fn hangs_in_a_lock() {
    if !is_alone() {
        return;
    }
    simulate(|world: &World| {
        let shared = Arc::new(Mutex::new(()));
        let clients: Vec<_> = ["first", "second"]
            .into_iter()
            .map(|name| {
                let (shared, disk) = (Arc::clone(&shared), world.disk("d0"));
                tasks::spawn_blocking(name, move || {
                    let _held = shared.lock();
                    disk.flush()
                })
            })
            .collect();
        clients.into_iter().for_each(|client| drop(client.join()));
    })
    .run();
}

#[test]
fn takes_all_memory() {
    if !is_alone() {
        return;
    }
    simulate(|_: &World| {
        let mut all = Vec::new();
        loop {
            all.push(vec![1_u8; 1 << 20]);
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    })
    .run();
}

#[test]
fn a_loop_without_io_is_ended() {
    let (code, said) = run_alone("hangs_in_a_loop", "1");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("client `spins` does not come back"), "{said}");
    assert!(said.contains("with seed 0"), "{said}");
    assert!(
        said.contains("its world last saw it at crates/headcrash/tests/watchdog.rs:"),
        "{said}"
    );
    let last = said.trim_end().lines().last().unwrap_or_default();
    assert!(last.contains("cargo test"), "the way back comes last: {said}");
    assert!(last.contains("hangs_in_a_loop"), "{said}");
}

#[test]
fn a_lock_of_std_held_across_io_is_ended() {
    let (code, said) = run_alone("hangs_in_a_lock", "1");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("a lock of `std`"), "{said}");
    assert!(said.contains("`second`") || said.contains("`first`"), "{said}");
}

#[test]
fn memory_taken_without_end_is_ended() {
    let (code, said) = run_alone("takes_all_memory", "60");
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("client `main` does not come back"), "{said}");
    assert!(said.contains("600 MiB"), "{said}");
}
