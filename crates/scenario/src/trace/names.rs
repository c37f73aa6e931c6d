//! Whose names the numbers of a trace are.

use headcrash_engine::{Errno, EventId, RuleId, TriggerId};
use headcrash_sim::{
    ClientId, DiskId, Effect, Fact, FilePlace, FileVerb, FsId, MisuseKind, NodeId, RuleList, Verb,
    What,
};

use super::line::{Found, Line, Told};
use crate::scenario::{RuleInfo, Scenario};

/// What the client is called that recovers after a power cut.
pub(crate) const RECOVERY: &str = "recover";

/// Resolves the numbers of facts to the names in their scenario.
#[derive(Clone, Copy, Debug)]
pub struct Names<'s> {
    scenario: &'s Scenario,
    /// The clients that are not the scenario's, in order.
    spawned: &'s [String],
}

impl<'s> Names<'s> {
    /// The names in `scenario`.
    #[must_use]
    pub const fn of(scenario: &'s Scenario) -> Self {
        Self { scenario, spawned: &[] }
    }

    /// The names in `scenario`, and those of clients that came to be in a run of it.
    #[must_use]
    pub const fn with(scenario: &'s Scenario, spawned: &'s [String]) -> Self {
        Self { scenario, spawned }
    }

    pub(crate) fn client(&self, client: ClientId) -> &'s str {
        let known = self.scenario.clients();
        let spawned = || self.spawned.get(client.index() - known.len());
        match known.get(client.index()) {
            Some(client) => &client.name,
            None => spawned().map_or(RECOVERY, |name| name),
        }
    }

    fn disk(&self, disk: DiskId) -> &'s str {
        &self.scenario.disks()[disk.index()].name
    }

    fn fs(&self, fs: FsId) -> &'s str {
        &self.scenario.file_systems()[fs.index()].name
    }

    /// A node: its disk, and how far down it is, if it is not the outermost.
    pub(crate) fn node(&self, node: NodeId) -> String {
        match node.depth {
            0 => self.disk(node.disk).to_owned(),
            depth => format!("{}/{depth}", self.disk(node.disk)),
        }
    }

    /// A rule: its name, or its place among its node's, from 1.
    pub(crate) fn rule(&self, node: NodeId, rule: RuleId) -> String {
        let node = &self.scenario.disks()[node.disk.index()].nodes[node.depth as usize];
        match &node.rule(rule).name {
            Some(name) => format!("`{name}`"),
            None => format!("rule {}", rule.index() + 1),
        }
    }

    /// A fault rule of a disk: its name, or its place, from 1.
    fn fault(&self, disk: DiskId, rule: TriggerId) -> String {
        let infos = &self.scenario.disks()[disk.index()].fault_infos;
        match infos.get(rule.index()) {
            Some(RuleInfo { name: Some(name), .. }) => format!("`{name}`"),
            Some(RuleInfo { name: None, .. }) => format!("fault {}", rule.index() + 1),
            // Added for one run.
            None => "`fail_each`".to_owned(),
        }
    }

    /// A fault of a file system, likewise.
    fn file_fault(&self, fs: FsId, rule: TriggerId) -> String {
        let infos = &self.scenario.file_systems()[fs.index()].fault_infos;
        match infos.get(rule.index()) {
            Some(RuleInfo { name: Some(name), .. }) => format!("`{name}`"),
            Some(RuleInfo { name: None, .. }) => format!("fault {}", rule.index() + 1),
            // Added for one run.
            None => "`fail_each`".to_owned(),
        }
    }

    fn fault_name(&self, disk: DiskId, rule: TriggerId) -> &'static str {
        let rules = &self.scenario.disks()[disk.index()].faults;
        match rules.get(rule.index()).map(|rule| &rule.effect) {
            Some(Effect::Fault(fault)) => fault.name(),
            Some(Effect::SetState(_)) => "set_state",
            Some(Effect::Suspend(_)) => "suspend",
            None => "fail",
        }
    }

    fn rules(&self, node: NodeId, rules: &RuleList) -> Vec<String> {
        rules.shown().map(|rule| self.rule(node, rule)).collect()
    }

    pub(crate) fn event(&self, event: EventId) -> &'s str {
        self.scenario.disks()[0].nodes[0].program.events().name(event)
    }

    /// How a fact looks.
    #[must_use]
    pub fn line(&self, fact: &Fact) -> Line<'s> {
        Line { at_ns: fact.at.ns(), told: self.told(&fact.what) }
    }

    fn told(&self, what: &What) -> Told<'s> {
        match what {
            What::Submitted { client, request, disk, shape } => {
                let (io, event) = match shape.verb {
                    Verb::Read => ("read", None),
                    Verb::Write => ("write", None),
                    Verb::WriteZeroes => ("write_zeroes", None),
                    Verb::Discard => ("discard", None),
                    Verb::Erase => ("erase", None),
                    Verb::Flush => ("flush", None),
                    Verb::Announce(event) => ("announce", Some(self.event(event))),
                };
                Told::Submitted {
                    client: self.client(*client),
                    request: request.number(),
                    disk: self.disk(*disk),
                    io,
                    at: shape.at,
                    len: shape.len,
                    fua: shape.fua,
                    event,
                }
            }
            What::FileSubmitted { client, request, fs, shape } => Told::FileSubmitted {
                client: self.client(*client),
                request: request.number(),
                fs: self.fs(*fs),
                op: shape.verb.name(),
                path: shape.path.to_string(),
                to: shape.to.as_ref().map(ToString::to_string),
                at: shape.at,
                len: shape.len,
            },
            What::FileCompleted { client, request, fs, verb, path, result, len } => {
                let counts = matches!(
                    verb,
                    FileVerb::Read | FileVerb::Write | FileVerb::Len | FileVerb::List
                );
                Told::FileCompleted {
                    client: self.client(*client),
                    request: request.number(),
                    fs: self.fs(*fs),
                    op: verb.name(),
                    path: path.to_string(),
                    result: answer(*result),
                    len: (counts && result.is_ok()).then_some(*len),
                    short: false,
                }
            }
            What::FileCompletedShort { client, request, fs, verb, path, len } => {
                Told::FileCompleted {
                    client: self.client(*client),
                    request: request.number(),
                    fs: self.fs(*fs),
                    op: verb.name(),
                    path: path.to_string(),
                    result: answer(Ok(())),
                    len: Some(*len),
                    short: true,
                }
            }
            What::FileStruck { request, fs, rule } => {
                let rule_name = self.file_fault(*fs, *rule);
                let fs = &self.scenario.file_systems()[fs.index()];
                let fault = fs.faults.get(rule.index()).map_or("fail", |rule| rule.fault.name());
                Told::FileStruck { fs: &fs.name, request: request.number(), rule: rule_name, fault }
            }
            What::FileResolved { fs, place, candidates, chosen } => {
                let (path, found) = match place {
                    FilePlace::Entry { path, found } => (path, Found::Entry { inode: *found }),
                    FilePlace::Length { path, len } => (path, Found::Length { len: *len }),
                    FilePlace::Data { path, at, len } => (path, Found::Data { at: *at, len: *len }),
                };
                Told::FileResolved {
                    fs: self.fs(*fs),
                    path: path.to_string(),
                    found,
                    candidates: *candidates,
                    chosen: *chosen,
                }
            }
            What::FilesPowerCut { fs } => Told::FilesPowerCut { fs: self.fs(*fs) },
            What::FilesPowerOn { fs } => Told::FilesPowerOn { fs: self.fs(*fs) },
            What::Announced { request, node, event } => Told::Announced {
                node: self.node(*node),
                request: request.number(),
                event: self.event(*event),
            },
            What::Opened { disk } => Told::Opened { disk: self.disk(*disk) },
            What::Reopened { disk } => Told::Reopened { disk: self.disk(*disk) },
            What::Closed { disk } => Told::Closed { disk: self.disk(*disk) },
            What::Truncated { disk, len } => Told::Truncated { disk: self.disk(*disk), len: *len },
            What::Armed { node, rules } => Told::Armed {
                node: self.node(*node),
                rules: self.rules(*node, rules),
                count: rules.count,
            },
            What::Moved { node, from, to, rule } => Told::Moved {
                node: self.node(*node),
                from: from.0,
                to: to.0,
                rule: self.rule(*node, *rule),
            },
            What::Suspended { request, node, tag, rule } => Told::Suspended {
                node: self.node(*node),
                request: request.number(),
                tag: tag.to_string(),
                rule: rule.map(|rule| self.rule(*node, rule)),
            },
            What::Resumed { request, node, tag } => Told::Resumed {
                node: self.node(*node),
                request: request.number(),
                tag: tag.to_string(),
            },
            What::Masked { request, node, rule } => Told::Masked {
                node: self.node(*node),
                request: request.number(),
                rule: self.rule(*node, *rule),
            },
            What::Injected { request, node, rule, errno, immediately } => Told::Injected {
                node: self.node(*node),
                request: request.number(),
                rule: self.rule(*node, *rule),
                errno: errno.map(|errno| errno.to_string()),
                immediately: *immediately,
            },
            What::Consumed { node, rule } => {
                Told::Consumed { node: self.node(*node), rule: self.rule(*node, *rule) }
            }
            What::Waiting { client, request, on } => Told::Waiting {
                client: self.client(*client),
                request: request.number(),
                on: on.number(),
            },
            What::ReadIgnored { client, request, errno } => Told::ReadIgnored {
                client: self.client(*client),
                request: request.number(),
                errno: errno.to_string(),
            },
            What::InFlight { client, request, until } => Told::InFlight {
                client: self.client(*client),
                request: request.number(),
                until_ns: until.ns(),
            },
            What::Completed { client, request, result } => Told::Completed {
                client: self.client(*client),
                request: request.number(),
                result: answer(*result),
                len: None,
            },
            What::CompletedShort { client, request, len } => Told::Completed {
                client: self.client(*client),
                request: request.number(),
                result: answer(Ok(())),
                len: Some(*len),
            },
            What::OpenFailed { disk, errno } => {
                Told::OpenFailed { disk: self.disk(*disk), result: errno.to_string() }
            }
            What::Misused { request, disk, what } => {
                let which = match what {
                    MisuseKind::Overlap { with } => format!(": #{}", with.number()),
                    MisuseKind::NeverWritten { at } | MisuseKind::ProgrammedTwice { at } => {
                        format!(": byte {at}")
                    }
                    MisuseKind::PastEnd | MisuseKind::Misaligned | MisuseKind::Closed => {
                        String::new()
                    }
                };
                let misuse = format!("{}{which}", what.text());
                Told::Misused { disk: self.disk(*disk), request: request.number(), misuse }
            }
            What::FlashResolved { disk, at, len, units, unlike } => Told::FlashResolved {
                disk: self.disk(*disk),
                at: *at,
                len: *len,
                units: *units,
                unlike: *unlike,
            },
            What::FlashDisturbed { disk, at, bit } => {
                Told::FlashDisturbed { disk: self.disk(*disk), at: *at, bit: *bit }
            }
            What::FileEvicted { fs, path } => {
                Told::FileEvicted { fs: self.fs(*fs), path: path.to_string() }
            }
            What::BreakSet { node, event, tag } => Told::BreakSet {
                node: self.node(*node),
                event: self.event(*event),
                tag: tag.to_string(),
            },
            What::BreakRemoved { node, tag, removed, found } => Told::BreakRemoved {
                node: self.node(*node),
                tag: tag.to_string(),
                removed: *removed,
                result: answer(if *found { Ok(()) } else { Err(Errno::ENOENT) }),
            },
            What::NobodyResumed { node, tag } => {
                Told::NobodyResumed { node: self.node(*node), tag: tag.to_string() }
            }
            What::Began { client, operation } => {
                Told::Began { client: self.client(*client), operation: operation.to_string() }
            }
            What::Ended { client, result } => {
                Told::Ended { client: self.client(*client), result: result.to_string() }
            }
            What::Noted { client, text } => {
                Told::Noted { client: self.client(*client), text: text.to_string() }
            }
            What::Sleeps { client, until } => {
                Told::Sleeps { client: self.client(*client), until_ns: until.ns() }
            }
            What::ContentsHold { client, len } => {
                Told::ContentsHold { client: self.client(*client), len: *len }
            }
            What::ContentsDiffer { client, at, expected, found } => Told::ContentsDiffer {
                client: self.client(*client),
                at: *at,
                expected: *expected,
                found: *found,
            },
            What::Decided { client, held } => {
                Told::Decided { client: self.client(*client), held: *held }
            }
            What::Finished { client } => Told::Finished { client: self.client(*client) },
            What::Violated { property } => Told::Violated { property: property.to_string() },
            What::Struck { request, disk, rule } => Told::Struck {
                disk: self.disk(*disk),
                request: request.number(),
                rule: self.fault(*disk, *rule),
                fault: self.fault_name(*disk, *rule),
            },
            What::Spared { disk, rule } => {
                Told::Spared { disk: self.disk(*disk), rule: self.fault(*disk, *rule) }
            }
            What::Swarm { disk, rule, enabled } => Told::Swarm {
                disk: self.disk(*disk),
                rule: self.fault(*disk, *rule),
                enabled: *enabled,
            },
            What::SwarmRule { node, rule, enabled } => Told::Swarm {
                disk: self.disk(node.disk),
                rule: self.rule(*node, *rule),
                enabled: *enabled,
            },
            What::SwarmFile { fs, rule, enabled } => Told::Swarm {
                disk: &self.scenario.file_systems()[fs.index()].name,
                rule: self.file_fault(*fs, *rule),
                enabled: *enabled,
            },
            What::Set { node, from, to } => {
                Told::Set { node: self.node(*node), from: from.0, to: to.0 }
            }
            What::Hangs { client, request } => {
                Told::Hangs { client: self.client(*client), request: request.number() }
            }
            What::Misread { client, request, .. } => {
                Told::Misread { client: self.client(*client), request: request.number() }
            }
            What::PowerCut { disk } => Told::PowerCut { disk: self.disk(*disk) },
            What::PowerOn { disk } => Told::PowerOn { disk: self.disk(*disk) },
            What::Lost { client, request } => {
                Told::Lost { client: self.client(*client), request: request.number() }
            }
            What::Resolved { disk, resolution } => Told::Resolved {
                disk: self.disk(*disk),
                at: resolution.at,
                versions: resolution.versions,
                tears: resolution.tears,
                of: resolution.request.number(),
                torn: resolution.torn,
            },
            What::LengthResolved { disk, len } => {
                Told::LengthResolved { disk: self.disk(*disk), len: *len }
            }
            What::Gone { disk } => Told::Gone { disk: self.disk(*disk) },
            What::Returned { disk } => Told::Returned { disk: self.disk(*disk) },
            What::Damaged { disk, at, len } => {
                Told::Damaged { disk: self.disk(*disk), at: *at, len: *len }
            }
            What::Lifted { disk, at, len, count } => {
                Told::Lifted { disk: self.disk(*disk), at: *at, len: *len, count: *count }
            }
        }
    }
}

/// `ok`, or the error's name.
fn answer(result: Result<(), Errno>) -> String {
    result.map_or_else(|errno| errno.to_string(), |()| "ok".to_owned())
}
