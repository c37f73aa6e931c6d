//! What a device did, in order: for logs that other tools read.

use alloc::sync::Arc;

use super::log::Bytes;
use crate::io::RequestId;

/// Something a device did, or was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceEvent {
    /// Bytes were stored.
    Write {
        /// The first byte.
        at: u64,
        /// What was stored.
        data: Arc<[u8]>,
        /// With force unit access.
        fua: bool,
    },
    /// Zeroes were stored.
    Zeroes {
        /// The first byte.
        at: u64,
        /// How many bytes.
        len: u64,
        /// With force unit access.
        fua: bool,
    },
    /// Bytes were discarded.
    Discard {
        /// The first byte.
        at: u64,
        /// How many bytes.
        len: u64,
    },
    /// A flush was submitted.
    FlushSubmitted(RequestId),
    /// A flush was done.
    FlushDone(RequestId),
    /// The power went.
    PowerCut,
}

impl DeviceEvent {
    pub(super) fn write(at: u64, len: u64, bytes: &Bytes, fua: bool) -> Self {
        match bytes {
            Bytes::Fill(0) => Self::Zeroes { at, len, fua },
            Bytes::Fill(byte) => {
                Self::Write { at, data: alloc::vec![*byte; len as usize].into(), fua }
            }
            Bytes::Data(data, offset) => {
                let data = if *offset == 0 && data.len() as u64 == len {
                    Arc::clone(data)
                } else {
                    data[*offset..offset + len as usize].into()
                };
                Self::Write { at, data, fua }
            }
        }
    }
}
