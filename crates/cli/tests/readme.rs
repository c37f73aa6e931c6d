//! What the README shows is what happens.

use std::path::{Path, PathBuf};

use assert_cmd::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A `console` block: the command after `$ headcrash`, and what is shown below it.
struct Shown {
    line: usize,
    /// As it is shown.
    command: String,
    arguments: Vec<String>,
    /// What `printf` says to it, if it stands in front.
    input: String,
    output: String,
}

fn shown(readme: &str) -> Vec<Shown> {
    let mut found = Vec::new();
    let mut lines = readme.lines().enumerate();
    while let Some((_, line)) = lines.next() {
        if line != "```console" {
            continue;
        }
        for (index, line) in lines.by_ref().take_while(|(_, line)| *line != "```") {
            let (input, command) = match line.strip_prefix("$ printf '") {
                Some(piped) => {
                    let (input, command) = piped.split_once("' | ").expect("a pipe to headcrash");
                    (input.replace("\\n", "\n"), command)
                }
                None => (String::new(), line.strip_prefix("$ ").unwrap_or_default()),
            };
            match command.strip_prefix("headcrash ") {
                Some(arguments) => found.push(Shown {
                    line: index + 1,
                    command: line.to_owned(),
                    arguments: arguments.split(' ').map(str::to_owned).collect(),
                    input,
                    output: String::new(),
                }),
                None => {
                    let shown = found.last_mut().expect("a console block begins with a command");
                    shown.output.push_str(line);
                    shown.output.push('\n');
                }
            }
        }
    }
    found
}

#[test]
fn commands_print_what_the_readme_shows() {
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).expect("there is a README");
    let all = shown(&readme);
    assert!(all.len() >= 3, "the README shows commands");
    let mut expected = readme.clone();
    for Shown { line, command: shown, arguments, input, output } in all {
        let mut command = Command::cargo_bin("headcrash").expect("the command was built");
        command.current_dir(root()).args(&arguments).write_stdin(input);
        let result = command.output().expect("it can be run");
        let text = |bytes| String::from_utf8(bytes).expect("it prints text");
        let printed = text(result.stdout) + &text(result.stderr);
        let command = format!("{shown}\n");
        expected = expected.replace(&format!("{command}{output}"), &format!("{command}{printed}"));
        if std::env::var_os("README_UPDATE").is_none() {
            assert_eq!(printed, output, "README.md:{line}: README_UPDATE=1 writes what is printed");
        }
    }
    if expected != readme {
        std::fs::write(path, expected).expect("the README can be written");
    }
}

/// The scenario in the README is the file it names.
#[test]
fn the_scenario_in_the_readme_is_the_file() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let file = root().join("scenarios/rmw/read_error_spares_block.ron");
    let file = std::fs::read_to_string(file).expect("the scenario is there");
    assert!(readme.contains(&format!("```ron\n{file}```")), "the README shows another scenario");
}
