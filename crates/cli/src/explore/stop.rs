//! When to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Whether somebody has asked to stop: with ctrl-C, or with SIGTERM or SIGHUP.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
}

impl Stop {
    /// Listens. Whoever asks twice is not made to wait.
    pub(crate) fn new() -> Result<Self, ctrlc::Error> {
        let asked = Arc::new(AtomicBool::new(false));
        let stop = Self { asked: Arc::clone(&asked) };
        ctrlc::set_handler(move || {
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(crate::Exit::Unusable as i32);
            }
        })?;
        Ok(stop)
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether no run is to begin any more.
    pub(crate) fn is_over(&self, deadline: Option<Instant>) -> bool {
        self.is_asked() || deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}
