//! Lines that say where to walk and what to look at.

use super::goal::GOALS;
use super::{Goal, Walk};
use crate::failure::Failure;
use crate::names::nearest;
use crate::scenario::DiskIndex;

/// The longest stretch of bytes that is shown.
const BYTES_MAX: u64 = 65_536;

/// What there is to say, each with what it does.
pub const HELP: &[(&str, &str)] = &[
    ("next [N]", "N steps forward, or one; `n` is short for it, and so is an empty line"),
    (
        "next WHAT",
        "forward to an event [NAME], choice, transition, request, completion, fault, cut, decision or violation",
    ),
    ("back [N] | back WHAT", "the same, backward; `b` is short for it"),
    ("go N", "to where N steps have been taken"),
    ("start, end", "to the beginning, to the end"),
    ("where", "where this is, and what the last step did"),
    ("trace [N]", "the last N lines of the trace, or 20"),
    ("state", "engines: states, armed rules, breakpoints, who is held"),
    ("requests", "requests on their way: held, waiting, in flight"),
    ("clients", "where each client is, and what it waits for"),
    ("disks", "power, unflushed writes, what a cut left undecided, faults that lie there"),
    (
        "changes [DISK] [since N]",
        "sectors that are not what they were after N steps, or at the start",
    ),
    ("bytes [DISK] AT [LEN]", "LEN bytes from AT on, or 256"),
    ("choices", "what the next step asks, and every answer; `>` marks the one that was given"),
    (
        "take [K] ANSWER [calm]",
        "answer question K of the next step, or its first, otherwise; what follows is answered as recorded as far as it fits, or calmly",
    ),
    ("undo", "take that back"),
    ("save FILE", "write the run as it is now to a failure file"),
    ("help [COMMAND]", "this, or one line of it"),
    ("quit", "leave; so does the end of the input"),
];

/// What comes of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Something to be shown.
    Text(String),
    /// This is to be written to a file of this name.
    Save {
        /// The name.
        file: String,
        /// What repeats the run.
        failure: Box<Failure>,
    },
    /// That was all.
    Quit,
}

impl Walk<'_> {
    /// Does what a line says.
    ///
    /// # Errors
    ///
    /// When it cannot, in words that say what could have been.
    pub fn execute(&mut self, line: &str) -> Result<Reply, String> {
        let words: Vec<_> = line.split_whitespace().collect();
        let (command, rest) = words.split_first().unwrap_or((&"next", &[]));
        let text = match *command {
            "next" | "n" => self.walk(rest, true)?,
            "back" | "b" => self.walk(rest, false)?,
            "go" => {
                let step = only(rest, "`go N`, a number of steps")?;
                self.go_to(number(step)?)?
            }
            "start" => none(rest, command).and_then(|()| self.go_to(0))?,
            "end" => none(rest, command).and_then(|()| self.go_to(self.steps() as u64))?,
            "where" => none(rest, command).map(|()| self.here())?,
            "trace" => match rest {
                [] => self.trace(20),
                [lines] => self.trace(number(lines)?),
                _ => return Err("`trace [N]`, a number of lines".to_owned()),
            },
            "state" => none(rest, command).map(|()| self.engines())?,
            "requests" => none(rest, command).map(|()| self.requests())?,
            "clients" => none(rest, command).map(|()| self.clients())?,
            "disks" => none(rest, command).map(|()| self.disks())?,
            "choices" => none(rest, command).map(|()| self.choices())?,
            "changes" => self.changed(rest)?,
            "bytes" => self.dumped(rest)?,
            "take" => self.taken(rest)?,
            "undo" => {
                none(rest, command)?;
                if !self.undo() {
                    return Err("no other answer was taken".to_owned());
                }
                self.here()
            }
            "save" => {
                let file = only(rest, "`save FILE`, the name of a file")?.to_owned();
                return Ok(Reply::Save { file, failure: Box::new(self.failure()) });
            }
            "help" => help(rest)?,
            "quit" => return none(rest, command).map(|()| Reply::Quit),
            other => return Err(unknown(other)),
        };
        Ok(Reply::Text(text))
    }

    fn walk(&mut self, rest: &[&str], is_forward: bool) -> Result<String, String> {
        let steps = match rest {
            [] => 1,
            [word] if word.starts_with(|c: char| c.is_ascii_digit()) => number(word)?,
            ["event", name] => {
                let events = self.scenario().disks()[0].nodes[0].program.events();
                if events.get(name).is_none() {
                    let near = nearest(name, events.iter().map(|(_, name)| name));
                    let near = near.map(|near| format!("; {near}")).unwrap_or_default();
                    return Err(format!("no event is called `{name}`{near}"));
                }
                let goal = Goal::Event(Some((*name).to_owned()));
                return self.seek_or_say(&goal, &format!("{name} announced"), is_forward);
            }
            [word] => {
                let Some((word, goal)) = GOALS.iter().find(|(known, _)| known == word) else {
                    let goals: Vec<_> = GOALS.iter().map(|(known, _)| *known).collect();
                    return Err(format!("a number of steps, or one of {}", goals.join(", ")));
                };
                return self.seek_or_say(goal, word, is_forward);
            }
            _ => return Err("`next [N]`, `next WHAT` or `next event NAME`".to_owned()),
        };
        let here = self.step() as u64;
        if is_forward && here == self.steps() as u64 {
            return Err("the run is over here".to_owned());
        }
        if !is_forward && here == 0 {
            return Err("the run begins here".to_owned());
        }
        let step = if is_forward { here.saturating_add(steps) } else { here.saturating_sub(steps) };
        self.go(usize::try_from(step).unwrap_or(usize::MAX));
        Ok(self.here())
    }

    fn go_to(&mut self, step: u64) -> Result<String, String> {
        let last = self.steps();
        let step = usize::try_from(step).ok().filter(|step| *step <= last);
        self.go(step.ok_or_else(|| format!("the run has steps 0 to {last}"))?);
        Ok(self.here())
    }

    fn changed(&self, rest: &[&str]) -> Result<String, String> {
        let (disk, since) = match rest {
            [] => (None, 0),
            [disk] => (Some(*disk), 0),
            ["since", step] => (None, number(step)?),
            [disk, "since", step] => (Some(*disk), number(step)?),
            _ => return Err("`changes [DISK] [since N]`".to_owned()),
        };
        let since = usize::try_from(since).unwrap_or(usize::MAX);
        if since > self.steps() {
            return Err(format!("the run has steps 0 to {}", self.steps()));
        }
        match disk {
            Some(name) => Ok(self.changes(self.scenario().disk_named(Some(name))?, since)),
            None => {
                let all = (0..self.scenario().disks().len()).map(DiskIndex);
                Ok(all.map(|disk| self.changes(disk, since)).collect())
            }
        }
    }

    fn dumped(&self, rest: &[&str]) -> Result<String, String> {
        let is_number = |word: &str| number(word).is_ok();
        let (disk, at, len) = match rest {
            [at] => (None, at, None),
            [at, len] if is_number(at) && is_number(len) => (None, at, Some(len)),
            [disk, at] => (Some(*disk), at, None),
            [disk, at, len] => (Some(*disk), at, Some(len)),
            _ => return Err("`bytes [DISK] AT [LEN]`, in bytes".to_owned()),
        };
        let disk = self.scenario().disk_named(disk)?;
        let at = number(at)?;
        let len = match len {
            Some(len) => number(len)?,
            None => 256.min(self.image(disk).len().saturating_sub(at)),
        };
        if !(1..=BYTES_MAX).contains(&len) {
            return Err(format!("from 1 to {BYTES_MAX} bytes can be shown"));
        }
        self.bytes(disk, at, len)
    }

    fn taken(&mut self, rest: &[&str]) -> Result<String, String> {
        let (rest, is_calm) = match rest {
            [before @ .., "calm"] => (before, true),
            _ => (rest, false),
        };
        let (nth, answer) = match rest {
            [answer] => (1, number(answer)?),
            [nth, answer] => (number(nth)?, number(answer)?),
            _ => return Err("`take [K] ANSWER [calm]`; `choices` lists both".to_owned()),
        };
        self.take(usize::try_from(nth).unwrap_or(usize::MAX), answer, is_calm)?;
        let outcome = self.run().outcome.label();
        Ok(format!("{}the run now comes to: {outcome}\n", self.here()))
    }
}

fn help(rest: &[&str]) -> Result<String, String> {
    let width = HELP.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let line = |(command, does): &(&str, &str)| format!("{command:<width$}  {does}\n");
    match rest {
        [] => Ok(HELP.iter().map(line).collect()),
        [word] => {
            let first = |command: &str| command.split([' ', ',']).any(|known| known == *word);
            let found: String =
                HELP.iter().filter(|(command, _)| first(command)).map(line).collect();
            if found.is_empty() { Err(unknown(word)) } else { Ok(found) }
        }
        _ => Err("`help [COMMAND]`".to_owned()),
    }
}

fn unknown(word: &str) -> String {
    let known = HELP.iter().flat_map(|(command, _)| command.split(", "));
    let known: Vec<_> = known.filter_map(|command| command.split(' ').next()).collect();
    let near = nearest(word, known.iter().copied()).map(|near| format!("; {near}"));
    let mut all = known;
    all.dedup();
    format!(
        "there is no command `{word}`, there are {}{}",
        all.join(", "),
        near.unwrap_or_default()
    )
}

/// A number, as scenario files write them: `4096`, `65_536` or `0x1000`.
fn number(word: &str) -> Result<u64, String> {
    let plain = word.replace('_', "");
    let parsed = match plain.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => plain.parse(),
    };
    parsed.map_err(|_| format!("`{word}` is no number"))
}

fn none(rest: &[&str], command: &str) -> Result<(), String> {
    if rest.is_empty() { Ok(()) } else { Err(format!("`{command}` stands alone")) }
}

fn only<'w>(rest: &[&'w str], wanted: &str) -> Result<&'w str, String> {
    match rest {
        [word] => Ok(word),
        _ => Err(wanted.to_owned()),
    }
}
