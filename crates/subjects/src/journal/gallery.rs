//! Journals with a planted bug each, and worlds in which they are found.

use headcrash::{Check, Disk, check};

use super::{Bug, ByChecksum, ByFlush, Planted, Service};

/// A world for the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Nothing goes wrong.
    Calm,
    /// The power goes, and what is in the cache is lost in part.
    Cuts,
    /// The same, and sectors are torn inside.
    TornSectors,
    /// The same, and what was torn is garbage.
    Garbage,
    /// Accesses fail.
    Errors,
    /// The same, and the power goes.
    ErrorsAndCuts,
    /// What is discarded is still there, and the power goes.
    KeptDiscards,
    /// Flushes fail, what they should have written is dropped, and the power goes.
    FlushErrors,
    /// Writes fall short or find no room, and the power goes.
    Refusals,
    /// The checkpoints are on a disk of their own, and the power goes.
    TwoDisks,
    /// Two clients, a few preemptions, and the power goes.
    TwoClients,
    /// Sectors of 4096 bytes, and the power goes.
    LargeSectors,
}

impl Setting {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Calm,
        Self::Cuts,
        Self::TornSectors,
        Self::Garbage,
        Self::Errors,
        Self::ErrorsAndCuts,
        Self::KeptDiscards,
        Self::FlushErrors,
        Self::Refusals,
        Self::TwoDisks,
        Self::TwoClients,
        Self::LargeSectors,
    ];

    /// This test, in this world.
    #[must_use]
    pub fn of(self, check: Check) -> Check {
        // Whatever is not durable may be there in part.
        let disk = Disk::new(16_384).volatile_cache().with("tears", "unflushed");
        let check = check.operations(12);
        let rate = |what: &str, on: &str| {
            format!("(what: {what}, on: [{on}], chance: (1, 10), swarm: true)")
        };
        match self {
            Self::Calm => check.disk("d0", disk),
            Self::Cuts => check.disk("d0", disk).power_cuts(3),
            Self::TornSectors => {
                let disk = disk.with("on_tear", "mixed(granule: 8)");
                check.disk("d0", disk).power_cuts(3)
            }
            Self::Garbage => {
                let disk = disk.with("on_tear", "garbage");
                check.disk("d0", disk).power_cuts(3)
            }
            Self::Errors => check.disk("d0", disk).io_errors(30),
            Self::ErrorsAndCuts => check.disk("d0", disk).io_errors(30).power_cuts(2),
            Self::KeptDiscards => check.disk("d0", disk.with("discarded", "old")).power_cuts(2),
            Self::FlushErrors => {
                let disk = disk
                    .fault(&rate("flush_fails(data: clean_keep_new)", "flush"))
                    .fault(&rate("flush_fails(data: clean_revert)", "flush"))
                    .fault(&rate("flush_fails(data: keep_dirty)", "flush"));
                check.disk("d0", disk).power_cuts(2)
            }
            Self::Refusals => {
                let disk = disk
                    .fault(&rate("short(bytes: 512)", "write"))
                    .fault(&rate("fail(errno: \"ENOSPC\")", "write"));
                check.disk("d0", disk).power_cuts(2)
            }
            Self::TwoDisks => check.disk("log", disk.clone()).disk("data", disk).power_cuts(3),
            Self::TwoClients => check
                .disk("d0", disk.latency(1_000, 9_000))
                .clients(&["a", "b"])
                .operations(6)
                .with("choices", "pct(depth: 3)")
                .power_cuts(2),
            Self::LargeSectors => {
                check.disk("d0", Disk::new(131_072).sector(4_096).volatile_cache()).power_cuts(3)
            }
        }
    }
}

/// Within so many runs every bug is to be found.
pub const RUNS_MAX: u64 = 10_000;

/// The correct journal in a world, with commits that rely on a flush, and on checksums.
#[must_use]
pub fn correct(setting: Setting) -> [Check; 2] {
    [setting.of(check::<ByFlush>()), setting.of(check::<ByChecksum>())]
}

impl Bug {
    /// A world in which it can be found.
    #[must_use]
    pub const fn setting(self) -> Setting {
        match self {
            Self::DeleteNotLogged
            | Self::EmptyValueIsDelete
            | Self::FullLogNotNoticed
            | Self::FullLogOffByOne
            | Self::FullLogSwallowsCommit
            | Self::WrapNotSplit
            | Self::WrapOffByOne
            | Self::EmptyValuesLeftOut
            | Self::DiscardOverWrap
            | Self::StopsAtRingEnd
            | Self::LastCommitDropped
            | Self::SequenceReused
            | Self::CheckpointTakesStaged => Setting::Calm,
            Self::ChecksumMissesLength | Self::HeaderChecksumMissing => Setting::TornSectors,
            Self::OneHeaderSlot => Setting::Garbage,
            Self::WriteErrorIgnored
            | Self::FailedCommitForgotten
            | Self::CacheUpdatedFirst
            | Self::LogEndMovedFirst
            | Self::LatchLeaked => Setting::Errors,
            Self::ReadErrorIsEnd | Self::HeaderReadErrorIsNew => Setting::ErrorsAndCuts,
            Self::FlushErrorIgnored
            | Self::FlushRetried
            | Self::CheckpointFlushErrorIgnored
            | Self::CheckpointFailureGoesOn
            | Self::HeaderNotRewritten => Setting::FlushErrors,
            Self::ShortWriteIgnored | Self::NoSpaceIgnored => Setting::Refusals,
            Self::EpochIgnored => Setting::KeptDiscards,
            Self::DataDiskNotFlushed => Setting::TwoDisks,
            Self::None
            | Self::NoFlushBeforeCommit
            | Self::CommitBeforeData
            | Self::NoFlushAfterCommit
            | Self::DataNotFlushed
            | Self::HeaderBeforeData
            | Self::DiscardTooEarly
            | Self::HeaderNotFlushed
            | Self::CheckpointInPlace
            | Self::FuaAssumed
            | Self::RecordChecksumMissing
            | Self::ChecksumMissesTail
            | Self::BadRecordSkipped
            | Self::UncommittedReplayed
            | Self::TailResurrected
            | Self::SameEpochAfterRecovery
            | Self::RecoveryTruncatesFirst
            | Self::RecoveryInPlace
            | Self::RecoveryNotFlushed
            | Self::WrongSlotAfterRecovery => Setting::Cuts,
        }
    }

    /// The test that finds it, with seeds that no campaign of another number has: few operations,
    /// and where a power cut is what it takes, one at every moment, with what that can leave.
    #[must_use]
    pub fn campaign(self, number: u64) -> Check {
        let first = number * RUNS_MAX;
        let operations = match self {
            // The log has to go round.
            Self::SameEpochAfterRecovery => 12,
            // It has to go round, and to be emptied there.
            Self::DiscardOverWrap => 9,
            // Reopened after a failure, and cut off in that.
            Self::HeaderNotRewritten => 12,
            _ => 8,
        };
        let check = self.setting().of(self.check()).operations(operations);
        let check = check.seeds(first..first + RUNS_MAX);
        match self.setting() {
            Setting::Cuts | Setting::Garbage | Setting::TwoDisks => {
                // Each seed is a hundred runs or so.
                check.power_cut_everywhere(200).seeds(first..first + RUNS_MAX / 50)
            }
            _ => check,
        }
    }

    /// The journal that has it, under test, in no world yet.
    #[must_use]
    pub fn check(self) -> Check {
        let place = Self::ALL.iter().position(|bug| *bug == self);
        CHECKS[place.expect("all are there")]()
    }
}

macro_rules! checks {
    ($($place:literal)*) => {
        [$(check::<Service<Planted<$place>>>,)*]
    };
}

const CHECKS: [fn() -> Check; 52] = checks! {
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25
    26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51
};
