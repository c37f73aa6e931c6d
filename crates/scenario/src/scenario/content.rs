//! Bytes, described briefly however many they are.

use std::fmt;

use super::crc32;

/// Bytes of a length that is known where they are used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// One byte, as often as it takes.
    Fill(u8),
    /// So many of one byte, then so many of another.
    Runs(Vec<(u64, u8)>),
    /// These.
    Bytes(Vec<u8>),
    /// No bytes of its own, so never written: the four at this place are the right checksum of all
    /// before them, as [`crc32`](super::crc32) computes it, little-endian.
    Crc32 {
        /// Their place, from the first byte that is compared.
        at: u64,
    },
}

impl Content {
    /// How many bytes there are, or `None` when there are as many as it takes.
    #[must_use]
    pub fn own_len(&self) -> Option<u64> {
        match self {
            Self::Fill(_) | Self::Crc32 { .. } => None,
            Self::Runs(runs) => Some(runs.iter().fold(0, |sum, (len, _)| sum.saturating_add(*len))),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
        }
    }

    /// The first `len` bytes, in stretches of one byte value. Shorter content is not repeated.
    pub fn runs(&self, len: u64) -> impl Iterator<Item = (u64, u8)> {
        let (fill, runs, bytes) = match self {
            Self::Fill(byte) => (Some((len, *byte)), &[][..], &[][..]),
            Self::Runs(runs) => (None, &runs[..], &[][..]),
            Self::Bytes(bytes) => (None, &[][..], &bytes[..]),
            Self::Crc32 { .. } => (None, &[][..], &[][..]),
        };
        let all = fill.into_iter().chain(runs.iter().copied());
        let mut left = len;
        all.chain(bytes.iter().map(|byte| (1, *byte))).map_while(move |(len, byte)| {
            let len = len.min(left);
            left -= len;
            (len > 0 || left > 0).then_some((len, byte))
        })
    }

    /// The first `len` bytes.
    #[must_use]
    pub fn to_vec(&self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len);
        for (run, byte) in self.runs(len as u64) {
            bytes.resize(bytes.len() + run as usize, byte);
        }
        bytes
    }

    /// Where `bytes` first differ from this, with what should be there: `None` if they are the
    /// same.
    #[must_use]
    pub fn first_difference(&self, bytes: &[u8]) -> Option<Difference> {
        if let Self::Crc32 { at } = self {
            let at = usize::try_from(*at).unwrap_or(usize::MAX).min(bytes.len());
            let (before, stored) = bytes.split_at(at);
            let right = crc32(before.iter().map(|byte| (1, *byte))).to_le_bytes();
            let mut pairs = right.into_iter().zip(stored).enumerate();
            let (offset, (wanted, found)) = pairs.find(|(_, (right, stored))| right != *stored)?;
            return Some(Difference { at: at + offset, wanted, found: *found });
        }
        let mut at = 0;
        for (run, wanted) in self.runs(bytes.len() as u64) {
            let here = &bytes[at..at + run as usize];
            // Mostly it is as it should be, which one comparison of memory tells.
            if here.first() == Some(&wanted) && here[1..] == here[..here.len() - 1] {
                at += run as usize;
                continue;
            }
            if let Some(offset) = here.iter().position(|byte| *byte != wanted) {
                return Some(Difference { at: at + offset, wanted, found: here[offset] });
            }
            at += run as usize;
        }
        None
    }
}

/// The first byte that is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Difference {
    /// Which byte, from the start of what was compared.
    pub at: usize,
    /// What it should be.
    pub wanted: u8,
    /// What it is.
    pub found: u8,
}

/// As in a file: `fill(0x11)`, `runs([(512, 0xAA), (512, 0x11)])`, `bytes([0xC0, 0xDE])`.
impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fill(byte) => write!(f, "fill({byte:#04x})"),
            Self::Runs(runs) => {
                f.write_str("runs([")?;
                for (index, (len, byte)) in runs.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}({len}, {byte:#04x})")?;
                }
                f.write_str("])")
            }
            Self::Bytes(bytes) => {
                f.write_str("bytes([")?;
                for (index, byte) in bytes.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{byte:#04x}")?;
                }
                f.write_str("])")
            }
            Self::Crc32 { at } => write!(f, "crc32(at: {at})"),
        }
    }
}

/// What bytes may be: one of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// At least one; those with a length of their own have that of what they are compared with.
    pub any_of: Vec<Content>,
}

impl Pattern {
    /// Whether `bytes` are one of them.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.any_of.iter().any(|content| content.fits(bytes))
    }
}

impl Content {
    fn fits(&self, bytes: &[u8]) -> bool {
        let has_room = match self {
            Self::Crc32 { at } => at.saturating_add(4) <= bytes.len() as u64,
            _ => self.own_len().is_none_or(|len| len == bytes.len() as u64),
        };
        has_room && self.first_difference(bytes).is_none()
    }
}

/// As in a file.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [only] = &self.any_of[..] else {
            f.write_str("any_of([")?;
            for (index, content) in self.any_of.iter().enumerate() {
                let comma = if index > 0 { ", " } else { "" };
                write!(f, "{comma}{content}")?;
            }
            return f.write_str("])");
        };
        only.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_of_any_kind_becomes_bytes() {
        assert_eq!(Content::Fill(7).to_vec(3), [7, 7, 7]);
        assert_eq!(Content::Runs(vec![(1, 1), (0, 9), (2, 2)]).to_vec(3), [1, 2, 2]);
        assert_eq!(Content::Bytes(vec![1, 2, 3]).to_vec(2), [1, 2]);
        assert_eq!(Content::Runs(vec![(5, 1), (5, 2)]).to_vec(7), [1, 1, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn the_first_difference_is_found() {
        let runs = Content::Runs(vec![(2, 1), (2, 2)]);
        assert_eq!(runs.first_difference(&[1, 1, 2, 2]), None);
        let difference = Difference { at: 2, wanted: 2, found: 1 };
        assert_eq!(runs.first_difference(&[1, 1, 1, 2]), Some(difference));
    }

    #[test]
    fn a_checksum_is_compared_with_the_bytes_before_it() {
        let content = Content::Crc32 { at: 9 };
        let mut bytes = b"123456789\x26\x39\xf4\xcb, and more".to_vec();
        assert_eq!(content.first_difference(&bytes), None);
        bytes[10] = 0;
        let difference = Difference { at: 10, wanted: 0x39, found: 0 };
        assert_eq!(content.first_difference(&bytes), Some(difference));
        bytes[10] = 0x39;
        bytes[0] = b'2';
        assert!(content.first_difference(&bytes).is_some());
        let pattern = Pattern { any_of: vec![content] };
        assert!(!pattern.matches(b"123456789\x26\x39"), "there is no room for it");
        assert_eq!(pattern.to_string(), "crc32(at: 9)");
    }

    #[test]
    fn a_pattern_is_any_of_its_contents() {
        let pattern = Pattern { any_of: vec![Content::Fill(0), Content::Bytes(vec![1, 2])] };
        assert!(pattern.matches(&[0, 0]) && pattern.matches(&[1, 2]) && pattern.matches(&[]));
        assert!(!pattern.matches(&[1, 0]) && !pattern.matches(&[1, 2, 3]));
        assert_eq!(pattern.to_string(), "any_of([fill(0x00), bytes([0x01, 0x02])])");
    }
}
