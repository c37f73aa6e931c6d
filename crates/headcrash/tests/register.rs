//! The smallest subject there is: one number, kept in two places in turn.

use arbitrary::Arbitrary;
use headcrash::io::{AsyncBlockDevice, BlockDevice, Sector};
use headcrash::{
    AsyncSimDisk, AsyncSubject, Disk, Fallible, Model, SimDisk, Storage, Subject, check,
    check_async,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
enum Op {
    Set(u8),
    Get,
}

#[derive(Clone, Default)]
struct Number(u8);

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
fn slot(sequence: u64, value: u8) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    bytes[..8].copy_from_slice(&sequence.to_le_bytes());
    bytes[8] = value;
    bytes[9] = sum(&bytes[..9]);
    bytes
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0x5A, |sum, byte| sum.rotate_left(1) ^ byte)
}

fn read_slot(bytes: &[u8]) -> Option<(u64, u8)> {
    let sequence = u64::from_le_bytes(bytes[..8].try_into().ok()?);
    (sequence > 0 && sum(&bytes[..9]) == bytes[9]).then_some((sequence, bytes[8]))
}

/// With `FLUSH` it is right.
struct Register<const FLUSH: bool> {
    disk: SimDisk,
    sequence: u64,
    value: u8,
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
        Ok(Self { disk, sequence: newest.0, value: newest.1 })
    }

    fn apply(&mut self, op: &Op) -> Fallible<Option<u8>> {
        match op {
            Op::Set(value) => {
                self.sequence += 1;
                self.disk.write(Sector(self.sequence % 2), &slot(self.sequence, *value))?;
                if FLUSH {
                    self.disk.flush()?;
                }
                self.value = *value;
                Ok(None)
            }
            Op::Get => Ok(Some(self.value)),
        }
    }

    fn show(&mut self) -> Fallible<u8> {
        Ok(self.value)
    }
}

struct AsyncRegister {
    disk: AsyncSimDisk,
    sequence: u64,
    value: u8,
}

impl AsyncSubject for AsyncRegister {
    type Model = Number;
    const NAME: &'static str = "register";

    async fn open(storage: &Storage) -> Fallible<Self> {
        let disk = storage.disk("d0").into_async();
        let mut newest = (0, 0);
        for place in 0..2 {
            let mut bytes = [0; 512];
            disk.read(Sector(place), &mut bytes).await?;
            newest = newest.max(read_slot(&bytes).unwrap_or((0, 0)));
        }
        Ok(Self { disk, sequence: newest.0, value: newest.1 })
    }

    async fn apply(&mut self, op: &Op) -> Fallible<Option<u8>> {
        match op {
            Op::Set(value) => {
                self.sequence += 1;
                self.disk.write(Sector(self.sequence % 2), &slot(self.sequence, *value)).await?;
                self.disk.flush().await?;
                self.value = *value;
                Ok(None)
            }
            Op::Get => Ok(Some(self.value)),
        }
    }

    async fn show(&mut self) -> Fallible<u8> {
        Ok(self.value)
    }
}

fn disk() -> Disk {
    Disk::new(65_536).volatile_cache().latency(1_000, 9_000)
}

#[test]
fn a_register_keeps_what_it_acknowledged() {
    let campaign = check::<Register<true>>()
        .disk("d0", disk())
        .power_cuts(2)
        .seeds(0..500)
        .try_run()
        .unwrap_or_else(|report| panic!("{report}"));
    assert!(campaign.runs == 500);
}

#[test]
fn a_register_survives_a_cut_at_every_moment() {
    check::<Register<true>>().disk("d0", disk()).power_cut_everywhere(2_000).seeds(0..5).run();
}

#[test]
fn two_clients_share_a_register() {
    let check = check::<Register<true>>().disk("d0", disk()).clients(&["a", "b"]).operations(6);
    check.power_cuts(1).seeds(0..300).run();
}

#[test]
fn a_register_that_forgets_to_flush_is_found() {
    let report = check::<Register<false>>()
        .disk("d0", disk())
        .power_cuts(1)
        .seeds(0..500)
        .try_run()
        .expect_err("it loses what it acknowledged");
    eprintln!("{report}");
    assert_eq!(report.outcome, r#"violated("what was acknowledged survives")"#);
    assert_eq!(report.operations, 1, "{report}");
}

#[test]
fn blocking_and_async_code_give_the_same_trace() {
    let blocking = check::<Register<true>>().disk("d0", disk()).power_cuts(2);
    let futures = check_async::<AsyncRegister>().disk("d0", disk()).power_cuts(2);
    for seed in 0..50 {
        assert_eq!(blocking.trace(seed), futures.trace(seed));
    }
    assert_eq!(
        blocking.seeds(0..200).try_run().ok().map(|it| it.hash),
        futures.seeds(0..200).try_run().ok().map(|it| it.hash)
    );
}
