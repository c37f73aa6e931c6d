//! The images that a power cut can leave of a disk, one after the other.

use std::collections::HashSet;

use headcrash_sim::{Cx, DiskId, Engines, Image, StateCount, World};

use super::eager::{self, Kept, Whole};

/// What is undecided is looked at unit by unit; whole images are of disks with at most so many
/// bytes of it.
pub const UNDECIDED_MAX: u64 = 1 << 28;

/// How many bytes of a disk cuts left undecided.
#[must_use]
pub fn undecided(world: &World, disk: DiskId) -> u64 {
    world.undecided_stretches(disk).iter().map(|(_, len)| len).sum()
}

/// Whole images that a power cut can leave of a disk, always in the same order: everything kept,
/// everything lost and the prefixes between, longest first; then one to `alone` writes lost, or
/// kept, against the rest. Images in which every unit holds the same version are given once.
pub struct Images {
    /// The power is off.
    world: World,
    disk: DiskId,
    /// The writes a cut may have lost, by number.
    writes: Vec<u64>,
    kept: Box<dyn Iterator<Item = Kept>>,
    seen: HashSet<u64>,
    possible: StateCount,
}

/// An image that a power cut can leave.
#[derive(Clone, Debug)]
pub struct WholeImage {
    /// What is on the disk.
    pub image: Image,
    /// Which of [`Images::writes`] it keeps.
    pub keeps: Vec<bool>,
    /// How far it is from an image that nobody wonders about.
    pub unusual: usize,
}

impl Images {
    /// Of a disk of a world without power.
    ///
    /// # Panics
    ///
    /// When the disk has power.
    #[must_use]
    pub fn new(world: World, disk: DiskId, alone: usize) -> Self {
        assert!(!world.is_powered(disk), "the power has gone");
        let writes = world.loose_writes(disk);
        let possible = world.possible_states(disk);
        let kept = Box::new(eager::subsets(writes.len(), alone));
        Self { world, disk, writes, kept, seen: HashSet::new(), possible }
    }

    /// The writes that the cut may have lost, in the order in which they were applied, those that
    /// were on their way last.
    #[must_use]
    pub fn writes(&self) -> &[u64] {
        &self.writes
    }

    /// How many states there are, torn ones and others that are not tried here included.
    #[must_use]
    pub const fn possible(&self) -> StateCount {
        self.possible
    }

    /// The image with everything lost that can be.
    #[must_use]
    pub fn durable(&self) -> Image {
        self.decide(&Kept::none(self.writes.len())).0
    }

    fn decide(&self, kept: &Kept) -> (Image, u64) {
        let mut world = self.world.clone();
        let mut choices = Whole::new(&self.writes, kept);
        let cx = &mut Cx { choices: &mut choices, sink: &mut () };
        world.power_on(Engines::Survive, cx);
        let image = world.decide_all(self.disk, cx);
        (image, choices.image())
    }
}

impl Iterator for Images {
    type Item = WholeImage;

    fn next(&mut self) -> Option<WholeImage> {
        loop {
            let kept = self.kept.next()?;
            let (image, number) = self.decide(&kept);
            if self.seen.insert(number) {
                let (keeps, unusual) = kept.into_parts();
                return Some(WholeImage { image, keeps, unusual });
            }
        }
    }
}
