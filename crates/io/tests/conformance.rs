//! The real ones do what is asked of the simulated ones.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use headcrash_io::{
    BlockDevice, BlockFile, Cursor, FileDisk, Partition, RealDirectory, Sector, conformance,
};
use tempfile::{TempDir, tempdir, tempfile};

fn folder() -> TempDir {
    tempdir().expect("there is room for a folder")
}

fn file() -> std::fs::File {
    tempfile().expect("there is room for a file")
}

/// Makes disks in one folder, which has to outlive them.
fn disks(folder: &TempDir, sector_size: usize, sector_count: u64) -> impl FnMut() -> FileDisk {
    let count = Cell::new(0);
    move || {
        count.set(count.get() + 1);
        let path = folder.path().join(format!("disk{}", count.get()));
        FileDisk::create(path, sector_size, sector_count).expect("there is room for a disk")
    }
}

#[test]
fn files_of_std() {
    conformance::file("std::fs::File", file);
}

#[test]
fn files_behind_pointers() {
    conformance::file("Arc", || Arc::new(file()));
    conformance::file("Rc", || Rc::new(file()));
    conformance::file("Box of one that is not named", || {
        Box::new(file()) as Box<dyn headcrash_io::File>
    });
    let files: Vec<_> = (0..32).map(|_| file()).collect();
    let mut files = files.iter();
    conformance::file("a reference", || files.next().expect("there are more than cases"));
}

#[test]
fn directories_of_the_machine() {
    let folder = folder();
    let count = Cell::new(0);
    let fresh = || {
        count.set(count.get() + 1);
        let root = folder.path().join(count.get().to_string());
        std::fs::create_dir(&root).expect("there is room for a folder");
        RealDirectory::new(root)
    };
    conformance::directory("RealDirectory", fresh);
    conformance::directory("Arc", || Arc::new(fresh()));
    conformance::directory("Rc", || Rc::new(fresh()));
    conformance::directory("Box", || Box::new(fresh()));
}

#[test]
fn the_position_of_std_itself() {
    conformance::cursor("std::fs::File", file);
}

#[test]
fn cursors() {
    conformance::cursor("Cursor", || Cursor::new(file()));
    conformance::cursor("Cursor over Arc", || Cursor::new(Arc::new(file())));
}

#[test]
fn disks_in_files() {
    let (small, large, odd) = (folder(), folder(), folder());
    conformance::block_device("FileDisk", disks(&small, 512, 64));
    conformance::block_device("FileDisk of 4 KiB", disks(&large, 4096, 9));
    conformance::block_device("FileDisk of 1 byte", disks(&odd, 1, 100));
}

#[test]
fn parts_of_disks() {
    let folder = folder();
    let mut fresh = disks(&folder, 512, 64);
    conformance::block_device("Partition", || {
        Partition::new(fresh(), 8..40).expect("it has so many")
    });
    let other = self::folder();
    let disk = disks(&other, 512, 64)();
    for sectors in [0..65, 64..65] {
        assert!(Partition::new(&disk, sectors).is_err());
    }
    let part = Partition::new(&disk, 63..64).expect("it has one");
    part.write(Sector(0), &[7; 512]).expect("there is room");
    let mut bytes = [0; 512];
    disk.read(Sector(63), &mut bytes).expect("it can be read");
    assert_eq!(bytes, [7; 512]);
    assert!(part.write(Sector(1), &[7; 512]).is_err());
    assert!(part.discard(Sector(0), 2).is_err());
}

#[test]
fn disks_behind_pointers() {
    let folder = folder();
    let mut fresh = disks(&folder, 512, 16);
    conformance::block_device("Arc", || Arc::new(fresh()));
    conformance::block_device("Rc", || Rc::new(fresh()));
    conformance::block_device("Box of one that is not named", || {
        Box::new(fresh()) as Box<dyn BlockDevice>
    });
}

#[test]
fn files_on_disks() {
    for (sector_size, sector_count) in [(512, 64), (4096, 3), (1000, 5), (1, 3000)] {
        let folder = folder();
        let mut fresh = disks(&folder, sector_size, sector_count);
        let name = format!("BlockFile over {sector_count} sectors of {sector_size}");
        let len = sector_size * sector_count as usize;
        conformance::fixed_file(&name, len, || BlockFile::new(fresh()));
    }
}
