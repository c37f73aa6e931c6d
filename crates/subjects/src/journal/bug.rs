//! What is planted: one flaw each, as somebody might make it.

use super::Order;

macro_rules! bugs {
    ($($order:ident: $(#[doc = $danger:literal] $bug:ident,)*)*) => {
        /// A flaw.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            /// None: what is left is the journal as it should be.
            None,
            $($(#[doc = $danger] $bug,)*)*
        }

        impl Bug {
            /// All of them, none first.
            pub const ALL: &[Self] = &[Self::None, $($(Self::$bug,)*)*];

            /// What it does.
            #[must_use]
            pub const fn danger(self) -> &'static str {
                match self {
                    Self::None => "",
                    $($(Self::$bug => $danger,)*)*
                }
            }

            /// What the commits of the journal rely on that has it.
            #[must_use]
            pub const fn order(self) -> Order {
                match self {
                    Self::None => Order::Flush,
                    $($(Self::$bug => Order::$order,)*)*
                }
            }
        }
    };
}

bugs! {
    Flush:
    #[doc = "The commit record may be durable before what it names."]
    NoFlushBeforeCommit,
    #[doc = "The commit record is written first: a power cut leaves it without its data."]
    CommitBeforeData,
    #[doc = "A commit is acknowledged while it is in a cache only."]
    NoFlushAfterCommit,
    #[doc = "The flush of a commit failed, and the commit is acknowledged."]
    FlushErrorIgnored,
    #[doc = "A record was not written, and the commit is acknowledged."]
    WriteErrorIgnored,
    #[doc = "Half of a record was written, and the commit is acknowledged."]
    ShortWriteIgnored,
    #[doc = "The disk had no room for a record, and the commit is acknowledged."]
    NoSpaceIgnored,
    #[doc = "After a commit that failed what was staged is gone, and the journal goes on."]
    FailedCommitForgotten,
    #[doc = "A commit that failed is in memory, not in the log, and the journal goes on."]
    CacheUpdatedFirst,
    #[doc = "A record that failed leaves a hole, and later commits lie behind it."]
    LogEndMovedFirst,
    #[doc = "Deletes are done in memory only: after a restart the value is back."]
    DeleteNotLogged,
    #[doc = "A value of no bytes is logged as none."]
    EmptyValueIsDelete,
    #[doc = "A commit that does not fit is written over records that count."]
    FullLogNotNoticed,
    #[doc = "A commit that is one sector too long is written over the first record that counts."]
    FullLogOffByOne,
    #[doc = "A full log is emptied by a checkpoint, and the commit is taken to be in that."]
    FullLogSwallowsCommit,
    #[doc = "A record that reaches over the end of the log is written over the checkpoint behind it."]
    WrapNotSplit,
    #[doc = "The rest of a record that reaches over the end goes to the second sector of the log."]
    WrapOffByOne,
    #[doc = "A checkpoint's header may be durable before the checkpoint."]
    DataNotFlushed,
    #[doc = "A checkpoint's header is written first: a power cut leaves it without its data."]
    HeaderBeforeData,
    #[doc = "The log is discarded while the header still says that it counts."]
    DiscardTooEarly,
    #[doc = "The log is discarded and written over while the new header is in a cache only."]
    HeaderNotFlushed,
    #[doc = "Of two disks only the log's is flushed before the log is cut off."]
    DataDiskNotFlushed,
    #[doc = "The flush of a checkpoint failed, and its header is written."]
    CheckpointFlushErrorIgnored,
    #[doc = "A checkpoint is written over the one that counts."]
    CheckpointInPlace,
    #[doc = "What was not committed becomes durable with a checkpoint."]
    CheckpointTakesStaged,
    #[doc = "A checkpoint leaves out values of no bytes."]
    EmptyValuesLeftOut,
    #[doc = "The header is written over the only one that counts: torn, there is none."]
    OneHeaderSlot,
    #[doc = "A torn header is taken for a whole one."]
    HeaderChecksumMissing,
    #[doc = "A header whose length is older than the rest of it is taken for a whole one."]
    ChecksumMissesLength,
    #[doc = "The header is written with force unit access, as if that flushed the data before it."]
    FuaAssumed,
    #[doc = "A discard reaches over the end of the log, into the checkpoint behind it."]
    DiscardOverWrap,
    #[doc = "A checkpoint failed, its header may yet become durable, and commits go to the old epoch."]
    CheckpointFailureGoesOn,
    #[doc = "A record from before the log went round is taken for a new one."]
    EpochIgnored,
    #[doc = "Recovery does not follow the log round its end."]
    StopsAtRingEnd,
    #[doc = "Recovery does a commit when the next begins, and so never the last."]
    LastCommitDropped,
    #[doc = "Recovery does what no commit record follows."]
    UncommittedReplayed,
    #[doc = "Recovery leaves uncommitted records in the log: the next commit record commits them."]
    TailResurrected,
    #[doc = "Recovery takes a sector that cannot be read for the end of the log."]
    ReadErrorIsEnd,
    #[doc = "Headers that cannot be read are taken for a new disk."]
    HeaderReadErrorIsNew,
    #[doc = "Recovery cuts the log off before what it did again is durable."]
    RecoveryTruncatesFirst,
    #[doc = "Recovery writes over the checkpoint that it came from."]
    RecoveryInPlace,
    #[doc = "Recovery discards the log while its checkpoint is in a cache only."]
    RecoveryNotFlushed,
    #[doc = "After a restart the slots' turn begins anew, maybe with the one that counts."]
    WrongSlotAfterRecovery,
    #[doc = "After a restart headers are counted from 1, and the older one looks newer."]
    SequenceReused,
    #[doc = "A header that only a cache has is relied on after a flush failed."]
    HeaderNotRewritten,
    #[doc = "Whoever fails keeps the latch: nobody can commit any more."]
    LatchLeaked,
    Checksum:
    #[doc = "What a failed flush dropped is not written by the next, which succeeds (fsyncgate)."]
    FlushRetried,
    #[doc = "A record is taken as it is, though part of it was lost."]
    RecordChecksumMissing,
    #[doc = "Of a record only the first sector is checked."]
    ChecksumMissesTail,
    #[doc = "Recovery goes on behind a bad record: half a commit is done."]
    BadRecordSkipped,
    #[doc = "Records of a commit that was cut off may follow a new one as if they were of it."]
    SameEpochAfterRecovery,
}

impl Bug {
    /// Its name in words: `commit before data`.
    #[must_use]
    pub fn title(self) -> String {
        let mut title = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_uppercase() && !title.is_empty() {
                title.push(' ');
            }
            title.extend(c.to_lowercase());
        }
        title
    }
}
