//! `headcrash conformance`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use headcrash_scenario::conformance::{Dialect, Failure, Recorded, check};
use serde_json::json;

use crate::args::{ConformanceArgs, DialectArg, Format};
use crate::{Exit, live, output};

/// Compares our answers with recorded or fresh ones of real blkdebugs.
pub(crate) fn conformance(args: &ConformanceArgs) -> Exit {
    let mut tally = Tally { format: args.format, passed: 0, failed: 0 };
    let mut readable = true;
    for file in &args.files {
        if let Err(error) = recorded(args, file, &mut tally) {
            output::note(&format!("error: {}: {error}", file.display()));
            readable = false;
        }
    }
    if args.live.is_some() && args.dialect.is_some_and(|dialect| is(dialect, Dialect::Qemu2_6)) {
        output::note(
            "error: live cases are of dialect qemu_10_0_2: there is no qemu-io of 2.6 to ask",
        );
        return Exit::Unusable;
    }
    if let Some(n) = args.live {
        let mut report = |case: &Recorded, result| tally.add("live", &case.case.id, result);
        if let Err(error) = live::run(n, args.seed, &mut report) {
            output::note(&format!("error: {error}"));
            readable = false;
        }
    }
    tally.summary();
    if readable && tally.passed + tally.failed == 0 {
        output::note("error: there was no case to compare");
        readable = false;
    }
    match (readable, tally.failed) {
        (false, _) => Exit::Unusable,
        (true, 0) => Exit::Fine,
        (true, _) => Exit::Unexpected,
    }
}

/// A line of a case file is at most so long: 16 MiB.
const LINE_MAX: usize = 16 << 20;

fn recorded(args: &ConformanceArgs, file: &Path, tally: &mut Tally) -> Result<(), String> {
    let mut reader = BufReader::new(File::open(file).map_err(|error| error.to_string())?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut limited = std::io::Read::take(&mut reader, LINE_MAX as u64 + 1);
        let read = limited.read_until(b'\n', &mut line);
        if read.map_err(|error| format!("line {number}: {error}"))? == 0 {
            break;
        }
        if line.len() > LINE_MAX {
            return Err(format!("line {number} is longer than 16 MiB"));
        }
        let text = str::from_utf8(&line).map_err(|_| format!("line {number} is not UTF-8"))?;
        if text.trim().is_empty() {
            continue;
        }
        let case = Recorded::parse(text).map_err(|error| format!("line {number}: {error}"))?;
        if args.dialect.is_none_or(|dialect| is(dialect, case.case.dialect)) {
            tally.add(&file.display().to_string(), &case.case.id, check(&case));
        }
    }
    Ok(())
}

const fn is(wanted: DialectArg, dialect: Dialect) -> bool {
    matches!(
        (wanted, dialect),
        (DialectArg::Qemu2_6, Dialect::Qemu2_6) | (DialectArg::Qemu10, Dialect::Qemu10)
    )
}

struct Tally {
    format: Format,
    passed: u64,
    failed: u64,
}

impl Tally {
    fn add(&mut self, source: &str, id: &str, result: Result<(), Failure>) {
        let failure = result.err();
        match failure {
            None => self.passed += 1,
            Some(_) => self.failed += 1,
        }
        match (self.format, failure) {
            (Format::Text, None) => {}
            (Format::Text, Some(failure)) => output::line(&format!("{id}: {failure}")),
            (Format::Json, failure) => {
                let difference = match &failure {
                    Some(Failure::Differs(difference)) => Some(json!({
                        "place": difference.place,
                        "ours": difference.ours,
                        "theirs": difference.theirs,
                    })),
                    _ => None,
                };
                let refused = match failure {
                    Some(Failure::Refused(why)) => Some(why),
                    _ => None,
                };
                let passed = difference.is_none() && refused.is_none();
                let line = json!({
                    "source": source,
                    "id": id,
                    "passed": passed,
                    "difference": difference,
                    "refused": refused,
                });
                output::line(&line.to_string());
            }
        }
    }

    fn summary(&self) {
        output::line(&format!("{} passed, {} failed", self.passed, self.failed));
    }
}
