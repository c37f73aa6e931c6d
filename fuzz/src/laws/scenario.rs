//! Any scenario with rules, on honest disks: what the world checks by itself holds.

use arbitrary::{Result, Unstructured};
use headcrash_scenario::{Keep, parse, run};
use headcrash_search::Bytes;

use super::runs::anything;
use crate::finding;

/// Whatever rules inject, clients do and schedules say, with a power cut or without: data that was
/// acknowledged and flushed is there, and reads bring what was written last.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When that is not so, with a failure file that was made small, see
/// [`schedule`](super::schedule::schedule).
pub fn scenario(u: &mut Unstructured<'_>) -> Result<()> {
    let cut = u.ratio(1, 3)?.then(|| u.int_in_range(0..=40)).transpose()?;
    let cut = cut.map_or_else(String::new, |ns| format!("    power_cut: (at: now_ns({ns})),\n"));
    let text = anything(u)?;
    let checks = "    properties: [\n        \
                  always(name: \"acknowledged data is kept\", that: acknowledged_kept()),\n        \
                  always(name: \"reads bring what was written\", that: reads_right(excuse: false)),\n    ],\n";
    let body = text.strip_suffix(')').expect("a scenario ends with its parenthesis");
    let text = format!("{body}{checks}{cut})");
    let scenario = parse("scenario.ron", text.as_bytes())
        .unwrap_or_else(|errors| panic!("{}\n{text}", errors.render(false)));
    let answers = u.peek_bytes(u.len()).unwrap_or(&[]);
    let (run, _) = run(&scenario, Bytes::new(answers), Keep::Hash);
    // Clients that wait for what cannot come are as may be; the world must not be wrong.
    if let headcrash_scenario::Outcome::Violated(violation) = &run.outcome
        && violation.property != headcrash_scenario::EXPECTATION
    {
        finding::keep("scenario", &scenario, &run);
    }
    Ok(())
}
