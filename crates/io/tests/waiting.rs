//! Blocking ones given to async code do what they did.

use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use headcrash_io::{
    AsyncBlockDevice, AsyncFile, BlockDevice, Blocking, File, FileDisk, Sector, conformance,
};

/// An async one as a blocking one, whose futures are ready at once.
struct Polled<T>(T);

fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a blocking one never waits"),
    }
}

impl<T: AsyncFile> File for Polled<T> {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        ready(self.0.read_at(into, at))
    }

    fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
        ready(self.0.write_at(data, at))
    }

    fn sync_data(&self) -> io::Result<()> {
        ready(self.0.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        ready(self.0.sync_all())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        ready(self.0.set_len(len))
    }

    fn len(&self) -> io::Result<u64> {
        ready(self.0.len())
    }

    fn is_empty(&self) -> io::Result<bool> {
        ready(self.0.is_empty())
    }

    fn read_exact_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        ready(self.0.read_exact_at(into, at))
    }

    fn write_all_at(&self, data: &[u8], at: u64) -> io::Result<()> {
        ready(self.0.write_all_at(data, at))
    }
}

impl<T: AsyncBlockDevice> BlockDevice for Polled<T> {
    fn sector_size(&self) -> usize {
        self.0.sector_size()
    }

    fn sector_count(&self) -> u64 {
        self.0.sector_count()
    }

    fn read(&self, first: Sector, into: &mut [u8]) -> io::Result<()> {
        ready(self.0.read(first, into))
    }

    fn write(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        ready(self.0.write(first, data))
    }

    fn flush(&self) -> io::Result<()> {
        ready(self.0.flush())
    }

    fn write_durable(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        ready(self.0.write_durable(first, data))
    }

    fn discard(&self, first: Sector, count: u64) -> io::Result<()> {
        ready(self.0.discard(first, count))
    }
}

/// Leaves the provided methods as they are.
struct Plain<F>(F);

impl<F: File> AsyncFile for Plain<F> {
    async fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let short = into.len().min(1000);
        self.0.read_at(&mut into[..short], at)
    }

    async fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
        self.0.write_at(&data[..data.len().min(1000)], at)
    }

    async fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    async fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    async fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    async fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
}

fn file() -> std::fs::File {
    tempfile::tempfile().expect("there is room for a file")
}

#[test]
fn blocking_files() {
    conformance::file("Blocking", || Polled(Blocking(file())));
    conformance::file("Arc<Blocking>", || Polled(Arc::new(Blocking(file()))));
    conformance::file("Rc<Box<Blocking>>", || Polled(Rc::new(Box::new(Blocking(file())))));
}

#[test]
fn short_transfers_go_on() {
    conformance::file("one that transfers 1 000 bytes at most", || Polled(Plain(file())));
}

#[test]
fn blocking_disks() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let mut count = 0;
    conformance::block_device("Blocking", || {
        count += 1;
        let path = folder.path().join(count.to_string());
        let disk = FileDisk::create(path, 512, 16).expect("there is room for a disk");
        Polled(Rc::new(Blocking(disk)))
    });
}
