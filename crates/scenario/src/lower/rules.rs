//! Rules.

use std::collections::BTreeMap;
use std::ops::Range;

use headcrash_engine::{
    Action, Answer, Dialect, Errno, Injection, IoKind, Quirks, Rule, RuleId, Sectors, State, Tag,
};

use super::{Lower, Table};
use crate::file::{self, InjectError, IoType};
use crate::scenario::{DiskIndex, FaultPlace, RuleInfo, RulePlace};
use crate::source::Place;

/// A rule, and what its program does not know of it.
#[derive(Clone, Debug)]
pub(super) struct LoweredRule {
    pub(super) rule: Rule,
    pub(super) info: RuleInfo,
    /// The rule as text, if a seed may leave it out.
    pub(super) swarm: Option<String>,
}

/// The names of rules, and the rules that have them: several, if the file's is on several disks.
#[derive(Debug, Default)]
pub(super) struct RuleNames {
    pub(super) table: Table,
    places: BTreeMap<String, Vec<RulePlace>>,
    faults: BTreeMap<String, Vec<FaultPlace>>,
}

impl RuleNames {
    pub(super) fn place(&mut self, name: &str, disk: DiskIndex, node: usize, rule: RuleId) {
        let places = self.places.entry(name.to_owned()).or_default();
        places.push(RulePlace { disk, node, rule });
    }

    pub(super) fn places(&self, name: &str) -> Option<&[RulePlace]> {
        self.places.get(name).map(|places| &**places)
    }

    pub(super) fn place_fault(&mut self, name: &str, place: FaultPlace) {
        self.faults.entry(name.to_owned()).or_default().push(place);
    }

    pub(super) fn faults(&self, name: &str) -> Option<&[FaultPlace]> {
        self.faults.get(name).map(|places| &**places)
    }
}

impl Lower<'_> {
    /// The rule at `place`, which is blkdebug's and will be on these nodes.
    pub(super) fn rule(
        &mut self,
        rule: &file::Rule,
        place: Place<'_>,
        nodes: &[(DiskIndex, usize)],
    ) -> Option<LoweredRule> {
        if let Some(name) = &rule.name {
            self.add(|lower| &mut lower.rule_names.table, "rule", name, place.field("name"));
        }
        let event = match &rule.event {
            Some(event) => self.event(event, place.field("event")),
            None => {
                self.needs_event(place);
                None
            }
        };
        let at = place.field("action");
        let mut once = rule.once;
        let action = match &rule.action {
            file::Action::InjectError(inject) => {
                if inject.once && rule.once {
                    let here = place.field("once").name_span();
                    let told = self.say(at.field("once").name_span(), "`once` is given twice");
                    *told = told.clone().also(here, "also given here");
                }
                once |= inject.once;
                for name in rule.beyond() {
                    let message = format!("`{name}` is not for `inject_error`");
                    let told = self.say(place.field(name).name_span(), message);
                    told.help.push(match name {
                        "sector" | "sectors" => {
                            format!("it has its own: `inject_error({name}: ..)`")
                        }
                        "on" => "it has its own: `inject_error(iotype: ..)`".to_owned(),
                        _ => format!("blkdebug has no `{name}`; `fail(..)` takes it"),
                    });
                }
                self.injection(inject, at, nodes).map(Action::Inject)
            }
            file::Action::SetState(state) => {
                if rule.once {
                    let span = place.field("once").name_span();
                    self.say(span, "`once` means nothing for `set_state`").help.push(
                        "the new state can keep it from happening again: `state: 1` and \
                         `set_state(2)`"
                            .to_owned(),
                    );
                }
                Some(Action::SetState(State(*state)))
            }
            file::Action::Suspend(tag) => {
                self.suspend_tag(tag, at.item(0), nodes);
                Some(Action::Suspend(Tag::new(tag)))
            }
            other => unreachable!("{other:?} is not blkdebug's"),
        };
        let info =
            RuleInfo { name: rule.name.as_deref().map(Into::into), location: self.locate(place) };
        let (declared, swarm) = (rule, rule.swarm);
        let rule = Rule { event: event?, state: State(rule.state), action: action?, once };
        let swarm = swarm.then(|| file::compact(declared));
        Some(LoweredRule { rule, info, swarm })
    }

    /// That these nodes suspend under `tag`: there should be one.
    pub(super) fn suspend_tag(
        &mut self,
        tag: &str,
        place: Place<'_>,
        nodes: &[(DiskIndex, usize)],
    ) {
        self.check_name("a tag", tag, place);
        let location = self.locate(place);
        for (disk, node) in nodes {
            if let Err(before) = self.tags.set(tag, *disk, *node, location) {
                let message = format!("the tag `{tag}` is used in two places");
                let several = before == location;
                let told = self.say(place.span(), message);
                if several {
                    told.help.push("this rule is on several disks: add `disk: \"..\"`".to_owned());
                } else {
                    *told = told.clone().also(before.span, "also used here");
                    told.help.push("tags must differ from disk to disk".to_owned());
                }
                return;
            }
        }
    }

    fn injection(
        &mut self,
        inject: &InjectError,
        place: Place<'_>,
        nodes: &[(DiskIndex, usize)],
    ) -> Option<Injection> {
        let errno = self.errno(&inject.errno, place.field("errno"));
        let answer = errno.map(Answer::from_number);
        if answer == Some(Answer::Pretend) && self.quirks == Quirks::Safe {
            let told = self.say(place.field("errno").span(), "an error's number is not negative");
            told.help.push(
                "in QEMU the access is dropped and reports success; `quirks: qemu` has that"
                    .to_owned(),
            );
        }
        let sectors = self.sectors(inject, place, nodes);
        let kind = inject.iotype.map(|kind| match kind {
            IoType::Read => IoKind::Read,
            IoType::Write => IoKind::Write,
            IoType::WriteZeroes => IoKind::WriteZeroes,
            IoType::Discard => IoKind::Discard,
            IoType::Flush => IoKind::Flush,
            IoType::BlockStatus => IoKind::BlockStatus,
        });
        if kind.is_some() && self.dialect == Dialect::Qemu2_6 {
            let told =
                self.say(place.field("iotype").name_span(), "dialect qemu_2_6 has no `iotype`");
            told.help.push("dialect qemu_10_0_2 has it".to_owned());
        }
        Some(Injection {
            answer: answer?,
            sectors: sectors?,
            immediately: inject.immediately,
            kind,
        })
    }

    fn sectors(
        &mut self,
        inject: &InjectError,
        place: Place<'_>,
        nodes: &[(DiskIndex, usize)],
    ) -> Option<Sectors> {
        let (one, many) = (place.field("sector"), place.field("sectors"));
        let first = match (inject.sector, &inject.sectors) {
            (None, None) => return Some(Sectors::Any),
            (Some(_), Some(_)) => {
                let told = self.say(many.name_span(), "`sector` and `sectors` exclude each other");
                *told = told.clone().also(one.name_span(), "also given here");
                return None;
            }
            (None, Some(Range { start, end })) if start >= end => {
                let told = self.say(many.span(), format!("the range {start}..{end} is empty"));
                told.help.push("the end is not in a range: `8..16` has 8 sectors".to_owned());
                return None;
            }
            (None, Some(range)) => range.start,
            (Some(-1), None) => return Some(Sectors::Any),
            (Some(sector), None) if sector < 0 => {
                if self.quirks == Quirks::Safe {
                    let told = self.say(one.span(), format!("sector {sector} fits no request"));
                    told.help.push("-1 is any; `quirks: qemu` takes other ones too".to_owned());
                }
                return Some(Sectors::One(sector));
            }
            (Some(sector), None) => sector.unsigned_abs(),
        };
        let sizes = nodes.iter().map(|(disk, _)| self.disks.size(*disk));
        let most = sizes.max().unwrap_or(u64::MAX);
        if first >= most.div_ceil(Sectors::LEN) && self.quirks == Quirks::Safe {
            let span = if one.is_written() { one.span() } else { many.span() };
            let message = format!("sector {first} is beyond the end of the disk");
            let told = self.say(span, message);
            told.help.push(format!(
                "the last sector is {}: a rule's sectors have 512 bytes",
                (most.div_ceil(Sectors::LEN)).saturating_sub(1)
            ));
        }
        Some(match &inject.sectors {
            Some(range) => Sectors::Range { first, count: range.end - range.start },
            None => Sectors::One(first.cast_signed()),
        })
    }

    /// The number of an error that is given by name or number; may be 0 or negative.
    pub(super) fn errno(&mut self, errno: &file::Errno, place: Place<'_>) -> Option<i32> {
        match errno {
            file::Errno::Number(number) => {
                let found = i32::try_from(*number).ok();
                if found.is_none() {
                    self.say(place.span(), format!("{number} is no error's number"));
                }
                found
            }
            file::Errno::Name(name) => {
                let found = Errno::from_name(name);
                if found.is_none() {
                    let near = self.near(name, Errno::NAMED.iter().map(|(name, ..)| *name));
                    let told = self.say(place.span(), format!("unknown error `{name}`"));
                    told.help.extend(near);
                    told.help.push("an error without a name here is given by number".to_owned());
                }
                found.map(Errno::number)
            }
        }
    }

    /// As [`Lower::errno`], for an error that a request is to fail with.
    pub(super) fn failure(&mut self, errno: &file::Errno, place: Place<'_>) -> Option<Errno> {
        let number = self.errno(errno, place)?;
        let found = Errno::from_number(number);
        if found.is_none() {
            self.say(place.span(), format!("nothing fails with error {number}"));
        }
        found
    }
}
