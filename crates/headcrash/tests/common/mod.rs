//! The smallest subject there is: one number, kept in two places in turn.

use arbitrary::Arbitrary;
use headcrash::io::{BlockDevice, Sector};
use headcrash::{Fallible, Model, SimDisk, Storage, Subject};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
pub(crate) enum Op {
    Set(u8),
    Get,
}

#[derive(Clone, Default)]
pub(crate) struct Number(u8);

impl Model for Number {
    type Op = Op;
    type Reply = Option<u8>;
    type View = u8;

    fn apply(&mut self, op: &Op) -> Option<u8> {
        match op {
            Op::Set(value) => {
                self.0 = *value;
                None
            }
            Op::Get => Some(self.0),
        }
    }

    fn view(&self) -> u8 {
        self.0
    }
}

/// What is in a slot: its number, from 1, the value, and a checksum over both.
pub(crate) fn slot(sequence: u64, value: u8) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    bytes[..8].copy_from_slice(&sequence.to_le_bytes());
    bytes[8] = value;
    bytes[9] = sum(&bytes[..9]);
    bytes
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0x5A, |sum, byte| sum.rotate_left(1) ^ byte)
}

pub(crate) fn read_slot(bytes: &[u8]) -> Option<(u64, u8)> {
    let sequence = u64::from_le_bytes(bytes[..8].try_into().ok()?);
    (sequence > 0 && sum(&bytes[..9]) == bytes[9]).then_some((sequence, bytes[8]))
}

/// With `FLUSH` it is right.
pub(crate) struct Register<const FLUSH: bool> {
    disk: SimDisk,
    sequence: u64,
    value: u8,
    /// A write has failed: what is on the disk is not known until it is opened again.
    is_broken: bool,
}

impl<const FLUSH: bool> Subject for Register<FLUSH> {
    type Model = Number;
    const NAME: &'static str = "register";

    fn open(storage: &Storage) -> Fallible<Self> {
        let disk = storage.disk("d0");
        let mut newest = (0, 0);
        for place in 0..2 {
            let mut bytes = [0; 512];
            disk.read(Sector(place), &mut bytes)?;
            newest = newest.max(read_slot(&bytes).unwrap_or((0, 0)));
        }
        Ok(Self { disk, sequence: newest.0, value: newest.1, is_broken: false })
    }

    fn apply(&mut self, op: &Op) -> Fallible<Option<u8>> {
        match op {
            _ if self.is_broken => Err("an earlier write has failed".into()),
            Op::Set(value) => {
                self.sequence += 1;
                self.is_broken = true;
                self.disk.write(Sector(self.sequence % 2), &slot(self.sequence, *value))?;
                if FLUSH {
                    self.disk.flush()?;
                }
                (self.value, self.is_broken) = (*value, false);
                Ok(None)
            }
            Op::Get => Ok(Some(self.value)),
        }
    }

    fn show(&mut self) -> Fallible<u8> {
        if self.is_broken { Err("a write has failed".into()) } else { Ok(self.value) }
    }
}
