//! What is imported runs.

use arbitrary::{Result, Unstructured};
use headcrash_engine::Dialect;
use headcrash_scenario::blkdebug::filename;
use headcrash_scenario::{
    Commands, ExportOptions, ImportOptions, Keep, export_blkdebug, import_blkdebug, parse, run_seed,
};

use super::text::mutated;

/// Whatever configuration file and command script can be imported gives a scenario that is valid,
/// comes out as it says it does, and can be exported; anything else is refused.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn imports(u: &mut Unstructured<'_>) -> Result<()> {
    let dialect = *u.choose(&[Dialect::Qemu10, Dialect::Qemu2_6])?;
    let conf = mutated(u, CONFS)?;
    let script = mutated(u, SCRIPTS)?;
    let script = String::from_utf8_lossy(&script);
    let spec = filename::parse("blkdebug:rules.conf:disk.img", dialect);
    let spec = spec.expect("the name is a good one");
    let commands = Some(Commands { name: "commands", text: &script });
    let options =
        ImportOptions { name: "rules.conf", dialect, commands, size: 65_536, contents: None };
    let Ok(imported) = import_blkdebug(&spec, &options, |_| Ok(conf.clone())) else {
        return Ok(());
    };
    let ron = &imported.ron;
    let scenario = parse("imported.ron", ron.as_bytes())
        .unwrap_or_else(|errors| panic!("{}\n{ron}", errors.render(false)));
    for seed in scenario.seeds().iter() {
        let run = run_seed(&scenario, seed, Keep::Hash);
        assert!(run.is_expected(&scenario), "{:?}\n{ron}", run.outcome);
    }
    _ = export_blkdebug(&scenario, &ExportOptions { image: "disk.img", stem: None });
    Ok(())
}

const CONFS: &[&str] = &[
    "",
    "[inject-error]\nevent = \"read_aio\"\nerrno = \"28\"\nonce = \"on\"\n",
    "[inject-error]\nevent = \"pwritev\"\nstate = \"2\"\nsector = \"8\"\nimmediately = \"on\"\n\n[set-state]\nevent = \"write_aio\"\nstate = \"1\"\nnew_state = \"2\"\n",
    "[set-state \"a\"]\nevent = \"flush_to_disk\"\nnew_state = \"3\"\n[inject-error]\nevent = \"none\"\niotype = \"flush\"\n",
];

const SCRIPTS: &[&str] = &[
    "write -P 0x11 0 4k\nread -P 0x11 0 4k\nflush\n",
    "break pwritev A\naio_write -P 1 0 512\nwait_break A\naio_write -P 2 0 512\nresume A\naio_flush\nread 0 512\n",
    "break pwritev_done A\nbreak pwritev_done B\naio_write -z -f 4096 512\nsleep 10\nresume B\nremove_break A\ndiscard 0 8k\ntruncate 32k\nlength\n",
    "aio_read 0 4k\naio_read 4k 4k\naio_write 100 200\nresume A\nremove_break A\nreopen\nclose\nopen\nquit\n",
];
