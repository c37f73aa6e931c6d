//! Eight clients beside each other, as each of the others has them: what a yield, a sleep, and a
//! write, read and flush cost when who is next is the simulation's choice.

use std::future::Future;
use std::io::SeekFrom;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use moonpool_core::{OpenOptions, StorageFile, StorageProvider, TimeProvider};
use moonpool_sim::executor::{Executor, spawn, until_stalled, yield_now};
use moonpool_sim::{SimWorld, StorageConfiguration};

use crate::{BLOCK, BLOCKS, least};

const CLIENTS: u64 = 8;
/// What a client does in a run, so many times; the bench `code` says the same of ours.
const TIMES: u64 = 200;
const ALL: f64 = (CLIENTS * TIMES) as f64;
/// The same of requests: more, because a file of 1 MiB takes long to make.
const REQUESTS: u64 = 2_000;

/// The numbers of the bench `code`.
struct Jumps(u64);

impl Jumps {
    fn of(client: u64) -> Self {
        Self((client + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn micros(&mut self) -> Duration {
        Duration::from_micros(1 + self.next() % 1_000)
    }

    fn at(&mut self) -> u64 {
        self.next() % BLOCKS * BLOCK as u64
    }
}

pub(crate) fn shuttle_futures() -> f64 {
    let code = || {
        let client = |_| {
            shuttle::future::spawn(async {
                for _ in 0..TIMES {
                    shuttle::future::yield_now().await;
                }
            })
        };
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        shuttle::future::block_on(async {
            for client in clients {
                client.await.expect("it comes to its end");
            }
        });
    };
    least(1, |_| shuttle::check_random(code, 1)) / ALL
}

pub(crate) fn shuttle_threads() -> f64 {
    let code = || {
        let client =
            |_| shuttle::thread::spawn(|| (0..TIMES).for_each(|_| shuttle::thread::yield_now()));
        let clients: Vec<_> = (0..CLIENTS).map(client).collect();
        for client in clients {
            client.join().expect("it comes to its end");
        }
    };
    least(1, |_| shuttle::check_random(code, 1)) / ALL
}

/// Runs clients in a simulation of moonpool's: its clock goes on when nobody can.
fn moonpool<F: Future<Output = ()> + Send + 'static>(client: impl Fn(&SimWorld, u64) -> F) -> f64 {
    least(1, |_| {
        let mut sim = SimWorld::new();
        sim.set_storage_config(StorageConfiguration::fast_local());
        Executor::new(1).block_on(async {
            let clients: Vec<_> =
                (0..CLIENTS).map(|place| spawn("client", client(&sim, place))).collect();
            until_stalled().await;
            while sim.pending_event_count() > 0 {
                sim.step();
                until_stalled().await;
            }
            for client in clients {
                client.await.expect("it comes to its end");
            }
        });
    }) / ALL
}

pub(crate) fn moonpool_yields() -> f64 {
    moonpool(|_, _| async {
        for _ in 0..TIMES {
            yield_now().await;
        }
    })
}

pub(crate) fn moonpool_sleeps() -> f64 {
    moonpool(|sim, place| {
        let time = sim.time_provider();
        async move {
            let mut jumps = Jumps::of(place);
            for _ in 0..TIMES {
                time.sleep(jumps.micros()).await.expect("the simulation goes on");
            }
        }
    })
}

/// Each client has a file of its own: a handle has one cursor. They are on one disk.
pub(crate) fn moonpool_requests() -> f64 {
    moonpool(|sim, place| {
        let storage = sim.storage_provider(IpAddr::V4(Ipv4Addr::LOCALHOST));
        async move {
            let options = OpenOptions::new().read(true).write(true).create(true);
            let mut file = storage.open(&format!("{place}"), options).await.expect("a file");
            file.set_len(BLOCKS * BLOCK as u64).await.expect("room");
            let (mut jumps, data, mut back) = (Jumps::of(place), [7; BLOCK], [0; BLOCK]);
            for _ in 0..REQUESTS {
                file.seek(SeekFrom::Start(jumps.at())).await.expect("a place");
                file.write_all(&data).await.expect("a write");
                file.seek(SeekFrom::Start(jumps.at())).await.expect("a place");
                file.read_exact(&mut back).await.expect("a read");
                file.sync_data().await.expect("a sync");
            }
        }
    }) * TIMES as f64
        / REQUESTS as f64
}

pub(crate) fn moonpool_empty() -> f64 {
    least(100, |seed| {
        let sim = SimWorld::new();
        Executor::new(u64::from(seed)).block_on(async {
            until_stalled().await;
            assert_eq!(sim.pending_event_count(), 0, "nothing is due");
        });
    })
}

/// Runs clients as tasks of one host of turmoil's. Who is next is no choice there: the queue is
/// first in, first out.
fn turmoil<F: Future<Output = ()> + 'static>(client: impl Fn(u64) -> F + Copy + 'static) -> f64 {
    least(1, |_| {
        let mut sim =
            turmoil::Builder::new().simulation_duration(Duration::from_secs(100_000)).build();
        sim.client("host", async move {
            let tasks: Vec<_> =
                (0..CLIENTS).map(|place| tokio::task::spawn_local(client(place))).collect();
            for task in tasks {
                task.await?;
            }
            Ok(())
        });
        sim.run().expect("it comes to its end");
    }) / ALL
}

pub(crate) fn turmoil_yields() -> f64 {
    turmoil(|_| async {
        for _ in 0..TIMES {
            tokio::task::yield_now().await;
        }
    })
}

pub(crate) fn turmoil_sleeps() -> f64 {
    turmoil(|place| async move {
        let mut jumps = Jumps::of(place);
        for _ in 0..TIMES {
            tokio::time::sleep(jumps.micros()).await;
        }
    })
}

fn turmoil_file() -> turmoil::fs::shim::std::fs::File {
    let mut options = turmoil::fs::shim::std::fs::OpenOptions::new();
    let file = options.read(true).write(true).create(true).open("/f").expect("a file");
    file.set_len(BLOCKS * BLOCK as u64).expect("room");
    file.sync_all().expect("a sync");
    file
}

/// Its calls are those of `std`, and let nobody else go on: after each the client yields, as a
/// request of ours does.
pub(crate) fn turmoil_requests() -> f64 {
    turmoil(|place| async move {
        let file = turmoil_file();
        let (mut jumps, data, mut back) = (Jumps::of(place), [7; BLOCK], [0; BLOCK]);
        for _ in 0..REQUESTS {
            file.write_at(&data, jumps.at()).expect("a write");
            tokio::task::yield_now().await;
            file.read_at(&mut back, jumps.at()).expect("a read");
            tokio::task::yield_now().await;
            file.sync_all().expect("a sync");
            tokio::task::yield_now().await;
        }
    }) * TIMES as f64
        / REQUESTS as f64
}

/// What a write and a read cost when so many writes are not synced.
pub(crate) fn turmoil_unflushed(writes: u64) -> f64 {
    const MEASURED: u64 = 500;
    let least = Arc::new(AtomicU64::new(u64::MAX));
    for _ in 0..5 {
        let told = Arc::clone(&least);
        let mut sim = turmoil::Builder::new().build();
        sim.client("host", async move {
            let file = turmoil_file();
            let (mut jumps, data, mut back) = (Jumps::of(0), [7; BLOCK], [0; BLOCK]);
            for _ in 0..writes {
                file.write_at(&data, jumps.at())?;
            }
            let start = Instant::now();
            for _ in 0..MEASURED {
                file.write_at(&data, jumps.at())?;
                file.read_at(&mut back, jumps.at())?;
            }
            told.fetch_min(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
            Ok(())
        });
        sim.run().expect("it comes to its end");
    }
    least.load(Ordering::Relaxed) as f64 / MEASURED as f64
}

pub(crate) fn turmoil_empty() -> f64 {
    least(100, |_| {
        let mut sim = turmoil::Builder::new().build();
        sim.client("host", async { Ok(()) });
        sim.run().expect("it comes to its end");
    })
}
