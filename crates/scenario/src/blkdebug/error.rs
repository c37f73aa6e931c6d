//! What QEMU says when it does not like a text.

use thiserror::Error;

use super::rule::RuleError;

/// A value that its option does not take.
///
/// Source: `util/qemu-option.c`, `util/cutils.c`, `qapi/qapi-util.c`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ValueError {
    /// Not of the option's kind.
    #[error("Parameter '{name}' expects {what}")]
    Expects {
        /// The option.
        name: String,
        /// What it takes, and perhaps a hint on further lines.
        what: &'static str,
    },
    /// A number of more than 64 bits.
    #[error("Value '{value}' is too large for parameter '{name}'")]
    TooLarge {
        /// The option.
        name: String,
        /// What was given.
        value: String,
    },
    /// A size that is negative or has more than 64 bits.
    #[error("Value '{value}' is out of range for parameter '{name}'")]
    OutOfRange {
        /// The option.
        name: String,
        /// What was given.
        value: String,
    },
}

/// What is wrong with a configuration file.
///
/// Source: `util/qemu-config.c`, `util/qemu-option.c`, `block/blkdebug.c`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfFault {
    /// Longer than [`MAX_LEN`](super::MAX_LEN); not one of QEMU's.
    #[error("the configuration file is larger than 1 MiB")]
    TooLong,
    /// A line without a single word, yet not empty.
    #[error("parse error")]
    Parse,
    /// A key outside every section. In 2.6 also inside one whose id was refused.
    #[error("no group defined")]
    NoGroup,
    /// Neither `inject-error` nor `set-state`.
    #[error("There is no option group '{0}'")]
    NoSuchGroup(String),
    /// A key that the section does not have.
    #[error("Invalid parameter '{0}'")]
    InvalidParameter(String),
    /// A value that its key does not take.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// An id that is not an identifier. 2.6 does not say so.
    #[error(
        "Parameter 'id' expects an identifier\n\
         Identifiers consist of letters, digits, '-', '.', '_', starting with a letter."
    )]
    BadId,
    /// An id that an earlier section of the same kind has. 2.6 does not say so.
    #[error("Duplicate ID '{id}' for {group}")]
    DuplicateId {
        /// The id.
        id: String,
        /// The kind of section.
        group: &'static str,
    },
    /// A section that makes no rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

/// Why a file name or a set of options cannot be opened.
///
/// The last three are not QEMU's: they tell what this importer does not carry over.
///
/// Source: `block.c`, `block/blkdebug.c`, `block/null.c`, `util/qemu-config.c`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Not JSON. What follows the colon is QEMU's only for a duplicate key.
    #[error("Could not parse the JSON options: {0}")]
    Json(String),
    /// JSON, but not an object.
    #[error("Invalid JSON object given")]
    NotAnObject,
    /// A value that its option does not take.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A set of keys that makes no rule.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// `inject-error.KEY` beside something that is no key of it, perhaps `inject-error.0.KEY`.
    #[error("Unknown option '{key}' for [{group}]")]
    UnknownKey {
        /// What is left, without the group.
        key: String,
        /// The group.
        group: &'static str,
    },
    /// An index out of sequence.
    #[error("Unused option '{key}' for [{group}]")]
    UnusedKey {
        /// What is left, without the group.
        key: String,
        /// The group.
        group: &'static str,
    },
    /// An element that is not an object.
    #[error("[{group}] section (index {index}) does not consist of keys")]
    NotKeys {
        /// The group.
        group: &'static str,
        /// Which element, from zero.
        index: usize,
    },
    /// A key that elements of the group do not have.
    #[error("[{group}] section doesn't support the option '{key}'")]
    NoSuchKey {
        /// The group.
        group: &'static str,
        /// The key.
        key: String,
    },
    /// Nothing below.
    #[error("A block device must be specified for \"{0}\"")]
    NoChild(&'static str),
    /// A name where an object is wanted: there are no other nodes to refer to. QEMU 10's words.
    #[error("Cannot find device='{0}' nor node-name='{0}'")]
    NoSuchNode(String),
    /// As [`OpenError::NoSuchNode`], in the words of 2.6.
    #[error("Cannot find device={0} nor node_name={0}")]
    NoSuchNode2_6(String),
    /// A name of a node, and more.
    #[error("Cannot reference an existing block device with additional options or a new filename")]
    ReferenceAndOptions,
    /// Nothing to go by.
    #[error("Must specify either driver or file")]
    NoDriver,
    /// What is in front of a file name's first colon.
    #[error("Unknown protocol '{0}'")]
    UnknownProtocol(String),
    /// Both `x-image` and `image.filename`.
    #[error("Can't specify 'file' and 'filename' options at the same time")]
    TwoFilenames,
    /// A driver's name where there is no file's.
    #[error("The '{0}' block driver requires a file name")]
    NoFilename(&'static str),
    /// No second colon.
    #[error("blkdebug requires both config file and image path")]
    NoImagePath,
    /// A `null-co:` with a name.
    #[error("The only allowed filename for this driver is 'null-co://'")]
    NullFilename,
    /// An option nobody asked for, of a protocol driver.
    #[error("Block protocol '{driver}' doesn't support the option '{key}'")]
    ProtocolOption {
        /// The driver.
        driver: &'static str,
        /// The first such option.
        key: String,
    },
    /// An option nobody asked for, of a format driver.
    #[error("Block format '{driver}' does not support the option '{key}'")]
    FormatOption {
        /// The driver.
        driver: &'static str,
        /// The first such option.
        key: String,
    },
    /// A limit that is too large or does not fit the others. QEMU 10.
    #[error("Cannot meet constraints with {name} {value}")]
    Constraint {
        /// Which limit.
        name: &'static str,
        /// Its value, in bytes.
        value: u64,
    },
    /// An `align` that is no power of two, or zero. QEMU 2.6.
    #[error("Invalid alignment")]
    InvalidAlignment,
    /// Longer than [`MAX_LEN`](super::MAX_LEN), or longer than a few times that when nested keys
    /// are written out in full.
    #[error("the options are larger than 1 MiB")]
    TooLong,
    /// More nodes upon each other than [`Spec::MAX_NODES`](super::spec::Spec::MAX_NODES).
    #[error("more than {} nodes are stacked upon each other", super::spec::Spec::MAX_NODES)]
    TooDeep,
    /// Something a [`Spec`](super::spec::Spec) cannot hold.
    #[error("not carried over: {0}")]
    Unsupported(String),
}
