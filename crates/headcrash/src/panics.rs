//! Panics of code under test: what they said and where, kept rather than printed.

use std::any::Any;
use std::cell::RefCell;
use std::panic;
use std::sync::Once;

use crate::desk::Desk;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Lets panics of clients be kept; those of anybody else are told as before.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if Desk::current().is_none() {
                return before(info);
            }
            let place = info.location().map(|at| format!(" at {at}")).unwrap_or_default();
            let said = text(info.payload());
            // The first of several is the reason for the others.
            LAST.with(|last| {
                last.borrow_mut().get_or_insert(format!("panicked{place}: {said}"));
            });
        }));
    });
}

fn text(payload: &(dyn Any + Send)) -> String {
    let said = payload.downcast_ref::<&str>().map(|said| (*said).to_owned());
    said.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// What the last panic of a client said.
pub(crate) fn take(payload: &(dyn Any + Send)) -> String {
    let last = LAST.with(|last| last.borrow_mut().take());
    last.unwrap_or_else(|| format!("panicked: {}", text(payload)))
}

pub(crate) fn forget() {
    LAST.with(|last| *last.borrow_mut() = None);
}
