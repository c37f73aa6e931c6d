//! Simulated files, directories and disks do what is asked of real ones: a mock that is kinder than
//! the real thing hides bugs.

use std::cell::Cell;
use std::io;

use headcrash::io::{BlockFile, Cursor, Directory, conformance};
use headcrash::{Check, Disk, FileSystem, SimDisk, SimFile, SimFiles, World, simulate};

/// More than any suite has cases.
const FRESH: usize = 16;

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

/// A directory in the root as if it were one: there are fewer file systems than cases.
struct Below {
    files: SimFiles,
    root: String,
}

impl Below {
    /// What the directory itself is called, only where it may be named.
    fn at(&self, path: &str) -> String {
        if path.is_empty() { self.root.clone() } else { format!("{}/{path}", self.root) }
    }

    fn below(&self, path: &str) -> String {
        if path.is_empty() { String::new() } else { self.at(path) }
    }
}

impl Directory for Below {
    type File = SimFile;

    fn create(&self, path: &str) -> io::Result<SimFile> {
        self.files.create(&self.below(path))
    }

    fn create_new(&self, path: &str) -> io::Result<SimFile> {
        self.files.create_new(&self.below(path))
    }

    fn open(&self, path: &str) -> io::Result<SimFile> {
        self.files.open(&self.below(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.files.rename(&self.below(from), &self.below(to))
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        self.files.remove_file(&self.below(path))
    }

    fn make_dir(&self, path: &str) -> io::Result<()> {
        self.files.make_dir(&self.below(path))
    }

    fn remove_dir(&self, path: &str) -> io::Result<()> {
        self.files.remove_dir(&self.below(path))
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.files.list(&self.at(path))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        self.files.exists(&self.at(path))
    }

    fn len_of(&self, path: &str) -> io::Result<u64> {
        self.files.len_of(&self.below(path))
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.files.sync_dir(&self.at(path))
    }
}

#[test]
fn directories() {
    on_each_file_system(|world| {
        let count = Cell::new(0);
        conformance::directory("SimFiles", || {
            count.set(count.get() + 1);
            let (files, root) = (world.files("fs"), format!("root{}", count.get()));
            files.make_dir(&root).expect("there is none of that name");
            Below { files, root }
        });
    });
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
