//! One run along a path of answers.

use headcrash_sim::{Calm, Choices, Key, Point, PointKind};

use crate::Path;

/// What a search turns at, and how far down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Only so many questions of a run are turned at; later ones are answered as `polarity` says.
    /// Plain search loses itself in the deepest choices.
    pub depth: usize,
    /// In which order paths come.
    pub order: Order,
    /// How questions are answered that no path says anything about.
    pub polarity: Polarity,
}

impl Default for Policy {
    fn default() -> Self {
        Self { depth: 12, order: Order::Limited, polarity: Polarity::Kept }
    }
}

/// In which order paths come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// First without an unusual answer, then with one, the shallowest first, then with two, ..
    /// (limited discrepancy search: Harvey and Ginsberg, IJCAI 1995).
    Limited,
    /// The deepest question first.
    DepthFirst,
}

/// What is usual after a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// Everything survived.
    Kept,
    /// Everything that could be lost was.
    Lost,
}

/// A question that was asked, and may be turned at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How many answers there were.
    pub n: u64,
    /// The one that was given.
    pub answer: u64,
}

/// Answers along a path, and writes down what was asked.
///
/// Only what a power cut leaves, whether one comes and whether a fault strikes is turned at; who
/// is next, how long and which bytes are answered calmly.
#[derive(Clone, Debug)]
pub struct Walk {
    path: Vec<u64>,
    depth: usize,
    polarity: Polarity,
    asked: Vec<Asked>,
    /// Questions beyond the depth that could have been turned at.
    beyond: u64,
}

impl Walk {
    /// Along `path`.
    #[must_use]
    pub fn along(path: &Path, policy: &Policy) -> Self {
        Self {
            path: path.answers().to_vec(),
            depth: policy.depth,
            polarity: policy.polarity,
            asked: Vec::new(),
            beyond: 0,
        }
    }

    /// What was asked, as far as the depth.
    #[must_use]
    pub fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// How many questions were asked beyond the depth.
    #[must_use]
    pub const fn beyond(&self) -> u64 {
        self.beyond
    }

    fn answer(&mut self, n: u64, usual: u64) -> u64 {
        if self.asked.len() >= self.depth {
            self.beyond += 1;
            return usual;
        }
        let answer = self.path.get(self.asked.len()).copied().unwrap_or(usual).min(n - 1);
        self.asked.push(Asked { n, answer });
        answer
    }
}

const fn is_turned_at(kind: PointKind) -> bool {
    match kind {
        PointKind::CrashSector | PointKind::Tear | PointKind::Cut | PointKind::Fault => true,
        PointKind::Schedule
        | PointKind::Completion
        | PointKind::Resume
        | PointKind::Latency
        | PointKind::Data
        | PointKind::Code => false,
    }
}

impl Choices for Walk {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        if is_turned_at(point.kind) {
            return self.answer(n, 0);
        }
        // Undefined bytes are not turned at, so what depends on them is not all tried.
        self.beyond += u64::from(point.kind == PointKind::Data);
        Calm.choose(point, n)
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        Calm.pick(point, keys)
    }

    fn chance(&mut self, point: Point, _: u64, _: u64) -> bool {
        self.choose(point, 2) == 1
    }

    fn choose_version(&mut self, _: Point, versions: &[u64], durable: usize) -> usize {
        let usual = match self.polarity {
            Polarity::Kept => 0,
            Polarity::Lost => durable as u64,
        };
        self.answer(versions.len() as u64, usual) as usize
    }
}
