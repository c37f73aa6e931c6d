//! What was done to a medium and is not durable for certain, oldest first.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::image::{Image, Old, uniform};
use crate::io::{ClientId, RequestId};

/// Bytes that a write brings: shared with the request that brought them.
#[derive(Clone, Debug)]
pub(crate) enum Bytes {
    /// From this byte of these on.
    Data(Arc<[u8]>, usize),
    /// One byte, however often.
    Fill(u8),
}

impl Bytes {
    /// The same from `skip` on, without copying.
    pub(crate) fn from(&self, skip: u64) -> Self {
        match self {
            Self::Data(data, offset) => Self::Data(Arc::clone(data), offset + skip as usize),
            Self::Fill(byte) => Self::Fill(*byte),
        }
    }

    /// `len` bytes from `skip` on.
    pub(crate) fn part(&self, skip: u64, len: u64) -> Part<'_> {
        match self {
            Self::Data(data, offset) => {
                let start = offset + skip as usize;
                Part::Data(&data[start..start + len as usize])
            }
            Self::Fill(byte) => Part::Fill(*byte, len),
        }
    }
}

/// A stretch of bytes, for comparing and copying.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'a> {
    Data(&'a [u8]),
    /// One byte, so many times.
    Fill(u8, u64),
}

impl Part<'_> {
    pub(crate) fn copy_to(self, into: &mut [u8]) {
        match self {
            Part::Data(data) => into.copy_from_slice(data),
            Part::Fill(byte, _) => into.fill(byte),
        }
    }

    pub(crate) fn same(self, other: &[u8]) -> bool {
        match self {
            Part::Data(data) => data == other,
            Part::Fill(byte, _) => other.is_empty() || uniform(other) == Some(byte),
        }
    }

    pub(crate) fn write_to(self, image: &mut Image, at: u64) {
        match self {
            Part::Data(data) => image.write(at, data),
            Part::Fill(byte, len) => image.fill(at, len, byte),
        }
    }
}

/// What becomes of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A cut may lose it.
    Pending,
    /// It stays.
    Durable,
    /// It never reaches the medium, although it was answered, and reads may see it: a failed flush
    /// marked it clean.
    Dropped,
}

/// One write that was done, or was on its way when the power went.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    /// Its place in the order in which effects were applied, from 1.
    pub(crate) seq: u64,
    pub(crate) request: RequestId,
    pub(crate) client: ClientId,
    /// Its place in the order in which transfers were submitted to the medium.
    pub(crate) submitted: u64,
    pub(crate) at: u64,
    pub(crate) len: u64,
    pub(crate) bytes: Bytes,
    /// What was there before; nothing for what was still on its way, which was not applied.
    pub(crate) old: Option<Old>,
    pub(crate) fate: Fate,
    /// It had not completed.
    pub(crate) in_flight: bool,
    /// A client was told that it is durable (FUA).
    pub(crate) promised: bool,
}

impl Effect {
    pub(crate) const fn end(&self) -> u64 {
        self.at + self.len
    }

    pub(crate) const fn covers(&self, at: u64, len: u64) -> bool {
        self.at <= at && at + len <= self.end()
    }
}

/// How many effects share a chunk: what a clone copies one pointer for.
const CHUNK: usize = 64;

/// Effects in the order in which they were applied. Cloning copies a pointer for every sixty-four.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    chunks: VecDeque<Arc<Vec<Effect>>>,
    /// How many of the first chunk are gone.
    gone: usize,
    len: usize,
}

impl Log {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn push(&mut self, effect: Effect) {
        match self.chunks.back_mut() {
            Some(chunk) if chunk.len() < CHUNK => Arc::make_mut(chunk).push(effect),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(effect);
                self.chunks.push_back(Arc::new(chunk));
            }
        }
        self.len += 1;
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Effect> {
        let gone = self.gone;
        self.chunks
            .iter()
            .enumerate()
            .flat_map(move |(index, chunk)| chunk[if index == 0 { gone } else { 0 }..].iter())
    }

    /// Newest first, as long as `look` says to go on; what it looks at may be changed.
    pub(crate) fn newest_while(&mut self, mut look: impl FnMut(&Effect) -> Option<Change>) {
        for index in (0..self.chunks.len()).rev() {
            let from = if index == 0 { self.gone } else { 0 };
            for place in (from..self.chunks[index].len()).rev() {
                match look(&self.chunks[index][place]) {
                    None => return,
                    Some(Change::Leave) => {}
                    Some(Change::Fate(fate)) => {
                        Arc::make_mut(&mut self.chunks[index])[place].fate = fate;
                    }
                    Some(Change::Promised) => {
                        Arc::make_mut(&mut self.chunks[index])[place].promised = true;
                    }
                }
            }
        }
    }

    /// Forgets the oldest ones, as long as `done` says so.
    pub(crate) fn trim(&mut self, mut done: impl FnMut(&Effect) -> bool) {
        while !self.is_empty() {
            let chunk = &self.chunks[0];
            while self.gone < chunk.len() && done(&chunk[self.gone]) {
                self.gone += 1;
                self.len -= 1;
            }
            if self.gone < chunk.len() {
                return;
            }
            if self.chunks.len() == 1 && self.gone < CHUNK {
                // Room is left in it: but nobody is in it, and a new one starts at the front.
                match Arc::get_mut(&mut self.chunks[0]) {
                    Some(chunk) => chunk.clear(),
                    None => self.chunks.clear(),
                }
                self.gone = 0;
                return;
            }
            self.chunks.pop_front();
            self.gone = 0;
        }
    }
}

/// What [`Log::newest_while`] changes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Leave,
    Fate(Fate),
    Promised,
}
