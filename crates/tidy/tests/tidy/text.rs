//! Words and paths that do not belong in a file.
//!
//! What is banned is spelled in two halves here, so that this file passes its own test.

use crate::{none, tree};

/// Where code may be that the compiler does not check, and how many lines of text that file has
/// at most: as much as one reads in one go.
const UNCHECKED: &str = "crates/stack/src/lib.rs";
const UNCHECKED_LINES_MAX: usize = 150;

/// Where a ban holds.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    /// Every file.
    All,
    /// Rust outside of comments.
    Code,
    /// Rust outside of comments, but for the one file that is there for it.
    SafeCode,
}

struct Ban {
    scope: Scope,
    /// What is not to be in a line.
    word: String,
    /// Whether it only counts at the start of a path or word.
    starts: bool,
    reason: &'static str,
    instead: &'static str,
}

fn ban(
    scope: Scope,
    halves: [&str; 2],
    starts: bool,
    reason: &'static str,
    instead: &'static str,
) -> Ban {
    Ban { scope, word: halves.concat(), starts, reason, instead }
}

fn bans() -> Vec<Ban> {
    use Scope::{All, Code, SafeCode};
    let machine = "a path of one machine";
    let relative = "use a path relative to the repository, or a temporary folder made when it runs";
    let hosts = "where one machine has its packages from";
    let public = "leave that to everybody's own configuration";
    let unfinished = "unfinished";
    let finish = "finish it, or take it out";
    let unchecked = "not checked by the compiler";
    let stack = "write it safely; crates/stack/src/lib.rs is the one exception";
    vec![
        ban(All, ["/wo", "rk/"], true, machine, relative),
        ban(All, ["/ro", "ot/"], true, machine, relative),
        ban(All, ["/ho", "me/"], true, machine, relative),
        ban(All, ["/tm", "p/"], true, machine, relative),
        ban(All, ["../sha", "red"], false, "a path outside of the repository", relative),
        ban(All, ["sparse+", "http"], true, hosts, public),
        ban(All, ["index.", "crates.io"], true, hosts, public),
        ban(All, ["static.", "crates.io"], true, hosts, public),
        ban(All, ["FIX", "ME"], true, unfinished, finish),
        ban(All, ["TO", "DO:"], true, unfinished, finish),
        ban(Code, ["to", "do!"], true, unfinished, finish),
        ban(Code, ["unimple", "mented!"], true, unfinished, finish),
        ban(
            Code,
            ["#[ign", "ore"],
            false,
            "a test that nobody runs",
            "assert what happens today, and write beside it what should",
        ),
        ban(SafeCode, ["uns", "afe {"], true, unchecked, stack),
        ban(SafeCode, ["uns", "afe fn"], true, unchecked, stack),
        ban(SafeCode, ["uns", "afe impl"], true, unchecked, stack),
        ban(SafeCode, ["uns", "afe trait"], true, unchecked, stack),
        ban(SafeCode, ["uns", "afe extern"], true, unchecked, stack),
        ban(SafeCode, ["#[uns", "afe("], false, unchecked, stack),
        ban(SafeCode, ["(unsa", "fe_code"], false, unchecked, stack),
    ]
}

/// Inputs of fuzzing are bytes; licenses are not ours to word.
fn is_ours(file: &str) -> bool {
    !["fuzz/seeds/", "fuzz/regressions/", "LICENSE"].iter().any(|other| file.starts_with(other))
}

impl Ban {
    fn holds_in(&self, file: &str, line: &str) -> bool {
        let is_code = file.ends_with(".rs") && !line.trim_start().starts_with("//");
        match self.scope {
            Scope::All => true,
            Scope::Code => is_code,
            Scope::SafeCode => is_code && file != UNCHECKED,
        }
    }

    fn is_in(&self, line: &str) -> bool {
        let stands_alone = |(place, _): (usize, &str)| {
            let before = line[..place].chars().next_back();
            // `a/tmp`, `$DIR/tmp`, `{dir}/tmp` and `C:/tmp` go on with something, `"/tmp` does not.
            let goes_on = |c: char| c.is_alphanumeric() || "_-.*})>/$".contains(c);
            !self.starts || !before.is_some_and(goes_on)
        };
        line.match_indices(&self.word).any(stands_alone)
    }
}

fn findings(file: &str, text: &str, bans: &[Ban]) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in tree::lines(text) {
        for Ban { word, reason, instead, .. } in
            bans.iter().filter(|ban| ban.holds_in(file, line) && ban.is_in(line))
        {
            findings.push(format!("{file}:{number}: `{word}` is {reason}; {instead}"));
        }
    }
    findings
}

#[test]
fn no_file_says_what_is_banned() {
    let bans = bans();
    let files = tree::files().into_iter().filter(|file| is_ours(file));
    let all: Vec<_> = files.flat_map(|file| findings(&file, &tree::read(&file), &bans)).collect();
    none(&all);
}

#[test]
fn what_is_unchecked_is_short() {
    let count = tree::read(UNCHECKED).lines().count();
    let finding = format!(
        "{UNCHECKED}:{count}: over {UNCHECKED_LINES_MAX} lines; move out what can be written safely"
    );
    none(if count <= UNCHECKED_LINES_MAX { &[] } else { std::slice::from_ref(&finding) });
}

/// What a ban finds, and what it does not.
#[test]
fn bans_find_what_they_mean() {
    let check = |file: &str, halves: [&str; 2]| findings(file, &halves.concat(), &bans()).len();
    assert_eq!(check("README.md", ["see /wo", "rk/x"]), 1);
    assert_eq!(check("README.md", ["see frame/wo", "rk/x"]), 0);
    assert_eq!(check("README.md", ["`/tm", "p/x`"]), 1);
    assert_eq!(check("README.md", ["{dir}/tm", "p/x"]), 0);
    assert_eq!(check("README.md", ["see ../sha", "red/x"]), 1);
    assert_eq!(check("crates/sim/src/lib.rs", ["    uns", "afe { x }"]), 1);
    assert_eq!(check("crates/stack/src/lib.rs", ["    uns", "afe { x }"]), 0);
    assert_eq!(check("crates/stack/tests/x.rs", ["    uns", "afe { x }"]), 1);
    assert_eq!(check("crates/sim/src/lib.rs", ["    // uns", "afe { x }"]), 0);
    assert_eq!(check("crates/sim/src/lib.rs", ["    to", "do!()"]), 1);
    assert_eq!(check("crates/sim/src/lib.rs", ["    #[ign", "ore]"]), 1);
    assert_eq!(check("crates/sim/src/lib.rs", ["// FIX", "ME later"]), 1);
}

/// Without the feature a target is not built, and the command fails with a riddle.
#[test]
fn every_fuzz_command_carries_its_feature() {
    let files = tree::files().into_iter().filter(|file| is_ours(file));
    none(&files.flat_map(|file| fuzz_commands(&file, &tree::read(&file))).collect::<Vec<_>>());
}

fn fuzz_commands(file: &str, text: &str) -> Vec<String> {
    let verbs = ["run", "build", "check", "cmin", "tmin", "fmt", "coverage"];
    let mut findings = Vec::new();
    let mut lines = tree::lines(text);
    while let Some((number, line)) = lines.next() {
        let mut command = line.to_owned();
        while command.ends_with('\\') {
            let Some((_, next)) = lines.next() else { break };
            command.push_str(next);
        }
        let is_command = verbs.iter().any(|verb| {
            let words = format!("fuzz {verb} ");
            command.contains(&format!("cargo {words}")) || command.contains(&format!("y {words}"))
        });
        if is_command && !command.contains("--features libfuzzer") {
            findings.push(format!(
                "{file}:{number}: cargo-fuzz builds nothing without it; add `--features libfuzzer`"
            ));
        }
    }
    findings
}

#[test]
fn a_fuzz_command_is_found_over_lines() {
    let count = |halves: [&str; 2]| fuzz_commands("README.md", &halves.concat()).len();
    assert_eq!(count(["cargo fuzz ru", "n -s none rules"]), 1);
    assert_eq!(count(["cargo +nightly fuzz ru", "n -s none rules"]), 1);
    assert_eq!(count(["cargo fuzz ru", "n -s none --features libfuzzer rules"]), 0);
    assert_eq!(count(["cargo fuzz ru", "n -s none \\\n  --features libfuzzer rules"]), 0);
    assert_eq!(count(["fuzz ru", "ns the laws"]), 0);
}
