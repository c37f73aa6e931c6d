//! What the code itself calls the points it comes to.

#[cfg(feature = "events")]
static LISTENER: std::sync::OnceLock<fn(&str)> = std::sync::OnceLock::new();

/// Says that the code has come to a point of its own, such as `journal_commit`, where a simulation
/// may hold it, cut the power or count. Names are `noun_verb`.
///
/// It is a line of the trace in any case; rules and breakpoints can name what the scenario lists:
/// `events: ["journal_commit"]`.
///
/// Without the feature `events` it is an empty function, and so is nothing at all in a build that
/// does not simulate. With it, it calls the listener, if there is one.
///
/// ```
/// # fn write_superblock() {}
/// write_superblock();
/// headcrash_io::reached("superblock_write");
/// ```
#[inline(always)]
pub fn reached(event: &str) {
    #[cfg(feature = "events")]
    if let Some(listener) = LISTENER.get() {
        listener(event);
    }
    #[cfg(not(feature = "events"))]
    let _ = event;
}

/// Has `listener` called by every [`reached`] of the process, on the thread that reached it. The
/// first one stays: says whether this is the first.
#[cfg(feature = "events")]
pub fn set_listener(listener: fn(&str)) -> bool {
    LISTENER.set(listener).is_ok()
}
