//! Rules beyond blkdebug's: when they strike, and what they are called.

use std::num::NonZeroU64;
use std::ops::Range;

use headcrash_engine::{IoKind, Kinds, Ratio, Sectors, State, Tag, Trigger};
use headcrash_sim::{Effect, Fault, FaultRule, Key};

use super::Lower;
use crate::file::{self, AccessKind, Action, fault::Rate};
use crate::scenario::{DiskIndex, FaultPlace, RuleInfo};
use crate::source::Place;

/// A rule beyond blkdebug's, before it is on a disk.
#[derive(Clone, Debug)]
pub(super) struct LoweredFault {
    trigger: Trigger,
    effect: Effect,
    window: Option<(u64, u64)>,
    swarm: bool,
    /// The rule as text, by which it is known if it has no name.
    text: String,
    info: RuleInfo,
}

/// What a rule, or a rate, says of when it strikes.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) nth: Option<u64>,
    pub(super) every: Option<u64>,
    pub(super) times: Option<u64>,
    pub(super) once: bool,
    pub(super) chance: Option<(u64, u64)>,
}

impl Lower<'_> {
    /// The rule at `place`, which is not blkdebug's, for these disks.
    pub(super) fn fault_rule(
        &mut self,
        rule: &file::Rule,
        place: Place<'_>,
        disks: &[DiskIndex],
    ) -> Option<LoweredFault> {
        if let Some(name) = &rule.name {
            self.add(|lower| &mut lower.rule_names.table, "rule", name, place.field("name"));
        }
        let size = self.largest(disks);
        let action = place.field("action");
        let effect = match &rule.action {
            Action::SetState(state) => {
                self.means_nothing("set_state", rule, place);
                Some(Effect::SetState(State(*state)))
            }
            Action::Suspend(tag) => {
                self.means_nothing("suspend", rule, place);
                if rule.swarm {
                    let message = "whether somebody is suspended is not left to the seed";
                    let told = self.say(place.field("swarm").name_span(), message);
                    told.help.push("a step that waits for it would wait in vain".to_owned());
                }
                let nodes: Vec<_> = disks.iter().map(|disk| (*disk, 0)).collect();
                self.suspend_tag(tag, action.item(0), &nodes);
                Some(Effect::Suspend(Tag::new(tag)))
            }
            other => {
                let fault = other.fault().and_then(|fault| self.fault(&fault, action, size));
                fault.map(Effect::Fault)
            }
        };
        let event = match &rule.event {
            Some(event) => Some(self.event(event, place.field("event"))?),
            None if matches!(effect, Some(Effect::SetState(_) | Effect::Suspend(_))) => {
                self.needs_event(place);
                return None;
            }
            None => None,
        };
        let (one, many) = (rule.sector, &rule.sectors);
        let sectors = self.fault_sectors(one, many.as_ref(), place, size);
        let kinds = match &effect {
            Some(Effect::Fault(fault)) => self.kinds(*fault, rule.on.as_deref(), place),
            _ => Some(Kinds::ALL),
        };
        let client = match &rule.client {
            Some(client) => Some(self.client(client, place.field("client"))?),
            None => None,
        };
        let counts = Counts {
            nth: rule.nth,
            every: rule.every,
            times: rule.times,
            once: rule.once,
            chance: rule.chance,
        };
        let counted = self.counted(counts, place);
        let window = self.window(rule.from_ns, rule.until_ns, place);
        let (effect, kinds, sectors) = (effect?, kinds?, sectors?);
        let at_once = event.is_some()
            && match effect {
                Effect::Fault(fault) => fault == Fault::PowerCut,
                Effect::SetState(_) | Effect::Suspend(_) => true,
            };
        if at_once && matches!(effect, Effect::Fault(_)) {
            for name in ["on", "sector", "sectors"] {
                let field = place.field(name);
                if field.is_written() {
                    let message = format!("`{name}` means nothing for a power cut at an event");
                    let told = self.say(field.name_span(), message);
                    told.help.push("it strikes at the event, before any access".to_owned());
                }
            }
        }
        self.check_opening(kinds, place);
        self.no_flush_sectors(kinds, sectors, place);
        let trigger = Trigger {
            event,
            state: State(rule.state),
            kinds,
            sectors,
            client,
            at_once,
            // The world opens windows that begin later.
            enabled: window.is_none_or(|(from, _)| from == 0),
            ..counted?
        };
        let info =
            RuleInfo { name: rule.name.as_deref().map(Into::into), location: self.locate(place) };
        let text = file::compact(rule);
        Some(LoweredFault { trigger, effect, window, swarm: rule.swarm, text, info })
    }

    /// What goes wrong with a disk now and then.
    pub(super) fn rate(
        &mut self,
        rate: &Rate,
        place: Place<'_>,
        disk: DiskIndex,
    ) -> Option<LoweredFault> {
        if let Some(name) = &rate.name {
            self.add(|lower| &mut lower.rule_names.table, "rule", name, place.field("name"));
        }
        let size = self.largest(&[disk]);
        let fault = self.fault(&rate.what, place.field("what"), size);
        let sectors = self.fault_sectors(None, rate.sectors.as_ref(), place, size);
        let Rate { every, times, chance, .. } = *rate;
        let counted = self.counted(Counts { every, times, chance, ..Counts::default() }, place);
        let (fault, sectors) = (fault?, sectors?);
        let kinds = self.kinds(fault, rate.on.as_deref(), place)?;
        self.check_opening(kinds, place);
        self.no_flush_sectors(kinds, sectors, place);
        let info =
            RuleInfo { name: rate.name.as_deref().map(Into::into), location: self.locate(place) };
        Some(LoweredFault {
            trigger: Trigger { kinds, sectors, ..counted? },
            effect: Effect::Fault(fault),
            window: None,
            swarm: rate.swarm,
            text: file::compact(rate),
            info,
        })
    }

    /// These rules as they are on `disk`, each with the name by which choices know it.
    pub(super) fn fault_rules(
        &mut self,
        disk: DiskIndex,
        faults: Vec<LoweredFault>,
    ) -> (Vec<FaultRule>, Vec<RuleInfo>) {
        let mut rules = Vec::new();
        let mut infos = Vec::new();
        for (index, lowered) in faults.into_iter().enumerate() {
            let LoweredFault { trigger, effect, window, swarm, text, info } = lowered;
            if let Some(name) = &info.name {
                self.rule_names.place_fault(name, FaultPlace { disk, fault: index });
            }
            let key = self.rule_key(disk, info.name.as_deref(), &text);
            rules.push(FaultRule { trigger, effect, window, swarm, key });
            infos.push(info);
        }
        (rules, infos)
    }

    /// A name for the choices that stays when other rules are added: the rule's own, or what it
    /// says and on which disk.
    pub(super) fn rule_key(&mut self, disk: DiskIndex, name: Option<&str>, text: &str) -> Key {
        let disk = self.disks.name(disk);
        let first = match name {
            Some(name) if !self.rule_keys.contains(name) => name.to_owned(),
            Some(name) => format!("{name}\n{disk}"),
            None => format!("{disk}\n{text}"),
        };
        let mut taken = first.clone();
        let mut count = 1;
        while !self.rule_keys.insert(taken.clone()) {
            count += 1;
            taken = format!("{first}\n{count}");
        }
        Key::rule(&taken)
    }

    /// That an action of blkdebug's needs an event.
    pub(super) fn needs_event(&mut self, place: Place<'_>) {
        let action = place.field("action");
        let word = action.word().unwrap_or_default();
        let message = format!("`{word}` needs an event");
        let told = self.say(action.head(), message);
        told.help.push("for example `event: \"write_aio\"`".to_owned());
        if word == "inject_error" {
            told.help.push("`fail(..)` fails accesses to the disk, without an event".to_owned());
        }
    }

    /// Fields that are about an access, which this action has nothing to do with.
    fn means_nothing(&mut self, action: &str, rule: &file::Rule, place: Place<'_>) {
        for name in rule.beyond().filter(|name| ["on", "sector", "sectors"].contains(name)) {
            let message = format!("`{name}` means nothing for `{action}`");
            let told = self.say(place.field(name).name_span(), message);
            told.help.push("it happens at the event, whatever is accessed then".to_owned());
        }
    }

    /// The bytes of the largest of these disks.
    pub(super) fn largest(&self, disks: &[DiskIndex]) -> u64 {
        disks.iter().map(|disk| self.disks.size(*disk)).max().unwrap_or(u64::MAX)
    }

    /// The client called `name`, by the world's number.
    pub(super) fn client(&mut self, name: &str, place: Place<'_>) -> Option<u32> {
        let found = self.client_names.find(name);
        if found.is_none() {
            let near = self.near(name, self.client_names.names().iter().map(|name| &**name));
            let known = crate::names::list(self.client_names.names().iter().map(|name| &**name));
            let told = self.say(place.span(), format!("unknown client `{name}`"));
            told.help.extend(near);
            told.help.push(format!("known here: {known}"));
        }
        // There are few clients.
        found.map(|index| index as u32)
    }

    fn kinds(
        &mut self,
        fault: Fault,
        on: Option<&[AccessKind]>,
        place: Place<'_>,
    ) -> Option<Kinds> {
        let can = fault.kinds_at_most();
        let Some(on) = on else { return Some(fault.kinds()) };
        let at = place.field("on");
        let kinds = self.access_kinds(on, at)?;
        for (kind, place) in on.iter().map(|kind| kinds_of(*kind)).zip(at.items()) {
            if !can.has_all(kind) {
                let word = place.text();
                let a = if kind.has_all(Kinds::OPENING) { "an" } else { "a" };
                let message = format!("`{}` does not happen on {a} `{word}`", fault.name());
                let told = self.say(place.span(), message);
                told.help.push(format!("it happens on {}", words(can)));
                return None;
            }
        }
        Some(kinds)
    }

    /// The kinds in a list; says so if there is none, or one twice.
    pub(super) fn access_kinds(&mut self, on: &[AccessKind], place: Place<'_>) -> Option<Kinds> {
        if on.is_empty() {
            let told = self.say(place.span(), "this list has no kind of access");
            told.help.push("leave it out for all, or give one: `on: [write]`".to_owned());
            return None;
        }
        let mut kinds = Kinds::NONE;
        for (kind, place) in on.iter().map(|kind| kinds_of(*kind)).zip(place.items()) {
            if kinds.has_all(kind) {
                self.say(place.span(), format!("`{}` is given twice", place.text()));
            }
            kinds = kinds.or(kind);
        }
        Some(kinds)
    }

    /// An opening is nobody's, comes after no event, and touches no sector.
    fn check_opening(&mut self, kinds: Kinds, place: Place<'_>) {
        if !kinds.has_all(Kinds::OPENING) {
            return;
        }
        for (name, why) in [
            ("event", "no event is announced before a disk is opened"),
            ("client", "a disk is opened for everybody"),
            ("sector", "it touches no sector"),
            ("sectors", "it touches no sector"),
        ] {
            let field = place.field(name);
            if field.is_written() {
                let message = format!("`{name}` means nothing for an opening");
                self.say(field.name_span(), message).help.push(why.to_owned());
            }
        }
    }

    /// That what goes wrong with a disk can go wrong with NOR flash.
    pub(super) fn check_flash(&mut self, faults: &[LoweredFault]) {
        for lowered in faults {
            let Effect::Fault(fault) = lowered.effect else { continue };
            if !fault.strikes_flash() {
                let message = format!("`{}` does not happen to flash", fault.name());
                let told = self.say(lowered.info.location.span, message);
                told.help.push(
                    "it has no cache, and erases and programs fail as `nor_flash(..)` says; for \
                     other disks: `disk: \"..\"`"
                        .to_owned(),
                );
            }
        }
    }

    /// That a disk that is another length when it is opened has whole units then; and how long it
    /// can become.
    pub(super) fn check_resized(&mut self, disk: DiskIndex, unit: u64, faults: &[LoweredFault]) {
        for lowered in faults {
            let Effect::Fault(Fault::Resized { len }) = lowered.effect else { continue };
            if !len.is_multiple_of(unit) {
                let message = format!("{len} bytes are no whole units of the disk");
                let told = self.say(lowered.info.location.span, message);
                told.help.push(format!("it writes {unit} bytes at once"));
            }
            self.disks.grow(disk, len);
        }
    }

    fn no_flush_sectors(&mut self, kinds: Kinds, sectors: Sectors, place: Place<'_>) {
        if kinds == Kinds::only(IoKind::Flush) && sectors != Sectors::Any {
            let fields = ["sector", "sectors"].map(|name| place.field(name));
            let written = fields.into_iter().find(|field| field.is_written());
            let told = self.say(written.unwrap_or(place).name_span(), "a flush touches no sector");
            told.help.push("it is about all that was completed".to_owned());
        }
    }

    fn fault_sectors(
        &mut self,
        one: Option<u64>,
        many: Option<&Range<u64>>,
        place: Place<'_>,
        size: u64,
    ) -> Option<Sectors> {
        let (sector, sectors) = (place.field("sector"), place.field("sectors"));
        let (range, at) = match (one, many) {
            (None, None) => return Some(Sectors::Any),
            (Some(_), Some(_)) => {
                let told =
                    self.say(sectors.name_span(), "`sector` and `sectors` exclude each other");
                *told = told.clone().also(sector.name_span(), "also given here");
                return None;
            }
            (Some(one), None) => (one..one.saturating_add(1), sector),
            (None, Some(range)) => (range.clone(), sectors),
        };
        if range.is_empty() {
            let message = format!("the range {}..{} is empty", range.start, range.end);
            let told = self.say(at.span(), message);
            told.help.push("the end is not in a range: `8..16` has 8 sectors".to_owned());
            return None;
        }
        let count = size.div_ceil(Sectors::LEN);
        if range.end > count {
            let last = range.end - 1;
            let told = self.say(at.span(), format!("sector {last} is beyond the end of the disk"));
            told.help.push(format!(
                "the last sector is {}: a rule's sectors have 512 bytes",
                count.saturating_sub(1)
            ));
            return None;
        }
        Some(match one {
            Some(one) => Sectors::One(one.cast_signed()),
            None => Sectors::Range { first: range.start, count: range.end - range.start },
        })
    }

    pub(super) fn counted(&mut self, counts: Counts, place: Place<'_>) -> Option<Trigger> {
        let Counts { nth, every, times, once, chance } = counts;
        let mut right = true;
        for (first, second, both) in [
            ("nth", "every", nth.is_some() && every.is_some()),
            ("once", "times", once && times.is_some()),
        ] {
            if both {
                let message = format!("`{first}` and `{second}` exclude each other");
                let told = self.say(place.field(second).name_span(), message);
                *told = told.clone().also(place.field(first).name_span(), "also given here");
                right = false;
            }
        }
        for (name, value) in [("nth", nth), ("every", every), ("times", times)] {
            if value == Some(0) {
                let message = format!("`{name}` is at least 1");
                let told = self.say(place.field(name).span(), message);
                told.help.push("what never happens is not written down".to_owned());
                right = false;
            }
        }
        let ratio = match chance {
            None => None,
            Some((num, den)) => {
                let ratio = Ratio::new(num, den);
                if ratio.is_none() {
                    let message = format!("{num} in {den} is no chance");
                    let told = self.say(place.field("chance").span(), message);
                    told.help.push(
                        "the first number is at most the second, which is at least 1: `(1, 10)`"
                            .to_owned(),
                    );
                    right = false;
                }
                ratio
            }
        };
        let number = |value: Option<u64>| value.and_then(NonZeroU64::new);
        let times = if once { Some(1) } else { times };
        let (nth, every) = (number(nth), number(every));
        right.then(|| Trigger { nth, every, times, chance: ratio, ..Trigger::default() })
    }

    fn window(
        &mut self,
        from: Option<u64>,
        until: Option<u64>,
        place: Place<'_>,
    ) -> Option<(u64, u64)> {
        for (name, ns) in [("from_ns", from), ("until_ns", until)] {
            if let Some(ns) = ns {
                self.check_ns(ns, place.field(name));
            }
        }
        if from.is_none() && until.is_none() {
            return None;
        }
        let (start, end) = (from.unwrap_or(0), until.unwrap_or(u64::MAX));
        if start >= end {
            let message = format!("no time is from {start} to before {end}");
            let until = place.field("until_ns");
            let told = self.say(until.span(), message);
            if from.is_some() {
                let from = place.field("from_ns");
                *told = told.clone().also(from.span(), "it begins here");
            }
            told.help.push("the end comes after the start".to_owned());
        }
        Some((start, end))
    }
}

const fn kinds_of(kind: AccessKind) -> Kinds {
    Kinds::only(match kind {
        AccessKind::Read => IoKind::Read,
        AccessKind::Write => IoKind::Write,
        AccessKind::WriteZeroes => IoKind::WriteZeroes,
        AccessKind::Discard => IoKind::Discard,
        AccessKind::Flush => IoKind::Flush,
        AccessKind::Open => return Kinds::OPENING,
    })
}

/// Kinds of access in the words of the file.
fn words(kinds: Kinds) -> String {
    let open = kinds.has_all(Kinds::OPENING).then_some("open");
    let kinds = kinds.iter().map(|kind| match kind {
        IoKind::Read => "read",
        IoKind::Write => "write",
        IoKind::WriteZeroes => "write_zeroes",
        IoKind::Discard => "discard",
        IoKind::Flush => "flush",
        IoKind::BlockStatus => "block_status",
    });
    crate::names::list(kinds.chain(open))
}

#[cfg(test)]
mod tests {
    use headcrash_engine::Errno;

    use super::*;
    use crate::Scenario;

    fn parse(text: &str) -> Scenario {
        let parsed = crate::parse("rules.ron", text.as_bytes());
        parsed.unwrap_or_else(|errors| panic!("{}", errors.render(false)))
    }

    /// What `rules` are on a single disk.
    fn faults(rules: &str) -> Vec<FaultRule> {
        parse(&format!("(rules: [{rules}], steps: [flush()])")).disks()[0].faults.clone()
    }

    #[test]
    fn rules_of_the_file_come_before_those_of_the_disk_and_rates_come_last() {
        let scenario = parse(
            r#"(
                disks: [
                    (name: "a", rules: [(action: torn_write)], faults: [(what: stale)]),
                    (name: "b", faults: [(what: hang)]),
                ],
                rules: [(action: lost_write), (disk: "b", action: read_only)],
                steps: [flush(disk: "a")],
            )"#,
        );
        let names = |disk: usize| {
            let rules = scenario.disks()[disk].faults.iter();
            let names = rules.map(|rule| match rule.effect {
                Effect::Fault(fault) => fault.name(),
                Effect::SetState(_) | Effect::Suspend(_) => "another",
            });
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(0), ["lost_write", "torn_write", "stale"]);
        assert_eq!(names(1), ["lost_write", "read_only", "hang"]);
        assert_eq!(scenario.disks()[0].fault_infos.len(), 3);
    }

    #[test]
    fn a_rule_that_blkdebug_has_is_in_the_program() {
        let scenario = parse(
            r#"(
                rules: [
                    (event: "pwritev", action: set_state(2)),
                    (event: "pwritev", action: set_state(2), nth: 2),
                    (event: "pwritev", action: suspend("A"), once: true),
                    (event: "pwritev", action: suspend("B"), client: "main", once: true),
                ],
                steps: [flush()],
            )"#,
        );
        let disk = &scenario.disks()[0];
        assert_eq!(disk.nodes[0].program.rules().len(), 2);
        let [moved, held] = &disk.faults[..] else { panic!("{:?}", disk.faults) };
        assert_eq!((&moved.effect, moved.trigger.times), (&Effect::SetState(State(2)), None));
        assert_eq!((held.trigger.client, held.trigger.times), (Some(0), Some(1)));
        assert!(moved.trigger.at_once && held.trigger.at_once);
    }

    #[test]
    fn a_fault_at_an_event_waits_for_an_access_but_a_power_cut_does_not() {
        let rules =
            faults(r#"(event: "pwritev", action: hang), (event: "pwritev", action: power_cut)"#);
        assert_eq!(
            rules.iter().map(|rule| rule.trigger.at_once).collect::<Vec<_>>(),
            [false, true]
        );
    }

    #[test]
    fn a_fault_strikes_what_it_can_unless_less_is_said() {
        let rules =
            faults("(action: lost_write), (action: lost_write, on: [discard], sectors: 2..6)");
        assert_eq!(rules[0].trigger.kinds, Kinds::CHANGES);
        assert_eq!(rules[1].trigger.kinds, Kinds::only(IoKind::Discard));
        assert_eq!(rules[1].trigger.sectors, Sectors::Range { first: 2, count: 4 });
    }

    #[test]
    fn a_window_that_begins_later_is_closed_at_first() {
        let rules = faults("(action: hang, from_ns: 5), (action: hang, until_ns: 9)");
        assert_eq!((rules[0].window, rules[0].trigger.enabled), (Some((5, u64::MAX)), false));
        assert_eq!((rules[1].window, rules[1].trigger.enabled), (Some((0, 9)), true));
    }

    #[test]
    fn counts_and_chances_become_the_triggers_own() {
        let rules = faults(
            r#"(action: fail(errno: "ENOSPC"), nth: 3), (action: hang, every: 2, times: 4, chance: (1, 10))"#,
        );
        assert_eq!(rules[0].trigger.nth, NonZeroU64::new(3));
        let errno = Errno::from_name("ENOSPC").expect("it is known");
        let applied = headcrash_sim::Applied::Nothing;
        assert_eq!(rules[0].effect, Effect::Fault(Fault::Fail { errno, applied }));
        let Trigger { every, times, chance, .. } = rules[1].trigger;
        assert_eq!((every, times, chance), (NonZeroU64::new(2), Some(4), Ratio::new(1, 10)));
    }

    #[test]
    fn a_key_stays_when_other_rules_are_added() {
        let keys = |rules: &str| faults(rules).iter().map(|rule| rule.key).collect::<Vec<_>>();
        let before = keys(r#"(action: hang), (name: "x", action: stale), (action: hang)"#);
        let after = keys(
            r#"(action: read_only), (action: hang), (name: "x", action: lost_write), (action: hang)"#,
        );
        assert_eq!(before, after[1..]);
        assert_eq!(before[1], Key::rule("x"));
        assert_ne!(before[0], before[2], "two that say the same are still two");
    }

    #[test]
    fn a_named_rule_on_two_disks_has_two_keys() {
        let scenario = parse(
            r#"(
                disks: [(name: "a"), (name: "b")],
                rules: [(name: "x", action: hang)],
                steps: [expect(fired("x"))],
            )"#,
        );
        let key = |disk: usize| scenario.disks()[disk].faults[0].key;
        assert_eq!(key(0), Key::rule("x"));
        assert_ne!(key(0), key(1));
        let crate::StepKind::Expect(condition) = &scenario.clients()[0].steps[0].kind else {
            panic!("it is an expectation")
        };
        let place = |disk| FaultPlace { disk: DiskIndex(disk), fault: 0 };
        assert_eq!(*condition, crate::Condition::Struck(vec![place(0), place(1)]));
    }
}
