//! Data goes one way, and so do imports.

use crate::manifest::Manifest;
use crate::{none, tree};

/// What a crate in `crates/` may be built from.
struct Layer {
    folder: &'static str,
    /// Of our own.
    ours: &'static [&'static str],
    others: Others,
}

enum Others {
    Any,
    None,
    /// These, and nothing that wants std.
    Only(&'static [&'static str]),
}

const SIM: &[&str] = &["headcrash-sim", "headcrash-engine"];
const SEARCH: &[&str] = &["headcrash-search", "headcrash-sim", "headcrash-engine"];
const EVERYTHING: &[&str] = &[
    "headcrash",
    "headcrash-io",
    "headcrash-stack",
    "headcrash-scenario",
    "headcrash-search",
    "headcrash-sim",
    "headcrash-engine",
];

/// One per crate, lowest first.
const LAYERS: &[Layer] = &[
    Layer { folder: "engine", ours: &[], others: Others::Only(&["indexmap"]) },
    Layer { folder: "sim", ours: &["headcrash-engine"], others: Others::Only(&["rand_chacha"]) },
    Layer { folder: "search", ours: SIM, others: Others::Any },
    Layer { folder: "scenario", ours: SEARCH, others: Others::Any },
    Layer { folder: "io", ours: &[], others: Others::None },
    Layer { folder: "stack", ours: &[], others: Others::Any },
    Layer { folder: "headcrash", ours: EVERYTHING, others: Others::Any },
    Layer { folder: "cli", ours: EVERYTHING, others: Others::Any },
    Layer { folder: "subjects", ours: EVERYTHING, others: Others::Any },
    Layer { folder: "bench", ours: EVERYTHING, others: Others::Any },
    Layer { folder: "tidy", ours: &[], others: Others::Any },
];

/// Text in, values out: what these sources do not ask the machine.
const PURE: &[&str] = &["crates/search/src/", "crates/scenario/src/"];
const MACHINE: &[(&str, &str)] = &[
    ("std::fs", "take text and return values; crates/cli reads and writes files"),
    ("std::env", "take it as an argument; crates/cli reads the environment"),
    ("std::net", "there is no network in a run"),
    ("std::process", "return an outcome; crates/cli ends the process"),
    ("std::time", "a run has its own clock: headcrash_sim::Instant"),
];

fn our_own(package: &str) -> bool {
    package == "headcrash" || package.starts_with("headcrash-")
}

#[test]
fn imports_go_one_way() {
    let mut findings = Vec::new();
    for manifest in Manifest::all() {
        let Some(folder) = manifest.folder.strip_prefix("crates/") else { continue };
        let Some(layer) = LAYERS.iter().find(|layer| layer.folder == folder) else {
            let at = manifest.at("[package]");
            findings.push(format!(
                "{at}{folder} has no layer; give it a line in crates/tidy/tests/tidy/layering.rs \
                 and a place in ARCHITECTURE.md"
            ));
            continue;
        };
        for package in manifest.dependencies() {
            let (allowed, instead) = if our_own(package) {
                (layer.ours.contains(&package), format!("{folder} may use {:?}", layer.ours))
            } else {
                match layer.others {
                    Others::Any => continue,
                    Others::None => (false, format!("{folder} may use std alone")),
                    Others::Only(others) => {
                        (others.contains(&package), format!("{folder} may use {others:?}"))
                    }
                }
            };
            if !allowed {
                let at = manifest.at(package);
                findings.push(format!("{at}{package} is not for {folder}; {instead}"));
            }
        }
    }
    none(&findings);
}

fn without_std() -> impl Iterator<Item = &'static str> {
    let only = |layer: &&Layer| matches!(layer.others, Others::Only(_));
    LAYERS.iter().filter(only).map(|layer| layer.folder)
}

#[test]
fn engine_and_sim_say_no_std() {
    let mut findings = Vec::new();
    for folder in without_std() {
        let file = format!("crates/{folder}/src/lib.rs");
        let text = tree::read(&file);
        if !text.lines().any(|line| line == "#![no_std]") {
            findings.push(format!("{file}:1: std is in reach; begin with `#![no_std]`"));
        }
    }
    for file in tree::files() {
        if !without_std().any(|folder| file.starts_with(&format!("crates/{folder}/src/"))) {
            continue;
        }
        for (line, text) in tree::lines(&tree::read(&file)) {
            if text.trim_start().starts_with("extern crate std") {
                findings.push(format!("{file}:{line}: std comes back in; use core or alloc"));
            }
        }
    }
    none(&findings);
}

/// `#![no_std]` is only about our own paths: features of dependencies unify.
#[test]
fn nothing_below_engine_and_sim_has_std() {
    let mut findings = Vec::new();
    for folder in without_std() {
        let package = format!("headcrash-{folder}");
        let edges = ["-e", "normal,features", "--target", "all", "--prefix", "none"];
        let arguments: Vec<_> = ["tree", "-p", &package].into_iter().chain(edges).collect();
        let tree = tree::cargo(&arguments);
        assert!(tree.starts_with(&package), "cargo tree lists {package} first:\n{tree}");
        for line in tree.lines().filter(|line| line.contains("feature \"std\"")) {
            findings.push(format!(
                "crates/{folder}/Cargo.toml:1: it is built with {line}; set \
                 `default-features = false` in the root's [workspace.dependencies]"
            ));
        }
    }
    findings.dedup();
    none(&findings);
}

#[test]
fn search_and_scenario_ask_the_machine_nothing() {
    let mut findings = Vec::new();
    for file in tree::files() {
        if !PURE.iter().any(|folder| file.starts_with(folder)) {
            continue;
        }
        // Tests stand last, or in a file of their own, and may look for their files.
        if file.ends_with("/tests.rs") || file.contains("/tests/") {
            continue;
        }
        let source = tree::read(&file);
        let source = source.split("\n#[cfg(test)]").next().unwrap_or_default();
        for (line, text) in tree::lines(source) {
            if text.trim_start().starts_with("//") {
                continue;
            }
            for (path, instead) in MACHINE.iter().filter(|(path, _)| text.contains(path)) {
                findings.push(format!("{file}:{line}: {path} is a side effect; {instead}"));
            }
        }
    }
    none(&findings);
}
