//! Power cuts and what comes after them, and what holds for a run as a whole.

use std::collections::BTreeSet;

use headcrash_engine::{IoKind, Kinds};
use headcrash_sim::{Applied, DiskId, Engines, FileVerbs, Skew};

use super::{Lower, steps};
use crate::file::crash::{CutAt as FileCutAt, EngineAtCut, StateOrder as FileOrder};
use crate::file::{self, Action, Answers, Fault, File, Step};
use crate::run::Method;
use crate::scenario::{
    CutAt, DiskIndex, FailEach, FailFiles, OnMisuse, PowerCut, Search, StateOrder,
};
use crate::source::Place;

/// The deepest unusual decisions of a search.
const MAX_DEPTH: u64 = Search::DEPTH_MAX;

/// The most recoveries of a search, and runs of any kind.
const MAX_RUNS: u64 = Search::RUNS_MAX;

/// The most writes that are unlike the rest.
const MAX_K: u64 = Search::K_MAX;

/// The most power cuts of a run whose subject goes on after each.
const MAX_TIMES: u64 = 100;

/// The most sets of copies.
const MAX_COPIES: usize = 1_024;

impl Lower<'_> {
    /// When the power goes, if it ever does.
    pub(super) fn power_cut(&mut self, file: &File, root: Place<'_>) -> Option<PowerCut> {
        let place = root.field("power_cut");
        let asked = cuts_by_itself(file);
        let Some(cut) = &file.power_cut else {
            if !asked {
                for (name, given) in
                    [("recover", !file.recover.is_empty()), ("search", file.search.is_some())]
                {
                    if given {
                        let message = format!("the power never goes, so `{name}` means nothing");
                        let told = self.say(root.field(name).name_span(), message);
                        told.help.push("let it go: `power_cut: (at: everywhere)`".to_owned());
                    }
                }
                return None;
            }
            let location = self.locate(root);
            return Some(PowerCut { location, ..PowerCut::never() });
        };
        if cut.at == FileCutAt::Never && !asked {
            let told = self.say(place.field("at").span(), "nothing ever cuts the power");
            told.help.push(
                "a step `power_cut()` does, or a rule with `action: power_cut`, or another moment"
                    .to_owned(),
            );
        }
        let at = self.cut_at(&cut.at, place.field("at"));
        self.check_times(cut.times, file, place, root);
        let skew = self.skew(&cut.skew, file, place.field("skew"));
        let swap = self.swap(&cut.swap, place.field("swap"));
        Some(PowerCut {
            at: at?,
            times: cut.times,
            skew,
            engines: match cut.engine {
                EngineAtCut::Resets => Engines::Reset,
                EngineAtCut::Survives => Engines::Survive,
            },
            swap,
            may_refuse: cut.may_refuse,
            location: self.locate(place),
        })
    }

    fn cut_at(&mut self, at: &FileCutAt, place: Place<'_>) -> Option<CutAt> {
        Some(match at {
            FileCutAt::Never => CutAt::Never,
            FileCutAt::Everywhere => CutAt::Everywhere,
            FileCutAt::Random => CutAt::Random,
            FileCutAt::NowNs(ns) => {
                self.check_ns(*ns, place.item(0));
                CutAt::Now { ns: *ns }
            }
            FileCutAt::Step { client, step } => {
                let at = place.field("client");
                let index = self.client(client, at)? as usize;
                let Some(starts) = self.step_starts.get(index) else {
                    let told = self.say(at.span(), "who recovers is cut by `times: 2`");
                    told.help.push("`at` is about the clients before the first cut".to_owned());
                    return None;
                };
                let found = usize::try_from(*step).ok().and_then(|step| step.checked_sub(1));
                let found = found.and_then(|step| starts.get(step)).copied();
                if found.is_none() {
                    let steps = starts.len() - 1;
                    let message = format!("client `{client}` has no step {step}");
                    let told = self.say(place.field("step").span(), message);
                    told.help.push(format!(
                        "it has {steps}, counted from 1; {} is when it is done",
                        steps + 1
                    ));
                }
                CutAt::Step { client: index, step: found? }
            }
        })
    }

    fn check_times(&mut self, times: u64, file: &File, place: Place<'_>, root: Place<'_>) {
        let at = place.field("times");
        if file.subject.is_some() && (1..=MAX_TIMES).contains(&times) {
            // It goes on when it is open again.
        } else if !(1..=2).contains(&times) {
            let told = self.say(at.span(), format!("the power goes once or twice, not {times}"));
            told.help.push("`times: 2` cuts the recovery as well".to_owned());
        } else if times == 2 && file.recover.is_empty() && file.subject.is_none() {
            let told = self.say(at.span(), "there is no recovery that could be cut");
            let around = root.field("recover");
            if around.is_written() {
                *told = told.clone().also(around.span(), "it has no steps");
            }
            told.help.push("`recover: [..]` says what is done when the power is back".to_owned());
        }
    }

    fn skew(&mut self, skews: &[file::crash::Skew], file: &File, place: Place<'_>) -> Vec<Skew> {
        let mut lowered: Vec<Skew> = Vec::new();
        let group = |disk: DiskIndex| file.disks.get(disk.0).and_then(|disk| disk.group.as_ref());
        for (skew, place) in skews.iter().zip(place.items()) {
            self.check_ns(skew.after_ns, place.field("after_ns"));
            let first = self.disk_in(&skew.dies_first, place.field("dies_first"));
            let then = self.disk_in(&skew.then, place.field("then"));
            let (Some(first), Some(then)) = (first, then) else { continue };
            let span = place.span();
            if first == then {
                self.say(span, "a disk does not die before itself");
                continue;
            }
            if group(first).is_some() && group(first) == group(then) {
                let name = group(first).cloned().unwrap_or_default();
                let told = self.say(span, format!("both are in the group `{name}`"));
                told.help.push("disks of one group die together".to_owned());
                continue;
            }
            if skew.after_ns == 0 {
                let told = self.say(place.field("after_ns").span(), "0 ns later is at once");
                told.help.push("disks that die together need no skew".to_owned());
            }
            let ids = (id(first), id(then));
            let known = lowered
                .iter()
                .any(|other| (other.first, other.then) == ids || (other.then, other.first) == ids);
            if known {
                self.say(span, "it was said before which of these two dies first");
            }
            lowered.push(Skew { first: ids.0, then: ids.1, after_ns: skew.after_ns });
        }
        lowered
    }

    fn swap(&mut self, pairs: &[(String, String)], place: Place<'_>) -> Vec<(DiskId, DiskId)> {
        let mut swapped = BTreeSet::new();
        let mut lowered = Vec::new();
        for ((one, other), place) in pairs.iter().zip(place.items()) {
            let places = (place.item(0), place.item(1));
            let disks = (self.disk_in(one, places.0), self.disk_in(other, places.1));
            let (Some(one), Some(other)) = disks else { continue };
            for (disk, place) in [(one, places.0), (other, places.1)] {
                if !swapped.insert(disk) {
                    let name = self.disks.name(disk).to_owned();
                    let told = self.say(place.span(), format!("disk `{name}` is swapped twice"));
                    told.help.push("each disk changes places with one other".to_owned());
                }
            }
            let sizes = (self.disks.size(one), self.disks.size(other));
            if sizes.0 != sizes.1 {
                let message = "only disks of one size change places unnoticed";
                let told = self.say(place.span(), message);
                told.label = format!("{} and {} bytes", sizes.0, sizes.1);
            }
            lowered.push((id(one), id(other)));
        }
        lowered
    }

    /// Which states are tried; nothing if the power never goes.
    pub(super) fn search(&mut self, file: &File, root: Place<'_>) -> Option<Search> {
        let place = root.field("search");
        let mut bounded =
            |name, value, most| self.between(value, 1, most, name, place.field(name)).unwrap_or(1);
        Some(match file.search.unwrap_or_default() {
            file::Search::Drawn => return None,
            file::Search::CrashStates { depth, runs, order } => Search::CrashStates {
                depth: bounded("depth", depth, MAX_DEPTH),
                runs: bounded("runs", runs, MAX_RUNS),
                order: match order {
                    FileOrder::Limited => StateOrder::Limited,
                    FileOrder::DepthFirst => StateOrder::DepthFirst,
                },
            },
            file::Search::Eager { .. } if !file.file_systems.is_empty() => {
                let told = self.say(place.head(), "whole images are of disks, not of files");
                told.help.push(
                    "what a cut leaves of files is decided when it is looked at: \
                     `crash_states(..)` or `sampled(..)`"
                        .to_owned(),
                );
                Search::Eager { k: 1, runs: 1 }
            }
            file::Search::Eager { k, runs } => {
                Search::Eager { k: bounded("k", k, MAX_K), runs: bounded("runs", runs, MAX_RUNS) }
            }
            file::Search::Sampled { runs } => {
                Search::Sampled { runs: bounded("runs", runs, MAX_RUNS) }
            }
        })
    }

    /// Who answers.
    pub(super) fn answers(&mut self, file: &File, root: Place<'_>) -> Method {
        let place = root.field("choices");
        match file.choices {
            Answers::Seeded => Method::Seeded,
            Answers::Pct { depth } => {
                let most = u64::from(Method::DEPTH_MAX);
                let depth = self.between(depth, 1, most, "depth", place.field("depth"));
                Method::Pct { depth: depth.unwrap_or(1) as u32 }
            }
            Answers::Exhaustive { runs } => {
                let runs = self.between(runs, 1, MAX_RUNS, "runs", place.field("runs"));
                for (name, given) in [
                    ("seed", file.seed.is_some()),
                    ("seeds", file.seeds.is_some()),
                    ("seed_list", file.seed_list.is_some()),
                ] {
                    if given {
                        let message = format!("`{name}` says nothing where every answer is tried");
                        self.say(root.field(name).name_span(), &message);
                    }
                }
                if file.fail_each.is_some() {
                    let message = "`fail_each` repeats runs that follow a seed";
                    let told = self.say(root.field("fail_each").name_span(), message);
                    told.help.push(
                        "where every answer is tried a fault with a `chance` is, in both ways"
                            .to_owned(),
                    );
                }
                Method::Exhaustive { runs: runs.unwrap_or(1) }
            }
        }
    }

    pub(super) fn fail_each(&mut self, file: &File, root: Place<'_>) -> Option<FailEach> {
        let each = file.fail_each.as_ref()?;
        let place = root.field("fail_each");
        if file.power_cut.as_ref().is_some_and(|cut| cut.at == FileCutAt::Everywhere) {
            let message = "`fail_each` and a power cut everywhere exclude each other";
            let told = self.say(place.name_span(), message);
            *told = told
                .clone()
                .also(root.field("power_cut").name_span(), "everywhere, if `at` is not given")
                .help("each repeats the run in its own way; cut at one moment: `at: now_ns(..)`");
        }
        let kinds = match &each.on {
            Some(on) => self.access_kinds(on, place.field("on")),
            // Who asks for files alone gets those.
            None if each.disk.is_none() && (each.operations.is_some() || each.fs.is_some()) => {
                Some(Kinds::NONE)
            }
            None => Some(Kinds::ALL),
        };
        let files = self.fail_files(each, place);
        let errno = self.failure(&each.errno, place.field("errno"));
        let applied = self.applied(each.applied, place.field("applied"));
        if let (Some(kinds), Some(Applied::First(_))) = (kinds, applied)
            && kinds == Kinds::only(IoKind::Flush)
        {
            let told = self.say(place.field("applied").span(), "a flush has no first bytes");
            told.help.push("`nothing` of it is done, or `all`".to_owned());
        }
        let disk = each.disk.as_ref().map(|name| self.disk_in(name, place.field("disk")));
        let most = self.between(each.most, 1, MAX_RUNS, "most", place.field("most"));
        let location = self.locate(place);
        // Without a name it is all disks; with a wrong one it is nothing.
        let disk = match disk {
            Some(found) => Some(found?),
            None => None,
        };
        Some(FailEach {
            kinds: kinds?,
            errno: errno?,
            disk,
            files: files?,
            applied: applied?,
            most: most?,
            location,
        })
    }

    /// The operations that fail; outside, if that is wrong.
    #[expect(clippy::option_option, reason = "wrong, absent and there are three things")]
    fn fail_files(&mut self, each: &file::FailEach, place: Place<'_>) -> Option<Option<FailFiles>> {
        let verbs = match (&each.operations, &each.fs) {
            (None, None) => return Some(None),
            (None, Some(_)) => Some(FileVerbs::ALL),
            (Some(on), _) => self.file_verbs(on, FileVerbs::ALL, "fail", place.field("operations")),
        };
        let fs = match &each.fs {
            Some(name) => Some(self.fs(Some(name), place)?),
            None if self.fs_names.names().is_empty() => {
                self.fs(None, place.field("operations"))?;
                None
            }
            None => None,
        };
        Some(Some(FailFiles { verbs: verbs?, fs }))
    }

    pub(super) fn copies(&mut self, file: &File, root: Place<'_>) -> Vec<headcrash_sim::Copies> {
        let place = root.field("copies");
        if file.copies.len() > MAX_COPIES {
            let message = format!("{} sets of copies are too many", file.copies.len());
            self.say(place.name_span(), message).help.push(format!("at most {MAX_COPIES} can be"));
        }
        let each = file.copies.iter().zip(place.items()).take(MAX_COPIES);
        each.filter_map(|(copies, place)| self.copies_at(copies, place)).collect()
    }

    fn copies_at(
        &mut self,
        copies: &file::Copies,
        place: Place<'_>,
    ) -> Option<headcrash_sim::Copies> {
        let around = place.field("of");
        let mut of: Vec<(DiskId, u64, u64)> = Vec::new();
        for (region, place) in copies.of.iter().zip(around.items()) {
            let disk = self.disk(region.disk.as_deref(), place)?;
            self.check_extent(disk, region.at, region.len, place, None)?;
            let (disk, at, len) = (id(disk), region.at, region.len);
            if len == 0 {
                self.say(place.field("len").span(), "a copy of nothing");
            }
            if let Some((_, _, first)) = of.first()
                && *first != len
            {
                let message = format!("the first copy has {first} bytes, and this one {len}");
                self.say(place.field("len").span(), message)
                    .help
                    .push("copies of one thing are equally long".to_owned());
            }
            let overlaps = |other: &&(DiskId, u64, u64)| {
                other.0 == disk && at < other.1 + other.2 && other.1 < at + len
            };
            if let Some((_, at, len)) = of.iter().find(overlaps) {
                let message = format!("it overlaps the copy of {len} bytes at {at}");
                self.say(place.span(), message);
            }
            of.push((disk, at, len));
        }
        if of.len() < 2 {
            let told = self.say(around.span(), "one copy is no copies");
            told.help.push("give the places of two or more".to_owned());
            return None;
        }
        if copies.at_most >= of.len() as u64 {
            let message = format!("{} of {} copies is no limit", copies.at_most, of.len());
            let told = self.say(place.field("at_most").span(), message);
            told.help.push("one copy stays whole at least".to_owned());
            return None;
        }
        Some(headcrash_sim::Copies { of, at_most: copies.at_most as usize })
    }

    pub(super) const fn on_misuse(file: &File) -> OnMisuse {
        match file.misuse {
            file::Misuse::Ignore => OnMisuse::Ignore,
            file::Misuse::Warn => OnMisuse::Warn,
            file::Misuse::Error => OnMisuse::Error,
        }
    }
}

impl PowerCut {
    /// No cut but those of steps and rules.
    fn never() -> Self {
        let location = crate::source::Location::default();
        let (skew, swap, engines) = (Vec::new(), Vec::new(), Engines::default());
        Self { at: CutAt::Never, times: 1, skew, engines, swap, may_refuse: false, location }
    }
}

/// Whether a step or a rule cuts the power.
fn cuts_by_itself(file: &File) -> bool {
    let mut found = false;
    let clients = file.clients.iter().map(|client| &client.steps).chain([&file.steps]);
    for all in clients {
        steps::visit(all, &mut |step| found |= matches!(step, Step::PowerCut(_)));
    }
    let rules = file.disks.iter().flat_map(|disk| &disk.rules).chain(&file.rules);
    let rates = file.disks.iter().flat_map(|disk| &disk.faults);
    let files = file.file_systems.iter().flat_map(|fs| &fs.faults);
    found
        || files.into_iter().any(|fault| fault.what == Fault::PowerCut)
        || rules.into_iter().any(|rule| rule.action == Action::PowerCut)
        || rates.into_iter().any(|rate| rate.what == Fault::PowerCut)
}

/// A disk's number in the world.
const fn id(disk: DiskIndex) -> DiskId {
    // There are few disks.
    DiskId(disk.0 as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scenario;

    fn parse(text: &str) -> Scenario {
        let parsed = crate::parse("crash.ron", text.as_bytes());
        parsed.unwrap_or_else(|errors| panic!("{}", errors.render(false)))
    }

    #[test]
    fn without_a_cut_there_is_nothing_to_search() {
        let scenario = parse("(steps: [flush()])");
        assert!(scenario.power_cut().is_none() && scenario.search().is_none());
    }

    #[test]
    fn a_cut_is_everywhere_unless_it_is_said() {
        let scenario = parse("(power_cut: (), steps: [flush()])");
        assert_eq!(scenario.power_cut().map(|cut| cut.at), Some(CutAt::Everywhere));
        let order = StateOrder::Limited;
        let search = Search::CrashStates { depth: 12, runs: 10_000, order };
        assert_eq!(scenario.search(), Some(search));
    }

    #[test]
    fn a_step_or_a_rule_that_cuts_is_enough_to_recover_from() {
        for text in [
            "(recover: [flush()], steps: [power_cut()])",
            "(recover: [flush()], steps: [repeat(times: 1, steps: [power_cut()])])",
            "(recover: [flush()], rules: [(action: power_cut, nth: 2)], steps: [flush()])",
            "(recover: [flush()], disks: [(faults: [(what: power_cut)])], steps: [flush()])",
        ] {
            let scenario = parse(text);
            assert_eq!(scenario.power_cut().map(|cut| cut.at), Some(CutAt::Never), "{text}");
            assert_eq!(scenario.clients().len(), 1);
            assert_eq!(scenario.recover().map(|client| &*client.name), Some("recover"));
        }
    }

    #[test]
    fn a_step_is_counted_among_its_clients_own() {
        let at = |step: u64| {
            let text = format!(
                r#"(
                    power_cut: (at: step(client: "main", step: {step})),
                    steps: [repeat(times: 2, steps: [flush()]), flush()],
                )"#
            );
            parse(&text).power_cut().map(|cut| cut.at)
        };
        let step = |step| Some(CutAt::Step { client: 0, step: crate::StepIndex(step) });
        // A `repeat` is itself, what is in it, and its end.
        assert_eq!([at(1), at(2), at(3)], [step(0), step(3), step(4)]);
    }

    #[test]
    fn who_recovers_is_the_client_after_the_last() {
        let scenario = parse(
            r#"(
                rules: [(action: hang, client: "recover")],
                power_cut: (),
                recover: [flush()],
                steps: [flush()],
            )"#,
        );
        assert_eq!(scenario.disks()[0].faults[0].trigger.client, Some(1));
    }
}
