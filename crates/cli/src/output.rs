//! What is printed, and where: results to standard output, all else to standard error.

use std::io::{self, IsTerminal, Write};

use crate::Exit;

/// Prints lines. A reader that went away is nobody's mistake.
pub(crate) fn print(text: &str) -> Exit {
    line(text);
    Exit::Fine
}

/// Prints a line to standard output.
pub(crate) fn line(text: &str) {
    if let Err(error) = writeln!(io::stdout().lock(), "{text}") {
        gone(&error);
    }
}

/// Prints text as it is to standard output.
pub(crate) fn text(text: &str) {
    if let Err(error) = write!(io::stdout().lock(), "{text}") {
        gone(&error);
    }
}

/// Asks for a line at a terminal.
pub(crate) fn prompt(text: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = write!(out, "{text}").and_then(|()| out.flush()) {
        gone(&error);
    }
}

/// Prints a line to standard error.
pub(crate) fn note(text: &str) {
    // Nobody is left to tell.
    _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether standard error shows colours.
pub(crate) fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

fn gone(error: &io::Error) {
    // Whoever read has seen enough; the exit code still tells what came out.
    if error.kind() == io::ErrorKind::BrokenPipe {
        return;
    }
    note(&format!("error: standard output: {error}"));
    std::process::exit(Exit::Unusable as i32);
}
