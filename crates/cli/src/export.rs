//! `headcrash export`.

use std::io::Write;

use headcrash_scenario::{ExportOptions, Scenario, export_blkdebug, export_log};

use crate::args::{ExportArgs, ExportBlkdebugArgs, ExportLogArgs, ExportWhat};
use crate::{Exit, files, output};

/// Turns a scenario file into somebody else's test.
pub(crate) fn export(what: &ExportArgs) -> Exit {
    match what {
        ExportArgs::Blkdebug(args) => blkdebug(args),
        ExportArgs::Log(args) => log(args),
    }
}

fn log(args: &ExportLogArgs) -> Exit {
    let Some(scenario) = files::loaded(&args.file, &args.image) else { return Exit::Unusable };
    let written = write_log(args, &scenario);
    if let Err(error) = written {
        output::note(&format!("error: {error}"));
        return Exit::Unusable;
    }
    Exit::Fine
}

fn write_log(args: &ExportLogArgs, scenario: &Scenario) -> Result<(), String> {
    let disk = scenario.disk_named(args.disk.as_deref());
    let disk = disk.map_err(|error| format!("--disk: {error}"))?;
    let seed = args.seed.or_else(|| scenario.seeds().iter().next()).unwrap_or_default();
    let name = args.file.display();
    let exported =
        export_log(scenario, disk, seed, args.tail).map_err(|error| format!("{name}: {error}"))?;
    let bytes = exported.log.to_bytes().map_err(|error| format!("{name}: {error}"))?;
    for note in exported.notes {
        output::note(&format!("{name}: {note}"));
    }
    files::write_with(&args.output, |file| file.write_all(&bytes))
        .map_err(|error| format!("{}: {error}", args.output.display()))
}

fn blkdebug(args: &ExportBlkdebugArgs) -> Exit {
    let Some(scenario) = files::scenario(&args.file) else { return Exit::Unusable };
    let options = ExportOptions { image: &args.image, stem: None };
    let exported = export_blkdebug(&scenario, &options);
    for left in &exported.not_carried {
        output::note(&format!("not carried over: {left}"));
    }
    match args.what {
        ExportWhat::Conf => {
            for config in &exported.configs {
                // A node's file ends where the next one is named.
                if exported.configs.len() > 1 {
                    output::line(&format!("# {}", config.path));
                }
                output::text(&config.text);
            }
        }
        ExportWhat::Commands => output::text(&exported.commands),
        ExportWhat::Name => output::line(&exported.name),
        ExportWhat::All => {
            for config in &exported.configs {
                output::line(&format!("# {}", config.path));
                output::text(&config.text);
                output::line("");
            }
            output::line("# commands");
            output::text(&exported.commands);
            let (options, size) = (&exported.options, exported.size);
            output::line(&format!("\n# name, for qemu-io {options}; the image has {size} bytes"));
            output::line(&exported.name);
        }
    }
    Exit::Fine
}
