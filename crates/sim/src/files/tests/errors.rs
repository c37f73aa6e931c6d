//! Error numbers are those of Linux.

use alloc::vec;
use alloc::vec::Vec;

use headcrash_engine::Errno;

use super::super::{EntryKind, FileCx, FileId, FileSystem};
use super::contract;
use crate::Calm;

/// `file` and `dir/inner` are files, `empty` is a directory.
fn with_files<T>(test: impl FnOnce(&mut FileSystem, &mut FileCx<'_>) -> T) -> T {
    let cx = &mut FileCx { choices: &mut Calm, witness: &mut |_| {} };
    let mut files = FileSystem::new("test", contract("posix_strict"));
    for directory in ["dir", "empty"] {
        files.mkdir(directory, cx).unwrap();
    }
    for file in ["file", "dir/inner"] {
        let file = files.create(file, true, cx).unwrap();
        files.close(file).unwrap();
    }
    test(&mut files, cx)
}

#[test]
fn opening_and_creating() {
    with_files(|files, cx| {
        assert_eq!(files.create("file", true, cx), Err(Errno::EEXIST));
        assert_eq!(files.create("dir", true, cx), Err(Errno::EEXIST));
        assert_eq!(files.create("dir", false, cx), Err(Errno::EISDIR));
        assert_eq!(files.create("/", false, cx), Err(Errno::EISDIR));
        assert_eq!(files.create("new/", false, cx), Err(Errno::EISDIR));
        assert_eq!(files.create("none/new", false, cx), Err(Errno::ENOENT));
        assert_eq!(files.create("file/new", false, cx), Err(Errno::ENOTDIR));
        assert_eq!(files.open("none", cx), Err(Errno::ENOENT));
        assert_eq!(files.open("", cx), Err(Errno::ENOENT));
        assert_eq!(files.open("dir", cx), Err(Errno::EISDIR));
        assert_eq!(files.open("file/", cx), Err(Errno::ENOTDIR));
        assert_eq!(files.open(&"n".repeat(256), cx), Err(Errno::ENAMETOOLONG));
        assert_eq!(files.mkdir("file", cx), Err(Errno::EEXIST));
        assert_eq!(files.mkdir("/", cx), Err(Errno::EEXIST));
        assert_eq!(files.list("file", cx), Err(Errno::ENOTDIR));
        assert_eq!(files.sync_dir("none", cx), Err(Errno::ENOENT));
        let names: Vec<_> = files.list("/", cx).unwrap();
        let names: Vec<_> = names.iter().map(|entry| (&*entry.name, entry.kind)).collect();
        let (file, directory) = (EntryKind::File, EntryKind::Directory);
        assert_eq!(names, [("dir", directory), ("empty", directory), ("file", file)]);
    });
}

#[test]
fn removing() {
    with_files(|files, cx| {
        assert_eq!(files.unlink("none", cx), Err(Errno::ENOENT));
        assert_eq!(files.unlink("dir", cx), Err(Errno::EISDIR));
        assert_eq!(files.unlink("file/", cx), Err(Errno::ENOTDIR));
        assert_eq!(files.rmdir("file", cx), Err(Errno::ENOTDIR));
        assert_eq!(files.rmdir("dir", cx), Err(Errno::ENOTEMPTY));
        assert_eq!(files.rmdir("/", cx), Err(Errno::EBUSY));
        assert_eq!(files.unlink("dir/inner", cx), Ok(()));
        assert_eq!(files.rmdir("dir", cx), Ok(()));
        assert_eq!(files.lookup("dir", cx), Err(Errno::ENOENT));
    });
}

#[test]
fn renaming() {
    with_files(|files, cx| {
        assert_eq!(files.rename("none", "new", cx), Err(Errno::ENOENT));
        assert_eq!(files.rename("file", "none/new", cx), Err(Errno::ENOENT));
        assert_eq!(files.rename("file", "dir", cx), Err(Errno::EISDIR));
        assert_eq!(files.rename("dir", "file", cx), Err(Errno::ENOTDIR));
        assert_eq!(files.rename("empty", "dir", cx), Err(Errno::ENOTEMPTY));
        assert_eq!(files.rename("dir", "dir/inside", cx), Err(Errno::EINVAL));
        assert_eq!(files.rename("dir/inner", "dir", cx), Err(Errno::ENOTEMPTY));
        assert_eq!(files.rename("/", "new", cx), Err(Errno::EBUSY));
        assert_eq!(files.rename("file", "new/", cx), Err(Errno::ENOTDIR));
        assert_eq!(files.rename("file", "file", cx), Ok(()));
        assert_eq!(files.rename("dir", "empty", cx), Ok(()));
        assert_eq!(files.lookup("empty/inner", cx).map(|(_, kind)| kind), Ok(EntryKind::File));
    });
}

#[test]
fn reading_and_writing() {
    with_files(|files, cx| {
        let file = files.open("file", cx).unwrap();
        files.write_at(file, 3, b"abc", cx).unwrap();
        let mut bytes = [1; 8];
        assert_eq!(files.read_at(file, 2, &mut bytes, cx), Ok(4));
        assert_eq!(&bytes, b"\0abc\x01\x01\x01\x01", "short at the end, zeroes in a hole");
        assert_eq!(files.read_at(file, 6, &mut bytes, cx), Ok(0));
        assert_eq!(files.read_at(file, u64::MAX, &mut bytes, cx), Err(Errno::EINVAL));
        assert_eq!(files.write_at(file, u64::MAX, b"x", cx), Err(Errno::EINVAL));
        assert_eq!(files.write_at(file, FileSystem::MAX_LEN, b"x", cx), Err(Errno::EFBIG));
        assert_eq!(files.set_len(file, FileSystem::MAX_LEN + 1, cx), Err(Errno::EFBIG));
        assert_eq!(files.set_len(file, FileSystem::MAX_LEN, cx), Ok(()));
        assert_eq!(files.len(file, cx), Ok(FileSystem::MAX_LEN));
    });
}

#[test]
fn what_is_not_open_is_a_bad_file() {
    with_files(|files, cx| {
        let file = files.open("file", cx).unwrap();
        files.close(file).unwrap();
        assert_eq!(files.close(file), Err(Errno::EBADF));
        let file = files.open("file", cx).unwrap();
        files.power_cut();
        for file in [file, FileId::from_number(99)] {
            assert_eq!(files.len(file, cx), Err(Errno::EBADF));
            assert_eq!(files.read_at(file, 0, &mut [0], cx), Err(Errno::EBADF));
            assert_eq!(files.write_at(file, 0, &[0], cx), Err(Errno::EBADF));
            assert_eq!(files.set_len(file, 0, cx), Err(Errno::EBADF));
            assert_eq!(files.sync_data(file), Err(Errno::EBADF));
            assert_eq!(files.sync_all(file), Err(Errno::EBADF));
        }
    });
}

#[test]
fn a_long_write_grows_a_file_in_few_steps() {
    with_files(|files, cx| {
        files.sync();
        let file = files.open("file", cx).unwrap();
        files.write_at(file, 0, &vec![7; 1 << 20], cx).unwrap();
        files.power_cut();
        let mut candidates = 0;
        let witness = &mut |resolved: super::super::Resolved| candidates = resolved.candidates;
        let cx = &mut FileCx { choices: &mut Calm, witness };
        let file = files.open("file", cx).unwrap();
        assert_eq!(files.len(file, cx), Ok(1 << 20));
        assert_eq!(candidates, 33);
    });
}
