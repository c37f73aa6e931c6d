//! Whatever the bytes are, there is an answer: no panic, no overflow, no long wait.

use headcrash_scenario::{Scenario, parse};

const VALID: [&str; 6] = [
    include_str!("valid/disks.ron"),
    include_str!("valid/everything.ron"),
    include_str!("valid/files.ron"),
    include_str!("valid/held_rmw.ron"),
    include_str!("valid/one_disk.ron"),
    include_str!("valid/two_lines.ron"),
];

/// Reads it, and whatever came of that, prints it.
fn check(text: &[u8]) -> Option<Scenario> {
    match parse("hostile.ron", text) {
        Ok(scenario) => {
            let printed = scenario.to_ron();
            let again = parse("printed.ron", printed.as_bytes()).map_err(|errors| {
                panic!("{printed}\n{}", errors.render(false));
            });
            assert!(again.as_ref() == Ok(&scenario), "{printed}");
            Some(scenario)
        }
        Err(errors) => {
            assert!(!errors.diagnostics().is_empty());
            assert!(!errors.render(false).is_empty() && !errors.to_string().is_empty());
            None
        }
    }
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    for text in VALID {
        let end = text.rfind(')').expect("it is a struct");
        for len in 0..=end {
            assert!(check(&text.as_bytes()[..len]).is_none(), "{}", &text[..len.min(text.len())]);
        }
    }
}

/// A number after another, the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

#[test]
fn a_changed_file_is_read_or_refused() {
    let bytes = b"()[]{},:\"'/*\\#rb._-+=0519aexX\n\r\t \0\xff\xc3\xe2";
    let mut numbers = Numbers(7);
    let mut valid = 0;
    for _ in 0..4_000 {
        let mut text = VALID[numbers.below(VALID.len())].as_bytes().to_vec();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(text.len());
            match numbers.below(4) {
                0 => text[at] = bytes[numbers.below(bytes.len())],
                1 => _ = text.remove(at),
                2 => text.insert(at, bytes[numbers.below(bytes.len())]),
                _ => text[at] ^= 1 << numbers.below(8),
            }
        }
        valid += usize::from(check(&text).is_some());
    }
    assert!(valid > 100, "some changes mean nothing or something else: {valid}");
}

#[test]
fn words_put_elsewhere_are_read_or_refused() {
    // Pieces of valid files in any order reach further than changed bytes do.
    let pieces: Vec<&str> =
        VALID.iter().flat_map(|text| text.split_inclusive(['(', ',', ' '])).collect();
    let mut numbers = Numbers(11);
    for _ in 0..2_000 {
        let mut text = pieces.clone();
        for _ in 0..=numbers.below(4) {
            let (from, to) = (numbers.below(text.len()), numbers.below(text.len()));
            text[to] = pieces[from];
        }
        let start = numbers.below(text.len());
        check(text[start..].concat().as_bytes());
        check(text.concat().as_bytes());
    }
}

#[test]
fn bombs_are_refused() {
    let long = 1 << 20;
    let fill = |start: &str, piece: &str| {
        start.to_owned() + &piece.repeat((long - start.len()) / piece.len())
    };
    for (start, piece) in [
        ("", "("),
        ("", "["),
        ("", "{"),
        ("", "Some("),
        ("(steps: [", "expect(not("),
        ("", "/*"),
        ("", "/**/"),
        ("r", "#"),
        ("(summary: r", "#"),
        ("(summary: \"", "\\"),
        ("", "'"),
        ("", "#!["),
        ("(", "a"),
        ("(", ","),
        ("(", ":"),
        ("(seed: ", "9"),
        ("(seed: 0x", "_"),
        ("(seed: 0.", "0"),
        ("(seed: ", "7 "),
        ("(", "seed:7,"),
        ("(", "\n"),
        ("(", "é"),
        ("", "\0"),
        ("(steps: [", "flush(),"),
        ("(steps: [", "flus(),"),
        ("(steps: [", "resume(\"a\"),"),
        ("(disks: [", "(),"),
        ("(disks: [(below: [", "(),"),
        ("(clients: [", "(steps:[]),"),
        ("(rules: [", "(event:\"x\",action:set_state(1)),"),
        ("(events: [", "\"x\","),
    ] {
        assert!(check(fill(start, piece).as_bytes()).is_none(), "{start}{piece}");
    }
}

#[test]
fn large_files_with_mistakes_everywhere_are_refused() {
    let many = |each: &dyn Fn(usize) -> String, len: usize| (0..len).map(each).collect::<String>();
    let disks = many(&|index| format!("(name:\"disk{index}\"),"), 20_000);
    let rules = many(
        &|index| format!("(name:\"rule{index}\",event:\"evnt{index}\",action:set_state(1)),"),
        15_000,
    );
    let steps = many(&|index| format!("resume(\"tag{index}\"),wait(id:\"id{index}\"),"), 20_000);
    let ids = many(&|index| format!("submit(id:\"{index}\",io:flush()),"), 30_000);
    let whens = many(&|_| "when(saved:\"r\",holds:zeroes,then:[]),".to_owned(), 10_000);
    let events = many(&|index| format!("announce(event:\"e{index}\"),"), 30_000);
    for text in [
        format!("(disks:[{disks}],steps:[flush()])"),
        format!("(rules:[{rules}],steps:[flush()])"),
        format!("(steps:[{steps}])"),
        format!("(steps:[{ids}])"),
        format!("(steps:[{}{whens}])", &ids[..200_000]),
        format!("(steps:[{events}])"),
    ] {
        assert!(check(text.as_bytes()).is_none(), "{}", &text[..60]);
    }
}

#[test]
fn a_large_file_is_read() {
    let rules: String = (0..8_000)
        .map(|index| {
            format!(
                "(name:\"r{index}\",event:\"write_aio\",action:inject_error(sector:{})),",
                index % 2048
            )
        })
        .collect();
    let steps = "write(at:0,len:512,fill:0x11),".repeat(10_000);
    let disks = "(),".repeat(32);
    let one = format!("(rules:[{rules}],steps:[{steps}])");
    assert!(check(one.as_bytes()).is_some());
    let many = format!("(disks:[{disks}],rules:[{rules}],steps:[sleep(ns:1)])");
    assert!(check(many.as_bytes()).is_some());
}
