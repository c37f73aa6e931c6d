//! From a scenario to blkdebug.

use std::collections::BTreeMap;

use headcrash_engine::{Dialect, Quirks};
use headcrash_sim::{Device, Latencies, Latency};

use super::commands::{self, Command};
use super::{NotCarried, STEM, rules};
use crate::blkdebug::print::{self, PrintError};
use crate::blkdebug::rule::Rule;
use crate::blkdebug::script::Operation;
use crate::blkdebug::spec::{ImageSpec, Node, Spec};
use crate::file;
use crate::scenario::{Disk, Expect, Medium, Scenario, Suspensions, Top};
use crate::source::Location;

/// What things are called in QEMU.
#[derive(Clone, Copy, Debug)]
pub struct ExportOptions<'a> {
    /// The image's file.
    pub image: &'a str,
    /// The configuration file, without `.conf`; by default the scenario's own name without what
    /// comes after its last dot.
    pub stem: Option<&'a str>,
}

/// A scenario in the words of QEMU.
#[derive(Clone, Debug)]
pub struct Exported {
    /// A configuration file for each node that has rules, outermost first.
    pub configs: Vec<ConfigFile>,
    /// The script for `qemu-io`, one command a line.
    pub commands: String,
    /// What `qemu-io` is to be told besides the name, for instance `-f raw -t writeback -d unmap`.
    pub options: String,
    /// What `qemu-io` is to open: `blkdebug:CONF:IMAGE` where that says everything, else
    /// `json:{...}` with the rules in it.
    pub name: String,
    /// How many bytes the image has.
    pub size: u64,
    /// What it leaves behind, in the order of the file.
    pub not_carried: Vec<NotCarried>,
}

/// A node's configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// What [`Exported::name`] calls it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Writes a scenario as blkdebug's configuration files, a script of `qemu-io` commands, and the
/// name to open.
///
/// Of a scenario with several disks or clients it is the first. The script waits for requests in
/// the background by `aio_flush` where that is all there are, and by letting ten milliseconds pass
/// otherwise. What a request is to get is left out without a word, for `qemu-io` prints what it
/// gets and compares only bytes.
#[must_use]
pub fn export_blkdebug(scenario: &Scenario, options: &ExportOptions<'_>) -> Exported {
    let mut export = Export { scenario, breaks: Vec::new(), left: BTreeMap::new() };
    let disk = &scenario.disks()[0];
    export.whole();
    export.disk(disk, options.image);
    let nodes = export.nodes(disk);
    let stem = options.stem.unwrap_or_else(|| stem(scenario.source().name()));
    let (name, configs) = export.name(disk, nodes, stem, options.image);
    let mut list = commands::of(&mut export, &name);
    let commands = export.script(&mut list);
    let not_carried = export.left.into_values().collect();
    let options = qemu_options(disk, &name);
    Exported { configs, commands, options, name, size: disk.size, not_carried }
}

/// A name alone would have its format guessed, and the image's first block guarded; options have
/// a driver. Without `writeback` every write is followed by a flush, and without `unmap` no
/// discard gets through.
fn qemu_options(disk: &Disk, name: &str) -> String {
    let mut options = Vec::new();
    options.extend(name.starts_with("blkdebug:").then_some("-f raw"));
    options.push(if disk.no_flush { "-t unsafe" } else { "-t writeback" });
    options.push("-d unmap");
    options.extend(disk.read_only.then_some("-r"));
    options.join(" ")
}

/// `path/to/name` of `path/to/name.ron`.
fn stem(name: &str) -> &str {
    let base = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[base..].rfind('.') {
        Some(dot) if dot > 0 => &name[..base + dot],
        _ if name[base..].is_empty() => STEM,
        _ => name,
    }
}

/// A scenario on its way.
pub(super) struct Export<'s> {
    pub(super) scenario: &'s Scenario,
    /// Rules that a breakpoint set at the start is as good as: event and tag.
    pub(super) breaks: Vec<(Location, String, String)>,
    /// In the order of the file, each once however often it is repeated.
    left: BTreeMap<(u32, String), NotCarried>,
}

impl<'s> Export<'s> {
    /// Leaves behind what is written at `location`.
    pub(super) fn leave(&mut self, location: Location, reason: impl Into<String>) {
        let text = &self.scenario.source().text()[location.span.range()];
        // A disk or client may be long; its first line says enough.
        let mut lines = text.lines();
        let mut text = lines.next().unwrap_or_default().to_owned();
        if lines.next().is_some() {
            text.push_str(" ..");
        }
        self.leave_text(location, text, reason.into());
    }

    fn leave_text(&mut self, location: Location, text: String, reason: String) {
        let (source, line) = (self.scenario.source().name().to_owned(), location.line as usize);
        let key = (location.span.start, format!("{reason}\n{text}"));
        self.left.insert(key, NotCarried { source, line: Some(line), text, reason });
    }

    /// Leaves behind what the scenario as a whole says.
    fn leave_word(&mut self, text: &str, reason: &str) {
        let location = self.scenario.source().locate(crate::Span::default());
        self.leave_text(location, text.to_owned(), reason.to_owned());
    }

    /// What is about the scenario as a whole.
    fn whole(&mut self) {
        let scenario = self.scenario;
        if scenario.quirks() == Quirks::Safe {
            self.leave_word("quirks: safe", "QEMU has its defects");
        }
        match scenario.suspensions() {
            Suspensions::ByScript => {}
            Suspensions::After { .. } | Suspensions::Seeded => {
                self.leave_word("suspensions", "in QEMU, only commands resume");
            }
        }
        if *scenario.expect() != Expect::Held {
            let text = format!("expect: {}", scenario.expect());
            self.leave_word(&text, "qemu-io expects nothing");
        }
        for property in scenario.properties() {
            self.leave(property.location, "qemu-io watches over no property");
        }
        for disk in &scenario.disks()[1..] {
            self.leave(disk.location, "qemu-io has one disk, and it is the first");
        }
    }

    fn disk(&mut self, disk: &Disk, image: &str) {
        let location = disk.location;
        if disk.latencies != Latencies::all(Latency::Zero) {
            self.leave(location, "`latency`: how long an image takes is the host's affair");
        }
        if disk.fill != 0 || !disk.contents.is_empty() {
            let reason = format!("the image is to be filled before: `{}`", filled(disk, image));
            self.leave(location, reason);
        }
        if disk.device != Device::default() {
            self.leave(location, "what a disk promises is the host's affair");
        }
        for rule in &disk.fault_infos {
            self.leave(rule.location, "blkdebug has no rule like it");
        }
        if !disk.open {
            self.leave(location, "qemu-io opens the disk at the start");
        }
    }

    /// Each node with its rules: the file's before the disk's own.
    fn nodes(&mut self, disk: &Disk) -> Vec<Node> {
        let file = &self.scenario.file;
        let default = file::Disk::default();
        let own = file.disks.first().unwrap_or(&default);
        let is_here = |rule: &&file::Rule| rule.disk.as_ref().is_none_or(|name| *name == disk.name);
        let shared = file.rules.iter().filter(is_here);
        let first: Vec<_> = shared.chain(&own.rules).cloned().collect();
        let mut nodes = vec![(rules::limits_of(own), first)];
        // The others are no node's, and left behind with the disk.
        nodes[0].1.retain(file::Rule::is_blkdebugs);
        nodes.extend(own.below.iter().map(|node| (rules::limits_below(node), node.rules.clone())));
        let mut exported = Vec::new();
        for ((limits, rules), node) in nodes.into_iter().zip(&disk.nodes) {
            let is_first = exported.is_empty();
            let rules = rules.iter().zip(&node.rules);
            let rules = rules.filter_map(|(rule, info)| self.rule(rule, info.location, is_first));
            exported.push(Node { config: None, rules: rules.collect(), limits });
        }
        exported
    }

    fn rule(&mut self, rule: &file::Rule, location: Location, is_first: bool) -> Option<Rule> {
        if let (file::Action::Suspend(tag), Some(event), 0, true, true) =
            (&rule.action, &rule.event, rule.state, rule.once, is_first)
        {
            self.breaks.push((location, event.clone(), tag.clone()));
            return None;
        }
        let rule = rules::from_file(rule).map_err(str::to_owned);
        let dialect = self.scenario.dialect();
        let rule =
            rule.and_then(|rule| match print::config(std::slice::from_ref(&rule), dialect) {
                Ok(_) => Ok(rule),
                Err(error) => Err(reason(&error, dialect)),
            });
        rule.map_err(|reason| self.leave(location, reason)).ok()
    }

    /// What is to be opened, and the configuration files.
    fn name(
        &mut self,
        disk: &Disk,
        nodes: Vec<Node>,
        stem: &str,
        image: &str,
    ) -> (String, Vec<ConfigFile>) {
        let dialect = self.scenario.dialect();
        let image = match disk.medium {
            Medium::Stored => ImageSpec::File(image.to_owned()),
            Medium::Null => ImageSpec::NullCo { size: disk.size, read_zeroes: true },
            Medium::Flash(_) => {
                self.leave(disk.location, "QEMU has no NOR flash under blkdebug");
                ImageSpec::File(image.to_owned())
            }
        };
        let mut configs = Vec::new();
        let mut spec = Spec { raw: disk.top == Top::Raw, nodes, image, left_out: Vec::new() };
        let inline = spec.clone();
        for (index, node) in spec.nodes.iter_mut().enumerate() {
            let rules = std::mem::take(&mut node.rules);
            if rules.is_empty() {
                continue;
            }
            let path = match index {
                0 => format!("{stem}.conf"),
                index => format!("{stem}.{index}.conf"),
            };
            let text = print::config(&rules, dialect);
            let text = text.expect("each rule has been printed before");
            node.config = Some(path.clone());
            configs.push(ConfigFile { path, text });
        }
        let name = print::filename(&spec).unwrap_or_else(|| {
            print::json(&inline, dialect)
                .expect("files and null-co have options, and so have rules")
        });
        (name, configs)
    }

    /// The commands as text; those that no text says are left behind.
    fn script(&mut self, commands: &mut Vec<Command>) -> String {
        let mut script = String::new();
        for (location, operation) in commands.drain(..) {
            let command = crate::blkdebug::script::Command { line: 1, operation };
            match print::script(&[command]) {
                Ok(line) => script.push_str(&line),
                Err(error) => self.leave(location, reason(&error, self.scenario.dialect())),
            }
        }
        script
    }
}

/// The command that makes an image hold what a disk does at the start.
fn filled(disk: &Disk, image: &str) -> String {
    const MOST: usize = 16;
    let whole = (0, disk.size, disk.fill);
    let contents = disk.contents.iter().flat_map(|extent| {
        let mut at = extent.at;
        extent.data.runs(extent.len).map(move |(len, byte)| {
            at += len;
            (at - len, len, byte)
        })
    });
    let writes: Vec<_> = std::iter::once(whole).chain(contents).take(MOST + 1).collect();
    let mut command = "qemu-io -f raw".to_owned();
    for (at, len, byte) in writes.iter().take(MOST) {
        command.push_str(&format!(" -c 'write -P {byte:#x} {at} {len}'"));
    }
    if writes.len() > MOST {
        command.push_str(" ..");
    }
    format!("{command} {image}")
}

/// Why QEMU has no text for it.
fn reason(error: &PrintError, dialect: Dialect) -> String {
    match error {
        PrintError::Event { event, .. } => {
            format!("dialect {} has no event `{event}`", dialect.name())
        }
        PrintError::Operation(Operation::Open { .. }) => "no command has such a name".to_owned(),
        PrintError::Operation(_) => "qemu-io's words are separated by spaces".to_owned(),
        error => error.to_string(),
    }
}
