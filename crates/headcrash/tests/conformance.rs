//! Simulated files, directories and disks do what is asked of real ones: a mock that is kinder than
//! the real thing hides bugs.

use std::cell::Cell;

use headcrash::io::{BlockFile, Cursor, Directory, conformance};
use headcrash::{Check, Disk, FileSystem, SimDisk, SimFile, World, simulate};

/// More than any suite has cases.
const FRESH: usize = 40;

const CONTRACTS: [&str; 4] = ["posix_strict", "xfs", "ext4_ordered", "journaled_data"];

/// Nothing goes wrong: one run says all.
fn once(check: Check) {
    check.seeds(0..1).run();
}

fn on_each_file_system(code: fn(&World)) {
    for contract in CONTRACTS {
        once(simulate(code).file_system("fs", FileSystem::contract(contract)));
    }
}

/// Makes files, each of another name.
fn files(world: &World) -> impl FnMut() -> SimFile {
    let files = world.files("fs");
    let count = Cell::new(0);
    move || {
        count.set(count.get() + 1);
        files.create_new(&count.get().to_string()).expect("there is none of that name")
    }
}

/// Takes one disk after the other.
fn disks(world: &World) -> impl FnMut() -> SimDisk {
    let storage = world.storage();
    let mut places = 0..FRESH;
    move || storage.disk_at(places.next().expect("there are more than cases"))
}

fn on_disks(sector: u64, count: u64, code: impl Fn(&World) + Send + Sync + 'static) {
    let mut check = simulate(code);
    for place in 0..FRESH {
        let disk = Disk::new(sector * count).sector(sector);
        check = check.disk(&format!("d{place}"), disk);
    }
    once(check);
}

#[test]
fn files_in_a_file_system() {
    on_each_file_system(|world| conformance::file("SimFile", files(world)));
}

#[test]
fn files_with_a_position() {
    on_each_file_system(|world| {
        let mut fresh = files(world);
        conformance::cursor("Cursor over SimFile", || Cursor::new(fresh()));
    });
}

#[test]
fn directories() {
    for contract in CONTRACTS {
        let mut check = simulate(|world| {
            let places = Cell::new(0);
            conformance::directory("SimFiles", || {
                places.set(places.get() + 1);
                world.files(&format!("fs{}", places.get()))
            });
        });
        for place in 1..=FRESH {
            check = check.file_system(&format!("fs{place}"), FileSystem::contract(contract));
        }
        once(check);
    }
}

#[test]
fn disks_of_sectors() {
    for (sector, count) in [(512, 64), (4096, 9)] {
        on_disks(sector, count, |world| conformance::block_device("SimDisk", disks(world)));
    }
}

#[test]
fn files_on_disks() {
    for (sector, count) in [(512, 64), (4096, 3)] {
        on_disks(sector, count, move |world| {
            let mut fresh = disks(world);
            let name = format!("BlockFile over {count} sectors of {sector}");
            conformance::fixed_file(&name, (sector * count) as usize, || BlockFile::new(fresh()));
        });
    }
}
