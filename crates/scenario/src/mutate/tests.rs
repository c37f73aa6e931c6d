use super::*;

fn scenario(text: &str) -> Scenario {
    crate::parse("s.ron", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn check(scenario: &Scenario, what: What, wanted: &str) {
    let found = text(&mutate(scenario, what, &Options::default()), scenario);
    assert_eq!(found.trim_end(), wanted);
}

fn journal(name: &str) -> Scenario {
    scenario(&std::fs::read_to_string(format!("../../scenarios/journal/{name}.ron")).unwrap())
}

#[test]
fn a_correct_journal_misses_each_of_its_flushes() {
    check(
        &journal("correct"),
        What::Flushes,
        "5:9  flush  noticed: violated(\"a committed block is there\") with seed 0\n\
         7:9  flush  noticed: violated(\"an acknowledged commit is kept\") with seed 0\n\
         2 flushes left out, one at a time: 2 noticed, 0 not; noticed is what does not come out as held",
    );
}

#[test]
fn a_second_flush_in_a_row_is_missed_by_nobody() {
    let twice = scenario(
        "(
    steps: [write(at: 0, len: 512, fill: 1), flush(), flush(), mark(\"kept\")],
    power_cut: (at: everywhere),
    recover: [when_marked(mark: \"kept\", then: [
        read(at: 0, len: 512, holds: fill(1)),
        flush(),
    ])],
)",
    );
    check(
        &twice,
        What::Flushes,
        "2:46  flush  NOT NOTICED in 5 runs\n\
         2:55  flush  NOT NOTICED in 5 runs\n\
         6:9   flush  NOT NOTICED in 5 runs\n\
         3 flushes left out, one at a time: 0 noticed, 3 not; noticed is what does not come out as held",
    );
    let mutations = mutate(&twice, What::Flushes, &Options::default());
    let diagnostic = mutations.all[0].diagnostic().unwrap();
    assert_eq!(diagnostic.message, "this flush is not load-bearing");
    assert_eq!(&twice.source().text()[diagnostic.span.range()], "flush()");
}

#[test]
fn where_a_violation_is_expected_what_it_needs_is_noticed() {
    // Without the rule nothing fails, and nothing is dropped.
    check(
        &journal("flush_error_ignored"),
        What::Rules,
        "3:13  rule `fsync`  noticed: held with seed 0\n\
         1 rule left out, one at a time: 1 noticed, 0 not; noticed is what does not come out as \
         violated(\"a committed block is there\")",
    );
}

#[test]
fn force_unit_access_and_flushes_inside_of_steps_are_left_out_as_well() {
    check(
        &scenario(
            "(
    steps: [
        write(at: 0, len: 512, fill: 1, fua: true),
        mark(\"one\"),
        submit(id: \"w\", io: write(at: 512, len: 512, fill: 2)),
        wait(id: \"w\"),
        submit(id: \"f\", io: flush()),
        wait(id: \"f\"),
        mark(\"two\"),
        write(at: 1024, len: 512, fill: 3),
        parallel([flush(), read(at: 0, len: 512)]),
        mark(\"three\"),
    ],
    power_cut: (at: everywhere),
    recover: [
        when_marked(mark: \"one\", then: [read(at: 0, len: 512, holds: fill(1))]),
        when_marked(mark: \"two\", then: [read(at: 512, len: 512, holds: fill(2))]),
        when_marked(mark: \"three\", then: [read(at: 1024, len: 512, holds: fill(3))]),
    ],
)",
        ),
        What::Flushes,
        "3:41   force unit access  noticed: violated(\"expectation\") with seed 0\n\
         7:9    flush              noticed: violated(\"expectation\") with seed 0\n\
         11:19  flush              noticed: violated(\"expectation\") with seed 0\n\
         3 flushes left out, one at a time: 3 noticed, 0 not; noticed is what does not come out as held",
    );
}

#[test]
fn what_is_never_reached_and_what_is_named_elsewhere_is_said_so() {
    check(
        &scenario(
            "(
    rules: [
        (event: \"flush_to_disk\", state: 2, action: inject_error()),
        (name: \"hold\", event: \"write_aio\", nth: 1, action: delay(ns: 5)),
        (event: \"read_aio\", action: inject_error(errno: \"ENOSPC\"), once: true),
    ],
    steps: [
        write(at: 0, len: 512, fill: 1),
        flush(),
        read(at: 0, len: 512, gets: fails(\"ENOSPC\")),
        expect(fired(\"hold\")),
    ],
)",
        ),
        What::Rules,
        "3:9  rule         NOT NOTICED: never reached\n\
         4:9  rule `hold`  noticed: the file is not valid without it: no rule is called `hold`\n\
         5:9  rule         noticed: violated(\"expectation\") with seed 0\n\
         3 rules left out, one at a time: 2 noticed, 1 not; noticed is what does not come out as held",
    );
}

#[test]
fn a_scenario_that_is_not_as_expected_says_nothing() {
    check(
        &scenario("(steps: [flush(gets: fails(\"EIO\"))])"),
        What::Flushes,
        "broken: with everything in its place seed 0 is violated(\"expectation\"), and held was \
         expected: nothing was left out",
    );
}

#[test]
fn whoever_is_stopped_tells_what_is_known_by_then() {
    let journal = journal("correct");
    // One run for everything in its place, and one without each of two flushes.
    for (runs, left_out, last) in [
        (0, 0, "stopped: nothing was left out yet"),
        (1, 0, "stopped: nothing was left out yet"),
        (2, 1, "stopped: what comes after these was not left out"),
    ] {
        let begun = std::cell::Cell::new(0);
        let goes_on = || begun.replace(begun.get() + 1) < runs;
        let found = mutate_while(&journal, What::Flushes, &Options::default(), &goes_on);
        assert_eq!((found.all.len(), found.is_stopped), (left_out, true));
        assert_eq!(text(&found, &journal).lines().last(), Some(last));
    }
    let found = mutate_while(&journal, What::Flushes, &Options::default(), &|| true);
    assert_eq!((found.all.len(), found.is_stopped), (2, false));
}
