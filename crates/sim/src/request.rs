//! A request's life, and the plan it runs.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use headcrash_engine::{Errno, EventId, TriggerId};

use crate::agenda::Slot;
use crate::choices::Key;
use crate::disk::{DiskId, TrackId};
use crate::fault::Fault;
use crate::file_ops::FileJob;
use crate::image::filled;
use crate::io::{ClientId, RequestId, Shape};
use crate::medium::Bytes;

/// A request on its way.
///
/// ```text
/// submitted ──► running ──► completed
///                │ ▲ │ ▲ │ ▲
///       suspended  │ waiting │ in flight        power cut: from any of these to lost
///            resume     overlap ends
/// ```
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: RequestId,
    pub(crate) client: ClientId,
    /// The client's stable name.
    pub(crate) actor: Key,
    /// Which of the client's requests it is.
    pub(crate) nth: u64,
    pub(crate) disk: DiskId,
    pub(crate) shape: Shape,
    pub(crate) life: Life,
    /// What is left to do, the next step last. A step may put others on top of itself, as a
    /// function calls others: what a request does next can depend on how the last thing went
    /// (an unsupported write of zeroes becomes a write), so it cannot be laid out beforehand.
    pub(crate) plan: Vec<Step>,
    /// How the last thing went.
    pub(crate) result: Result<(), Errno>,
    /// The node said that the last thing had gone well and did not do it, with a result that QEMU
    /// takes for neither success nor failure in places (quirk Q6).
    pub(crate) pretended: bool,
    /// The bytes, by where they belong; padding puts larger buffers over smaller ones.
    pub(crate) buffers: Vec<Buffer>,
    /// How many bytes it takes, padding included.
    pub(crate) bytes: u64,
    /// Where in the queue the thing is that is due for it.
    pub(crate) due: Option<Slot>,
    /// What strikes the transfer under way.
    pub(crate) strikes: Vec<Strike>,
    /// The transfer's place in the order of submission to the medium.
    pub(crate) submitted: u64,
    /// How many of its bytes are done, if that is fewer than were asked for.
    pub(crate) short: Option<u64>,
    /// How much its disk had been written when it was submitted: what a flush promises.
    pub(crate) since: u64,
    /// It has sent a flush to the medium: what else it sends covers no more.
    pub(crate) flushed: bool,
    /// What it does to a file system, if that is what it is for: then it has no disk.
    pub(crate) file: Option<Box<FileJob>>,
}

/// What a request begins with.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) id: RequestId,
    pub(crate) client: ClientId,
    pub(crate) actor: Key,
    pub(crate) nth: u64,
    pub(crate) disk: DiskId,
    pub(crate) shape: Shape,
    pub(crate) life: Life,
    pub(crate) since: u64,
    pub(crate) file: Option<Box<FileJob>>,
}

impl Request {
    pub(crate) fn new(asked: Asked) -> Self {
        Self {
            id: asked.id,
            client: asked.client,
            actor: asked.actor,
            nth: asked.nth,
            disk: asked.disk,
            shape: asked.shape,
            life: asked.life,
            plan: Vec::new(),
            result: Ok(()),
            pretended: false,
            buffers: Vec::new(),
            bytes: 0,
            due: None,
            strikes: Vec::new(),
            submitted: 0,
            short: None,
            since: asked.since,
            flushed: false,
            file: asked.file,
        }
    }

    /// This one begins anew, in the memory it has: field by field, because a whole one would be
    /// copied. Its lists are empty.
    pub(crate) fn renew(&mut self, asked: Asked) {
        let Self {
            id,
            client,
            actor,
            nth,
            disk,
            shape,
            life,
            plan: _,
            result,
            pretended,
            buffers: _,
            bytes,
            due,
            strikes: _,
            submitted,
            short,
            since,
            flushed,
            file,
        } = self;
        (*id, *client, *actor, *nth) = (asked.id, asked.client, asked.actor, asked.nth);
        (*disk, *shape, *life, *since) = (asked.disk, asked.shape, asked.life, asked.since);
        (*result, *pretended, *bytes, *due) = (Ok(()), false, 0, None);
        (*submitted, *short, *flushed, *file) = (0, None, false, asked.file);
    }

    /// Its own stable name.
    pub(crate) fn key(&self) -> Key {
        self.actor.nth(self.nth)
    }
}

/// A fault that strikes a transfer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    pub(crate) rule: TriggerId,
    pub(crate) fault: Fault,
}

/// Where a request is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Life {
    /// It runs its plan; only seen from inside.
    Running,
    /// It is held at an event until it is resumed.
    Suspended,
    /// It waits for an overlapping request, or an earlier flush, to end.
    Waiting,
    /// It is on its way to or from the medium, or its answer is due next turn.
    InFlight,
    /// It has its answer.
    Completed,
    /// The power went, and nobody will answer it.
    Lost,
}

/// Bytes, and where on the disk they belong.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    pub(crate) at: u64,
    pub(crate) bytes: Payload,
}

/// The bytes of a buffer: read into, or brought by whoever writes.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    /// So many of this byte: nothing was read into it yet, and mostly all of it will be at once.
    Blank(u64, u8),
    Own(Vec<u8>),
    Given(Arc<[u8]>),
}

impl Payload {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Blank(len, _) => *len,
            Self::Own(bytes) => bytes.len() as u64,
            Self::Given(bytes) => bytes.len() as u64,
        }
    }

    /// The bytes that were read into.
    pub(crate) fn own(&mut self) -> &mut Vec<u8> {
        if let Self::Blank(len, byte) = *self {
            *self = Self::Own(filled(len, byte));
        }
        match self {
            Self::Own(bytes) => bytes,
            Self::Blank(..) => unreachable!("it was just filled"),
            Self::Given(_) => unreachable!("nobody reads into what a write brings"),
        }
    }
}

impl Buffer {
    /// `len` bytes to be read into.
    pub(crate) const fn blank(at: u64, len: u64, byte: u8) -> Self {
        Self { at, bytes: Payload::Blank(len, byte) }
    }

    pub(crate) fn end(&self) -> u64 {
        self.at + self.bytes.len()
    }

    pub(crate) fn covers(&self, at: u64, len: u64) -> bool {
        self.at <= at && at + len <= self.end()
    }

    /// The bytes of `len` from `at` on.
    pub(crate) fn part(&mut self, at: u64, len: u64) -> &[u8] {
        let start = (at - self.at) as usize;
        let bytes = match &mut self.bytes {
            Payload::Given(bytes) => bytes,
            own => &own.own()[..],
        };
        &bytes[start..start + len as usize]
    }

    /// The same, to be changed.
    pub(crate) fn part_mut(&mut self, at: u64, len: u64) -> &mut [u8] {
        let start = (at - self.at) as usize;
        &mut self.bytes.own()[start..start + len as usize]
    }

    /// The bytes of `len` from `at` on, for somebody who keeps them.
    pub(crate) fn keep(&self, at: u64, len: u64) -> Bytes {
        let start = (at - self.at) as usize;
        match &self.bytes {
            Payload::Blank(_, byte) => Bytes::Data(filled(len, *byte).into(), 0),
            Payload::Given(bytes) => Bytes::Data(Arc::clone(bytes), start),
            Payload::Own(bytes) => Bytes::Data(bytes[start..start + len as usize].into(), 0),
        }
    }
}

/// Where the bytes of a write come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Buffers,
    Zeroes,
}

/// What a write does to its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Data(Source),
    /// Zeroes, by an operation of their own where the layer has one.
    Zero,
}

/// A stretch of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) layer: usize,
    pub(crate) at: u64,
    pub(crate) len: u64,
}

impl Span {
    pub(crate) const fn end(self) -> u64 {
        self.at + self.len
    }

    /// The same stretch of the layer below.
    pub(crate) const fn below(self) -> Self {
        Self { layer: self.layer + 1, ..self }
    }

    /// The first `len` bytes, and the rest.
    pub(crate) const fn split(self, len: u64) -> (Self, Self) {
        (Self { len, ..self }, Self { at: self.at + len, len: self.len - len, ..self })
    }
}

/// One step of a plan. Each is a function, or the rest of one, of QEMU's block layer; its name in
/// `block/io.c` stands beside it where it has one.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Reach an event on the node at `layer`; nothing where there is no node.
    Announce { layer: usize, event: EventId },
    /// Go on only when nothing conflicts (`bdrv_wait_serialising_requests`).
    Gate { layer: usize, track: TrackId },
    /// Keep overlapping requests out from here on, then go on as [`Self::Gate`].
    Serialise { layer: usize, track: TrackId },
    /// Let overlapping requests go on (`tracked_request_end`).
    Untrack { layer: usize, track: TrackId },
    /// After an error: forget what is left above this depth of the plan.
    Bail { depth: usize },

    /// Read any bytes (`bdrv_co_preadv_part`).
    Read(Span),
    /// Read aligned bytes, in pieces as long as the layer allows (`bdrv_aligned_preadv`).
    ReadPieces(Span),
    /// Read one piece (`bdrv_driver_preadv`).
    DriverRead(Span),

    /// Write any bytes (`bdrv_co_pwritev_part`).
    Write { span: Span, content: Content, fua: bool },
    /// Write aligned bytes (`bdrv_aligned_pwritev`).
    WriteAligned { span: Span, content: Content, fua: bool, track: TrackId },
    /// Write them in pieces as long as the layer allows.
    WritePieces { span: Span, source: Source, fua: bool },
    /// Write one piece (`bdrv_driver_pwritev`).
    DriverWrite { span: Span, source: Source, fua: bool },
    /// Count the write, for flushes (`bdrv_co_write_req_finish`).
    Written { layer: usize },
    /// Flush after a write that succeeded, for a device that cannot write through.
    FlushIfOk { layer: usize },

    /// A read-modify-write has read what it needs, or failed to: then everything above this depth
    /// of the plan is forgotten, or the error is (quirk Q1).
    RmwRead { depth: usize },
    /// What is to be written is put over what the read-modify-write has read, in the topmost
    /// `count` buffers.
    Merge { span: Span, content: Content, count: usize },
    /// The topmost buffers are no longer needed.
    DropBuffers { count: usize },
    /// The buffer on top was read into: this much of it is copied to where it was wanted.
    Unpad(Span),

    /// Zeroes in units and pieces as the layer likes (`bdrv_co_do_pwrite_zeroes`).
    ZeroPieces { span: Span, head: u64, tail: u64, fua: bool, flush: bool },
    /// The layer was asked to write zeroes: fall back to a write if it cannot.
    ZeroTried { rest: ZeroRest },
    /// Write one piece of zeroes, if the layer can.
    DriverZero(Span),

    /// Discard (`bdrv_co_pdiscard`).
    Discard(Span),
    /// Discard in units and pieces as the layer likes.
    DiscardPieces { span: Span, head: u64, tail: u64 },
    /// A piece was discarded, or the layer declined to: that is no error.
    Discarded,
    /// Discard one piece.
    DriverDiscard(Span),

    /// Erase blocks of flash.
    Erase(Span),

    /// Flush (`bdrv_co_flush`).
    Flush { layer: usize },
    /// It is this flush's turn.
    FlushStart { layer: usize, written: u64 },
    /// The operating system has everything; now the disk, if anything was written.
    FlushToDisk { layer: usize, written: u64 },
    /// The layer's own flush.
    DriverFlush { layer: usize },
    /// The layer's own flush is done; now the layer below.
    FlushBelow { layer: usize },
    /// The flush is over, well or not.
    Flushed { layer: usize, written: u64 },

    /// The medium has done it.
    Applied(Transfer),
}

/// What the medium does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transfer {
    Read(Span),
    Write {
        span: Span,
        content: Content,
        fua: bool,
    },
    Discard(Span),
    Erase(Span),
    /// Covers what had been done up to this effect.
    Flush {
        scope: u64,
    },
}

impl Transfer {
    /// Whether it matters which of the two is done first.
    pub(crate) const fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Flush { .. }, _) | (_, Self::Flush { .. }) | (Self::Read(_), Self::Read(_)) => {
                false
            }
            (
                Self::Read(one)
                | Self::Write { span: one, .. }
                | Self::Discard(one)
                | Self::Erase(one),
                Self::Read(other)
                | Self::Write { span: other, .. }
                | Self::Discard(other)
                | Self::Erase(other),
            ) => one.at < other.end() && other.at < one.end(),
        }
    }
}

/// What follows a tried write of zeroes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ZeroRest {
    pub(crate) span: Span,
    /// How much was tried.
    pub(crate) tried: u64,
    pub(crate) head: u64,
    pub(crate) tail: u64,
    pub(crate) fua: bool,
    pub(crate) flush: bool,
}
