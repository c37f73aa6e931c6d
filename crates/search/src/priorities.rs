//! Probabilistic concurrency testing: who goes first is a matter of rank, and ranks change seldom.

use std::collections::HashMap;

use headcrash_sim::{Choices, Key, Point, PointKind, Seeded};

/// Answers who is next by ranks drawn at random, and changes the rank of whoever is about to go on
/// at `depth - 1` random moments; everything else is answered as [`Seeded`] does.
///
/// A bug of depth `d` is one that shows whenever `d` steps come in a certain order. One run finds
/// it with a probability of at least `1 / (n * k^(d-1))`, where `n` is how many there are to pick
/// from in a run, and `k` how many questions of who a run asks (Burckhardt, Kothari, Musuvathi,
/// Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs, ASPLOS 2010;
/// steps that nobody else could have taken count for nothing). A uniform choice at every step finds
/// it with a probability that falls exponentially with the length of the run.
#[derive(Clone, Debug)]
pub struct Priorities {
    seeded: Seeded,
    /// The questions of who before which a rank changes, ascending.
    changes: Vec<u64>,
    /// How many of those have come.
    changed: usize,
    /// How many questions of who were asked.
    asked: u64,
    ranks: HashMap<Key, u64>,
}

/// Ranks that were drawn lie from here up; those of whom a change has put back, below.
const DRAWN: u64 = 1 << 32;

impl Priorities {
    /// Ranks that follow from `seed`, for bugs of this `depth` (at least 1) in runs that ask about
    /// `length` questions of who.
    ///
    /// # Panics
    ///
    /// When `depth` is 0.
    #[must_use]
    pub fn new(seed: u64, depth: u32, length: u64) -> Self {
        assert!(depth > 0, "no bug has depth 0");
        let mut seeded = Seeded::from_seed(seed);
        let length = length.max(2);
        let point = Point::new(PointKind::Data, Key::NOBODY);
        let mut changes: Vec<_> = (1..depth).map(|_| seeded.choose(point, length)).collect();
        changes.sort_unstable();
        Self { seeded, changes, changed: 0, asked: 0, ranks: HashMap::new() }
    }

    /// How many questions of who were asked: the length for the next.
    #[must_use]
    pub const fn asked(&self) -> u64 {
        self.asked
    }

    fn rank(&mut self, kind: PointKind, key: Key) -> u64 {
        let seeded = &mut self.seeded;
        // From a stream of its own, so that others' ranks are the same without it.
        let draw = || DRAWN + seeded.choose(Point::new(kind, key), 1 << 62);
        *self.ranks.entry(key).or_insert_with(draw)
    }

    fn first(&mut self, kind: PointKind, keys: &[Key]) -> usize {
        let rank = |(index, key): (usize, &Key)| (self.rank(kind, *key), index);
        let first = keys
            .iter()
            .enumerate()
            .map(rank)
            .max_by_key(|(rank, index)| (*rank, usize::MAX - index));
        first.map_or(0, |(_, index)| index)
    }
}

impl Choices for Priorities {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        self.seeded.choose(point, n)
    }

    fn chance(&mut self, point: Point, num: u64, den: u64) -> bool {
        self.seeded.chance(point, num, den)
    }

    fn choose_version(&mut self, point: Point, versions: &[u64], durable: usize) -> usize {
        self.seeded.choose_version(point, versions, durable)
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        let mut first = self.first(point.kind, keys);
        while self.changes.get(self.changed).is_some_and(|change| *change <= self.asked) {
            // The earlier the change, the lower: a later one is still behind it.
            let rank = (self.changes.len() - self.changed) as u64;
            self.ranks.insert(keys[first], rank);
            self.changed += 1;
            first = self.first(point.kind, keys);
        }
        self.asked += 1;
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two clients, each with `steps` steps; the order in which they were taken.
    fn order(choices: &mut dyn Choices, clients: &[&str], steps: usize) -> Vec<usize> {
        let keys: Vec<_> = clients.iter().map(|name| Key::client(name)).collect();
        let mut left = vec![steps; clients.len()];
        let mut order = Vec::new();
        loop {
            let ready: Vec<_> = (0..clients.len()).filter(|client| left[*client] > 0).collect();
            let chosen = match ready.len() {
                0 => return order,
                1 => 0,
                _ => {
                    let keys: Vec<_> = ready.iter().map(|client| keys[*client]).collect();
                    choices.pick(Point::new(PointKind::Schedule, Key::WORLD), &keys)
                }
            };
            left[ready[chosen]] -= 1;
            order.push(ready[chosen]);
        }
    }

    /// Of so many runs, how many come in an order; with ranks, and with a choice at every step.
    fn hits(runs: u64, depth: u32, steps: usize, is_hit: impl Fn(&[usize]) -> bool) -> [u64; 2] {
        let length = order_length(&CLIENTS, steps);
        let count = |answers: &dyn Fn(u64) -> Box<dyn Choices>| {
            let hit = |seed: &u64| is_hit(&order(&mut *answers(*seed), &CLIENTS, steps));
            (0..runs).filter(hit).count() as u64
        };
        [
            count(&|seed| Box::new(Priorities::new(seed, depth, length))),
            count(&|seed| Box::new(Seeded::from_seed(seed))),
        ]
    }

    const CLIENTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    /// When a client takes its n-th step.
    fn place(order: &[usize], client: usize, nth: usize) -> Option<usize> {
        let mut of = order.iter().enumerate().filter(|(_, who)| **who == client);
        of.nth(nth).map(|(place, _)| place)
    }

    #[test]
    fn a_bug_of_depth_two_is_met_as_often_as_is_guaranteed_where_chance_never_meets_it() {
        const STEPS: usize = 40;
        // Somebody begins just before the last step of somebody else.
        let is_hit = |order: &[usize]| {
            place(order, 0, STEPS - 2) < place(order, 1, 0)
                && place(order, 1, 0) < place(order, 0, STEPS - 1)
        };
        let runs = 20_000;
        let [ranks, chance] = hits(runs, 2, STEPS, is_hit);
        let least = runs / (CLIENTS.len() as u64 * order_length(&CLIENTS, STEPS));
        assert!(ranks >= least, "{ranks} of {runs}, and {least} are guaranteed");
        assert_eq!(chance, 0, "forty steps of one before any of another");
    }

    #[test]
    fn a_bug_of_depth_three_is_met_as_often_as_is_guaranteed() {
        const STEPS: usize = 8;
        let is_hit = |order: &[usize]| {
            place(order, 0, 3) < place(order, 1, 3)
                && place(order, 1, 3) < place(order, 0, 4)
                && place(order, 0, 4) < place(order, 1, 4)
        };
        let runs = 20_000;
        let [ranks, _] = hits(runs, 3, STEPS, is_hit);
        let length = order_length(&CLIENTS, STEPS);
        let least = runs / (CLIENTS.len() as u64 * length * length);
        assert!(ranks >= least, "{ranks} of {runs}, and {least} are guaranteed");
    }

    fn order_length(clients: &[&str], steps: usize) -> u64 {
        let mut calm = Priorities::new(0, 1, 2);
        order(&mut calm, clients, steps);
        calm.asked()
    }

    #[test]
    fn without_changes_whoever_is_first_stays_first() {
        for seed in 0..50 {
            let order = order(&mut Priorities::new(seed, 1, 10), &["a", "b"], 5);
            assert!(order[..5].iter().all(|who| *who == order[0]), "{order:?}");
        }
    }

    #[test]
    fn adding_a_client_leaves_the_order_of_the_others_alone() {
        for seed in 0..50 {
            let two = order(&mut Priorities::new(seed, 1, 10), &["a", "b"], 3);
            let three = order(&mut Priorities::new(seed, 1, 10), &["a", "b", "c"], 3);
            let without: Vec<_> = three.into_iter().filter(|who| *who < 2).collect();
            assert_eq!(two, without);
        }
    }
}
