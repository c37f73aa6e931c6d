//! What is tried to make a scenario smaller, one kind of edit after the other.

use std::collections::{BTreeSet, HashSet};

use headcrash_sim::Calm;

use super::attempt::{Effort, Trial};
use super::choices;
use super::node::{Node, Value, Way};
use crate::run::{Keep, Run, run};
use crate::scenario::Scenario;

/// The smallest failure so far, and what was tried on it.
pub(super) struct Shrinker {
    pub(super) trial: Trial,
    pub(super) node: Node,
    pub(super) scenario: Scenario,
    pub(super) run: Run,
    effort: Effort,
    /// What does not fail: texts that were tried since the last success at this effort.
    tried: HashSet<String>,
}

/// Numbers that are lowered wherever they stand together, so that what belongs to one place of a
/// disk still does.
const TOGETHER: [&str; 2] = ["at", "len"];

/// Numbers that are lowered one by one.
const ALONE: [&str; 19] = [
    "times",
    "ns",
    "size",
    "min_ns",
    "max_ns",
    "mean_ns",
    "after_ns",
    "constant_ns",
    "delay_ns",
    "for_ns",
    "from_ns",
    "to_ns",
    "until_ns",
    "nth",
    "every",
    "at_most",
    "iops",
    "bytes_per_second",
    "queue_depth",
];

/// Fields without which a value is another one, or a fault strikes more than it did.
const KEPT: [&str; 18] = [
    "name",
    "id",
    "at",
    "len",
    "fill",
    "saved",
    "mark",
    "disk",
    "fs",
    "errno",
    "gets",
    "or_violates",
    "exclusive",
    "excuse",
    "on",
    "once",
    "event",
    "at_most",
];

impl Shrinker {
    pub(super) fn new(trial: Trial, node: Node, scenario: Scenario, run: Run) -> Self {
        Self { trial, node, scenario, run, effort: Effort::Quick, tried: HashSet::new() }
    }

    /// Everything that is tried, until nothing helps any more or the budget ends it.
    pub(super) fn shrink(&mut self) {
        loop {
            let mut changed = self.lists();
            changed |= self.mentions();
            changed |= self.blocks();
            changed |= self.fields();
            changed |= self.numbers();
            changed |= self.only_one();
            changed |= choices::calm_down(&mut self.trial, &self.scenario, &mut self.run);
            if self.trial.left == 0 {
                return;
            }
            match (changed, self.effort) {
                (true, _) => {}
                (false, Effort::Quick) => {
                    self.effort = Effort::Close;
                    self.tried.clear();
                }
                (false, Effort::Close) => return,
            }
        }
    }

    /// Takes an edit if the scenario still fails.
    fn take(&mut self, node: Node) -> bool {
        if self.trial.left == 0 {
            self.trial.was_cut_off = true;
            return false;
        }
        let text = node.print();
        if self.tried.contains(&text) {
            return false;
        }
        let made = self.trial.maker.parse(&text);
        let found = made.and_then(|scenario| {
            let known = (&self.scenario, &self.run);
            let run = self.trial.fails(&scenario, known, self.effort)?;
            Some((scenario, run))
        });
        let Some((scenario, run)) = found else {
            self.tried.insert(text);
            return false;
        };
        (self.node, self.scenario, self.run) = (node, scenario, run);
        self.tried.clear();
        true
    }

    /// The ways to values that may be edited and are not what fails.
    fn ways(&self, mut wanted: impl FnMut(&Node, &Node) -> bool) -> Vec<Way> {
        let mut ways = Vec::new();
        let failing = self.failing();
        self.node.visit(&mut |way, node| {
            let parent = way.split_last().and_then(|(_, way)| self.node.at(way));
            let is_failing = failing.iter().any(|failing| way.starts_with(failing));
            if !is_failing && parent.is_some_and(|parent| wanted(node, parent)) {
                ways.push(way.to_vec());
            }
        });
        ways
    }

    /// The ways to the step that fails.
    fn failing(&self) -> Vec<Way> {
        let Some(step) = self.trial.same.step() else { return Vec::new() };
        let things = self.node.things().into_iter();
        things.filter(|way| self.node.at(way).is_some_and(|node| node.print() == step)).collect()
    }

    /// Leaves out items of lists: halves, quarters, and so on down to single ones.
    fn lists(&mut self) -> bool {
        let mut changed = false;
        let mut done = 0;
        // Lists come before those inside them, so that what was done stays where it is.
        while let Some(way) = self.ways(|node, _| node.is_list()).get(done).cloned() {
            changed |= self.list(&way);
            done += 1;
        }
        changed
    }

    fn list(&mut self, way: &[usize]) -> bool {
        let mut changed = false;
        let count = |node: &Node| node.at(way).map_or(0, |list| list.items().len());
        let mut span = count(&self.node);
        while span > 0 {
            // From the back: what comes later depends on what comes before.
            let mut end = count(&self.node);
            while end > 0 {
                let start = end.saturating_sub(span);
                let some: Vec<_> = (start..end).map(|index| [way, &[index][..]].concat()).collect();
                changed |= self.take(self.node.without(&some));
                end = start;
            }
            span /= 2;
        }
        changed
    }

    /// Leaves out everything that mentions a name: a disk with all that is done to it, a
    /// suspension with what waits for it, a request with the wait for it.
    fn mentions(&mut self) -> bool {
        let mut changed = false;
        let mut done = 0;
        loop {
            let mentions = self.node.mentions();
            let Some((_, ways)) = mentions.get(done) else { return changed };
            if ways.len() > 1 && self.take(self.node.without(ways)) {
                changed = true;
            } else {
                done += 1;
            }
        }
    }

    /// Puts what is in a block in its place. What is done on a condition is not done without it, unless
    /// the calm run meets the condition as well: else what took a certain order, or a fault, to come
    /// about would just be done.
    fn blocks(&mut self) -> bool {
        const INSIDE: [&str; 4] = ["steps", "then", "otherwise", "io"];
        let mut changed = false;
        let mut done = 0;
        loop {
            let ways = self.ways(|node, parent| {
                parent.is_list()
                    && node.name.is_empty()
                    && matches!(
                        node.word(),
                        "repeat" | "when" | "when_marked" | "when_exists" | "parallel" | "submit"
                    )
            });
            let Some(way) = ways.get(done) else { return changed };
            let block = self.node.at(way).cloned().unwrap_or_else(|| Node::atom("", ""));
            let inside: Vec<Vec<Node>> = match &block.value {
                Value::Round(word, items) if word == "parallel" => {
                    items.iter().map(|list| list.items().to_vec()).collect()
                }
                Value::Round(word, items) if word == "submit" => {
                    let io = items.iter().filter(|item| item.name == "io").cloned();
                    io.map(|io| vec![Node { name: String::new(), ..io }]).collect()
                }
                _ => {
                    let fields = INSIDE.into_iter().filter_map(|name| block.field(name));
                    fields.map(|field| field.items().to_vec()).collect()
                }
            };
            let id = block.field("id").map(Node::word);
            let is_condition = block.word().starts_with("when");
            let took = inside.into_iter().any(|items| {
                let mut node = self.node.clone();
                let Some((index, parent)) = way.split_last() else { return false };
                let Some(list) = node.at_mut(parent).and_then(Node::items_mut) else {
                    return false;
                };
                list.splice(*index..=*index, items);
                if let Some(id) = id {
                    // A request that is waited for at once needs no wait.
                    let waits = |item: &Node| {
                        item.word() == "wait" && item.field("id").map(Node::word) == Some(id)
                    };
                    list.retain(|item| !waits(item));
                }
                (!is_condition || self.does_no_more(&node)) && self.take(node)
            });
            if took {
                changed = true;
            } else {
                done += 1;
            }
        }
    }

    /// Whether no more happens in the calm run of this than in that of what there is now.
    fn does_no_more(&mut self, node: &Node) -> bool {
        if self.trial.left == 0 {
            return true;
        }
        let Some(scenario) = self.trial.maker.make(node) else { return false };
        self.trial.count(2);
        let facts = |scenario: &Scenario| run(scenario, Calm, Keep::Hash).0.fact_count;
        facts(&scenario) <= facts(&self.scenario)
    }

    /// Leaves out fields that have a default.
    fn fields(&mut self) -> bool {
        let mut changed = false;
        let mut done = 0;
        loop {
            let ways = self.ways(|node, parent| {
                !node.name.is_empty() && !parent.is_list() && !KEPT.contains(&node.name.as_str())
            });
            let Some(way) = ways.get(done) else { return changed };
            if self.take(self.node.without(std::slice::from_ref(way))) {
                changed = true;
            } else {
                done += 1;
            }
        }
    }

    /// Where there is one disk only, nothing needs to say which.
    fn only_one(&mut self) -> bool {
        let mut changed = false;
        let is_one = [
            ("disk", self.scenario.disks().len() == 1),
            ("fs", self.scenario.file_systems().len() == 1),
        ];
        for (field, _) in is_one.into_iter().filter(|(_, is_one)| *is_one) {
            changed |= self.take_everywhere(|node| {
                if let Some(items) = node.items_mut() {
                    items.retain(|item| item.name != field);
                }
            });
        }
        changed
    }

    /// Takes an edit that is made everywhere, in what fails as well.
    fn take_everywhere(&mut self, mut edit: impl FnMut(&mut Node)) -> bool {
        let mut node = self.node.clone();
        node.change(&mut edit);
        if node == self.node {
            return false;
        }
        let same = self.trial.same.clone();
        let step = same.step().and_then(Node::read).map(|mut step| {
            step.change(&mut edit);
            step.print()
        });
        self.trial.same = same.with_step(step);
        let took = self.take(node);
        if !took {
            self.trial.same = same;
        }
        took
    }

    /// Lowers numbers.
    fn numbers(&mut self) -> bool {
        let mut changed = false;
        let mut done = 0;
        loop {
            let ways =
                self.ways(|node, _| ALONE.contains(&node.name.as_str()) && number(node).is_some());
            let Some(way) = ways.get(done).cloned() else { break };
            changed |= self.number(&way);
            done += 1;
        }
        for field in TOGETHER {
            changed |= self.together(field);
        }
        changed | self.operands()
    }

    /// Lowers numbers of the subject's operations: what is the same number in several places first
    /// in all of them, since it may be one key, then each alone; and shortens their lists.
    fn operands(&mut self) -> bool {
        let mut changed = false;
        let values = |node: &Node, ways: &[Way]| {
            let numbers = ways.iter().filter_map(|way| node.at(way).and_then(number));
            numbers.collect::<BTreeSet<_>>()
        };
        let ways = self.ways_in_operations(|node| number(node).is_some());
        for value in values(&self.node, &ways) {
            for least in (0..value.min(3)).chain([value / 2]) {
                let mut node = self.node.clone();
                for way in &ways {
                    let place = node.at_mut(way).filter(|place| number(place) == Some(value));
                    if let Some(place) = place {
                        place.value = Value::Atom(least.to_string());
                    }
                }
                if least < value && self.take(node) {
                    changed = true;
                    break;
                }
            }
        }
        for way in ways {
            changed |= self.number(&way);
        }
        for way in self.ways_in_operations(Node::is_list) {
            let mut place = 0;
            while self.node.at(&way).is_some_and(|list| place < list.items().len()) {
                let mut node = self.node.clone();
                if let Some(items) = node.at_mut(&way).and_then(Node::items_mut) {
                    items.remove(place);
                }
                if self.take(node) {
                    changed = true;
                } else {
                    place += 1;
                }
            }
        }
        changed
    }

    /// The ways to such values inside of operations of the subject.
    fn ways_in_operations(&self, wanted: impl Fn(&Node) -> bool) -> Vec<Way> {
        let inside = |way: &[usize]| {
            // The list itself, and an operation of it, are not inside of one.
            let outer = way.len().saturating_sub(2);
            (1..=outer).any(|end| self.node.at(&way[..end]).is_some_and(|it| it.name == "ops"))
        };
        let mut ways = Vec::new();
        self.node.visit(&mut |way, node| {
            if inside(way) && wanted(node) {
                ways.push(way.to_vec());
            }
        });
        ways
    }

    /// Lowers one number: to the least there is, or by halves.
    fn number(&mut self, way: &[usize]) -> bool {
        let value = |node: &Node| node.at(way).and_then(number).unwrap_or(0);
        let with = |node: &Node, number: u64| {
            let mut node = node.clone();
            if let Some(place) = node.at_mut(way) {
                place.value = Value::Atom(number.to_string());
            }
            node
        };
        let first = value(&self.node);
        for least in [0, 1, 512, 4096] {
            if least < value(&self.node) && self.take(with(&self.node, least)) {
                return true;
            }
        }
        let mut least = 0;
        while least < value(&self.node) {
            let middle = least + (value(&self.node) - least) / 2;
            if !self.take(with(&self.node, middle)) {
                least = middle + 1;
            }
        }
        value(&self.node) < first
    }

    /// Lowers a number everywhere in fields of one name, in what fails as well.
    fn together(&mut self, field: &str) -> bool {
        const ROUND: [u64; 6] = [0, 512, 1024, 2048, 4096, 8192];
        let mut changed = false;
        let numbers = |node: &Node| {
            let mut numbers = Vec::new();
            node.clone().change(&mut |node| {
                if node.name == field
                    && let Some(number) = number(node)
                {
                    numbers.push(number);
                }
            });
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        };
        for from in numbers(&self.node) {
            // Places of a disk stay different ones.
            let known = if field == "at" { numbers(&self.node) } else { Vec::new() };
            let lower = ROUND.into_iter().filter(|to| *to < from && !known.contains(to));
            for to in lower.filter(|to| field == "at" || *to > 0) {
                let took = self.take_everywhere(|node| {
                    if node.name == field && number(node) == Some(from) {
                        node.value = Value::Atom(to.to_string());
                    }
                });
                if took {
                    changed = true;
                    break;
                }
            }
        }
        changed
    }
}

fn number(node: &Node) -> Option<u64> {
    match &node.value {
        Value::Atom(atom) => atom.replace('_', "").parse().ok(),
        Value::List(_) | Value::Round(..) => None,
    }
}
