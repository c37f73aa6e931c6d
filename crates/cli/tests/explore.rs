//! Campaigns as a user meets them: what they find does not depend on threads, on machines or on
//! being interrupted, and whatever they find they say how to have again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::Value;

/// In few orders what `b` reads is not what it wrote; in fewer, `c` finds neither.
const RACE: &str = r#"(
    disks: [(latency: uniform(min_ns: 1, max_ns: 50))],
    clients: [
        (name: "a", steps: [write(at: 0, len: 512, fill: 1), write(at: 0, len: 512, fill: 3)]),
        (name: "b", steps: [
            write(at: 0, len: 512, fill: 2),
            read(at: 0, len: 512, holds: any_of([fill(2), fill(3)]), or_violates: "two or three"),
        ]),
        (name: "c", steps: [read(at: 0, len: 512, holds: any_of([zeroes, fill(1), fill(2)]))]),
    ],
)"#;
const HELD: &str = "(steps: [write(at: 0, len: 512, fill: 0x11), flush()])";
const IDLE: &str = r#"(
    events: ["checkpoint"],
    rules: [
        (event: "write_aio", state: 7, action: inject_error(errno: "ENOSPC")),
        (name: "never", event: "flush_to_disk", state: 2, action: set_state(1)),
    ],
    clients: [(name: "a", steps: [
        read(at: 0, len: 512, save: "r"),
        when(saved: "r", holds: fill(1), then: [read(at: 0, len: 512, holds: fill(1))]),
    ])],
    properties: [sometimes(name: "full", that: failed("ENOSPC"))],
    expect: not_measured,
)"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file can be written");
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, line: &str) -> Output {
        let mut command = Command::cargo_bin("headcrash").expect("the command was built");
        command
            .current_dir(self.0.path())
            .args(line.split_whitespace())
            .output()
            .expect("it can be run")
    }

    fn start(&self, line: &str) -> Child {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("headcrash"));
        command.current_dir(self.0.path()).args(line.split_whitespace());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it can be started")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("it prints text")
}

fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn ends_with(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

/// The last line that is printed, without `headcrash`.
fn repeat(output: &Output) -> String {
    let last = text(&output.stderr).lines().last().expect("a failure says something").trim();
    last.strip_prefix("headcrash ").expect("the last line is a command").to_owned()
}

#[test]
fn the_last_line_fails_again_whoever_answered() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    for search in ["seeded", "pct:2", "exhaustive"] {
        let runs = if search == "exhaustive" { "100000" } else { "300" };
        let line = format!("explore b.ron --search {search} --runs {runs} --shrink 300");
        for more in ["", " --failures found"] {
            let first = folder.run(&format!("{line}{more}"));
            ends_with(&first, 1);
            let command = repeat(&first);
            assert_eq!(command.starts_with("replay found"), !more.is_empty(), "{command}");
            let again = folder.run(&command);
            ends_with(&again, 1);
            assert!(said(&again).contains("violated"), "{}", said(&again));
        }
    }
}

#[test]
fn a_finding_is_saved_with_a_scenario_that_fails_by_itself() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    ends_with(&folder.run("explore b.ron --runs 300 --failures found"), 1);
    let names = fs::read_dir(folder.path("found")).expect("there are findings");
    let names = names.map(|entry| entry.expect("it can be read").file_name());
    let names: Vec<_> = names.map(|name| name.into_string().expect("a name is text")).collect();
    let mut count = 0;
    for name in &names {
        let command = if name.ends_with(".failure.ron") { "replay" } else { "run" };
        ends_with(&folder.run(&format!("{command} found/{name}")), 1);
        count += 1;
    }
    assert_eq!(count, 4, "two findings, two files each: {names:?}");
}

#[test]
fn one_finding_for_each_violation_and_a_table_of_outcomes() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    let output = folder.run("explore b.ron --runs 300 --shrink 0");
    ends_with(&output, 1);
    let lines: Vec<_> = text(&output.stdout).lines().collect();
    assert!(lines[0].starts_with("FAILED    b.ron  300 runs, seeded, 2 findings, "), "{lines:#?}");
    assert!(lines[1].trim_start().starts_with("outcome"), "{lines:#?}");
    let count = |line: &&str| line.split_whitespace().rev().nth(1)?.parse::<u64>().ok();
    assert_eq!(lines[2..].iter().filter_map(count).sum::<u64>(), 300, "{lines:#?}");
}

#[test]
fn jobs_change_nothing() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    let jobs =
        |jobs: u64| folder.run(&format!("explore b.ron --runs 500 --shrink 50 --jobs {jobs}"));
    let one = jobs(1);
    for more in [2, 7] {
        assert_eq!(said(&jobs(more)), said(&one));
    }
    let stable =
        |jobs: u64| folder.run(&format!("explore b.ron --until-stable 40 --shrink 0 -j {jobs}"));
    let one = stable(1);
    assert!(said(&one).contains("stable for 40"), "{}", said(&one));
    assert_eq!(said(&stable(5)), said(&one));
}

/// Waits until a results file says that there was progress beyond what it says now.
fn wait_for_progress(folder: &Folder, name: &str, child: &mut Child) {
    let lines = || folder.read(name).matches("{\"progress\"").count();
    let (before, start) = (lines(), Instant::now());
    while lines() == before && start.elapsed() < Duration::from_secs(60) {
        if child.try_wait().expect("it can be asked").is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

const MANY: &str = "--runs 150000 --shrink 0 --jobs 2";

#[test]
fn a_campaign_that_was_killed_ends_as_one_that_was_not() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    let whole = folder.run(&format!("explore b.ron {MANY} --results whole.jsonl"));
    ends_with(&whole, 1);
    let line = format!("explore b.ron {MANY} --results killed.jsonl");
    let mut was_killed = 0;
    for _ in 0..2 {
        let mut child = folder.start(&line);
        wait_for_progress(&folder, "killed.jsonl", &mut child);
        child.kill().expect("it can be killed");
        was_killed += u64::from(!child.wait().expect("it ends").success());
        // As if it had been killed while it was writing a line.
        let torn = folder.read("killed.jsonl") + "{\"progress\":{\"scenario\":0,\"ru";
        fs::write(folder.path("killed.jsonl"), torn).expect("a file can be written");
    }
    assert_eq!(was_killed, 2, "it is not over that soon");
    let rest = folder.run(&line);
    ends_with(&rest, 1);
    assert_eq!(text(&rest.stdout), text(&whole.stdout));
    // What is over is not done again, and says the same.
    let again = folder.run(&line);
    assert_eq!(text(&again.stdout), text(&whole.stdout));
    let [one, other] =
        ["whole.jsonl", "killed.jsonl"].map(|file| folder.run(&format!("report {file}")));
    assert_eq!(said(&one), said(&other));
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_sigterm_lose_nothing_and_say_how_to_go_on() {
    for signal in ["INT", "TERM"] {
        stopped_by(signal);
    }
}

/// Asks a process to stop, as a terminal or whoever runs jobs does.
#[cfg(unix)]
fn kill(signal: &str, child: &Child) {
    let kill = std::process::Command::new("sh")
        .args(["-c", &format!("kill -{signal} {}", child.id())])
        .status()
        .expect("it can be asked to stop");
    assert!(kill.success());
}

#[cfg(unix)]
fn stopped_by(signal: &str) {
    let folder = Folder::with(&[("b.ron", RACE)]);
    let line = format!("explore b.ron {MANY} --results r.jsonl");
    let mut child = folder.start(&line);
    wait_for_progress(&folder, "r.jsonl", &mut child);
    kill(signal, &child);
    let stopped = child.wait_with_output().expect("it ends");
    ends_with(&stopped, 1);
    let words = "stopped: the same command goes on from r.jsonl";
    assert!(said(&stopped).contains(words), "{}", said(&stopped));
    let partial = folder.run("report r.jsonl");
    assert!(said(&partial).contains("shard 1/1 is incomplete: r.jsonl ends after "));
    let rest = folder.run(&line);
    let whole = folder.run(&format!("explore b.ron {MANY}"));
    assert_eq!(text(&rest.stdout), text(&whole.stdout));
}

/// However much there is to try, what is known by then is told.
#[cfg(unix)]
#[test]
fn a_ladder_or_a_mutation_that_is_stopped_says_what_it_had() {
    let what = "stopped: what is not in the table was not tried";
    says_what_it_had("--ladder", [what, "stopped: b.ron was not tried"]);
    let what = "stopped: nothing was left out yet";
    says_what_it_had("--mutate flushes", [what, "stopped: nothing was left out of b.ron"]);
}

#[cfg(unix)]
fn says_what_it_had(how: &str, words: [&str; 2]) {
    let long = RACE
        .replacen('(', "(power_cut: (at: random), seeds: 0..1_000_000,", 1)
        .replace(", or_violates: \"two or three\"", ", gets: any")
        .replace("holds: any_of([fill(2), fill(3)])", "gets: any")
        .replace("holds: any_of([zeroes, fill(1), fill(2)])", "gets: any")
        .replace(", gets: any, gets: any", ", gets: any");
    let folder = Folder::with(&[("long.ron", &long), ("b.ron", RACE)]);
    // Nothing says when it listens.
    for wait in [1, 5, 20] {
        let child = folder.start(&format!("explore long.ron b.ron {how} --runs 1000000000"));
        std::thread::sleep(Duration::from_secs(wait));
        kill("TERM", &child);
        let stopped = child.wait_with_output().expect("it ends");
        if stopped.status.code().is_none() {
            continue;
        }
        ends_with(&stopped, 2);
        let said = said(&stopped);
        assert!(words.iter().all(|words| said.contains(words)), "{said}");
        return;
    }
    panic!("it never listened");
}

#[test]
fn results_from_a_pipe_are_read_and_no_input_is_endless() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    folder.run("explore b.ron --runs 60 --shrink 0 --results r.jsonl");
    let report = |file: &str, input: String| {
        let mut command = Command::cargo_bin("headcrash").expect("the command was built");
        command.current_dir(folder.0.path()).args(["report", file]).write_stdin(input);
        command.output().expect("it can be run")
    };
    let whole = folder.run("report r.jsonl");
    if cfg!(target_os = "linux") {
        let piped = report("/dev/stdin", folder.read("r.jsonl"));
        assert_eq!(text(&piped.stdout), text(&whole.stdout));
        for (command, why) in [
            ("report /dev/zero", "error: /dev/zero: line 1: it is longer than 16 MiB"),
            ("run /dev/zero", "at most 1048576 are read"),
            ("replay /dev/zero", "error: /dev/zero: a failure file is at most 64 MiB long"),
        ] {
            let output = folder.run(command);
            ends_with(&output, 2);
            assert!(said(&output).contains(why), "{}", said(&output));
        }
    }
    // What was found may be on a line that is gone.
    let lines = folder.read("r.jsonl");
    let rest: String =
        lines.split_inclusive('\n').filter(|line| !line.starts_with("{\"finding\"")).collect();
    assert_ne!(rest, lines);
    fs::write(folder.path("gone.jsonl"), rest).expect("a file can be written");
    let gone = folder.run("report gone.jsonl");
    ends_with(&gone, 2);
    assert!(said(&gone).contains(": lines before it are missing"), "{}", said(&gone));
}

#[test]
fn one_run_is_no_runs() {
    let folder = Folder::with(&[("held.ron", HELD)]);
    let one = folder.run("explore held.ron --runs 1 --results r.jsonl");
    assert!(text(&one.stdout).contains("  held.ron  1 run, seeded, "), "{}", said(&one));
    let report = folder.run("report r.jsonl");
    assert!(text(&report.stdout).contains("  held.ron  1 run, "), "{}", said(&report));
}

#[test]
fn a_campaign_goes_on_beyond_its_end() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    folder.run("explore b.ron --runs 100 --shrink 0 --results r.jsonl");
    let more = folder.run("explore b.ron --runs 400 --shrink 0 --results r.jsonl");
    let whole = folder.run("explore b.ron --runs 400 --shrink 0");
    assert_eq!(text(&more.stdout), text(&whole.stdout));
}

#[test]
fn two_shards_are_one_campaign() {
    let folder = Folder::with(&[("b.ron", RACE), ("held.ron", HELD)]);
    let shard = |shard: &str, file: &str| {
        folder
            .run(&format!("explore b.ron held.ron --runs 401 --shrink 0 {shard} --results {file}"))
    };
    ends_with(&shard("", "whole.jsonl"), 1);
    shard("--shard 1/2", "1.jsonl");
    shard("--shard 2/2", "2.jsonl");
    let whole = folder.run("report whole.jsonl");
    ends_with(&whole, 1);
    for files in ["1.jsonl 2.jsonl", "2.jsonl 1.jsonl"] {
        assert_eq!(said(&folder.run(&format!("report {files}"))), said(&whole));
    }
    ends_with(&folder.run(&repeat(&whole)), 1);
    let one = folder.run("report 2.jsonl");
    assert!(said(&one).contains("held.ron: shard 1/2 of seeded is missing"), "{}", said(&one));
    let twice = folder.run("report 1.jsonl 1.jsonl");
    ends_with(&twice, 2);
    assert!(said(&twice).contains("shard 1/2 of b.ron is there twice"), "{}", said(&twice));
    let divided = folder.run("report whole.jsonl 1.jsonl");
    ends_with(&divided, 2);
}

#[test]
fn results_of_something_else_are_refused_and_left_alone() {
    let folder = Folder::with(&[("b.ron", RACE), ("mine.txt", "keep this\n")]);
    folder.run("explore b.ron --runs 20 --shrink 0 --results r.jsonl");
    let before = folder.read("r.jsonl");
    let refused = |line: &str, why: &str| {
        let output = folder.run(line);
        ends_with(&output, 2);
        assert!(said(&output).contains(why), "{}", said(&output));
    };
    refused(
        "explore b.ron --runs 20 --search pct:2 --results r.jsonl",
        "the search of b.ron is seeded there, and pct:2 here",
    );
    refused(
        "explore b.ron --runs 20 --shard 1/2 --results r.jsonl",
        "the shard is 1/1 there, and 1/2 here",
    );
    refused("explore b.ron --seeds 5..9 --results r.jsonl", "is from 0 there, and from 5 here");
    fs::write(folder.path("b.ron"), format!("{RACE}\n")).expect("a file can be written");
    refused("explore b.ron --runs 20 --results r.jsonl", "the hash of b.ron is ");
    assert_eq!(folder.read("r.jsonl"), before);
    refused("explore b.ron --runs 20 --results mine.txt", "line 1");
    assert_eq!(folder.read("mine.txt"), "keep this\n");
    let newer = before.replace("\"format\":1", "\"format\":9,\"more\":true");
    fs::write(folder.path("newer.jsonl"), newer).expect("a file can be written");
    refused("report newer.jsonl", "newer.jsonl: it is of format 9");
    let damaged = before.replacen("\"runs\":20", "\"runs\":-20", 1);
    fs::write(folder.path("damaged.jsonl"), damaged).expect("a file can be written");
    refused("report damaged.jsonl", "damaged.jsonl: line ");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_no_finding() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    let output = folder.run("explore b.ron --runs 300 --shrink 0 --results /dev/full");
    ends_with(&output, 2);
    let said = said(&output);
    assert!(said.contains("/dev/full: No space left on device"), "{said}");
    assert!(said.contains("300 runs, seeded, 2 findings"), "{said}");
    ends_with(&folder.run(&repeat(&output)), 1);
}

#[test]
fn what_no_run_came_to_is_said_and_can_be_denied() {
    let folder = Folder::with(&[("idle.ron", IDLE), ("held.ron", HELD)]);
    let output = folder.run("explore idle.ron --runs 5");
    ends_with(&output, 0);
    let said = said(&output);
    for line in [
        "warning: idle.ron:2:14: event `checkpoint` was never announced",
        "warning: idle.ron:4:9: this rule never fired",
        "warning: idle.ron:4:9: event `write_aio` was never announced",
        "warning: idle.ron:4:9: state 7 was never entered",
        "warning: idle.ron:4:9: nobody was answered `ENOSPC`",
        "warning: idle.ron:5:9: rule `never` never fired",
        "warning: idle.ron:9:49: client `a` never came to this expectation",
        "warning: idle.ron:11:18: `full` was never true",
    ] {
        assert!(said.contains(line), "{line}\n\n{said}");
    }
    let denied = folder.run("explore idle.ron --runs 5 --deny vacuous");
    ends_with(&denied, 2);
    ends_with(&folder.run(&repeat(&denied)), 2);
    let said = text(&denied.stderr);
    assert!(said.contains("error: vacuous: rule `never` never fired\n --> idle.ron:5:9"), "{said}");
    ends_with(&folder.run("explore held.ron --runs 5 --deny vacuous"), 0);
    let json = folder.run("explore idle.ron --runs 5 --format json");
    let value: Value = serde_json::from_slice(&json.stdout).expect("it is one object");
    assert_eq!(value["vacuous"][1]["kind"], "rule");
    assert_eq!(value["runs"], 5);
}

#[test]
fn a_scenario_that_expects_a_failure_has_to_show_it_once() {
    let expect = |property: &str| {
        RACE.replacen('(', &format!("(expect: violated(\"{property}\"),"), 1).replace(
            "any_of([zeroes, fill(1), fill(2)])",
            "any_of([zeroes, fill(1), fill(2), fill(3)])",
        )
    };
    let never = HELD.replacen('(', "(expect: violated(\"expectation\"), ", 1);
    let folder = Folder::with(&[("known.ron", &expect("two or three")), ("never.ron", &never)]);
    let known = folder.run("explore known.ron --runs 300");
    ends_with(&known, 0);
    assert!(said(&known).contains("violated(\"two or three\")"), "{}", said(&known));
    let never = folder.run("explore never.ron --runs 30");
    ends_with(&never, 1);
    let words = "violated(\"expectation\") was expected, and did not come in 30 runs";
    assert!(said(&never).contains(words), "{}", said(&never));
    ends_with(&folder.run(&repeat(&never)), 1);
}

#[test]
fn an_exhaustive_search_says_whether_it_is_complete() {
    let two = r#"(clients: [
        (name: "a", steps: [write(at: 0, len: 512, fill: 1), write(at: 0, len: 512, fill: 1)]),
        (name: "b", steps: [write(at: 0, len: 512, fill: 2), write(at: 0, len: 512, fill: 2)]),
    ])"#;
    let folder = Folder::with(&[("two.ron", two)]);
    let all = folder.run("explore two.ron --search exhaustive --results r.jsonl");
    ends_with(&all, 0);
    assert!(text(&all.stdout).contains("  6 runs, exhaustive ("), "{}", said(&all));
    assert!(text(&all.stdout).contains(", complete)"), "{}", said(&all));
    let again = folder.run("explore two.ron --search exhaustive --results r.jsonl");
    assert_eq!(text(&again.stdout), text(&all.stdout));
    let some = folder.run("explore two.ron --search exhaustive --runs 2");
    assert!(text(&some.stdout).contains("ended by the number of runs)"), "{}", said(&some));
    ends_with(&folder.run("explore two.ron --search exhaustive --seeds 0..5"), 2);
    ends_with(&folder.run("explore two.ron --search exhaustive --shard 1/2"), 2);
}

#[test]
fn every_run_is_the_same_in_another_process() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    for search in ["seeded --runs 1500", "pct:3 --runs 600", "exhaustive --runs 1200"] {
        let line = format!("explore b.ron --search {search} --shrink 0");
        let checked = folder.run(&format!("{line} --check-determinism"));
        ends_with(&checked, 1);
        assert_eq!(text(&checked.stdout), text(&folder.run(&line).stdout));
    }
}

#[test]
fn time_bounds_how_many_runs_there_are() {
    let folder = Folder::with(&[("held.ron", HELD), ("b.ron", RACE)]);
    let output = folder.run("explore held.ron b.ron --for 1s --shrink 0");
    ends_with(&output, 1);
    let lines = text(&output.stdout).matches(", until the time was over").count();
    assert_eq!(lines, 2, "{}", said(&output));
}

/// The script for a job array, as Slurm runs it: once for each task, then the report.
#[cfg(unix)]
#[test]
fn a_job_array_is_one_campaign() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let program = assert_cmd::cargo::cargo_bin("headcrash");
    let bash = |script: &str, task: Option<u64>| {
        let mut command = std::process::Command::new("bash");
        command.current_dir(folder.0.path()).arg(deploy.join(script)).arg("b.ron");
        command.env("HEADCRASH", &program).env("RUNS", "400").env("RESULTS", "results");
        command.env("SHRINK", "0").env("JOBS", "1");
        if let Some(task) = task {
            command.env("SLURM_ARRAY_TASK_ID", task.to_string());
            command.env("SLURM_ARRAY_TASK_COUNT", "3").env("SLURM_ARRAY_TASK_MIN", "1");
        }
        command.output().expect("it can be run")
    };
    for task in 1..=3 {
        let output = bash("slurm.sh", Some(task));
        assert!(said(&output).contains(&format!("shard {task}/3")), "{}", said(&output));
    }
    let merged = bash("merge.sh", None);
    ends_with(&merged, 1);
    folder.run("explore b.ron --runs 400 --shrink 0 --results whole.jsonl");
    let whole = folder.run("report whole.jsonl");
    let first = |output: &Output| text(&output.stdout).lines().next().map(ToOwned::to_owned);
    assert_eq!(first(&merged), first(&whole), "{}", said(&merged));
}

#[test]
fn what_is_saved_overwrites_nothing() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    let first = folder.run("explore b.ron --runs 100 --failures found");
    let file = said(&first).lines().last().expect("it ends with a command").trim().to_owned();
    let failure = file.rsplit(' ').next().expect("the command names a file").to_owned();
    fs::write(folder.path(&failure), "somebody else's").expect("a file can be written");
    let again = folder.run("explore b.ron --runs 100 --failures found");
    ends_with(&again, 2);
    assert!(said(&again).contains("is there already, and says something else"), "{}", said(&again));
    assert_eq!(folder.read(&failure), "somebody else's");
}

#[test]
fn what_a_ladder_does_not_do_it_does_not_take() {
    let folder = Folder::with(&[("b.ron", RACE)]);
    for instead in ["--ladder", "--mutate flushes"] {
        for option in ["--search exhaustive", "--seeds 0..9", "--shard 1/2", "--results r.jsonl"] {
            let refused = folder.run(&format!("explore b.ron {instead} {option}"));
            ends_with(&refused, 2);
            assert!(said(&refused).contains("cannot be used with"), "{}", said(&refused));
        }
    }
}
