//! `headcrash import` of workloads, logs and faults, as somebody new would use it.

use std::fs;

use assert_cmd::Command;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.0.path().join(name), bytes).unwrap();
        folder
    }

    /// Exit code, standard output and standard error.
    fn all(&self, arguments: &str) -> (i32, String, String) {
        let mut command = Command::cargo_bin("headcrash").unwrap();
        let output =
            command.current_dir(self.0.path()).args(arguments.split(' ')).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// The scenario, which runs, and what was said.
    #[track_caller]
    fn imports(&self, arguments: &str) -> (String, String) {
        let (code, _, notes) = self.all(&format!("import {arguments} -o out.ron"));
        assert_eq!(code, 0, "{notes}");
        let (code, out, err) = self.all("run out.ron");
        assert_eq!(code, 0, "{out}{err}");
        (fs::read_to_string(self.0.path().join("out.ron")).unwrap(), notes)
    }

    #[track_caller]
    fn refuses(&self, arguments: &str, error: &str) {
        let (code, out, err) = self.all(&format!("import {arguments} -o out.ron"));
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(error), "{err}");
        assert!(!self.0.path().join("out.ron").exists(), "nothing is written");
    }
}

#[test]
fn a_log_of_fio_becomes_a_scenario() {
    let log = "\
fio version 3 iolog
0 /dev/vdb add
0 /dev/vdb open
10 /dev/vdb write 4096 512
1250 /dev/vdb write 8192 1024
1300 /dev/vdb sync 0 0
1300 /dev/vdb read 4096 512
1300 /dev/vdb trim 8192 1024
1400 /dev/vdb close
";
    let folder = Folder::with("a.fio", log);
    let (ron, notes) = folder.imports("fio a.fio");
    insta::assert_snapshot!("fio", ron);
    assert_eq!(notes, "not carried over: a.fio:9: close: the disks stay open\n");
    let folder = Folder::with("a.fio", "fio version 2 iolog\nx write 0 1\n");
    folder.refuses("fio a.fio", "a.fio:2:1");
    folder.refuses("fio b.fio", "b.fio: No such file");
}

#[test]
fn a_long_workload_is_carried_as_far_as_there_is_room() {
    let lines: String = (0..60_000).map(|n| format!("x write {} 512\n", n * 512)).collect();
    let folder = Folder::with("a.fio", format!("fio version 2 iolog\nx add\nx open\n{lines}"));
    let (ron, notes) = folder.imports("fio a.fio");
    assert!(ron.len() <= 1 << 20 && ron.len() > 1 << 19, "{}", ron.len());
    assert!(notes.contains("a scenario has room for 1048576 bytes"), "{notes}");
    let data = "data:runs([(1,0),(1,0),(1,1),(1,0),(508,1)])";
    assert!(ron.contains(data), "write 256 has bytes of its own");
}

#[test]
fn a_trace_of_blkparse_becomes_a_scenario() {
    let trace = "\
  8,0    3        1     0.000000000   697  Q  WS 64 + 8 [kjournald]
  8,0    3        2     0.000001000   697  Q FWFS 72 + 8 [kjournald]
  8,16   3        3     0.000002000   697  Q   R 0 + 8 [cat]
  8,0    3        4     0.000003000   697  Q   D 64 + 8 [fstrim]
  8,0    3        5     0.000004000   697  Q FWS [kjournald]
  8,0    3        6     0.000005000   697  D  WS 64 + 8 [kjournald]
";
    let folder = Folder::with("a.txt", trace);
    let (ron, notes) = folder.imports("blkparse a.txt");
    insta::assert_snapshot!("blkparse", ron);
    assert_eq!(notes, "");
    let (ron, _) = folder.imports("blkparse a.txt --stage issued");
    assert_eq!(ron.matches("write(").count(), 1, "{ron}");
    let folder = Folder::with("a.txt", "  8,0 3 1 0.0 697 Q WS 64 + 8 [x]\n");
    folder.refuses("blkparse a.txt", "a.txt:1:11");
}

#[test]
fn a_log_of_writes_becomes_a_scenario_that_logs_the_same() {
    let scenario = "(
        disks: [(size: 1_048_576)],
        steps: [
            write(at: 0, len: 512, fill: 0x11),
            write(at: 4096, fua: true, data: runs([(256, 1), (256, 2)])),
            flush(),
            discard(at: 0, len: 4096),
            flush(),
        ],
    )";
    let folder = Folder::with("a.ron", scenario);
    assert_eq!(folder.all("export log a.ron -o a.log").0, 0);
    let (ron, notes) = folder.imports("log a.log");
    assert_eq!(notes, "");
    insta::assert_snapshot!("log", ron);
    assert_eq!(folder.all("export log out.ron -o b.log").0, 0);
    let read = |name| fs::read(folder.0.path().join(name)).unwrap();
    // The write with FUA is ahead of what was held back, and stays there.
    assert!(read("a.log") == read("b.log"), "the same log");
    let folder = Folder::with("a.log", [7; 600]);
    folder.refuses("log a.log", "a.log: byte 0, super block: the magic is");
}

#[test]
fn faults_of_lazyfs_become_rules() {
    let toml = r#"
[[injection]]
type = "torn-op"
file = "/data/wal"
occurrence = 2
parts = 4
persist = [1]

[[injection]]
type = "torn-seq"
file = "/data/db"
op = "write"
occurrence = 1
persist = [1, 3]

[[injection]]
type = "clear-cache"
from = "/data/db"
op = "fsync"
timing = "before"
occurrence = 2
crash = true

[[injection]]
type = "clear-cache"
from = "/data/other"
op = "rename"
to = "/data/another"
timing = "before"
occurrence = 1
crash = true
"#;
    let folder = Folder::with("a.toml", toml);
    let (ron, notes) = folder.imports("lazyfs a.toml");
    insta::assert_snapshot!("lazyfs", ron);
    insta::assert_snapshot!("lazyfs_notes", notes);
    let folder = Folder::with("a.toml", "[[injection]]\ntype = \"torn\"\n");
    folder.refuses("lazyfs a.toml", "a.toml:2:8");
}
