//! When to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Whether somebody has asked to stop: with ctrl-C, or with a signal that ends.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    asked: Arc<AtomicBool>,
}

impl Stop {
    /// Listens. Whoever asks twice is not made to wait.
    pub(super) fn new() -> Result<Self, ctrlc::Error> {
        let asked = Arc::new(AtomicBool::new(false));
        let stop = Self { asked: Arc::clone(&asked) };
        ctrlc::set_handler(move || {
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(crate::Exit::Unusable as i32);
            }
        })?;
        Ok(stop)
    }

    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether no run is to begin any more.
    pub(super) fn is_over(&self, deadline: Option<Instant>) -> bool {
        self.is_asked() || deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}
