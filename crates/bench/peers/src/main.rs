//! What others take for the same, measured in the same run as ours: nanoseconds, least of several
//! rounds. A line is `what: who  nanoseconds`; `table.sh` makes a table of them.

mod tasks;

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use headcrash_engine::{Dialect, ProgramBuilder, Quirks};
use headcrash_sim::{
    Calm, ClientId, Cx, DiskId, DiskSpec, Image, Io, Key, Limits, LimitsSpec, NodeSpec, Resumes,
    TraceHash, World,
};
use moonpool_sim::{SimContext, SimulationBuilder, SimulationResult, Workload};
use store_io_buf::{BufPool, PoolConfig};
use store_io_platform::{CompletionBuf, FileName, IoOp, Platform, Queue, QueueConfig};
use store_io_sim::{SimConfig, SimPlatform};

const BLOCK: usize = 4096;
const BLOCKS: u64 = 256;

/// The least time of one call, over many rounds: short ones, some of which a busy machine lets pass
/// undisturbed.
fn least(calls: u32, mut call: impl FnMut(u32)) -> f64 {
    let round = |_| {
        let start = Instant::now();
        (0..calls).for_each(&mut call);
        start.elapsed()
    };
    let least = (0..200).map(round).min().unwrap_or(Duration::ZERO);
    least.as_secs_f64() * 1e9 / f64::from(calls)
}

/// Where the n-th write goes, in an order that jumps about.
fn block(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % BLOCKS * BLOCK as u64
}

fn ours() -> impl FnMut(u32) {
    const DISK: DiskId = DiskId(0);
    let program = ProgramBuilder::new(Dialect::Qemu10, Quirks::Safe).build();
    let node = NodeSpec {
        program: Arc::new(program.expect("no rules are no mistake")),
        limits: Limits::new(Dialect::Qemu10, LimitsSpec::default()).expect("no limits, no mistake"),
    };
    let image = Image::new(BLOCKS * BLOCK as u64, 0);
    let mut world = World::new(vec![DiskSpec::new("d0", image, vec![node])], Resumes::ByScript);
    let mut hash = TraceHash::default();
    world.open(DISK, &mut Cx { choices: &mut Calm, sink: &mut hash });
    let data: Arc<[u8]> = vec![7; BLOCK].into();
    let mut n = 0;
    move |_| {
        n += 1;
        let at = block(n);
        for io in [
            Io::Write { at, data: data.clone(), fua: false },
            Io::Read { at, len: BLOCK as u64 },
            Io::Flush,
        ] {
            let cx = &mut Cx { choices: &mut Calm, sink: &mut hash };
            world.submit(ClientId(0), (Key::NOBODY, 0), DISK, io, cx);
            black_box(world.take_completion());
        }
    }
}

fn store_io() -> impl FnMut(u32) {
    let platform = SimPlatform::new(SimConfig::volatile(1));
    let dir = platform.open_dir(Path::new("/s"), true).expect("a simulated directory");
    let name = FileName::new("f").expect("a name");
    let file = platform.create_file(&dir, &name).expect("a file");
    platform.allocate(&file, BLOCKS * BLOCK as u64).expect("room");
    platform.flush_all(&file).expect("a flush");
    let pool = BufPool::new(&PoolConfig::uniform(BLOCK, BLOCK, 1 << 16, 16)).expect("a pool");
    let mut queue = platform.queue(QueueConfig::default()).expect("a queue");
    let mut done = CompletionBuf::with_capacity(4);
    let mut n = 0;
    move |_| {
        n += 1;
        let offset = block(n);
        let mut buf = pool.take(BLOCK).expect("a buffer");
        buf.as_mut_slice().fill(7);
        let file = &file;
        let mut one = |op| {
            queue.submit(op, 1).expect("room in the queue");
            queue.wait(1, &mut done).expect("a completion");
            black_box(done.drain().count());
        };
        one(IoOp::Write { file, offset, buf, dsync: false });
        one(IoOp::Read { file, offset, buf: pool.take(BLOCK).expect("a buffer") });
        one(IoOp::FlushData { file });
    }
}

fn turmoil() -> impl FnMut(u32) {
    use std::os::unix::fs::FileExt;

    use turmoil_fs::shim::std::fs::OpenOptions;

    let fs = turmoil_fs::Fs::builder().build();
    let guard = fs.enter();
    let file = OpenOptions::new().read(true).write(true).create(true).open("/f").expect("a file");
    file.set_len(BLOCKS * BLOCK as u64).expect("room");
    file.sync_all().expect("a sync");
    let data = vec![7; BLOCK];
    let mut back = vec![0; BLOCK];
    let mut n = 0;
    move |_| {
        let _in_it = &guard;
        n += 1;
        file.write_at(&data, block(n)).expect("a write");
        file.read_at(&mut back, block(n)).expect("a read");
        file.sync_all().expect("a sync");
        black_box(&back);
    }
}

struct Nothing;

#[async_trait::async_trait]
impl Workload for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }

    async fn run(&mut self, _: &SimContext) -> SimulationResult<()> {
        Ok(())
    }
}

fn main() {
    let row = |what: &str, who: &str, ns: f64| {
        println!("{:<72}{ns:>12.0}", format!("{what}: {who}"));
    };
    let yields = "a yield, one of 8 async clients";
    row(yields, "moonpool-sim", tasks::moonpool_yields());
    row(yields, "shuttle", tasks::shuttle_futures());
    row(yields, "turmoil", tasks::turmoil_yields());
    row("a yield, one of 8 blocking clients", "shuttle", tasks::shuttle_threads());
    let sleeps = "a sleep of 1 to 1000 us, one of 8 async clients";
    row(sleeps, "moonpool-sim", tasks::moonpool_sleeps());
    row(sleeps, "turmoil", tasks::turmoil_sleeps());
    let requests = "write, read, flush of 4 KiB, one of 8 async clients";
    row(requests, "moonpool-sim", tasks::moonpool_requests());
    row(requests, "turmoil", tasks::turmoil_requests());
    let alone = "write, read, flush of 4 KiB, no clients";
    row(alone, "headcrash", least(1_000, ours()));
    row(alone, "store-io-sim", least(1_000, store_io()));
    row(alone, "turmoil", least(1_000, turmoil()));
    let empty = "an empty run";
    row(empty, "moonpool-sim", tasks::moonpool_empty());
    row(empty, "shuttle", least(1, |_| shuttle::check_random(|| {}, 200)) / 200.0);
    row(empty, "turmoil", tasks::turmoil_empty());
    row(
        "an empty run, of a scenario or a workload",
        "moonpool-sim",
        least(1, |_| {
            black_box(SimulationBuilder::new().workload(Nothing).set_iterations(50).run());
        }) / 50.0,
    );
    for writes in [0, 1_000, 4_000, 8_000] {
        let what = format!("write and read of 4 KiB after {writes} unflushed writes");
        row(&what, "turmoil", tasks::turmoil_unflushed(writes));
    }
}
