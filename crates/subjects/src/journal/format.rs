//! The journal's bytes: headers, records of the log, checkpoints.

use std::collections::BTreeMap;

/// What the journal keeps.
pub(super) type Pairs = BTreeMap<u8, Vec<u8>>;

/// So many bytes before a record's payload.
pub(super) const RECORD: usize = 32;
const HEADER: usize = 40;

const HEADER_MAGIC: u32 = 0x4A48_4452;
pub(super) const RECORD_MAGIC: u32 = 0x4A52_4543;

/// Where the newest checkpoint is, and where the log goes on from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// Counts checkpoints, from 1. It is the epoch of the records that follow, and odd or even says
    /// which slot the header and its data are in.
    pub(super) sequence: u64,
    /// The sector of the log where the first record after the checkpoint is.
    pub(super) start: u64,
    /// Of the log, in sectors.
    pub(super) log_sectors: u64,
    /// Of the checkpoint, in bytes.
    pub(super) data_len: u32,
    pub(super) data_sum: u32,
}

impl Header {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend(HEADER_MAGIC.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(self.sequence.to_le_bytes());
        bytes.extend(self.start.to_le_bytes());
        bytes.extend((self.log_sectors as u32).to_le_bytes());
        bytes.extend(self.data_len.to_le_bytes());
        bytes.extend(self.data_sum.to_le_bytes());
        bytes.extend(checksum(&bytes).to_le_bytes());
        bytes
    }

    /// The header in these bytes, if there is one and it is whole.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let sum = checksum(bytes.get(..36)?);
        let header = Self::from_bytes_unchecked(bytes)?;
        (u32_at(bytes, 36) == sum).then_some(header)
    }

    pub(super) fn from_bytes_unchecked(bytes: &[u8]) -> Option<Self> {
        let header = Self {
            sequence: u64_at(bytes, 8),
            start: u64_at(bytes, 16),
            log_sectors: u32_at(bytes, 24).into(),
            data_len: u32_at(bytes, 28),
            data_sum: u32_at(bytes, 32),
        };
        (u32_at(bytes, 0) == HEADER_MAGIC && header.sequence > 0).then_some(header)
    }
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Put = 1,
    Delete = 2,
    /// The records since the last one count.
    Commit = 3,
}

/// The first bytes of a record. Its payload follows, and zeroes to the end of its last sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) kind: Kind,
    pub(super) key: u8,
    /// The checkpoint it follows: the header's sequence.
    pub(super) epoch: u64,
    /// Counts the epoch's records, from 0.
    pub(super) number: u32,
    /// Of the payload, in bytes.
    pub(super) len: u32,
    /// Of the payload with the zeroes after it.
    pub(super) payload_sum: u32,
}

impl Record {
    /// Its bytes before the payload, with a checksum over all of them.
    pub(super) fn to_bytes(self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        bytes[0..4].copy_from_slice(&RECORD_MAGIC.to_le_bytes());
        bytes[4] = self.kind as u8;
        bytes[5] = self.key;
        bytes[8..16].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.number.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.len.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.payload_sum.to_le_bytes());
        let sum = checksum(&bytes[..28]);
        bytes[28..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The record that begins with these bytes, if one does and its checksum says so.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let sum = checksum(bytes.get(..28)?);
        let record = Self::from_bytes_unchecked(bytes)?;
        (u32_at(bytes, 28) == sum).then_some(record)
    }

    pub(super) fn from_bytes_unchecked(bytes: &[u8]) -> Option<Self> {
        let kind = match bytes[4] {
            1 => Kind::Put,
            2 => Kind::Delete,
            3 => Kind::Commit,
            _ => return None,
        };
        let record = Self {
            kind,
            key: bytes[5],
            epoch: u64_at(bytes, 8),
            number: u32_at(bytes, 16),
            len: u32_at(bytes, 20),
            payload_sum: u32_at(bytes, 24),
        };
        (u32_at(bytes, 0) == RECORD_MAGIC).then_some(record)
    }

    /// How many sectors it takes.
    pub(super) fn sectors(&self, sector_size: usize) -> u64 {
        record_sectors(self.len as usize, sector_size)
    }
}

/// How many sectors a record takes with a payload of so many bytes.
pub(super) fn record_sectors(len: usize, sector_size: usize) -> u64 {
    (RECORD + len).div_ceil(sector_size) as u64
}

/// A checkpoint: how many pairs, and each with its key and its length.
pub(super) fn checkpoint_bytes(pairs: &Pairs) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend((pairs.len() as u32).to_le_bytes());
    for (key, value) in pairs {
        bytes.push(*key);
        bytes.extend((value.len() as u32).to_le_bytes());
        bytes.extend(value);
    }
    bytes
}

/// The pairs of a checkpoint.
pub(super) fn pairs_of(bytes: &[u8]) -> Option<Pairs> {
    let mut pairs = Pairs::new();
    let (count, mut rest) = bytes.split_first_chunk::<4>()?;
    for _ in 0..u32::from_le_bytes(*count) {
        let (key, after) = rest.split_first()?;
        let (len, after) = after.split_first_chunk::<4>()?;
        let (value, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        pairs.insert(*key, value.to_vec());
        rest = after;
    }
    Some(pairs)
}

/// With zeroes to whole sectors.
pub(super) fn padded(mut bytes: Vec<u8>, sector_size: usize) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(sector_size), 0);
    bytes
}

/// CRC-32, as zip and Ethernet have it.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| (sum >> 8) ^ TABLE[usize::from(sum as u8 ^ byte)])
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut sum = index as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 };
            bit += 1;
        }
        table[index] = sum;
        index += 1;
    }
    table
};

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_crc_32() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn a_header_is_read_back_and_a_torn_one_is_none() {
        let header =
            Header { sequence: 7, start: 3, log_sectors: 8, data_len: 99, data_sum: 0xDEAD_BEEF };
        let mut bytes = header.to_bytes();
        assert_eq!(Header::from_bytes(&bytes), Some(header));
        bytes[16] ^= 1;
        assert_eq!(Header::from_bytes(&bytes), None);
        assert_eq!(Header::from_bytes(&[0; 512]), None);
    }

    #[test]
    fn a_checkpoint_is_read_back() {
        let pairs = Pairs::from([(1, vec![7; 600]), (2, Vec::new())]);
        let bytes = checkpoint_bytes(&pairs);
        assert_eq!(pairs_of(&bytes), Some(pairs));
        assert_eq!(pairs_of(&bytes[..bytes.len() - 1]), None);
    }
}
