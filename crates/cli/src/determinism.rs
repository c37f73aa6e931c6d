//! The same run in another process, compared event by event.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::args::Loaded;

/// Where two runs of one thing part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The line of the trace, from 1.
    line: usize,
    /// The last few that are the same.
    common: Vec<String>,
    here: Option<String>,
    there: Option<String>,
}

/// So many common lines are shown before a difference.
const CONTEXT: usize = 3;

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "not deterministic: line {} of the trace differs in another process",
            self.line
        )?;
        for line in &self.common {
            writeln!(f, "    both:  {line}")?;
        }
        let end = || "the end".to_owned();
        writeln!(f, "    here:  {}", self.here.clone().unwrap_or_else(end))?;
        writeln!(f, "    there: {}", self.there.clone().unwrap_or_else(end))?;
        write!(
            f,
            "suspects: the order of a hash map, the clock, an address, a thread, another build"
        )
    }
}

/// Runs `headcrash COMMAND.. FILE` in another process and compares its JSON lines with `ours`.
pub(crate) fn compare(
    ours: &str,
    command: &[&str],
    file: &Path,
    seed: Option<u64>,
    images: &[Loaded],
) -> io::Result<Option<Difference>> {
    let mut child = Command::new(std::env::current_exe()?);
    child.args(command).arg(file).args(["--format", "json"]);
    if let Some(seed) = seed {
        child.arg(OsStr::new("--seed")).arg(seed.to_string());
    }
    for Loaded { disk, file } in images {
        let name = disk.as_ref().map(|disk| format!("{disk}="));
        let mut word = OsString::from(name.unwrap_or_default());
        word.push(file);
        child.arg("--image").arg(word);
    }
    let output = child.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    let theirs = String::from_utf8(output.stdout)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "its output is not text"))?;
    Ok(first_difference(ours, &theirs))
}

fn first_difference(ours: &str, theirs: &str) -> Option<Difference> {
    let (mut here, mut there) = (ours.lines(), theirs.lines());
    let mut common: Vec<String> = Vec::new();
    for line in 1.. {
        match (here.next(), there.next()) {
            (None, None) => return None,
            (Some(a), Some(b)) if a == b => {
                if common.len() == CONTEXT {
                    common.remove(0);
                }
                common.push(a.to_owned());
            }
            (a, b) => {
                let [here, there] = [a, b].map(|line| line.map(str::to_owned));
                return Some(Difference { line, common, here, there });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_differs_is_named_with_what_came_before() {
        let difference = first_difference("a\nb\nc\nd\ne\n", "a\nb\nc\nd\nx\n").unwrap();
        assert_eq!(difference.line, 5);
        assert_eq!(difference.common, ["b", "c", "d"]);
        assert_eq!(difference.here.as_deref(), Some("e"));
        let shorter = first_difference("a\nb\n", "a\n").unwrap();
        assert_eq!((shorter.line, shorter.there), (2, None));
        assert_eq!(first_difference("a\n", "a\n"), None);
    }
}
