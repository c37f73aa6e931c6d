//! `headcrash import` and `headcrash export`, as somebody new would use them.

use std::fs;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

const CONF: &str = "\
# The second write finds the disk full, once.
[set-state]
event = \"write_aio\"
state = \"1\"
new_state = \"2\"

[inject-error]
event = \"write_aio\"
state = \"2\"
errno = \"28\"
once = \"on\"
";

const SCRIPT: &str = "\
write -P 0x11 0 512
write -P 0x22 512 512
write -P 0x22 512 512
read -P 0x22 512 512
info
";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("full.conf", CONF);
        folder.write("full.script", SCRIPT);
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Runs `headcrash` with these arguments, separated by spaces.
    fn run(&self, arguments: &str) -> Output {
        let mut command = Command::cargo_bin("headcrash").unwrap();
        command.current_dir(self.path()).args(arguments.split(' ')).output().unwrap()
    }

    /// Standard output; the other one must be as told.
    #[track_caller]
    fn succeeds(&self, arguments: &str, notes: &str) -> String {
        let output = self.run(arguments);
        assert_eq!(String::from_utf8_lossy(&output.stderr), notes);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn fails(&self, arguments: &str, error: &str) {
        let output = self.run(arguments);
        assert_eq!(String::from_utf8_lossy(&output.stderr), error);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    }
}

#[test]
fn a_configuration_goes_all_the_way_round() {
    let folder = Folder::new();
    let import = "import blkdebug full.conf --commands full.script -o full.ron";
    let left = "not carried over: full.script:5: info: info is not carried over\n";
    assert_eq!(folder.succeeds(import, left), "");
    insta::assert_snapshot!(folder.read("full.ron"), @r#"
    // Imported from full.conf and full.script: `aio7` is what line 7 of full.script submits.
    // The answers are written down as they came; `qemu-io -t writeback -d unmap` gives the same.
    (
        summary: "full.conf with full.script.",
        quirks: qemu,
        rules: [
            (event: "write_aio", state: 1, action: set_state(2)),
            (event: "write_aio", state: 2, action: inject_error(errno: "ENOSPC", once: true)),
        ],
        steps: [
            write(at: 0, len: 512, fill: 0x11),
            write(at: 512, len: 512, fill: 0x22, gets: fails("ENOSPC")),
            write(at: 512, len: 512, fill: 0x22),
            read(at: 512, len: 512, holds: fill(0x22)),
        ],
    )
    "#);
    let ran = folder.run("run full.ron");
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stdout));

    let all = folder.succeeds("export blkdebug full.ron", "");
    insta::assert_snapshot!(all, @r#"
    # full.conf
    [set-state]
    event = "write_aio"
    state = "1"
    new_state = "2"

    [inject-error]
    event = "write_aio"
    state = "2"
    errno = "28"
    once = "on"

    # commands
    write -P 0x11 0 512
    write -P 0x22 512 512
    write -P 0x22 512 512
    read -P 0x22 512 512

    # name, for qemu-io -f raw -t writeback -d unmap; the image has 1048576 bytes
    blkdebug:full.conf:image.raw
    "#);
    folder.write("again.conf", &folder.succeeds("export blkdebug full.ron --what conf", ""));
    let commands = folder.succeeds("export blkdebug full.ron --what commands", "");
    folder.write("again.script", &commands);
    let again = folder.succeeds("import blkdebug again.conf --commands again.script", "");
    assert_eq!(again.replace("again.", "full."), folder.read("full.ron"));
}

#[test]
fn names_and_options_are_imported_too() {
    let folder = Folder::new();
    folder.write("disk.img", &"\0".repeat(8192));
    let named = folder.succeeds("import blkdebug blkdebug:full.conf:disk.img", "");
    assert!(named.contains("disks: [(size: 8192)],"), "{named}");
    let json = r#"{"driver":"blkdebug","align":4096,"image":{"driver":"null-co","size":65536}}"#;
    let left = format!(
        "not carried over: json:{json}: null-co: without read-zeroes, reads leave memory as it \
         was\n"
    );
    let scenario = folder.succeeds(&format!("import blkdebug json:{json} -o null.ron"), &left);
    assert_eq!(scenario, "");
    let name = folder.succeeds("export blkdebug null.ron --what name", "");
    assert_eq!(
        name,
        "json:{\"driver\":\"blkdebug\",\"align\":4096,\"image\":{\"driver\":\"null-co\",\
         \"size\":65536,\"read-zeroes\":true}}\n"
    );
    let options = "driver=blkdebug,image.filename=x,inject-error.event=pwritev";
    let scenario = folder.succeeds(&format!("import blkdebug {options} --size 4096"), "");
    assert!(scenario.contains("write(at: 0, len: 512, fill: 0x11, gets: fails(\"EIO\"))"));
}

#[test]
fn what_is_not_there_or_not_right_is_told() {
    let folder = Folder::new();
    folder.fails(
        "import blkdebug blkdebug:none.conf:x",
        "error: none.conf: No such file or directory (os error 2)\n",
    );
    folder.fails(
        "import blkdebug blkdebug:x",
        "error: blkdebug:x: blkdebug requires both config file and image path\n",
    );
    folder.fails(
        "import blkdebug none.conf",
        "error: none.conf: there is no such file, and it is no name of blkdebug's\n",
    );
    folder.write("bad.conf", "[inject-error]\nerrno = 5\n");
    folder.fails(
        "import blkdebug bad.conf",
        "error: bad.conf:2: Parameter 'errno' expects a number\n",
    );
    folder.fails(
        "import blkdebug full.conf --commands none",
        "error: none: No such file or directory (os error 2)\n",
    );
    let output = folder.run("import blkdebug full.conf -o none/full.ron");
    assert_eq!(output.status.code(), Some(2));
    let output = folder.run("export blkdebug full.conf");
    assert_eq!(output.status.code(), Some(2));
}
