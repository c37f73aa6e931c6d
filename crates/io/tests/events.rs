//! What the code calls the points it comes to. The listener is the process's: one test.

use std::cell::RefCell;

use headcrash_io::{reached, set_listener};

thread_local! {
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn the_first_listener_hears_what_is_reached_on_every_thread() {
    reached("journal_open");
    assert!(set_listener(|event| HEARD.with_borrow_mut(|heard| heard.push(event.to_owned()))));
    assert!(!set_listener(|_| unreachable!("it came too late")));
    reached("journal_commit");
    assert_eq!(HEARD.take(), ["journal_commit"]);
    let other = std::thread::spawn(|| {
        reached("checkpoint_begin");
        HEARD.take()
    });
    assert_eq!(other.join().expect("it does not panic"), ["checkpoint_begin"]);
    assert!(HEARD.take().is_empty(), "it is told on the thread that reached it");
}
