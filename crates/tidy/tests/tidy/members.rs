//! Which packages there are, and what `cargo test` and `cargo run` are about.

use std::fs;

use toml::Value;

use crate::manifest::Manifest;
use crate::{none, tree};

/// The one crate with a command.
const COMMAND: &str = "crates/cli";

/// Members that a plain `cargo test` leaves alone, and why.
const NOT_DEFAULT: &[(&str, &str)] = &[
    ("fuzz", "the root package runs its laws"),
    ("crates/bench", "it takes long to build and tests nothing"),
];

const UNPUBLISHED: &[&str] = &[".", "fuzz", "crates/bench", "crates/subjects", "crates/tidy"];

/// The one crate that may hold what the others forbid.
const UNSAFE: &str = "crates/stack";

#[test]
fn default_members_are_all_but_fuzz_and_bench() {
    let root = Manifest::root();
    let defaults = root.strings(&["workspace", "default-members"]);
    let at = root.at("default-members");
    let mut findings = Vec::new();
    for Manifest { folder, .. } in Manifest::all() {
        let is_default = defaults.contains(&&*folder);
        match NOT_DEFAULT.iter().find(|(other, _)| *other == folder) {
            Some((_, reason)) if is_default => {
                findings.push(format!("{at}{folder} is a default member; take it out: {reason}"));
            }
            None if !is_default => {
                findings.push(format!("{at}{folder} is not tested by `cargo test`; add it"));
            }
            _ => {}
        }
    }
    for wildcard in defaults.iter().filter(|member| member.contains('*')) {
        findings.push(format!("{at}{wildcard:?} lets bench in; name each of them"));
    }
    if !root.strings(&["workspace", "members"]).contains(&"fuzz") {
        let at = root.at("members");
        findings.push(format!("{at}fuzz is not a member; its targets would rot: add it"));
    }
    none(&findings);
}

#[test]
fn there_is_one_workspace() {
    let mut findings = Vec::new();
    for manifest in Manifest::all() {
        if manifest.folder != "." && manifest.get(&["workspace"]).is_some() {
            let at = manifest.at("[workspace");
            findings.push(format!("{at}a workspace in the workspace; take the table out"));
        }
    }
    none(&findings);
}

#[test]
fn the_root_runs_the_laws() {
    let root = Manifest::root();
    let tests = root.get(&["test"]).and_then(Value::as_array);
    let has_laws = tests.into_iter().flatten().any(|test| {
        let path = test.get("path").and_then(Value::as_str);
        path == Some("fuzz/tests/laws.rs")
    });
    let at = root.at("[[test]]");
    let finding = format!("{at}nobody runs the laws; add a [[test]] fuzz/tests/laws.rs");
    none(if has_laws { &[] } else { std::slice::from_ref(&finding) });
}

#[test]
fn only_the_command_is_a_binary() {
    let root = Manifest::root();
    let defaults = root.strings(&["workspace", "default-members"]);
    let mut findings = Vec::new();
    for manifest in Manifest::all() {
        let folder = &manifest.folder;
        if !defaults.contains(&&**folder) {
            continue;
        }
        let named = manifest.get(&["bin"]).and_then(Value::as_array).map_or(&[][..], |all| all);
        let is_found = |path: &str| tree::root().join(folder).join(path).exists();
        if folder != COMMAND {
            if !named.is_empty() || is_found("src/main.rs") || is_found("src/bin") {
                let at = manifest.at("[[bin]]");
                findings.push(format!(
                    "{at}`cargo run` would not know which binary is meant; move it to {COMMAND}"
                ));
            }
            continue;
        }
        if named.is_empty() {
            let at = manifest.at("[package]");
            findings.push(format!("{at}the command has no [[bin]]; name it, with `doc = false`"));
        }
        for bin in named {
            if bin.get("doc").and_then(Value::as_bool) != Some(false) {
                let at = manifest.at("[[bin]]");
                findings.push(format!(
                    "{at}its documentation would overwrite the library's; say `doc = false`"
                ));
            }
        }
    }
    none(&findings);
}

#[test]
fn tests_and_tools_are_not_published() {
    let mut findings = Vec::new();
    for manifest in Manifest::all() {
        let publish = manifest.get(&["package", "publish"]).and_then(Value::as_bool);
        if UNPUBLISHED.contains(&&*manifest.folder) && publish != Some(false) {
            let at = manifest.at("[package]");
            findings.push(format!("{at}nobody else has a use for it; say `publish = false`"));
        }
    }
    none(&findings);
}

#[test]
fn every_package_has_the_lints_of_the_workspace() {
    let mut findings = Vec::new();
    let root = Manifest::root();
    let unsafe_code = root.get(&["workspace", "lints", "rust", "unsafe_code"]);
    if unsafe_code.and_then(Value::as_str) != Some("forbid") {
        let at = root.at("unsafe_code");
        findings.push(format!("{at}unsafe code would pass; say `unsafe_code = \"forbid\"`"));
    }
    for manifest in Manifest::all() {
        let lints = manifest.get(&["lints", "workspace"]).and_then(Value::as_bool);
        if manifest.folder != UNSAFE && lints != Some(true) {
            let at = manifest.at("[lints]");
            findings.push(format!("{at}it has lints of its own; say `lints.workspace = true`"));
        }
    }
    none(&findings);
}

/// The lints of the workspace, but that it may hold what they forbid, with a reason at each block.
#[test]
fn the_crate_without_that_lint_has_stricter_ones() {
    let table = |manifest: &Manifest, path: &[&str]| {
        manifest.get(path).and_then(Value::as_table).cloned().unwrap_or_default()
    };
    let root = Manifest::root();
    let all = Manifest::all();
    let own = all.iter().find(|manifest| manifest.folder == UNSAFE).expect("it is a member");
    let mut rust = table(&root, &["workspace", "lints", "rust"]);
    let mut clippy = table(&root, &["workspace", "lints", "clippy"]);
    rust.remove("unsafe_code");
    rust.insert("unsafe_op_in_unsafe_fn".to_owned(), "deny".into());
    clippy.insert("undocumented_unsafe_blocks".to_owned(), "deny".into());
    assert_eq!(table(own, &["lints", "rust"]), rust, "{}", own.at("[lints.rust]"));
    assert_eq!(table(own, &["lints", "clippy"]), clippy, "{}", own.at("[lints.clippy]"));
}

/// Where packages come from is the same for everybody.
#[test]
fn packages_come_from_the_public_index() {
    let index = "\"registry+https://github.com/rust-lang/crates.io-index\"";
    let mut findings = Vec::new();
    for (line, text) in tree::lines(&tree::read("Cargo.lock")) {
        if let Some(source) = text.strip_prefix("source = ")
            && source != index
        {
            findings.push(format!("Cargo.lock:{line}: {source}; it has to be {index}"));
        }
    }
    let config = ".cargo/config.toml";
    if tree::root().join(config).exists() {
        for (line, text) in tree::lines(&tree::read(config)) {
            let tables = ["[source", "[registries", "[registry", "[http", "[net"];
            if tables.iter().any(|table| text.trim_start().starts_with(table)) {
                findings.push(format!(
                    "{config}:{line}: {text} is about one machine; keep it in \
                     your own configuration"
                ));
            }
        }
    }
    none(&findings);
}

/// A seed or a regression is an input of a law there is.
#[test]
fn every_fuzz_target_is_declared() {
    let fuzz = Manifest::all().into_iter().find(|manifest| manifest.folder == "fuzz");
    let fuzz = fuzz.expect("fuzz is a member");
    let bins = fuzz.get(&["bin"]).and_then(Value::as_array);
    let paths: Vec<_> = bins
        .into_iter()
        .flatten()
        .filter_map(|bin| bin.get("path").and_then(Value::as_str))
        .collect();
    let mut findings = Vec::new();
    let targets = fs::read_dir(tree::root().join("fuzz/fuzz_targets")).expect("fuzz has targets");
    for target in targets {
        let name = target.expect("a folder can be listed").file_name();
        let path = format!("fuzz_targets/{}", name.to_string_lossy());
        if !paths.contains(&&*path) {
            findings.push(format!("fuzz/{path}:1: nobody builds it; add a [[bin]] to fuzz"));
        }
    }
    for bin in bins.into_iter().flatten() {
        let features = bin.get("required-features").and_then(Value::as_array);
        if features.is_none_or(|features| !features.contains(&"libfuzzer".into())) {
            let at = fuzz.at("[[bin]]");
            findings.push(format!(
                "{at}a target needs `required-features = [\"libfuzzer\"]`, or stable cannot build"
            ));
        }
    }
    none(&findings);
}
