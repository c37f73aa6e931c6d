//! Real disks and directories: what they refuse, and what they pass on.

use std::fs;
use std::io::{self, ErrorKind};

use headcrash_io::{BlockDevice, Directory, File, FileDisk, RealDirectory, Sector};
use tempfile::{TempDir, tempdir};

fn folder() -> TempDir {
    tempdir().expect("there is room for a folder")
}

fn kind<T>(answer: io::Result<T>) -> Option<ErrorKind> {
    answer.err().map(|error| error.kind())
}

#[test]
fn a_disk_is_there_when_it_is_opened_again() {
    let folder = folder();
    let path = folder.path().join("disk");
    let disk = FileDisk::create(&path, 512, 8).expect("there is room");
    disk.write(Sector(7), &[7; 512]).expect("it is written");
    disk.flush().expect("it is flushed");
    drop(disk);
    let disk = FileDisk::open(&path, 1024).expect("its length is whole sectors");
    assert_eq!((disk.sector_size(), disk.sector_count()), (1024, 4));
    let mut sector = [0; 1024];
    disk.read(Sector(3), &mut sector).expect("it is read");
    assert_eq!(sector[..512], [0; 512]);
    assert_eq!(sector[512..], [7; 512]);
}

#[test]
fn a_disk_is_never_made_over_another() {
    let folder = folder();
    let path = folder.path().join("disk");
    fs::write(&path, "precious").expect("there is room");
    assert_eq!(kind(FileDisk::create(&path, 512, 8)), Some(ErrorKind::AlreadyExists));
    assert_eq!(fs::read(&path).expect("it is read"), b"precious");
}

#[test]
fn a_length_that_is_not_whole_sectors_is_an_error() {
    let folder = folder();
    let path = folder.path().join("disk");
    fs::write(&path, [0; 1000]).expect("there is room");
    assert_eq!(kind(FileDisk::open(&path, 512)), Some(ErrorKind::InvalidData));
    let disk = FileDisk::open(&path, 500).expect("its length is whole sectors");
    assert_eq!(disk.sector_count(), 2);
}

#[test]
fn a_disk_of_no_size_or_too_much_is_refused() {
    let folder = folder();
    let path = folder.path().join("disk");
    assert_eq!(kind(FileDisk::create(&path, 0, 8)), Some(ErrorKind::InvalidInput));
    assert_eq!(kind(FileDisk::create(&path, 512, u64::MAX)), Some(ErrorKind::InvalidInput));
    assert_eq!(kind(FileDisk::create(&path, 2, 1 << 62)), Some(ErrorKind::InvalidInput));
    assert!(!path.exists(), "nothing is made of what is refused");
    fs::write(&path, [0; 512]).expect("there is room");
    assert_eq!(kind(FileDisk::open(&path, 0)), Some(ErrorKind::InvalidInput));
}

#[test]
fn errors_of_the_machine_keep_their_number() {
    let folder = folder();
    let missing = folder.path().join("missing");
    let error = FileDisk::open(&missing, 512).expect_err("it is not there");
    let same = fs::File::open(&missing).expect_err("it is not there");
    assert_eq!(error.raw_os_error(), same.raw_os_error());
    assert!(error.raw_os_error().is_some());
    let error = RealDirectory::new(folder.path()).open("missing").expect_err("it is not there");
    assert_eq!(error.raw_os_error(), same.raw_os_error());
}

#[test]
fn a_disk_cut_off_by_someone_else_says_so() {
    let folder = folder();
    let path = folder.path().join("disk");
    let disk = FileDisk::create(&path, 512, 8).expect("there is room");
    let file = fs::OpenOptions::new().write(true).open(&path).expect("it is there");
    file.set_len(700).expect("it is cut off");
    let answer = disk.read(Sector(1), &mut [0; 512]);
    assert_eq!(kind(answer), Some(ErrorKind::UnexpectedEof));
}

#[test]
fn a_directory_is_looked_at_when_something_is_done_in_it() {
    let folder = folder();
    let dir = RealDirectory::new(folder.path().join("later"));
    assert!(!dir.exists("").expect("it can be asked"));
    assert_eq!(kind(dir.list("")), Some(ErrorKind::NotFound));
    assert_eq!(kind(dir.create("a")), Some(ErrorKind::NotFound));
    fs::create_dir(dir.root()).expect("there is room");
    dir.create("a").expect("there is room").write_all_at(b"x", 0).expect("it is written");
    assert_eq!(fs::read(dir.root().join("a")).expect("it is there"), b"x");
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_no_text_is_an_error_of_the_list() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder();
    let name = std::ffi::OsStr::from_bytes(&[b'a', 0xFF]);
    fs::write(folder.path().join(name), "").expect("there is room");
    let dir = RealDirectory::new(folder.path());
    assert_eq!(kind(dir.list("")), Some(ErrorKind::InvalidData));
}

#[test]
fn a_name_with_a_zero_byte_is_an_error() {
    let folder = folder();
    let dir = RealDirectory::new(folder.path());
    assert_eq!(kind(dir.create("a\0b")), Some(ErrorKind::InvalidInput));
}
