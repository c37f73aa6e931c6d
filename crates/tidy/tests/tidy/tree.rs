//! The files of the repository, as git has them or would take them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The folder of the workspace; asked for when a test runs, so that an archive of tests works
/// elsewhere.
pub(crate) fn root() -> PathBuf {
    let tidy = env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this");
    let root = Path::new(&tidy).ancestors().nth(2).expect("tidy is two folders down");
    root.to_owned()
}

/// Every file that is committed, or would be by `git add --all`; relative to the root.
pub(crate) fn files() -> Vec<String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z"]);
    let list = output(&mut git);
    let mut files: Vec<_> = list
        .split_terminator('\0')
        .filter(|file| root().join(file).is_file())
        .map(str::to_owned)
        .collect();
    files.sort();
    assert!(!files.is_empty(), "git lists no files");
    files
}

/// A file's text; bytes that are none are replaced.
pub(crate) fn read(file: &str) -> String {
    let bytes = fs::read(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What `cargo` prints, without network and without touching the lock file.
pub(crate) fn cargo(arguments: &[&str]) -> String {
    let cargo = env::var_os("CARGO").expect("cargo runs this");
    output(Command::new(cargo).args(arguments).args(["--offline", "--locked"]))
}

fn output(command: &mut Command) -> String {
    let output = command.current_dir(root()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{errors}");
    String::from_utf8(output.stdout).expect("names of files and packages are UTF-8")
}

/// A text's lines, counted from 1.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

/// The first line of `text` that contains `needle`, or the first of all: where a finding about a
/// manifest points.
pub(crate) fn line_of(text: &str, needle: &str) -> usize {
    lines(text).find(|(_, line)| line.contains(needle)).map_or(1, |(line, _)| line)
}
