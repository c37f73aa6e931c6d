//! A file without one thing.
//!
//! The file and its text are walked side by side: what is taken out of the one is underlined in the
//! other. A step gives way to one that does nothing, so that the others keep their numbers, which
//! `power_cut` may name.

use super::What;
use crate::file::step::Sleep;
use crate::file::{File, Io, Rule, Step};
use crate::scenario::Scenario;
use crate::source::{Place, Span, scan};

/// What was left out, and what is left.
pub(super) struct LeftOut {
    pub(super) name: String,
    pub(super) span: Span,
    /// The step or rule it belongs to.
    pub(super) owner: Span,
    pub(super) file: File,
}

/// The file of `scenario` without the `nth` thing of this kind, from 0; nothing, if there are not
/// so many.
pub(super) fn left_out(scenario: &Scenario, what: What, nth: usize) -> Option<LeftOut> {
    let text = scenario.source().text();
    let tree = scan(text).ok()?;
    let mut file = scenario.file.clone();
    let mut walk = Walk { left: nth, found: None };
    let root = tree.root(text);
    match what {
        What::Rules => walk.rules_of(&mut file, root),
        What::Flushes => walk.flushes_of(&mut file, root),
    }
    let Found { name, span, owner } = walk.found?;
    Some(LeftOut { name, span, owner, file })
}

/// A step in whose place nothing is done.
const NOTHING: Step = Step::Sleep(Sleep { ns: 0 });

struct Found {
    name: String,
    span: Span,
    owner: Span,
}

struct Walk {
    /// How many things are to be passed by.
    left: usize,
    found: Option<Found>,
}

impl Walk {
    /// Whether this one is meant.
    fn meets(&mut self, name: impl FnOnce() -> String, span: Span, owner: Span) -> bool {
        if self.found.is_some() {
            return false;
        }
        if self.left > 0 {
            self.left -= 1;
            return false;
        }
        self.found = Some(Found { name: name(), span, owner });
        true
    }

    fn rules_of(&mut self, file: &mut File, root: Place<'_>) {
        self.rules(&mut file.rules, root.field("rules"));
        for (disk, place) in file.disks.iter_mut().zip(root.field("disks").items()) {
            self.rules(&mut disk.rules, place.field("rules"));
            for (below, place) in disk.below.iter_mut().zip(place.field("below").items()) {
                self.rules(&mut below.rules, place.field("rules"));
            }
            self.list(&mut disk.faults, place.field("faults"), |fault| {
                named("fault", fault.name.as_ref())
            });
        }
        for (fs, place) in file.file_systems.iter_mut().zip(root.field("file_systems").items()) {
            self.list(&mut fs.faults, place.field("faults"), |fault| {
                named("fault", fault.name.as_ref())
            });
        }
    }

    fn rules(&mut self, rules: &mut Vec<Rule>, place: Place<'_>) {
        self.list(rules, place, |rule| named("rule", rule.name.as_ref()));
    }

    /// Takes one of a list.
    fn list<T>(&mut self, list: &mut Vec<T>, place: Place<'_>, name: impl Fn(&T) -> String) {
        let places: Vec<_> = place.items().map(Place::span).collect();
        for (index, span) in places.into_iter().enumerate() {
            if index < list.len() && self.meets(|| name(&list[index]), span, span) {
                list.remove(index);
                return;
            }
        }
    }

    fn flushes_of(&mut self, file: &mut File, root: Place<'_>) {
        self.program(&mut file.steps, root.field("steps"));
        for (client, place) in file.clients.iter_mut().zip(root.field("clients").items()) {
            self.program(&mut client.steps, place.field("steps"));
        }
        self.program(&mut file.recover, root.field("recover"));
    }

    /// The steps of a client: who waits for a request that is left out is left out as well.
    fn program(&mut self, steps: &mut [Step], place: Place<'_>) {
        if let Some(id) = self.steps(steps, place) {
            forget(steps, &id);
        }
    }

    /// The id of the request that was left out, if it had one.
    fn steps(&mut self, steps: &mut [Step], place: Place<'_>) -> Option<String> {
        let places: Vec<_> = place.items().collect();
        for (index, place) in places.into_iter().enumerate() {
            if self.found.is_some() {
                return None;
            }
            let Some(step) = steps.get_mut(index) else { break };
            let span = place.span();
            let name = match step {
                Step::Flush(_) => Some("flush"),
                Step::Submit(submit) if matches!(submit.io, Io::Flush(_)) => Some("flush"),
                Step::SyncFile(_) => Some("sync of a file"),
                Step::SyncData(_) => Some("sync of a file's data"),
                Step::SyncDir(_) => Some("sync of a directory"),
                _ => None,
            };
            if let Some(name) = name {
                if self.meets(|| name.to_owned(), span, span)
                    && let Step::Submit(submit) = std::mem::replace(step, NOTHING)
                {
                    return Some(submit.id);
                }
                continue;
            }
            let id = self.inside(step, place);
            if id.is_some() {
                return id;
            }
            if matches!(step, Step::Parallel(all) if all.is_empty()) {
                *step = NOTHING;
            }
        }
        None
    }

    /// What is inside a step.
    fn inside(&mut self, step: &mut Step, place: Place<'_>) -> Option<String> {
        let span = place.span();
        match step {
            Step::Write(write) => self.fua(&mut write.fua, place, span),
            Step::WriteZeroes(write) => self.fua(&mut write.fua, place, span),
            Step::Submit(submit) => self.fua_of(&mut submit.io, place.field("io"), span),
            Step::Parallel(all) => self.parallel(all, place.item(0), span),
            Step::Repeat(repeat) => {
                return self.steps(&mut repeat.steps, place.field("steps"));
            }
            Step::When(when) => {
                let then = self.steps(&mut when.then, place.field("then"));
                return then.or_else(|| self.steps(&mut when.otherwise, place.field("otherwise")));
            }
            Step::WhenMarked(when) => {
                let then = self.steps(&mut when.then, place.field("then"));
                return then.or_else(|| self.steps(&mut when.otherwise, place.field("otherwise")));
            }
            Step::WhenExists(when) => {
                let then = self.steps(&mut when.then, place.field("then"));
                return then.or_else(|| self.steps(&mut when.otherwise, place.field("otherwise")));
            }
            _ => {}
        }
        None
    }

    fn parallel(&mut self, all: &mut Vec<Io>, place: Place<'_>, owner: Span) {
        let places: Vec<_> = place.items().collect();
        for (index, place) in places.into_iter().enumerate() {
            let Some(io) = all.get_mut(index) else { return };
            if matches!(io, Io::Flush(_)) {
                if self.meets(|| "flush".to_owned(), place.span(), owner) {
                    all.remove(index);
                    return;
                }
            } else {
                self.fua_of(io, place, owner);
            }
        }
    }

    fn fua_of(&mut self, io: &mut Io, place: Place<'_>, owner: Span) {
        match io {
            Io::Write(write) => self.fua(&mut write.fua, place, owner),
            Io::WriteZeroes(write) => self.fua(&mut write.fua, place, owner),
            Io::Read(_) | Io::Discard(_) | Io::Flush(_) => {}
        }
    }

    fn fua(&mut self, fua: &mut bool, place: Place<'_>, owner: Span) {
        let span = place.field("fua").name_span();
        if *fua && self.meets(|| "force unit access".to_owned(), span, owner) {
            *fua = false;
        }
    }
}

/// Nobody waits for this request any more.
fn forget(steps: &mut [Step], id: &str) {
    for step in steps {
        match step {
            Step::Wait(wait) if wait.id == id => *step = NOTHING,
            Step::Repeat(repeat) => forget(&mut repeat.steps, id),
            Step::When(when) => {
                forget(&mut when.then, id);
                forget(&mut when.otherwise, id);
            }
            Step::WhenMarked(when) => {
                forget(&mut when.then, id);
                forget(&mut when.otherwise, id);
            }
            Step::WhenExists(when) => {
                forget(&mut when.then, id);
                forget(&mut when.otherwise, id);
            }
            _ => {}
        }
    }
}

fn named(what: &str, name: Option<&String>) -> String {
    name.map_or_else(|| what.to_owned(), |name| format!("{what} `{name}`"))
}
