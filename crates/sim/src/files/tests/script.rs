//! Scripts: one operation after another, as text.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::super::{EntryKind, FileContract, FileCx, FileId, FileSystem};
use crate::{Calm, Choices, Key, Point};

/// What is in a file system: paths, which inode it is, and bytes if it is a file.
pub(super) type Tree = BTreeMap<String, (u32, Option<Vec<u8>>)>;

/// One operation: a verb and its arguments.
#[derive(Clone, Debug)]
pub(super) struct Op {
    pub verb: String,
    pub path: String,
    pub other: String,
    pub number: u64,
}

/// `create a; write a 0 AAAA; len a 2; fsync a; fdatasync a; close a; rename a b; unlink b;
/// mkdir d; rmdir d; fsyncdir /; sync`. A file is known by the path it was opened under.
pub(super) fn parse(script: &str) -> Vec<Op> {
    let op = |line: &str| {
        let mut words = line.split_whitespace().map(ToString::to_string);
        let verb = words.next().expect("a verb");
        let path = words.next().unwrap_or_default();
        let (mut number, mut other) = (0, String::new());
        for word in words {
            match word.parse() {
                Ok(parsed) => number = parsed,
                Err(_) => other = word,
            }
        }
        Op { verb, path, other, number }
    };
    script.split(';').filter(|line| !line.trim().is_empty()).map(op).collect()
}

/// A file system, and the files that are open by the path they were opened under.
#[derive(Clone)]
pub(super) struct Machine {
    pub files: FileSystem,
    pub open: BTreeMap<String, FileId>,
}

impl Machine {
    pub(super) fn new(contract: FileContract) -> Self {
        Self { files: FileSystem::new("test", contract), open: BTreeMap::new() }
    }

    /// Does one operation; whether it succeeded.
    pub(super) fn run(&mut self, op: &Op, cx: &mut FileCx<'_>) -> bool {
        let Op { verb, path, other, number } = op;
        let file = self.open.get(path).copied().unwrap_or(FileId::from_number(0));
        let files = &mut self.files;
        let opened = match verb.as_str() {
            "create" => files.create(path, false, cx),
            "open" => files.open(path, cx),
            _ => {
                let result = match verb.as_str() {
                    "write" => files.write_at(file, *number, other.as_bytes(), cx),
                    "len" => files.set_len(file, *number, cx),
                    "fsync" => files.sync_all(file),
                    "fdatasync" => files.sync_data(file),
                    "close" => files.close(file),
                    "rename" => files.rename(path, other, cx),
                    "unlink" => files.unlink(path, cx),
                    "mkdir" => files.mkdir(path, cx).map(|_| ()),
                    "rmdir" => files.rmdir(path, cx),
                    "fsyncdir" => files.sync_dir(path, cx),
                    "sync" => {
                        files.sync();
                        Ok(())
                    }
                    verb => panic!("no such verb: {verb}"),
                };
                return result.is_ok();
            }
        };
        self.open.extend(opened.map(|file| (path.clone(), file)).ok());
        opened.is_ok()
    }

    /// Does all of it, before any power cut.
    pub(super) fn run_all(&mut self, script: &str) {
        let cx = &mut FileCx { choices: &mut Calm, witness: &mut |_| {} };
        for op in parse(script) {
            assert!(self.run(&op, cx), "{op:?}");
        }
    }

    pub(super) fn power_cut(&mut self) {
        self.open.clear();
        self.files.power_cut();
    }

    /// Lists everything, asks every length and reads every byte.
    pub(super) fn tree(&mut self, cx: &mut FileCx<'_>) -> Tree {
        let mut tree = Tree::new();
        let mut directories = vec!["/".to_string()];
        while let Some(directory) = directories.pop() {
            for entry in self.files.list(&directory, cx).expect("a directory") {
                let path = format!("{directory}{}", entry.name);
                let content = match entry.kind {
                    EntryKind::Directory => {
                        directories.push(format!("{path}/"));
                        None
                    }
                    EntryKind::File => Some(self.read(&path, cx)),
                };
                tree.insert(path, (entry.inode.number(), content));
            }
        }
        tree
    }

    pub(super) fn read(&mut self, path: &str, cx: &mut FileCx<'_>) -> Vec<u8> {
        let file = self.files.open(path, cx).expect("it was listed");
        let len = self.files.len(file, cx).expect("it is open");
        let mut bytes = vec![0; len as usize];
        assert_eq!(self.files.read_at(file, 0, &mut bytes, cx), Ok(bytes.len()));
        self.files.close(file).expect("it is open");
        bytes
    }
}

/// A tree as text: `a=AA d/ d/b=`, zeroes as dots.
pub(super) fn render(tree: &Tree) -> String {
    let one = |(path, (_, content)): (&String, &(u32, Option<Vec<u8>>))| match content {
        None => format!("{}/", &path[1..]),
        Some(bytes) => {
            let text = String::from_utf8_lossy(bytes).replace('\0', ".");
            format!("{}={text}", &path[1..])
        }
    };
    tree.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Every run there is, depth first.
#[derive(Debug, Default)]
pub(super) struct Odometer {
    /// (answer, answers) of the run so far.
    dials: Vec<(u64, u64)>,
    asked: usize,
}

impl Odometer {
    /// Whether there is another run.
    pub(super) fn turn(&mut self) -> bool {
        assert_eq!(self.asked, self.dials.len(), "a run asks what it asked before");
        self.asked = 0;
        while let Some((answer, n)) = self.dials.pop() {
            if answer + 1 < n {
                self.dials.push((answer + 1, n));
                return true;
            }
        }
        false
    }
}

impl Choices for Odometer {
    fn choose(&mut self, _: Point, n: u64) -> u64 {
        assert!(n >= 2, "what can go one way only is not asked");
        if self.asked == self.dials.len() {
            self.dials.push((0, n));
        }
        let (answer, same) = self.dials[self.asked];
        assert_eq!(n, same, "the same question has the same answers");
        self.asked += 1;
        answer
    }

    fn pick(&mut self, _: Point, _: &[Key]) -> usize {
        unreachable!("files are asked for amounts")
    }
}

/// Everything that `look` can bring, with how many runs that took.
pub(super) fn explore<T: Ord>(look: impl Fn(&mut FileCx<'_>) -> T) -> (BTreeSet<T>, usize) {
    let mut odometer = Odometer::default();
    let (mut found, mut runs) = (BTreeSet::new(), 0);
    loop {
        let cx = &mut FileCx { choices: &mut odometer, witness: &mut |_| {} };
        found.insert(look(cx));
        runs += 1;
        if !odometer.turn() {
            return (found, runs);
        }
    }
}
