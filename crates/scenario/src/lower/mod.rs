//! From a file to a scenario: every name resolved, every number checked, every program built.
//!
//! All that is wrong is told at once: whoever finds something wrong says so and goes on with
//! nothing in its place, and there is a scenario only if nobody had anything to say.

mod clients;
mod conditions;
mod crash;
mod devices;
mod disks;
mod faults;
mod files;
mod flow;
mod io;
mod patterns;
mod rules;
mod steps;
mod subject;
mod table;
mod triggers;

use std::collections::BTreeSet;
use std::sync::Arc;

use headcrash_engine::{Dialect, EventId, Events, Quirks};

use crate::STEPS_MAX;
use crate::file::{self, File};
use crate::names::{list, nearest};
use crate::scenario::{
    Beginning, Code, DiskIndex, EXPECTATION, Expect, MISUSE, Property, PropertyKind, Scenario,
    Seeds, StepIndex, Suspensions, TagIndex,
};
use crate::source::{Diagnostic, Errors, Location, Place, Source, Span, Tree};
use clients::Ids;
use disks::DiskNames;
use rules::RuleNames;
use table::{Table, Tags};

/// The longest read, write, pattern or comparison, so that whoever runs it can hold it.
const MAX_BYTES: u64 = 16 << 20;

/// The properties that are there without a name given, and what violates them.
const TAKEN: [(&str, &str); 2] = [
    (EXPECTATION, "that is what steps without `or_violates` violate"),
    (MISUSE, "that is what requests violate under `misuse: error`"),
];

/// The most seeds of a file.
const MAX_SEEDS: u64 = 1_000_000;

/// Minutes.
const MOST_STEPS: u64 = 100_000_000;

/// The longest time a file can name: eleven days.
const MAX_NS: u64 = 1_000_000_000_000_000;

/// The scenario that `file` describes, which was read from `source`.
pub(crate) fn lower(
    file: File,
    source: Source,
    tree: &Tree,
    code: Option<&Arc<dyn Code>>,
) -> Result<Scenario, Errors> {
    let text = source.clone();
    let root = tree.root(text.text());
    let mut lower = Lower::new(&file, &source);
    lower.events(&file, root);
    let disk_names = lower.disk_names(&file, root);
    lower.disks = disk_names;
    lower.file_system_names(&file, root);
    let clients = lower.client_places(&file, root);
    lower.collect(&clients);
    let mut disks = lower.disks_of(&file, root);
    let file_systems = lower.file_systems_of(&file, root);
    let subject = lower.subject(&file, root, code);
    let mut clients = lower.clients(&clients);
    let code = subject.as_ref().map(|subject| &subject.code);
    for (place, (client, at)) in file.clients.iter().zip(root.field("clients").items()).enumerate()
    {
        let operations = lower.operations(client, at, code);
        if let Some(lowered) = clients.get_mut(place) {
            (lowered.operations, lowered.drawn) = (operations, client.drawn_ops);
        }
    }
    // Whoever recovers was put last.
    let recover = if file.recover.is_empty() { None } else { clients.pop() };
    let power_cut = lower.power_cut(&file, root);
    let search = lower.search(&file, root);
    let search = if power_cut.is_some() { search } else { None };
    let method = lower.answers(&file, root);
    let fail_each = lower.fail_each(&file, root);
    let copies = lower.copies(&file, root);
    let on_misuse = Lower::on_misuse(&file);
    let properties = lower.properties(&file, root);
    let seeds = lower.seeds(&file, root);
    let most_steps = lower.most_steps(&file, root);
    let expect = lower.expect(&file, root);
    let suspensions = lower.suspensions(&file, root);
    let is_needed = lower.needs_disks || file.file_systems.is_empty() || !file.rules.is_empty();
    if file.disks.is_empty() && !is_needed {
        disks.iter_mut().for_each(|disk| disk.is_unused = true);
    }
    let Lower { errors, ids, tags, dialect, quirks, .. } = lower;
    if !errors.is_empty() {
        return Err(Errors::new(source, errors));
    }
    Ok(Scenario {
        disks,
        file_systems,
        clients,
        recover,
        subject,
        power_cut,
        search,
        method,
        fail_each,
        copies,
        on_misuse,
        requests: ids.names(),
        tags: tags.into_infos(),
        properties,
        seeds,
        most_steps,
        expect,
        suspensions,
        dialect,
        quirks,
        file,
        source,
        beginning: Beginning::default(),
    })
}

struct Lower<'a> {
    source: &'a Source,
    errors: Vec<Diagnostic>,
    dialect: Dialect,
    quirks: Quirks,
    /// Those of every program.
    known: Events,
    disks: DiskNames,
    /// Something is about a disk.
    needs_disks: bool,
    fs_names: Table,
    tags: Tags,
    ids: Ids,
    rule_names: RuleNames,
    /// The texts by which rules beyond blkdebug's are known to the choices.
    rule_keys: BTreeSet<String>,
    /// Who issues requests, by place; who recovers comes last.
    client_names: Table,
    /// Where each client's own steps begin, those inside of others left out; then its end.
    step_starts: Vec<Vec<StepIndex>>,
    /// The properties that steps violate, and those that are declared.
    properties: Table,
    /// What steps mark.
    marks: Table,
}

impl<'a> Lower<'a> {
    fn new(file: &File, source: &'a Source) -> Self {
        let dialect = match file.dialect {
            file::Dialect::Qemu10 => Dialect::Qemu10,
            file::Dialect::Qemu2_6 => Dialect::Qemu2_6,
        };
        let quirks = match file.quirks {
            file::Quirks::Safe => Quirks::Safe,
            file::Quirks::Qemu => Quirks::Qemu,
        };
        Self {
            source,
            errors: Vec::new(),
            dialect,
            quirks,
            known: Events::of(dialect),
            disks: DiskNames::default(),
            needs_disks: false,
            fs_names: Table::default(),
            tags: Tags::default(),
            ids: Ids::default(),
            rule_names: RuleNames::default(),
            rule_keys: BTreeSet::new(),
            client_names: Table::default(),
            step_starts: Vec::new(),
            properties: Table::default(),
            marks: Table::default(),
        }
    }

    /// Says that something is wrong; what else there is to say is added to the result.
    fn say(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.errors.push(Diagnostic::new(span, message));
        self.errors.last_mut().expect("one was just pushed")
    }

    /// What may be meant by `name`; with so many errors that nobody is told of this one, nothing.
    fn near<'n>(&self, name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
        const ENOUGH: usize = 200;
        if self.errors.len() < ENOUGH { nearest(name, known) } else { None }
    }

    fn locate(&self, place: Place<'_>) -> Location {
        self.source.locate(place.span())
    }

    /// Names end up in lines of a trace.
    fn check_name(&mut self, what: &str, name: &str, place: Place<'_>) {
        let problem = if name.is_empty() {
            "is empty"
        } else if name.chars().count() > 100 {
            "is longer than 100 characters"
        } else if name.chars().any(char::is_control) {
            "has a control character in it"
        } else {
            return;
        };
        self.say(place.span(), format!("{what} {problem}"));
    }

    /// Makes `name` known in a table of `what`; says so if it was already.
    fn add(
        &mut self,
        table: impl FnOnce(&mut Self) -> &mut Table,
        what: &str,
        name: &str,
        place: Place<'_>,
    ) {
        self.check_name(&format!("the name of a {what}"), name, place);
        if let Err(before) = table(self).add(name, place.span()) {
            let told = self.say(place.span(), format!("there is already a {what} `{name}`"));
            // A name that is there by default is nowhere in the text.
            if before != place.span() {
                *told = told.clone().also(before, "this one");
            }
        }
    }

    /// Every event that is not the dialect's: listed, or announced by a step.
    fn events(&mut self, file: &File, root: Place<'_>) {
        let mut listed = Table::default();
        for (event, place) in file.events.iter().zip(root.field("events").items()) {
            self.check_name("the name of an event", event, place);
            if let Err(before) = listed.add(event, place.span()) {
                let told = self.say(place.span(), format!("the event `{event}` is listed twice"));
                *told = told.clone().also(before, "first here");
            }
            self.known.intern(event);
        }
        let clients =
            file.clients.iter().map(|client| &client.steps).chain([&file.steps, &file.recover]);
        for steps in clients {
            steps::visit(steps, &mut |step| {
                if let file::Step::Announce(announce) = step {
                    self.known.intern(&announce.event);
                }
            });
        }
        const MOST: usize = 1024;
        let custom = self.known.iter().filter(|(event, _)| self.known.is_custom(*event)).count();
        if custom > MOST {
            let message =
                format!("{custom} events are not the dialect's, and at most {MOST} may be");
            self.say(root.field("events").name_span(), message);
            self.known = Events::of(self.dialect);
        }
    }

    /// The event called `name`, if it is known.
    fn event(&mut self, name: &str, place: Place<'_>) -> Option<EventId> {
        let found = self.known.get(name);
        if found.is_none() {
            let near = self.near(name, self.known.iter().map(|(_, name)| name));
            let dialect = self.dialect.name();
            let told =
                self.say(place.span(), format!("unknown event `{name}` in dialect {dialect}"));
            told.help.extend(near);
            let newer = Dialect::Qemu10;
            told.help.push(if newer.events().contains(&name) {
                format!("dialect {} has it", newer.name())
            } else {
                "an event of your own is announced by a step, or listed in the scenario's `events: [..]`".to_owned()
            });
        }
        found
    }

    /// The disk that is meant by `name`, or by its absence, at a `place` with a field `disk`.
    fn disk(&mut self, name: Option<&str>, place: Place<'_>) -> Option<DiskIndex> {
        self.needs_disks = true;
        let found = match name {
            Some(name) => self.disks.find(name),
            None => (self.disks.iter().len() == 1).then_some(DiskIndex(0)),
        };
        if found.is_some() {
            return found;
        }
        match name {
            None => {
                let known: Vec<_> = self.disks.given().map(ToOwned::to_owned).collect();
                let names = || known.iter().map(|name| &**name);
                let told = self.say(place.head(), "it is not clear which disk is meant");
                told.help.push(format!("add `disk: \"..\"`, one of {}", list(names())));
            }
            Some(name) => return self.disk_in(name, place.field("disk")),
        }
        None
    }

    /// The disk called `name` at `place`, where there is nothing else.
    fn disk_in(&mut self, name: &str, place: Place<'_>) -> Option<DiskIndex> {
        self.needs_disks = true;
        let found = self.disks.find(name);
        if found.is_none() {
            let known: Vec<_> = self.disks.given().map(ToOwned::to_owned).collect();
            let names = || known.iter().map(|name| &**name);
            let near = self.near(name, names());
            let told = self.say(place.span(), format!("unknown disk `{name}`"));
            told.help.extend(near);
            told.help.push(format!("known here: {}", list(names())));
        }
        found
    }

    /// The tag called `name`, if anything suspends under it.
    fn tag(&mut self, name: &str, place: Place<'_>) -> Option<TagIndex> {
        let found = self.tags.find(name);
        if found.is_none() {
            let near = self.near(name, self.tags.set_names());
            let message = format!("nothing is ever suspended under the tag `{name}`");
            let told = self.say(place.span(), message);
            told.help.extend(near);
            told.help.push(
                "a tag is set by `set_break(..)` or a rule with `action: suspend(..)`".to_owned(),
            );
        }
        found
    }

    fn properties(&mut self, file: &File, root: Place<'_>) -> Vec<Property> {
        let mut names = Table::default();
        let mut properties = Vec::new();
        for (property, place) in file.properties.iter().zip(root.field("properties").items()) {
            let (kind, claim) = match property {
                file::Property::Always(claim) => (PropertyKind::Always, claim),
                file::Property::Sometimes(claim) => (PropertyKind::Sometimes, claim),
                file::Property::Never(claim) => (PropertyKind::Never, claim),
                file::Property::Finally(claim) => (PropertyKind::Finally, claim),
            };
            let at = place.field("name");
            self.check_name("the name of a property", &claim.name, at);
            if let Some((taken, why)) = TAKEN.iter().find(|(taken, _)| *taken == claim.name) {
                let message = format!("a property cannot be called `{taken}`");
                self.say(at.span(), message).help.push((*why).to_owned());
            } else if let Err(before) = names.add(&claim.name, at.span()) {
                let message = format!("there is already a property `{}`", claim.name);
                let told = self.say(at.span(), message);
                *told = told.clone().also(before, "this one");
            }
            _ = self.properties.add(&claim.name, at.span());
            if let Some(that) = self.condition(&claim.that, place.field("that")) {
                let location = self.locate(place);
                properties.push(Property { name: claim.name.clone(), kind, that, location });
            }
        }
        properties
    }

    fn seeds(&mut self, file: &File, root: Place<'_>) -> Seeds {
        let given = [
            (file.seed.is_some(), "seed"),
            (file.seeds.is_some(), "seeds"),
            (file.seed_list.is_some(), "seed_list"),
        ];
        let mut given = given.iter().filter(|(given, _)| *given).map(|(_, name)| *name);
        if let (Some(first), Some(second)) = (given.next(), given.next()) {
            let first_span = root.field(first).name_span();
            let message = format!("`{first}` and `{second}` exclude each other");
            let told = self.say(root.field(second).name_span(), message);
            *told = told.clone().also(first_span, "also given here");
        }
        if let Some(range) = &file.seeds {
            if range.is_empty() {
                let message = format!("the range {}..{} is empty", range.start, range.end);
                let told = self.say(root.field("seeds").span(), message);
                told.help.push("the end is not among the seeds: `0..1_000` has 1000".to_owned());
            } else if range.end - range.start > MAX_SEEDS {
                let message = format!("the range has {} seeds", range.end - range.start);
                let told = self.say(root.field("seeds").span(), message);
                told.help.push(format!("at most {MAX_SEEDS} can be"));
            }
            return Seeds::Range(range.clone());
        }
        if let Some(list) = &file.seed_list {
            if list.is_empty() {
                self.say(root.field("seed_list").span(), "the list has no seeds");
            }
            return Seeds::List(list.clone());
        }
        Seeds::One(file.seed.unwrap_or(0))
    }

    fn most_steps(&mut self, file: &File, root: Place<'_>) -> u64 {
        let most = file.most_steps.unwrap_or(STEPS_MAX);
        if !(1..=MOST_STEPS).contains(&most) {
            let message = format!("a run cannot be given up after {most} steps");
            let told = self.say(root.field("most_steps").span(), message);
            told.help.push(format!("1 to {MOST_STEPS} can be; without it, {STEPS_MAX}"));
        }
        most
    }

    fn expect(&mut self, file: &File, root: Place<'_>) -> Expect {
        match &file.expect {
            file::Expect::Held => Expect::Held,
            file::Expect::Stuck => Expect::Stuck,
            file::Expect::NotMeasured => Expect::NotMeasured,
            file::Expect::Refused => Expect::Refused,
            file::Expect::Endless => Expect::Endless,
            file::Expect::Violated(name) => {
                let taken = TAKEN.iter().any(|(taken, _)| taken == name);
                if !taken && self.properties.find(name).is_none() {
                    let known = self.properties.names().to_vec();
                    let near = self.near(name, known.iter().map(|name| &**name));
                    let span = root.field("expect").item(0).span();
                    let told = self.say(span, format!("no property is called `{name}`"));
                    told.help.extend(near);
                    told.help.push(format!(
                        "known here: {}",
                        list(known.iter().map(|name| &**name).chain([EXPECTATION, MISUSE]))
                    ));
                }
                Expect::Violated(name.clone())
            }
        }
    }

    fn suspensions(&mut self, file: &File, root: Place<'_>) -> Suspensions {
        match file.suspensions {
            file::Suspensions::ByScript => Suspensions::ByScript,
            file::Suspensions::Seeded => Suspensions::Seeded,
            file::Suspensions::AfterNs(ns) => {
                self.check_ns(ns, root.field("suspensions").item(0));
                Suspensions::After { ns }
            }
        }
    }

    fn check_ns(&mut self, ns: u64, place: Place<'_>) {
        if ns > MAX_NS {
            let message = format!("{ns} ns is too long, at most {MAX_NS} can be said");
            self.say(place.span(), message);
        }
    }
}
