//! Block devices.

use std::io::ErrorKind;

use super::{Case, Numbers, Suite};
use crate::{BlockDevice, Sector};

/// What a [`BlockDevice`] does. `fresh` makes one of zeroes, with at least 8 sectors and at most a
/// few megabytes, always of one size.
///
/// # Panics
///
/// At the first case that comes out otherwise, with its name.
pub fn block_device<D: BlockDevice>(name: &str, fresh: impl FnMut() -> D) {
    let mut suite = Suite { implementation: name, fresh };

    suite.case("a new one has zeroes", |case, disk| {
        case.holds("a sector has bytes", disk.sector_size() > 0);
        case.holds("it is large enough to be tried", disk.sector_count() >= 8);
        contents(case, &disk, &vec![0; bytes(&disk)]);
    });
    suite.case("what was written is read back", |case, disk| {
        let size = disk.sector_size();
        let data = Numbers(3).bytes(3 * size);
        case.ok("write", disk.write(Sector(2), &data));
        let mut back = vec![0; 3 * size];
        case.ok("read", disk.read(Sector(2), &mut back));
        case.holds("the bytes are those written", back == data);
        let mut middle = vec![0; size];
        case.ok("read", disk.read(Sector(3), &mut middle));
        case.holds("so are those of one sector", middle == data[size..2 * size]);
    });
    suite.case("the neighbours of a write stay as they were", |case, disk| {
        let size = disk.sector_size();
        let mut model = Numbers(4).bytes(bytes(&disk));
        case.ok("write", disk.write(Sector(0), &model));
        case.ok("write", disk.write(Sector(5), &vec![0; size]));
        model[5 * size..6 * size].fill(0);
        contents(case, &disk, &model);
    });
    suite.case("the first and the last sector are there", |case, disk| {
        let size = disk.sector_size();
        let last = Sector(disk.sector_count() - 1);
        case.ok("write", disk.write(Sector(0), &vec![1; size]));
        case.ok("write", disk.write(last, &vec![2; size]));
        let mut model = vec![0; bytes(&disk)];
        let end = model.len();
        model[..size].fill(1);
        model[end - size..].fill(2);
        contents(case, &disk, &model);
    });
    suite.case("nothing to transfer is no error", |case, disk| {
        case.ok("read", disk.read(Sector(1), &mut []));
        case.ok("write", disk.write(Sector(1), &[]));
        case.ok("write_durable", disk.write_durable(Sector(1), &[]));
        contents(case, &disk, &vec![0; bytes(&disk)]);
    });
    suite.case("buffers that are not whole sectors are refused", |case, disk| {
        let size = disk.sector_size();
        for len in [1, size - 1, size + 1, 3 * size - 1].into_iter().filter(|len| len % size > 0) {
            let read = disk.read(Sector(0), &mut vec![0; len]);
            case.fails("read", read, ErrorKind::InvalidInput);
            let write = disk.write(Sector(0), &vec![1; len]);
            case.fails("write", write, ErrorKind::InvalidInput);
            let write = disk.write_durable(Sector(0), &vec![1; len]);
            case.fails("write_durable", write, ErrorKind::InvalidInput);
        }
        contents(case, &disk, &vec![0; bytes(&disk)]);
    });
    suite.case(
        "sectors that are not there are refused, and nothing is transferred",
        |case, disk| {
            let (size, count) = (disk.sector_size(), disk.sector_count());
            let far = [count, count + 1, u64::MAX / size as u64, u64::MAX - 1, u64::MAX];
            let over = (count - 1, 2);
            for (first, sectors) in far.map(|first| (first, 1)).into_iter().chain([over]) {
                let mut buffer = vec![1; sectors * size];
                let read = disk.read(Sector(first), &mut buffer);
                case.fails("read", read, ErrorKind::InvalidInput);
                let write = disk.write(Sector(first), &vec![1; sectors * size]);
                case.fails("write", write, ErrorKind::InvalidInput);
            }
            contents(case, &disk, &vec![0; bytes(&disk)]);
        },
    );
    suite.case("flushing changes nothing", |case, disk| {
        case.ok("flush of nothing", disk.flush());
        let model = Numbers(5).bytes(bytes(&disk));
        case.ok("write", disk.write(Sector(0), &model));
        case.ok("flush", disk.flush());
        contents(case, &disk, &model);
    });
    suite.case("a durable write is a write", |case, disk| {
        let model = Numbers(6).bytes(bytes(&disk));
        case.ok("write_durable", disk.write_durable(Sector(0), &model));
        contents(case, &disk, &model);
    });
    suite.case("a discard leaves its neighbours alone, and can be written over", |case, disk| {
        let size = disk.sector_size();
        let mut model = Numbers(7).bytes(bytes(&disk));
        case.ok("write", disk.write(Sector(0), &model));
        case.ok("discard", disk.discard(Sector(3), 2));
        let data = vec![9; 2 * size];
        case.ok("write", disk.write(Sector(3), &data));
        model[3 * size..5 * size].copy_from_slice(&data);
        contents(case, &disk, &model);
    });
    suite.case("it is as bytes in memory are, over many moves", |case, disk| {
        let (size, count) = (disk.sector_size(), disk.sector_count() as usize);
        let mut numbers = Numbers(8);
        let mut model = vec![0; bytes(&disk)];
        for _ in 0..200 {
            let first = numbers.below(count);
            let sectors = numbers.below(8).min(count - first);
            let range = first * size..(first + sectors) * size;
            let sector = Sector(first as u64);
            match numbers.below(4) {
                0 => {
                    let mut back = vec![0; sectors * size];
                    case.ok("read", disk.read(sector, &mut back));
                    case.holds("the bytes are those written", back == model[range]);
                }
                1 => case.ok("flush", disk.flush()),
                _ => {
                    let data = numbers.bytes(sectors * size);
                    case.ok("write", disk.write(sector, &data));
                    model[range].copy_from_slice(&data);
                }
            }
        }
        contents(case, &disk, &model);
    });
}

fn bytes(disk: &impl BlockDevice) -> usize {
    disk.sector_count() as usize * disk.sector_size()
}

#[track_caller]
fn contents(case: &Case<'_>, disk: &impl BlockDevice, expected: &[u8]) {
    let mut bytes = vec![0xEE; expected.len()];
    case.ok("read", disk.read(Sector(0), &mut bytes));
    let differs = bytes.iter().zip(expected).position(|(got, expected)| got != expected);
    case.same("the first byte that differs", differs, None);
}
