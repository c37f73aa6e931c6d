use super::*;

fn scenario(text: &str) -> Scenario {
    crate::parse("s.ron", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn journal(name: &str) -> Scenario {
    scenario(&std::fs::read_to_string(format!("../../scenarios/journal/{name}.ron")).unwrap())
}

/// What the last of these lines is answered; an error begins with `error: `.
fn say(walk: &mut Walk<'_>, lines: &[&str]) -> String {
    let mut last = String::new();
    for line in lines {
        last = match walk.execute(line) {
            Ok(Reply::Text(text)) => text,
            Ok(other) => format!("{other:?}"),
            Err(error) => format!("error: {error}"),
        };
    }
    last
}

/// Two clients, a rule with states, latencies: everything that can be looked at.
const BUSY: &str = r#"(
    rules: [
        (name: "first", event: "write_aio", action: set_state(2)),
        (name: "full", event: "pwritev", state: 2, action: inject_error(errno: "ENOSPC", once: true)),
        (event: "read_aio", action: suspend("A")),
    ],
    disks: [(size: 65_536, latency: uniform(min_ns: 100, max_ns: 900))],
    clients: [
        (name: "a", steps: [
            write(at: 0, len: 512, fill: 0x11, gets: any),
            write(at: 512, len: 512, fill: 0x22, gets: any),
            write(at: 1024, len: 512, fill: 0x33, gets: any),
        ]),
        (name: "b", steps: [
            submit(id: "r", io: read(at: 4096, len: 512)),
            wait_break("A"),
            sleep(ns: 2_000),
            resume("A"),
            wait(id: "r"),
        ]),
    ],
    seed: 7,
)"#;

#[test]
fn every_step_looks_the_same_from_wherever_one_comes() {
    let scenario = scenario(BUSY);
    let mut walk = Walk::of_seed(&scenario, 7);
    let all = |walk: &Walk<'_>| {
        let looks = [walk.here(), walk.engines(), walk.requests(), walk.clients(), walk.choices()];
        looks.concat() + &walk.disks() + &walk.changes(DiskIndex(0), 0)
    };
    let mut seen = vec![all(&walk)];
    while walk.step() < walk.steps() {
        walk.go(walk.step() + 1);
        seen.push(all(&walk));
    }
    assert!(seen.len() > 10);
    for step in (0..seen.len()).rev().chain([3, 0, 9, 4]) {
        walk.go(step);
        assert_eq!(all(&walk), seen[step], "step {step}");
    }
}

#[test]
fn what_a_walk_tells_is_the_trace() {
    let scenario = scenario(BUSY);
    let mut walk = Walk::of_seed(&scenario, 7);
    walk.go(usize::MAX);
    let run = run_seed(&scenario, 7, Keep::Trace);
    let trace = crate::trace::text(&scenario, &run);
    let told = walk.trace(u64::MAX);
    assert!(trace.starts_with(&told), "{told}\n{trace}");
    assert_eq!(walk.failure().trace_hash, format!("{:016x}", run.hash));
}

#[test]
fn states_rules_and_held_requests_are_seen() {
    let scenario = scenario(BUSY);
    let mut walk = Walk::of_seed(&scenario, 7);
    let moved = say(&mut walk, &["next transition", "state"]);
    assert!(moved.contains("d0: state 2"), "{moved}");
    let used = say(&mut walk, &["end", "state"]);
    assert!(used.contains("used up: `full`"), "{used}");
    let held = say(&mut walk, &["start", "next event read_aio", "state"]);
    assert!(held.contains("held at read_aio under A"), "{held}");
    let requests = say(&mut walk, &["requests"]);
    assert!(requests.contains("read d0 4096+512: suspended under A"), "{requests}");
    let clients = say(&mut walk, &["clients"]);
    assert!(clients.contains("b: can go on at 16:13: wait_break(\"A\")"), "{clients}");
    assert_eq!(say(&mut walk, &["end", "next"]), "error: the run is over here");
    assert_eq!(say(&mut walk, &["start", "back"]), "error: the run begins here");
}

#[test]
fn another_answer_makes_another_run_that_can_be_kept_and_taken_back() {
    let scenario = journal("no_flush_before_record");
    let mut walk = Walk::of_seed(&scenario, 0);
    assert_eq!(walk.run().outcome.label(), "violated(\"a committed block is there\")");
    let choices = say(&mut walk, &["next decision", "next choice", "choices"]);
    assert_eq!(
        choices,
        "1: crash_sector about byte 4096 of disk d0\n    0 write 1\n  > 1 what was durable\n\
         2: crash_sector about byte 4608 of disk d0\n  > 0 write 1\n    1 what was durable\n"
    );
    let taken = say(&mut walk, &["take 0"]);
    assert!(taken.ends_with("the run now comes to: held\n"), "{taken}");
    let failure = walk.failure();
    let again = failure.replay(&scenario).unwrap();
    assert!(again.is_same, "{}", again.report(&scenario));
    let undone = say(&mut walk, &["undo", "end"]);
    assert!(undone.ends_with("the end: violated(\"a committed block is there\")\n"), "{undone}");
    assert_eq!(say(&mut walk, &["undo"]), "error: no other answer was taken");
}

#[test]
fn the_power_can_be_cut_where_it_was_not() {
    let scenario = journal("correct");
    let mut walk = Walk::of_seed(&scenario, 0);
    // Nothing is wrong, so the run is the first there is: the power goes at once.
    say(&mut walk, &["take 0 calm", "next"]);
    let taken = say(&mut walk, &["take 1 calm", "next cut"]);
    assert!(taken.contains("power cut") && taken.starts_with("step 2 of"), "{taken}");
    say(&mut walk, &["end"]);
    assert_eq!(walk.run().outcome.label(), "held");
}

#[test]
fn what_cannot_be_done_is_told_with_what_can() {
    let scenario = journal("correct");
    let mut walk = Walk::of_seed(&scenario, 0);
    for (line, error) in [
        ("nxt", "there is no command `nxt`, there are next, "),
        ("next chance", "a number of steps, or one of event, choice, transition, "),
        ("next event pwrite", "no event is called `pwrite`"),
        ("go 1000", "the run has steps 0 to "),
        ("go x", "`x` is no number"),
        ("take 7", "the answers are 0 to 1, and 7 is none of them"),
        ("take 3 0", "the next step asks one question, and 3 is not its number"),
        ("bytes d1 0", "there is no disk `d1`, there is `d0`"),
        ("bytes 1_048_576 1", "the disk has 1048576 bytes, and these are beyond"),
        ("bytes 0 0", "from 1 to 65536 bytes can be shown"),
        ("changes since", "there is no disk `since`"),
        ("help me", "there is no command `me`"),
        ("start over", "`start` stands alone"),
    ] {
        let said = say(&mut walk, &[line]);
        assert!(said.starts_with(&format!("error: {error}")), "{line}: {said}");
    }
    let help = say(&mut walk, &["help take"]);
    assert!(help.starts_with("take [K] ANSWER [calm]"), "{help}");
}

#[test]
fn a_long_run_is_walked_with_few_checkpoints() {
    let scenario = scenario(
        "(steps: [repeat(times: 20_000, steps: [write(at: 0, len: 512, fill: 1), write(at: 0, len: 512, fill: 2)])])",
    );
    let mut walk = Walk::of_seed(&scenario, 0);
    assert!(walk.steps() > 40_000);
    assert!(walk.checkpoints.len() <= CHECKPOINTS);
    walk.go(33_333);
    let there = walk.here();
    walk.go(usize::MAX);
    walk.go(33_333);
    assert_eq!(walk.here(), there);
}

#[test]
fn a_failure_of_a_scenario_that_was_edited_is_walked_as_far_as_it_fits() {
    let was = journal("no_flush_before_record");
    let run = run_seed(&was, 0, Keep::Hash);
    let failure = Failure::of(&was, &run, Some(0));
    let text = was.source().text().replace("flush(),", "sleep(ns: 5), flush(),");
    let edited = scenario(&text);
    let recorded = Recorded::of(&failure, &edited).unwrap();
    let walk = Walk::of_failure(&recorded);
    assert_eq!(walk.run().outcome.label(), failure.outcome);
}

#[test]
fn bytes_are_shown_as_everybody_shows_them() {
    assert_eq!(
        bytes::dump(0x10, b"commit\0\xff0123456789abcdefghijklmnopqrstu"),
        "00000010  63 6f 6d 6d 69 74 00 ff 30 31 32 33 34 35 36 37  commit..01234567\n\
         00000020  38 39 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d 6e  89abcdefghijklmn\n\
         00000030  6f 70 71 72 73 74 75                             opqrstu\n\
         00000037\n"
    );
}
