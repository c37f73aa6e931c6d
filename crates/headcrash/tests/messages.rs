//! What somebody reads who has just begun: mistakes, and what a report says of tests that are small.

use std::cell::RefCell;
use std::panic::catch_unwind;
use std::time::Duration;

use headcrash::io::Directory;
use headcrash::{Disk, FileSystem, World, simulate, sync, tasks, time};

/// Where a panic was, and what it said.
fn panicked(code: fn()) -> (String, String) {
    thread_local! {
        static FILE: RefCell<String> = const { RefCell::new(String::new()) };
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |told| {
        let file = told.location().map(|at| at.file().to_owned()).unwrap_or_default();
        FILE.set(file);
        before(told);
    }));
    let payload = catch_unwind(code).expect_err("it panics");
    let said = payload.downcast_ref::<String>().cloned().unwrap_or_default();
    (FILE.take(), said)
}

#[test]
fn what_is_no_valid_test_is_shown_with_what_would_have_been_accepted() {
    let (_, said) = panicked(|| {
        simulate(|_| {}).disk("d0", Disk::new(65_536).with("cache", "volatil")).run();
    });
    assert!(said.contains("error: unknown cache `volatil`"), "{said}");
    assert!(said.contains("cache: volatil)"), "the text is there: {said}");
    assert!(said.contains("did you mean `volatile`?"), "{said}");
}

#[test]
fn who_uses_the_world_from_outside_is_told_where() {
    let clock = || assert_eq!(time::now(), Duration::ZERO);
    let outside: [fn(); 6] = [
        clock,
        || time::sleep(Duration::ZERO),
        || tasks::yield_blocking(),
        || assert_eq!(tasks::choose_blocking(1), 0),
        || drop(tasks::spawn_blocking("client", || ())),
        || {
            let (_sender, receiver) = sync::channel::<u8>(1);
            assert_eq!(receiver.recv(), Ok(1));
        },
    ];
    for code in outside {
        let (file, said) = panicked(code);
        assert!(said.contains("for code that runs inside a world"), "{said}");
        assert!(file.ends_with("messages.rs"), "{file}");
    }
}

#[test]
fn a_test_that_fails_panics_where_it_was_run() {
    let (file, said) = panicked(|| {
        simulate(|_: &World| panic!("at once")).run();
    });
    assert!(said.contains("at once"), "{said}");
    assert!(file.ends_with("messages.rs"), "{file}");
}

/// A fault of a file system, said beside those that are drawn, strikes what it names.
#[test]
fn a_file_system_has_faults_of_its_own() {
    let test = simulate(|world: &World| {
        let error = world.files("home").sync_dir("").expect_err("the first one fails");
        assert_eq!(error.raw_os_error(), Some(5));
        world.files("home").sync_dir("").expect("the second one does not");
    })
    .file_system(
        "home",
        FileSystem::posix_strict().fault(r#"(what: fail(errno: "EIO"), on: [sync_dir], nth: 1)"#),
    );
    assert_eq!(test.seeds(0..3).run().runs, 3);
}

#[test]
fn a_free_form_test_has_no_operations_to_count() {
    let test = simulate(|_: &World| panic!("at once"));
    let found = test.try_run().expect_err("it panics");
    let line = found.text.lines().find(|line| line.starts_with("found with seed"));
    let line = line.expect("it says how it was found");
    assert!(line.ends_with(" runs") && !line.contains("operations"), "{line}");
}
