//! Disks and file systems, as a test says what they are.

/// What a disk of a test is: as in a scenario file, whose words are used.
///
/// Without anything said it is what a disk of a scenario file is: sectors of 512 bytes, written whole,
/// behind a cache that a power cut empties.
///
/// A cut tears a write between its sectors, and never within one: a write of 512 bytes is there or not. Where
/// that is more than your disk promises, `.with("on_tear", "prefix(granule: 8)")` tears the sector that was
/// being written, with `.with("tears", "unflushed")` besides any that was not flushed; `.with("atomic_unit",
/// "4096")` keeps more whole.
///
/// ```
/// use headcrash::Disk;
///
/// let disk = Disk::new(1 << 20).sector(4096).volatile_cache().with("order", "any");
/// assert_eq!(disk.to_ron("d0"), r#"(name: "d0", size: 1048576, sector: 4096, cache: volatile, order: any)"#);
/// ```
#[derive(Clone, Debug)]
pub struct Disk {
    fields: Vec<(String, String)>,
}

impl Disk {
    /// One of `size` bytes.
    #[must_use]
    pub fn new(size: u64) -> Self {
        Self { fields: Vec::new() }.with("size", &size.to_string())
    }

    /// One like those that are sold: `headcrash explain presets` lists them.
    #[must_use]
    pub fn preset(size: u64, preset: &str) -> Self {
        Self::new(size).with("preset", preset)
    }

    /// NOR flash of `size` bytes: erase blocks, words that are programmed, bits that only clear.
    #[must_use]
    pub fn flash(size: u64) -> Self {
        Self::new(size).with("medium", "nor_flash()")
    }

    /// How many bytes it writes whole, and accesses are multiples of: 512 or 4096, say.
    #[must_use]
    pub fn sector(self, bytes: u64) -> Self {
        self.with("sector", &bytes.to_string())
    }

    /// It has a cache that a power cut empties: what was not flushed may be lost, in any order.
    #[must_use]
    pub fn volatile_cache(self) -> Self {
        self.with("cache", "volatile").with("order", "any")
    }

    /// Each of its accesses takes between so many nanoseconds.
    #[must_use]
    pub fn latency(self, least: u64, most: u64) -> Self {
        self.with("latency", &format!("uniform(min_ns: {least}, max_ns: {most})"))
    }

    /// What goes wrong with it now and then, as a scenario file has it:
    /// `.fault(r#"(what: fail(errno: "ENOSPC"), on: [write], chance: (1, 50), swarm: true)"#)`.
    #[must_use]
    pub fn fault(self, rate: &str) -> Self {
        self.faults(&[rate.to_owned()])
    }

    pub(crate) fn faults(mut self, rates: &[String]) -> Self {
        add_faults(&mut self.fields, rates);
        self
    }

    /// A field as a scenario file has it: `.with("tears", "unflushed")`. `headcrash explain` lists
    /// them under `disk`. One that was said before is said anew.
    #[must_use]
    pub fn with(mut self, field: &str, value: &str) -> Self {
        self.fields.retain(|(name, _)| name != field);
        self.fields.push((field.to_owned(), value.to_owned()));
        self
    }

    /// As a scenario file has it.
    #[must_use]
    pub fn to_ron(&self, name: &str) -> String {
        fields(name, &self.fields)
    }
}

/// What a file system of a test is: as in a scenario file, whose words are used.
///
/// ```
/// use headcrash::FileSystem;
///
/// let home = FileSystem::posix_strict().fault(r#"(what: fail(errno: "EIO"), on: [sync_dir])"#);
/// assert_eq!(
///     home.to_ron("home"),
///     r#"(name: "home", contract: posix_strict, faults: [(what: fail(errno: "EIO"), on: [sync_dir])])"#
/// );
/// ```
#[derive(Clone, Debug)]
pub struct FileSystem {
    fields: Vec<(String, String)>,
}

impl FileSystem {
    /// One that promises what POSIX does, and nothing more: what was not synced may be there in any
    /// part, names as well as data.
    #[must_use]
    pub fn posix_strict() -> Self {
        Self::contract("posix_strict")
    }

    /// ext4 as it is mounted by default. It keeps names in order, and a sync of any file makes those before it
    /// durable: a forgotten [`sync_dir`](headcrash_io::Directory::sync_dir) can stay without consequence, where
    /// [`posix_strict`](Self::posix_strict) shows it.
    #[must_use]
    pub fn ext4_ordered() -> Self {
        Self::contract("ext4_ordered")
    }

    /// One with this contract: `headcrash explain` lists them under `file contract`.
    #[must_use]
    pub fn contract(contract: &str) -> Self {
        Self { fields: Vec::new() }.with("contract", contract)
    }

    /// A field as a scenario file has it. One that was said before is said anew.
    #[must_use]
    pub fn with(mut self, field: &str, value: &str) -> Self {
        self.fields.retain(|(name, _)| name != field);
        self.fields.push((field.to_owned(), value.to_owned()));
        self
    }

    /// What goes wrong with it, now and then or at a certain time, as a scenario file has it:
    /// `.fault(r#"(what: fail(errno: "EIO"), on: [sync_data], nth: 2)"#)`.
    #[must_use]
    pub fn fault(self, fault: &str) -> Self {
        self.faults(&[fault.to_owned()])
    }

    pub(crate) fn faults(mut self, rates: &[String]) -> Self {
        add_faults(&mut self.fields, rates);
        self
    }

    /// As a scenario file has it.
    #[must_use]
    pub fn to_ron(&self, name: &str) -> String {
        fields(name, &self.fields)
    }
}

/// Faults beside those that are there.
fn add_faults(fields: &mut Vec<(String, String)>, rates: &[String]) {
    if rates.is_empty() {
        return;
    }
    let before = fields.iter().position(|(field, _)| field == "faults");
    let before = before.map(|place| fields.remove(place).1).unwrap_or_default();
    let before = before.trim_start_matches('[').trim_end_matches(']');
    let all: Vec<_> = Some(before).filter(|it| !it.is_empty()).into_iter().collect();
    let all = [all, rates.iter().map(String::as_str).collect()].concat().join(", ");
    fields.push(("faults".to_owned(), format!("[{all}]")));
}

fn fields(name: &str, fields: &[(String, String)]) -> String {
    let mut text = format!("(name: {name:?}");
    for (name, value) in fields {
        text.push_str(&format!(", {name}: {value}"));
    }
    text.push(')');
    text
}
