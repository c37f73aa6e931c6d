//! Tests about the workspace itself: what a reviewer would otherwise have to look for.
//!
//! * [`layering`]: which crate may use which, and who does without std.
//! * [`members`]: which packages there are, and what `cargo test` and `cargo run` are about.
//! * [`text`]: words and paths that do not belong in a file.
//! * [`scenarios`]: scenarios and snapshots come in pairs.
//!
//! A finding reads `file:line: what is wrong; what to do instead`.

mod layering;
mod manifest;
mod members;
mod scenarios;
mod text;
mod tree;

/// Fails with every finding there is.
#[track_caller]
fn none(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings\n\n{}\n", findings.len(), findings.join("\n"));
}
