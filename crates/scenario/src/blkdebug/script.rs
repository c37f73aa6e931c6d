//! Command scripts: what `qemu-io` reads from its standard input, one command a line.
//!
//! Source: `qemu-io.c` and `qemu-io-cmds.c` of 10.0.2. Words are separated by spaces and by
//! nothing else; options may follow operands. Offsets and lengths are decimal (also with a zero
//! in front) with a suffix from `k` to `E`, or hexadecimal; patterns and milliseconds are in C's
//! notation, so that a zero in front makes them octal. Lines that begin with `#` are skipped here;
//! `qemu-io` complains of them and goes on.

use thiserror::Error;

use super::{MAX_LEN, command};

/// A script, as far as it can be carried over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// In order.
    pub commands: Vec<Command>,
    /// Lines that are not among the commands, in order.
    pub not_carried: Vec<NotCarried>,
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Command {
    /// Its line, from 1.
    pub line: usize,
    /// What to do.
    pub operation: Operation,
}

/// What a command does. Offsets and lengths are in bytes.
///
/// What only changes how an outcome is printed (`-q`, `-C`, `-v`), how memory is had (`-r`), or
/// into how many buffers a request is cut (`readv`, `writev`) is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `read`, `readv`, `aio_read`.
    Read {
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
        /// What the bytes are expected to be.
        verify: Option<Verify>,
        /// Do not wait for it: `aio_read`.
        background: bool,
    },
    /// `write`, `writev`, `aio_write`.
    Write {
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
        /// What each byte becomes.
        pattern: u8,
        /// Durable when it completes: `-f`.
        fua: bool,
        /// Do not wait for it: `aio_write`.
        background: bool,
    },
    /// `write -z`, `aio_write -z`.
    WriteZeroes {
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
        /// Durable when it completes: `-f`.
        fua: bool,
        /// The bytes may be deallocated: `-u`.
        unmap: bool,
        /// Fail rather than write zeroes as data: `-n`. Never in the background.
        no_fallback: bool,
        /// Do not wait for it: `aio_write`.
        background: bool,
    },
    /// `discard`.
    Discard {
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
    },
    /// `flush`: what was completed is to be durable.
    Flush,
    /// `aio_flush`: wait for everything in the background. Flushes nothing.
    Drain,
    /// `break`: suspend the next request that reaches the event.
    Break {
        /// The event.
        event: String,
        /// The name to resume it by.
        tag: String,
    },
    /// `remove_break`: remove the breakpoints and resume the requests with this tag.
    RemoveBreak {
        /// The tag.
        tag: String,
    },
    /// `resume`: the request most recently suspended under this tag goes on.
    Resume {
        /// The tag.
        tag: String,
    },
    /// `wait_break`: wait until a request is suspended under this tag.
    WaitBreak {
        /// The tag.
        tag: String,
    },
    /// `sleep`: let everything in the background run for so long.
    Sleep {
        /// In milliseconds.
        ms: u64,
    },
    /// `truncate`.
    Truncate {
        /// The new length.
        len: u64,
    },
    /// `length`: ask how long the image is.
    Length,
    /// `open`, without options.
    Open {
        /// The file name.
        path: String,
    },
    /// `close`.
    Close,
    /// `reopen`, which flushes.
    Reopen {
        /// Whether the image is read-only from then on: `-r` or `-w`.
        read_only: Option<bool>,
    },
    /// `quit`.
    Quit,
}

/// What a part of the bytes read is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Verify {
    /// Each byte: `-P`.
    pub pattern: u8,
    /// How many bytes after the first one read: `-s`.
    pub from: u64,
    /// How many bytes: `-l`.
    pub len: u64,
}

/// A line that is not carried over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NotCarried {
    /// The line, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// Why: what `qemu-io` says of it if it refuses it, else what is missing here.
    pub reason: String,
}

/// A script that was not even looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScriptError {
    /// Longer than [`MAX_LEN`].
    #[error("the script is larger than 1 MiB")]
    TooLong,
}

/// The commands of a script.
///
/// # Errors
///
/// When the script is too long. A line that cannot be carried over is no error.
pub fn parse(text: &str) -> Result<Script, ScriptError> {
    if text.len() > MAX_LEN {
        return Err(ScriptError::TooLong);
    }
    let mut script = Script::default();
    for (line, text) in (1..).zip(text.split('\n')) {
        let words: Vec<_> = text.split(' ').filter(|word| !word.is_empty()).collect();
        let Some((name, arguments)) = words.split_first() else { continue };
        if name.starts_with('#') {
            continue;
        }
        match command::parse(name, arguments) {
            Ok(operation) => script.commands.push(Command { line, operation }),
            Err(reason) => {
                script.not_carried.push(NotCarried { line, text: text.to_owned(), reason });
            }
        }
    }
    Ok(script)
}
