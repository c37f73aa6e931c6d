//! Commands as a shell takes them: whatever fails prints, last, the one that makes it fail again.

use std::fmt;

/// The command that repeats a run.
///
/// ```
/// use headcrash_scenario::repeat_command;
/// assert_eq!(repeat_command("a.ron", 7), "headcrash run a.ron --seed 7");
/// assert_eq!(repeat_command("it's.ron", 0), r"headcrash run 'it'\''s.ron' --seed 0");
/// ```
#[must_use]
pub fn repeat_command(scenario: &str, seed: u64) -> String {
    format!("headcrash run {} --seed {seed}", Quoted(&operand(scenario)))
}

/// The command that repeats a recorded failure.
#[must_use]
pub fn replay_command(file: &str) -> String {
    format!("headcrash replay {}", Quoted(&operand(file)))
}

/// A file name that is not taken for an option.
fn operand(file: &str) -> String {
    if file.starts_with('-') { format!("./{file}") } else { file.to_owned() }
}

/// A command of these words, as a shell takes it.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| Quoted(word).to_string()).collect();
    words.join(" ")
}

/// A word for a shell.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+:,@%".contains(c);
        if !self.0.is_empty() && self.0.chars().all(plain) {
            f.write_str(self.0)
        } else {
            write!(f, "'{}'", self.0.replace('\'', r"'\''"))
        }
    }
}
