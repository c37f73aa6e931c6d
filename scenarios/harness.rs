//! Makes each scenario file a named test, and its trace a snapshot.
//!
//! `journal/torn_commit` is `scenarios/journal/torn_commit.ron`, and its trace is
//! `snapshots/journal__torn_commit.snap`. A file that ends in `.failure.ron` is a recorded failure:
//! it must fail again exactly as it did. A snapshot without a scenario fails a test of its own.

fn main() -> std::process::ExitCode {
    headcrash::harness::Files::scripted().run(env!("CARGO_MANIFEST_DIR"), "scenarios")
}
