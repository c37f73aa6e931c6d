//! Runs every law for a moment, on every seed, and on every input that ever broke it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use arbtest::arbitrary::Unstructured;
use arbtest::arbtest;
use fuzz::laws;

/// A test is a number of runs rather than of milliseconds: the same ones each time, everywhere.
const RUNS: u64 = 600;
/// Bytes, at most: a few hundred moves.
const SIZE_MAX: u64 = 2_048;

#[test]
fn rules() {
    hold("rules");
}

#[test]
fn suspensions() {
    hold("suspensions");
}

#[test]
fn bytes() {
    hold("bytes");
}

#[test]
fn clones() {
    hold("clones");
}

#[test]
fn crashes() {
    hold("crashes");
}

#[test]
fn crash_states_are_as_many_as_the_formulas_say() {
    assert!(laws::crash_counts() >= 20, "there are at least twenty models");
}

#[test]
fn flushes() {
    hold("flushes");
}

#[test]
fn lifts() {
    hold("lifts");
}

#[test]
fn logs() {
    hold("logs");
}

#[test]
fn scenario() {
    hold("scenario");
}

#[test]
fn schedule() {
    hold("schedule");
}

#[test]
fn straight() {
    hold("straight");
}

#[test]
fn orders() {
    hold("orders");
}

#[test]
fn formats() {
    hold("formats");
}

#[test]
fn imports() {
    hold("imports");
}

#[test]
fn runs() {
    hold("runs");
}

#[test]
fn scenario_text() {
    hold("scenario_text");
}

/// A law that somebody forgot to test would hold forever.
#[test]
fn every_law_is_tested_fuzzed_and_known() {
    let expected: BTreeSet<_> = laws::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("fuzz has a manifest");
    let this = fs::read_to_string(fuzz().join("tests/laws.rs")).expect("this file is here");
    for name in &expected {
        let shell = format!("path = \"fuzz_targets/{name}.rs\"");
        assert!(manifest.contains(&shell), "add a [[bin]] for {name} to fuzz/Cargo.toml");
        let test = format!("    hold(\"{name}\");");
        assert!(this.contains(&test), "add a test of {name} to fuzz/tests/laws.rs");
    }
    let stems = |directory: &str| names(&fuzz().join(directory));
    let shells = stems("fuzz_targets");
    let shells: BTreeSet<_> = shells.iter().map(|name| name.trim_end_matches(".rs")).collect();
    assert!(expected.iter().eq(shells), "fuzz/fuzz_targets/ holds one shell per law");
    for directory in ["seeds", "regressions"] {
        let unknown: Vec<_> = stems(directory).difference(&expected).cloned().collect();
        assert!(
            unknown.is_empty(),
            "fuzz/{directory}/ is for laws, which these are not: {unknown:?}"
        );
    }
}

fn hold(name: &str) {
    let (_, law) = laws::ALL.iter().find(|(law, _)| *law == name).expect("a law is in laws::ALL");
    for directory in ["regressions", "seeds"] {
        let directory = fuzz().join(directory).join(name);
        for input in names(&directory) {
            let bytes = fs::read(directory.join(input)).expect("what was listed can be read");
            _ = law(&mut Unstructured::new(&bytes));
        }
    }
    for run in 0..RUNS {
        // arbtest's seeds: the lower half is how many bytes, the upper half which.
        let size = 16 + run * (SIZE_MAX - 16) / RUNS;
        let seed = (run + 1).wrapping_mul(0x9e37_79b9) << 32 | size;
        arbtest(|u| {
            // Too few bytes are no failure.
            _ = law(u);
            Ok(())
        })
        .seed(seed)
        .run();
    }
}

/// The names in a directory, none when it does not exist.
fn names(directory: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeSet::new() };
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("names are ASCII");
    entries.map(|entry| name(entry.expect("a directory can be listed"))).collect()
}

/// The folder `fuzz`, seen from the root package, which runs this; asked for when it runs, so that
/// an archive of tests works elsewhere.
fn fuzz() -> PathBuf {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this");
    Path::new(&root).join("fuzz")
}
