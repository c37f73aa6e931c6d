//! A run can be had again, whoever answers its questions.

use std::collections::BTreeMap;
use std::fmt::Write;

use arbitrary::{Result, Unstructured};
use headcrash_scenario::{Failure, Keep, Outcome, Run, Scenario, parse, run, run_seed};
use headcrash_sim::{Calm, Replay, Schedule, Strictness, What};

/// A scenario made of anything gives the same run for the same seed, and the same again from its
/// schedule, strictly and leniently, and through its failure file; any other schedule is a valid
/// run; and every request that was submitted ends once, or is held by somebody.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn runs(u: &mut Unstructured<'_>) -> Result<()> {
    let text = anything(u)?;
    let scenario = parse("law.ron", text.as_bytes())
        .unwrap_or_else(|errors| panic!("{}\n{text}", errors.render(false)));
    let seed = u.arbitrary()?;
    let first = run_seed(&scenario, seed, Keep::Trace);
    let again = run_seed(&scenario, seed, Keep::Hash);
    assert_eq!(again.hash, first.hash, "a seed gave two runs\n{text}");
    requests_end_once(&first, &text);

    for strictness in [Strictness::Strict, Strictness::Lenient] {
        let replay = Replay::from_schedule(&first.schedule, strictness);
        let (replayed, replay) = run(&scenario, replay, Keep::Hash);
        let mismatch = replay.mismatch();
        assert!(replay.is_complete(), "{strictness:?} replay differs: {mismatch:?}\n{text}");
        assert_eq!(replayed.hash, first.hash, "a {strictness:?} replay is another run\n{text}");
        assert_eq!(replayed.schedule, first.schedule, "a replay recorded another schedule\n{text}");
    }
    through_a_file(&scenario, &first, seed, &text);

    let mut mutant = first.schedule.clone();
    mutate(u, &mut mutant)?;
    for strictness in [Strictness::Strict, Strictness::Lenient] {
        let (run, _) = run(&scenario, Replay::from_schedule(&mutant, strictness), Keep::Trace);
        requests_end_once(&run, &text);
    }
    let (calm, _) = run(&scenario, Calm, Keep::Hash);
    assert!(calm.schedule.choices.iter().all(|choice| choice.answer == 0), "calm is all zeroes");
    Ok(())
}

fn through_a_file(scenario: &Scenario, run: &Run, seed: u64, text: &str) {
    let failure = Failure::of(scenario, run, Some(seed));
    let read = Failure::parse(&failure.to_ron());
    let read = read.unwrap_or_else(|error| panic!("{error}\n{}", failure.to_ron()));
    assert_eq!(read, failure, "a failure file says something else than it was told\n{text}");
    let replayed = read.replay(scenario).expect("the scenario is the one recorded");
    assert!(replayed.is_same, "{}\n{text}", replayed.report(scenario));
}

fn requests_end_once(run: &Run, text: &str) {
    let mut ends = BTreeMap::new();
    let mut held = 0_i64;
    for fact in &run.facts {
        match fact.what {
            What::Submitted { request, .. } => _ = ends.insert(request, 0),
            What::Completed { request, .. } | What::CompletedShort { request, .. } => {
                *ends.get_mut(&request).expect("what ends was submitted") += 1;
            }
            What::Suspended { .. } => held += 1,
            What::Resumed { .. } => held -= 1,
            _ => {}
        }
    }
    assert!(ends.values().all(|count| *count <= 1), "a request ended twice\n{text}");
    // Closing a disk ends suspensions without a resume, so there may be fewer, never more.
    assert!(run.suspended.len() as i64 <= held, "more are suspended than were\n{text}");
    // A run that was cut off by a violation leaves requests on their way.
    if run.outcome == Outcome::Held && run.suspended.is_empty() {
        assert!(ends.values().all(|count| *count == 1), "a request was lost\n{text}");
    }
}

fn mutate(u: &mut Unstructured<'_>, schedule: &mut Schedule) -> Result<()> {
    for _ in 0..u.int_in_range(1..=8)? {
        let choices = &mut schedule.choices;
        if choices.is_empty() {
            return Ok(());
        }
        let place = u.choose_index(choices.len())?;
        match u.int_in_range(0..=4)? {
            0 => drop(choices.remove(place)),
            1 => choices[place].answer = u.arbitrary()?,
            2 if choices[place].picked.is_some() => {
                let other = u.choose_index(choices.len())?;
                choices[place].picked = choices[other].picked;
            }
            3 => choices.truncate(place),
            _ => {
                let other = u.choose_index(choices.len())?;
                choices.swap(place, other);
            }
        }
    }
    Ok(())
}

const EVENTS: &[&str] = &[
    "read_aio",
    "write_aio",
    "pwritev",
    "pwritev_done",
    "pwritev_zero",
    "flush_to_os",
    "flush_to_disk",
    "pwritev_rmw_head",
    "pwritev_rmw_after_tail",
    "commit",
];
const TAGS: &[&str] = &["A", "B", "C"];

/// A valid scenario: every tag is set by the first client, on the first disk.
pub(super) fn anything(u: &mut Unstructured<'_>) -> Result<String> {
    let mut text = String::from("(\n");
    let old = u.arbitrary()?;
    line(&mut text, if old { "dialect: qemu_2_6" } else { "dialect: qemu_10_0_2" });
    if u.arbitrary()? {
        line(&mut text, "quirks: qemu");
    }
    line(&mut text, "events: [\"commit\"]");
    let latency = *u.choose(&[
        "zero",
        "any",
        "constant(ns: 5)",
        "uniform(min_ns: 0, max_ns: 3)",
        "exponential(mean_ns: 7)",
    ])?;
    let top = *u.choose(&["raw", "none"])?;
    let align = *u.choose(&["", ", align: 4096", ", align: 1024"])?;
    let disk = |name: &str| {
        format!("(name: \"{name}\", size: 32_768, latency: {latency}, top: {top}{align})")
    };
    line(&mut text, &format!("disks: [{}, {}]", disk("a"), disk("b")));
    let resumes = *u.choose(&["by_script", "after_ns(4)", "seeded"])?;
    line(&mut text, &format!("suspensions: {resumes}"));
    let rules = (0..u.int_in_range(0..=6)?).map(|_| rule(u)).collect::<Result<Vec<_>>>()?;
    line(&mut text, &format!("rules: [{}]", rules.join(", ")));
    let mut clients = Vec::new();
    for index in 0..u.int_in_range(1..=3)? {
        let mut steps = Vec::new();
        if index == 0 {
            for tag in TAGS {
                let event = u.choose(EVENTS)?;
                steps.push(format!("set_break(event: \"{event}\", tag: \"{tag}\", disk: \"a\")"));
            }
        }
        for step in 0..u.int_in_range(1..=7)? {
            steps.push(self::step(u, index, step)?);
        }
        clients.push(format!("(name: \"c{index}\", steps: [{}])", steps.join(", ")));
    }
    line(&mut text, &format!("clients: [{}]", clients.join(",\n  ")));
    text.push(')');
    Ok(text)
}

fn line(text: &mut String, field: &str) {
    writeln!(text, "    {field},").expect("a string takes anything");
}

fn rule(u: &mut Unstructured<'_>) -> Result<String> {
    let event = u.choose(EVENTS)?;
    let state: u8 = u.int_in_range(0..=3)?;
    let disk = *u.choose(&["", ", disk: \"a\"", ", disk: \"b\""])?;
    let action = match u.int_in_range(0..=3)? {
        0 => format!("set_state({})", u.int_in_range(0..=3)?),
        _ => {
            let errno = *u.choose(&["5", "28", "0", "95"])?;
            let sector = *u.choose(&["", ", sector: 8", ", sectors: 2..12", ", sector: -1"])?;
            let once: bool = u.arbitrary()?;
            let immediately: bool = u.arbitrary()?;
            format!(
                "inject_error(errno: {errno}{sector}, once: {once}, immediately: {immediately})"
            )
        }
    };
    Ok(format!("(event: \"{event}\", state: {state}{disk}, action: {action})"))
}

fn step(u: &mut Unstructured<'_>, client: usize, number: usize) -> Result<String> {
    let disk = *u.choose(&["a", "b"])?;
    Ok(match u.int_in_range(0..=11)? {
        0 => format!("sleep(ns: {})", u.int_in_range(0..=9)?),
        1 => format!("announce(event: \"commit\", disk: \"{disk}\")"),
        2 => "wait_all(gets: any)".to_owned(),
        3 => {
            let tag = u.choose(TAGS)?;
            format!("wait_break(\"{tag}\")")
        }
        4 => format!(
            "set_break(event: \"{}\", tag: \"{}\", disk: \"a\")",
            u.choose(EVENTS)?,
            u.choose(TAGS)?
        ),
        5 => format!("reopen(disk: \"{disk}\")"),
        6 => format!("close(disk: \"{disk}\"), open(disk: \"{disk}\")"),
        7 => format!("submit(id: \"r{client}_{number}\", io: {})", io(u, disk, "")?),
        8 => {
            format!("parallel([{}, {}])", io(u, disk, ", gets: any")?, io(u, disk, ", gets: any")?)
        }
        _ => io(u, disk, ", gets: any")?,
    })
}

fn io(u: &mut Unstructured<'_>, disk: &str, gets: &str) -> Result<String> {
    let at = 512 * u.int_in_range(0..=20_u32)? + if u.ratio(1, 4)? { 100 } else { 0 };
    let len = *u.choose(&[512, 4096, 100, 6000])?;
    let place = format!("disk: \"{disk}\", at: {at}, len: {len}");
    Ok(match u.int_in_range(0..=4)? {
        0 => format!("read({place}{gets})"),
        1 => format!("write({place}, fill: 7{gets})"),
        2 => format!("write_zeroes({place}{gets})"),
        3 => format!("discard({place}{gets})"),
        _ => format!("flush(disk: \"{disk}\"{gets})"),
    })
}
