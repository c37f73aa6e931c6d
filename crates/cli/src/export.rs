//! `headcrash export blkdebug`.

use headcrash_scenario::{ExportOptions, export_blkdebug};

use crate::args::{ExportArgs, ExportBlkdebugArgs, ExportWhat};
use crate::{Exit, files, output};

/// Turns a scenario file into somebody else's test.
pub(crate) fn export(what: &ExportArgs) -> Exit {
    let ExportArgs::Blkdebug(args) = what;
    blkdebug(args)
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
