//! Closures that spawn clients: threads of control, locks, channels, time.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use headcrash::io::{AsyncBlockDevice, BlockDevice, Directory, File, Sector};
use headcrash::sync::{Mutex, channel};
use headcrash::{Disk, FileSystem, World, simulate, tasks, time};

fn disk() -> Disk {
    Disk::new(65_536).volatile_cache().latency(1_000, 9_000)
}

#[test]
fn clients_take_turns_as_the_seed_says() {
    // What happened first, over many seeds: nobody is always the first.
    let mut orders = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let trace = simulate(|world: &World| {
            let (one, two) = (world.disk("d0"), world.disk("d0"));
            let one = tasks::spawn_blocking("one", move || one.write(Sector(0), &[1; 512]));
            let two = tasks::spawn_blocking("two", move || two.write(Sector(1), &[2; 512]));
            one.join().expect("it is written");
            two.join().expect("it is written");
        })
        .disk("d0", disk())
        .trace(seed);
        let first = trace.lines().find(|line| line.contains(" write d0")).map(str::to_owned);
        orders.insert(first.and_then(|line| line.split_whitespace().nth(1).map(str::to_owned)));
    }
    assert_eq!(orders.len(), 2, "{orders:?}");
}

#[test]
fn a_lock_is_held_across_io_and_others_wait() {
    simulate(|world: &World| {
        let shared = Arc::new(Mutex::new(world.disk("d0")));
        let clients: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .map(|name| {
                let shared = Arc::clone(&shared);
                tasks::spawn_blocking(name, move || {
                    let disk = shared.lock();
                    let mut count = [0; 512];
                    disk.read(Sector(0), &mut count).expect("it can be read");
                    count[0] += 1;
                    disk.write(Sector(0), &count).expect("it can be written");
                })
            })
            .collect();
        clients.into_iter().for_each(tasks::JoinHandle::join);
        let mut count = [0; 512];
        world.disk("d0").read(Sector(0), &mut count).expect("it can be read");
        assert_eq!(count[0], 3, "nobody's count is lost");
    })
    .disk("d0", disk())
    .seeds(0..200)
    .run();
}

#[test]
fn without_the_lock_a_count_is_lost_and_the_order_is_found() {
    let report = simulate(|world: &World| {
        let clients: Vec<_> = ["a", "b"]
            .into_iter()
            .map(|name| {
                let disk = world.disk("d0");
                tasks::spawn_blocking(name, move || {
                    let mut count = [0; 512];
                    disk.read(Sector(0), &mut count).expect("it can be read");
                    count[0] += 1;
                    disk.write(Sector(0), &count).expect("it can be written");
                })
            })
            .collect();
        clients.into_iter().for_each(tasks::JoinHandle::join);
        let mut count = [0; 512];
        world.disk("d0").read(Sector(0), &mut count).expect("it can be read");
        assert_eq!(count[0], 2);
    })
    .disk("d0", disk())
    .try_run()
    .expect_err("two clients read the same count");
    assert_eq!(report.outcome, r#"violated("no panic")"#);
    assert!(report.text.contains("free_form.rs"), "where it panicked: {report}");
    assert!(report.text.contains("left: 1"), "{report}");
}

#[test]
fn async_clients_select_time_out_and_pass_values() {
    simulate(|world: &World| {
        let disk = world.disk("d0").into_async();
        let (sender, receiver) = channel(1);
        let writer = tasks::spawn_async("writer", async move {
            for value in 1..=3 {
                disk.write(Sector(value), &[value as u8; 512]).await.expect("it is written");
                sender.send_async(value).await.expect("somebody listens");
            }
        });
        let disk = world.disk("d0").into_async();
        let reader = tasks::spawn_async("reader", async move {
            let mut seen = Vec::new();
            while let Ok(value) = receiver.recv_async().await {
                let mut bytes = [0; 512];
                disk.read(Sector(value), &mut bytes).await.expect("it can be read");
                assert_eq!(bytes, [value as u8; 512]);
                seen.push(value);
            }
            seen
        });
        writer.join();
        assert_eq!(reader.join(), [1, 2, 3]);
        let late = tasks::spawn_async("late", async {
            let slow = time::timeout(
                Duration::from_micros(5),
                time::sleep_async(Duration::from_micros(9)),
            );
            assert_eq!(slow.await, Err(time::Elapsed));
            let first = tasks::select(
                time::sleep_async(Duration::from_micros(9)),
                time::sleep_async(Duration::from_micros(3)),
            );
            assert_eq!(first.await, tasks::Either::Second(()));
            time::now()
        });
        assert!(late.join() >= Duration::from_micros(8));
    })
    .disk("d0", disk())
    .seeds(0..100)
    .run();
}

#[test]
fn what_was_synced_before_a_cut_is_there_after_it() {
    simulate(|world: &World| {
        let files = world.files("home");
        let known: u8 = world.recall("synced").unwrap_or(0);
        if world.power_ons() > 0 && known > 0 {
            let file = files.open("counter").expect("its name was synced");
            let mut byte = [0];
            file.read_exact_at(&mut byte, 0).expect("it can be read");
            assert!(byte[0] >= known, "{} was synced, and {} is there", known, byte[0]);
        }
        let file = files.create("counter").expect("there is room");
        files.sync_dir("").expect("it can be synced");
        for value in known + 1..known + 4 {
            file.write_all_at(&[value], 0).expect("there is room");
            file.sync_data().expect("it can be synced");
            world.remember("synced", value);
        }
    })
    .file_system("home", FileSystem::posix_strict())
    .power_cuts(3)
    .seeds(0..300)
    .with("properties", "[]")
    .run();
}

#[test]
fn a_client_that_waits_for_ever_is_stuck_and_named() {
    let report = simulate(|_: &World| {
        let (sender, receiver) = channel::<u8>(1);
        let waits = tasks::spawn_blocking("waits", move || receiver.recv());
        // It is kept, so that the channel stays open.
        let kept = Rc::new(RefCell::new(Some(sender)));
        let _ = waits.join();
        drop(kept);
    })
    .try_run()
    .expect_err("nobody sends");
    assert_eq!(report.outcome, "stuck");
    assert!(report.text.contains("`waits`"), "{report}");
    assert!(report.text.contains("for a value from a channel"), "{report}");
    let line = line_of("move || receiver.recv()");
    let place = format!("tests/free_form.rs:{line}:");
    assert!(report.text.contains(&place), "where it waits, {place}: {report}");
    assert!(report.text.contains("`main` waits here for client `waits` to end"), "{report}");
}

/// The line of this file that has this text first.
fn line_of(text: &str) -> usize {
    let place = include_str!("free_form.rs").lines().position(|line| line.contains(text));
    place.expect("it is there") + 1
}

#[test]
fn a_deadlock_names_who_holds_what_since_where() {
    type Locks = Arc<(Mutex<u8>, Mutex<u8>)>;
    fn one_way(locks: &Locks) {
        let _one = locks.0.lock(); // one, first
        tasks::yield_blocking();
        let _two = locks.1.lock(); // one, second
    }
    async fn other_way(locks: Locks) {
        let _two = locks.1.lock_async().await; // other, first
        tasks::yield_now().await;
        let _one = locks.0.lock_async().await; // other, second
    }
    let report = simulate(|_: &World| {
        let locks = Locks::default();
        let other = Arc::clone(&locks);
        let one = tasks::spawn_blocking("one", move || one_way(&locks));
        let other = tasks::spawn_async("other", other_way(other));
        one.join();
        other.join();
    })
    .try_run()
    .expect_err("some order of four locks has nobody go on");
    assert_eq!(report.outcome, "stuck");
    for (who, waits, whose, holds) in [
        ("one", "// one, second", "other", "// other, first"),
        ("other", "// other, second", "one", "// one, first"),
    ] {
        let holds = format!("tests/free_form.rs:{}:", line_of(holds));
        let waits = format!("tests/free_form.rs:{}:", line_of(waits));
        let said =
            format!("client `{who}` waits here for a lock that client `{whose}` holds since");
        let line = report.text.lines().find(|line| line.contains(&said)).unwrap_or_default();
        let (before, after) = line.split_once(", at ").unwrap_or_default();
        assert!(before.contains(&holds) && after.contains(&waits), "{report}");
    }
}

#[test]
fn a_request_that_never_ends_is_named_with_the_line_that_asked() {
    let report = simulate(|world: &World| {
        let file = world.disk("d0").into_file();
        file.read_exact_at(&mut [0; 100], 7).expect("never"); // hangs
    })
    .disk("d0", disk())
    .rule("(action: hang, on: [read])")
    .try_run()
    .expect_err("the read hangs");
    assert_eq!(report.outcome, "stuck");
    let place = format!(", at crates/headcrash/tests/free_form.rs:{}:", line_of("// hangs"));
    assert!(report.text.contains(&place), "{place}: {report}");
}

#[test]
fn a_disk_or_file_system_that_is_not_there_is_told_with_those_that_are() {
    let report = simulate(|world: &World| drop(world.files("hoem")))
        .disk("d0", disk())
        .file_system("home", FileSystem::posix_strict())
        .try_run()
        .expect_err("there is none of this name");
    let place = format!("tests/free_form.rs:{}:", line_of("world.files(\"hoem\")"));
    assert!(report.text.contains(&place), "{report}");
    // A file system that nothing depends on is not in the smallest form.
    assert!(report.text.contains("no file system `hoem` here, there is disk `d0`"), "{report}");
}

#[test]
fn a_thread_of_its_own_is_no_client() {
    let report = simulate(|world: &World| {
        let disk = world.disk("d0");
        let thread = std::thread::spawn(move || disk.flush()); // not its turn
        let result = thread.join().expect("it does not panic");
        assert!(result.is_err());
        world.note("the thread was told");
    })
    .try_run()
    .expect_err("a thread used a disk");
    assert_eq!(report.outcome, r#"violated("only clients use disks")"#);
    let place = format!("tests/free_form.rs:{}:", line_of("// not its turn"));
    assert!(report.text.contains(&place), "{report}");
}

#[test]
fn a_clock_is_found_out() {
    let report = simulate(|world: &World| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanos = now.expect("it is later").subsec_nanos().to_le_bytes();
        let place = u64::from(u32::from_le_bytes(nanos) % 128);
        world.disk("d0").write(Sector(place), &[1; 512]).expect("it is written");
    })
    .disk("d0", disk())
    .try_run()
    .expect_err("two runs differ");
    assert_eq!(report.outcome, "not deterministic");
    assert!(report.text.contains("the wall clock"), "{report}");
    assert!(report.text.contains("write d0"), "the first difference: {report}");
}

#[test]
fn an_exhaustive_search_finds_the_one_answer() {
    let report = simulate(|_: &World| {
        let (a, b) = (tasks::choose_blocking(6), tasks::choose_blocking(6));
        assert!(a != 4 || b != 3, "both");
    })
    .exhaustive(100)
    .try_run()
    .expect_err("one of 36");
    assert!(report.text.contains("both"), "{report}");
}

#[test]
fn many_runs_leave_nothing_behind() {
    // Every run is cut off in the middle: stacks are unwound, and used again.
    simulate(|world: &World| {
        let guard = Rc::new(());
        for place in 0..20 {
            let disk = world.disk("d0");
            let kept = Rc::clone(&guard);
            drop(tasks::spawn_blocking(&format!("c{place}"), move || {
                let _kept = kept;
                disk.write(Sector(place), &[1; 512])
            }));
        }
    })
    .disk("d0", disk())
    .power_cuts(2)
    .seeds(0..500)
    .run();
}

#[test]
fn a_run_without_end_is_given_up_where_it_is() {
    let report = simulate(|world: &World| {
        let disk = world.disk("d0");
        while disk.flush().is_ok() {} // for ever
    })
    .most_steps(1_000)
    .try_run()
    .expect_err("it does not end");
    assert_eq!(report.outcome, "endless");
    assert!(report.text.contains("it has not ended after 1000 steps"), "{report}");
    let place = format!("tests/free_form.rs:{}:", line_of("// for ever"));
    let here = "client `main` is here, at crates/headcrash/";
    assert!(report.text.contains(&format!("{here}{place}")), "{report}");
}
