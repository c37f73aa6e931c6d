//! Directories.

use std::io::ErrorKind;

use super::{Case, Suite};
use crate::{Directory, File};

/// What a [`Directory`] does. `fresh` makes an empty one.
///
/// # Panics
///
/// At the first case that comes out otherwise, with its name.
pub fn directory<D: Directory>(name: &str, fresh: impl FnMut() -> D) {
    let mut suite = Suite { implementation: name, fresh };

    suite.case("a new one is empty", |case, dir| {
        lists(case, &dir, "", &[]);
        case.holds("it is there itself", case.ok("exists", dir.exists("")));
        exists(case, &dir, "a", false);
    });
    suite.case("what was created is there, and empty", |case, dir| {
        let file = case.ok("create", dir.create("a"));
        case.same("length", case.ok("len", file.len()), 0);
        exists(case, &dir, "a", true);
        lists(case, &dir, "", &["a"]);
    });
    suite.case("creating what exists opens it", |case, dir| {
        write(case, &dir, "a", b"kept");
        let file = case.ok("create", dir.create("a"));
        case.same("length", case.ok("len", file.len()), 4);
        holds(case, &dir, "a", b"kept");
    });
    suite.case("creating anew what exists is refused", |case, dir| {
        write(case, &dir, "a", b"kept");
        case.ok("make_dir", dir.make_dir("d"));
        for name in ["a", "d"] {
            case.fails("create_new", dir.create_new(name), ErrorKind::AlreadyExists);
        }
        holds(case, &dir, "a", b"kept");
        let file = case.ok("create_new of another", dir.create_new("b"));
        case.same("length", case.ok("len", file.len()), 0);
        lists(case, &dir, "", &["a", "b", "d"]);
    });
    suite.case("what is not there is not found", |case, dir| {
        case.fails("open", dir.open("a"), ErrorKind::NotFound);
        case.fails("len_of", dir.len_of("a"), ErrorKind::NotFound);
        case.fails("remove_file", dir.remove_file("a"), ErrorKind::NotFound);
        case.fails("remove_dir", dir.remove_dir("a"), ErrorKind::NotFound);
        case.fails("rename", dir.rename("a", "b"), ErrorKind::NotFound);
        case.fails("list", dir.list("a"), ErrorKind::NotFound);
        case.fails("sync_dir", dir.sync_dir("a"), ErrorKind::NotFound);
        lists(case, &dir, "", &[]);
    });
    suite.case("nothing is made in a directory that is not there", |case, dir| {
        case.fails("create", dir.create("d/a"), ErrorKind::NotFound);
        case.fails("create_new", dir.create_new("d/a"), ErrorKind::NotFound);
        case.fails("make_dir", dir.make_dir("d/a"), ErrorKind::NotFound);
        write(case, &dir, "a", b"kept");
        case.fails("rename", dir.rename("a", "d/a"), ErrorKind::NotFound);
        exists(case, &dir, "d", false);
        holds(case, &dir, "a", b"kept");
    });
    suite.case("two handles are of one file", |case, dir| {
        let one = case.ok("create", dir.create("a"));
        let other = case.ok("open", dir.open("a"));
        case.ok("write", one.write_all_at(b"shared", 0));
        is(case, &other, b"shared");
        case.ok("set_len", other.set_len(2));
        is(case, &one, b"sh");
        case.same("length", case.ok("len_of", dir.len_of("a")), 2);
    });
    suite.case("a renamed file has its new name alone", |case, dir| {
        write(case, &dir, "a", b"moved");
        case.ok("rename", dir.rename("a", "b"));
        exists(case, &dir, "a", false);
        holds(case, &dir, "b", b"moved");
        lists(case, &dir, "", &["b"]);
    });
    suite.case("renaming replaces a file", |case, dir| {
        write(case, &dir, "new", b"newer");
        write(case, &dir, "old", b"older and longer");
        case.ok("rename", dir.rename("new", "old"));
        holds(case, &dir, "old", b"newer");
        lists(case, &dir, "", &["old"]);
    });
    suite.case("renaming to its own name changes nothing", |case, dir| {
        write(case, &dir, "a", b"kept");
        case.ok("rename", dir.rename("a", "a"));
        holds(case, &dir, "a", b"kept");
    });
    suite.case("a handle follows its file to a new name", |case, dir| {
        let file = case.ok("create", dir.create("a"));
        case.ok("rename", dir.rename("a", "b"));
        case.ok("write", file.write_all_at(b"later", 0));
        case.ok("sync_all", file.sync_all());
        holds(case, &dir, "b", b"later");
        write(case, &dir, "a", b"another");
        is(case, &file, b"later");
    });
    suite.case("a replaced file goes on for who has it open", |case, dir| {
        write(case, &dir, "a", b"before");
        let before = case.ok("open", dir.open("a"));
        write(case, &dir, "b", b"after");
        case.ok("rename", dir.rename("b", "a"));
        is(case, &before, b"before");
        case.ok("write", before.write_all_at(b"BE", 0));
        is(case, &before, b"BEfore");
        holds(case, &dir, "a", b"after");
    });
    suite.case("a removed file goes on for who has it open", |case, dir| {
        write(case, &dir, "a", b"before");
        let before = case.ok("open", dir.open("a"));
        case.ok("remove_file", dir.remove_file("a"));
        exists(case, &dir, "a", false);
        lists(case, &dir, "", &[]);
        case.ok("write", before.write_all_at(b", still", 6));
        case.ok("sync_all", before.sync_all());
        is(case, &before, b"before, still");
        let after = case.ok("create_new", dir.create_new("a"));
        is(case, &after, b"");
        is(case, &before, b"before, still");
    });
    suite.case("what is removed is gone for good", |case, dir| {
        write(case, &dir, "a", b"gone");
        case.ok("remove_file", dir.remove_file("a"));
        case.fails("remove_file", dir.remove_file("a"), ErrorKind::NotFound);
        case.fails("open", dir.open("a"), ErrorKind::NotFound);
        let file = case.ok("create", dir.create("a"));
        is(case, &file, b"");
    });
    suite.case("names are listed in the order of their bytes", |case, dir| {
        for name in ["b", "a10", "a2", "Z", "a", "\u{e9}", "z", "_"] {
            case.ok("create", dir.create(name));
        }
        case.ok("make_dir", dir.make_dir("m"));
        let expected = ["Z", "_", "a", "a10", "a2", "b", "m", "z", "\u{e9}"];
        lists(case, &dir, "", &expected);
    });
    suite.case("directories hold names of their own", |case, dir| {
        case.ok("make_dir", dir.make_dir("d"));
        case.ok("make_dir", dir.make_dir("d/e"));
        write(case, &dir, "a", b"outer");
        write(case, &dir, "d/a", b"inner");
        write(case, &dir, "d/e/a", b"innermost");
        lists(case, &dir, "", &["a", "d"]);
        lists(case, &dir, "d", &["a", "e"]);
        lists(case, &dir, "d/e", &["a"]);
        holds(case, &dir, "a", b"outer");
        holds(case, &dir, "d/a", b"inner");
        holds(case, &dir, "d/e/a", b"innermost");
        case.ok("rename", dir.rename("d/e/a", "b"));
        lists(case, &dir, "d/e", &[]);
        holds(case, &dir, "b", b"innermost");
    });
    suite.case("a renamed directory takes along what it holds", |case, dir| {
        case.ok("make_dir", dir.make_dir("d"));
        write(case, &dir, "d/a", b"along");
        case.ok("rename", dir.rename("d", "e"));
        exists(case, &dir, "d", false);
        holds(case, &dir, "e/a", b"along");
        lists(case, &dir, "", &["e"]);
    });
    suite.case("a directory is made once", |case, dir| {
        case.ok("make_dir", dir.make_dir("d"));
        case.fails("make_dir", dir.make_dir("d"), ErrorKind::AlreadyExists);
        write(case, &dir, "a", b"a file");
        case.fails("make_dir", dir.make_dir("a"), ErrorKind::AlreadyExists);
    });
    suite.case("only an empty directory is removed", |case, dir| {
        case.ok("make_dir", dir.make_dir("d"));
        write(case, &dir, "d/a", b"here");
        case.fails("remove_dir", dir.remove_dir("d"), ErrorKind::DirectoryNotEmpty);
        case.ok("remove_file", dir.remove_file("d/a"));
        case.ok("remove_dir", dir.remove_dir("d"));
        exists(case, &dir, "d", false);
    });
    suite.case("files and directories are not taken for each other", |case, dir| {
        write(case, &dir, "a", b"kept");
        case.ok("make_dir", dir.make_dir("d"));
        write(case, &dir, "d/b", b"kept");
        case.error("open of a directory", dir.open("d"));
        case.error("create of a directory", dir.create("d"));
        case.error("len_of a directory", dir.len_of("d"));
        case.error("remove_file of a directory", dir.remove_file("d"));
        case.error("remove_dir of a file", dir.remove_dir("a"));
        case.fails("list of a file", dir.list("a"), ErrorKind::NotADirectory);
        case.fails("sync_dir of a file", dir.sync_dir("a"), ErrorKind::NotADirectory);
        case.error("create in a file", dir.create("a/b"));
        case.error("open in a file", dir.open("a/b"));
        case.error("rename of a file over a directory", dir.rename("a", "d"));
        case.error("rename of a directory over a full one", {
            case.ok("make_dir", dir.make_dir("e"));
            dir.rename("e", "d")
        });
        case.error("rename of a directory into itself", dir.rename("d", "d/e"));
        holds(case, &dir, "a", b"kept");
        holds(case, &dir, "d/b", b"kept");
        lists(case, &dir, "", &["a", "d", "e"]);
    });
    suite.case("syncing changes nothing", |case, dir| {
        case.ok("make_dir", dir.make_dir("d"));
        write(case, &dir, "d/a", b"kept");
        case.ok("sync_dir", dir.sync_dir("d"));
        case.ok("sync_dir of itself", dir.sync_dir(""));
        holds(case, &dir, "d/a", b"kept");
        lists(case, &dir, "", &["d"]);
    });
    suite.case("paths stay inside", |case, dir| {
        case.ok("make_dir", dir.make_dir("d"));
        write(case, &dir, "a", b"kept");
        for path in ["..", "../a", "d/..", "d/../a", "/a", "/", ".", "./a", "d/", "d//a"] {
            case.fails(path, dir.create(path), ErrorKind::InvalidInput);
            case.fails(path, dir.create_new(path), ErrorKind::InvalidInput);
            case.fails(path, dir.open(path), ErrorKind::InvalidInput);
            case.fails(path, dir.rename(path, "b"), ErrorKind::InvalidInput);
            case.fails(path, dir.rename("a", path), ErrorKind::InvalidInput);
            case.fails(path, dir.remove_file(path), ErrorKind::InvalidInput);
            case.fails(path, dir.make_dir(path), ErrorKind::InvalidInput);
            case.fails(path, dir.remove_dir(path), ErrorKind::InvalidInput);
            case.fails(path, dir.list(path), ErrorKind::InvalidInput);
            case.fails(path, dir.exists(path), ErrorKind::InvalidInput);
            case.fails(path, dir.sync_dir(path), ErrorKind::InvalidInput);
        }
        case.fails("create of itself", dir.create(""), ErrorKind::InvalidInput);
        case.fails("rename of itself", dir.rename("", "b"), ErrorKind::InvalidInput);
        case.fails("remove_dir of itself", dir.remove_dir(""), ErrorKind::InvalidInput);
        lists(case, &dir, "", &["a", "d"]);
    });
}

#[track_caller]
fn lists(case: &Case<'_>, dir: &impl Directory, path: &str, expected: &[&str]) {
    let names = case.ok("list", dir.list(path));
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    case.same("names", &*names, expected);
}

#[track_caller]
fn exists(case: &Case<'_>, dir: &impl Directory, path: &str, expected: bool) {
    case.same(path, case.ok("exists", dir.exists(path)), expected);
}

#[track_caller]
fn write(case: &Case<'_>, dir: &impl Directory, path: &str, data: &[u8]) {
    let file = case.ok("create", dir.create(path));
    case.ok("write", file.write_all_at(data, 0));
}

/// What is under a name.
#[track_caller]
fn holds(case: &Case<'_>, dir: &impl Directory, path: &str, expected: &[u8]) {
    is(case, &case.ok("open", dir.open(path)), expected);
    case.same("length", case.ok("len_of", dir.len_of(path)), expected.len() as u64);
}

/// What an open file holds.
#[track_caller]
fn is(case: &Case<'_>, file: &impl File, expected: &[u8]) {
    let len = case.ok("len", file.len());
    case.same("length", len, expected.len() as u64);
    let mut bytes = vec![0; expected.len()];
    case.ok("read", file.read_exact_at(&mut bytes, 0));
    case.same("bytes", &*bytes, expected);
}
