//! A register that keeps what it acknowledged.

use arbitrary::Arbitrary;
use headcrash::io::{BlockDevice, Sector};
use headcrash::{Disk, Fallible, Model, SimDisk, Storage, Subject, check};
use serde::{Deserialize, Serialize};

/// What can be asked: drawn at random, written in scenario files, made small when it fails.
#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
enum Op {
    Set(u8),
    Get,
}

/// The same on plain data: what should come of it.
#[derive(Clone, Default)]
struct Number(u8);

impl Model for Number {
    type Op = Op;
    type Reply = u8;
    type View = u8;

    fn apply(&mut self, op: &Op) -> u8 {
        if let Op::Set(value) = op {
            self.0 = *value;
        }
        self.0
    }

    fn view(&self) -> u8 {
        self.0
    }
}

/// The code under test: a number in two sectors that are written in turn. In production `D` is a
/// `headcrash_io::FileDisk`.
struct Register<D> {
    disk: D,
    turn: u64,
    value: u8,
    /// A write has failed: what is on the disk is not known until it is opened again.
    is_broken: bool,
}

impl<D: BlockDevice> Register<D> {
    fn open(disk: D) -> std::io::Result<Self> {
        let mut newest = (0, 0);
        for place in [0, 1] {
            let mut slot = [0; 512];
            disk.read(Sector(place), &mut slot)?;
            let turn = u64::from_le_bytes(slot[..8].try_into().expect("eight bytes"));
            if slot[9] == check_byte(&slot[..9]) {
                newest = newest.max((turn, slot[8]));
            }
        }
        Ok(Self { disk, turn: newest.0, value: newest.1, is_broken: false })
    }

    fn set(&mut self, value: u8) -> std::io::Result<()> {
        let mut slot = [0; 512];
        self.is_broken = true;
        self.turn += 1;
        slot[..8].copy_from_slice(&self.turn.to_le_bytes());
        slot[8] = value;
        slot[9] = check_byte(&slot[..9]);
        self.disk.write(Sector(self.turn % 2), &slot)?;
        self.disk.flush()?;
        (self.value, self.is_broken) = (value, false);
        Ok(())
    }
}

fn check_byte(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0x5A, |sum, byte| sum.rotate_left(1) ^ byte)
}

/// How headcrash calls it.
impl Subject for Register<SimDisk> {
    type Model = Number;
    const NAME: &'static str = "register";

    fn open(storage: &Storage) -> Fallible<Self> {
        Ok(Self::open(storage.disk("d0"))?)
    }

    fn apply(&mut self, op: &Op) -> Fallible<u8> {
        if self.is_broken {
            return Err("an earlier write has failed".into());
        }
        if let Op::Set(value) = op {
            self.set(*value)?;
        }
        Ok(self.value)
    }

    fn show(&mut self) -> Fallible<u8> {
        self.apply(&Op::Get)
    }
}

#[test]
fn a_register_keeps_what_it_acknowledged() {
    check::<Register<SimDisk>>()
        .disk("d0", Disk::new(65_536).volatile_cache())
        .power_cuts(2)
        .io_errors(20)
        .seeds(0..1_000)
        .run();
}
