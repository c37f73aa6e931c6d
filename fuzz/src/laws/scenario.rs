//! Any scenario with rules, on honest disks: what the world checks by itself holds.

use arbitrary::{Result, Unstructured};
use headcrash_scenario::{Keep, parse, run};
use headcrash_search::Bytes;

use super::runs::anything;
use crate::finding;

/// A power cut or none, and somebody who looks at what is left or nobody.
fn cut(u: &mut Unstructured<'_>, text: &str) -> Result<String> {
    let at = match u.int_in_range(0..=5)? {
        0 => format!("now_ns({})", u.int_in_range(0..=40)?),
        1 => {
            // Each has a step at least, and one more is its end.
            let clients = (0..3).map(|index| format!("c{index}"));
            let clients: Vec<_> =
                clients.filter(|name| text.contains(&format!("(name: \"{name}\""))).collect();
            let client = u.choose(&clients)?;
            format!("step(client: \"{client}\", step: {})", u.int_in_range(1..=2)?)
        }
        2 => "random".to_owned(),
        _ => return Ok(String::new()),
    };
    let recover = *u.choose(&[
        "",
        "    recover: [read(disk: \"a\", at: 0, len: 32_768, gets: any)],\n",
        "    recover: [read(disk: \"b\", at: 512, len: 512, gets: any), \
         write(disk: \"b\", at: 0, len: 1_024, fill: 0x77, gets: any), flush(disk: \"b\", gets: any)],\n",
    ])?;
    let times = if u.ratio(1, 4)? && at == "random" && !recover.is_empty() { 2 } else { 1 };
    Ok(format!("    power_cut: (at: {at}, times: {times}),\n{recover}    search: drawn,\n"))
}

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
    let text = anything(u)?;
    let cut = cut(u, &text)?;
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
