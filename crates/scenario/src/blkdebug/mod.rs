//! QEMU blkdebug's own formats: configuration files, options, file names, command scripts.
//!
//! Text in, values out, and the way back. Nothing here reads a file, prints or panics; an input
//! may be up to [`MAX_LEN`] bytes.
//!
//! | text | to values | and back |
//! |---|---|---|
//! | a configuration file | [`conf::parse`] | [`print::config`] |
//! | `blkdebug:CONF:IMAGE` | [`filename::parse`] | [`print::filename`] |
//! | `json:{...}` | [`options::from_json`] | [`print::json`] |
//! | `--image-opts driver=blkdebug,...` | [`options::from_image_opts`] | |
//! | `qemu-io` commands | [`script::parse`] | [`print::script`] |
//!
//! Texts are read as QEMU reads them, slips included, in the [`Dialect`] asked for: what it
//! refuses is refused with its words, what it takes for something odd is taken for the same.
//! An error's `Display` is QEMU's own message; a line feed in it begins QEMU's hint.
//!
//! ```
//! use headcrash_engine::{Dialect, ProgramBuilder, Quirks};
//! use headcrash_scenario::blkdebug::{conf, filename};
//!
//! let spec = filename::parse("blkdebug:rules.conf:disk.img", Dialect::Qemu10)?;
//! assert_eq!(spec.nodes[0].config.as_deref(), Some("rules.conf"));
//!
//! let text = b"[inject-error]\nevent = \"write_aio\"\nerrno = \"28\"\n";
//! let mut program = ProgramBuilder::new(Dialect::Qemu10, Quirks::Qemu);
//! for rule in conf::parse(text, Dialect::Qemu10)?.iter().chain(&spec.nodes[0].rules) {
//!     rule.declare(Dialect::Qemu10, &mut program)?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Dialect`]: headcrash_engine::Dialect

pub mod conf;
pub mod error;
pub mod filename;
pub mod options;
pub mod print;
pub mod rule;
pub mod script;
pub mod spec;

mod command;
mod dict;
mod json;
mod open;
mod scan;
mod section;
mod value;

/// How long an input may be, in bytes: 1 MiB. QEMU has no such limit.
pub const MAX_LEN: usize = 1 << 20;
