//! `headcrash import`.

use std::fs;
use std::io;
use std::path::Path;

use headcrash_engine::Dialect;
use headcrash_scenario::blkdebug::error::OpenError;
use headcrash_scenario::blkdebug::spec::{ImageSpec, Node, Spec};
use headcrash_scenario::blkdebug::{MAX_LEN, filename, options};
use headcrash_scenario::formats::write_log::WriteLog;
use headcrash_scenario::formats::{blkparse, fio, lazyfs};
use headcrash_scenario::{
    Commands, Errors, ImportError, ImportOptions, Imported, import_blkdebug, import_blkparse,
    import_fio, import_lazyfs, import_log,
};

use crate::args::{ImportArgs, ImportBlkdebugArgs, ImportTextArgs, Stage};
use crate::{Exit, files, output};

/// Images up to this are read, so that the scenario's disk holds the same.
const IMAGE_MAX: u64 = 16 << 20;

/// Turns somebody else's test into a scenario file.
pub(crate) fn import(what: &ImportArgs) -> Exit {
    let result = match what {
        ImportArgs::Blkdebug(args) => blkdebug(args),
        ImportArgs::Fio(args) => text(args, |name, bytes| {
            let workload = fio::parse(name, bytes).map_err(rendered)?;
            import_fio(name, &workload).map_err(told)
        }),
        ImportArgs::Blkparse(args) => text(&args.text, |name, bytes| {
            let stage = match args.stage {
                Stage::Queued => blkparse::Action::Queue,
                Stage::Issued => blkparse::Action::Issue,
                Stage::Completed => blkparse::Action::Complete,
            };
            let trace = blkparse::parse(name, bytes, stage).map_err(rendered)?;
            import_blkparse(name, &trace).map_err(told)
        }),
        ImportArgs::Log(args) => text(args, |name, bytes| {
            let (log, notes) =
                WriteLog::parse(bytes).map_err(|error| format!("error: {name}: {error}"))?;
            notes.iter().for_each(|note| output::note(&format!("{name}: {note}")));
            import_log(name, &log).map_err(told)
        }),
        ImportArgs::Lazyfs(args) => text(args, |name, bytes| {
            let faults = lazyfs::parse(name, bytes).map_err(rendered)?;
            import_lazyfs(name, &faults).map_err(told)
        }),
    };
    match result {
        Ok(()) => Exit::Fine,
        Err(error) => {
            output::note(&error);
            Exit::Unusable
        }
    }
}

/// The longest file that is read: a byte more than any format takes as text, and no log is longer.
const TEXT_MAX: u64 = 256 << 20;

fn rendered(errors: Errors) -> String {
    errors.render(output::colours())
}

fn told(error: ImportError) -> String {
    match error {
        ImportError::Invalid(errors) => {
            format!("error: the scenario would not be valid\n{}", rendered(errors))
        }
        error => format!("error: {error}"),
    }
}

/// Imports what is in a file.
fn text(
    args: &ImportTextArgs,
    import: impl FnOnce(&str, &[u8]) -> Result<Imported, String>,
) -> Result<(), String> {
    let name = args.file.display().to_string();
    let bytes = files::read(&args.file, TEXT_MAX + 1);
    let bytes = bytes.map_err(|error| format!("error: {name}: {error}"))?;
    if bytes.len() as u64 > TEXT_MAX {
        return Err(format!("error: {name}: it is longer than {TEXT_MAX} bytes, which are read"));
    }
    give(&import(&name, &bytes)?, args.output.as_deref())
}

/// Says what is left behind, and gives the scenario.
fn give(imported: &Imported, to: Option<&Path>) -> Result<(), String> {
    for left in &imported.not_carried {
        output::note(&format!("not carried over: {left}"));
    }
    match to {
        None => output::text(&imported.ron),
        Some(path) => files::write(path, &imported.ron)
            .map_err(|error| format!("error: {}: {error}", path.display()))?,
    }
    Ok(())
}

fn blkdebug(args: &ImportBlkdebugArgs) -> Result<(), String> {
    let dialect = args.dialect.into();
    let spec =
        spec(&args.source, dialect).map_err(|error| format!("error: {}: {error}", args.source))?;
    if spec.nodes.is_empty() && !args.source.contains(':') && !args.source.contains('=') {
        let source = &args.source;
        return Err(format!(
            "error: {source}: there is no such file, and it is no name of blkdebug's"
        ));
    }
    let image = Image::find(&spec.image).map_err(|error| format!("error: the image: {error}"))?;
    let commands = match &args.commands {
        None => None,
        Some(path) => {
            let name = path.display().to_string();
            let bytes = files::read(path, MAX_LEN as u64 + 1);
            let bytes = bytes.map_err(|error| format!("error: {name}: {error}"))?;
            let text = String::from_utf8(bytes);
            Some((name.clone(), text.map_err(|error| format!("error: {name}: {error}"))?))
        }
    };
    let options = ImportOptions {
        name: &args.source,
        dialect,
        commands: commands.as_ref().map(|(name, text)| Commands { name, text }),
        size: image.size.unwrap_or(args.size),
        contents: image.contents.as_deref(),
    };
    let read = |path: &str| files::read(Path::new(path), MAX_LEN as u64 + 1);
    let imported = import_blkdebug(&spec, &options, read).map_err(told)?;
    give(&imported, args.output.as_deref())
}

/// What a file that is there stands for, or what QEMU would open by this name.
fn spec(source: &str, dialect: Dialect) -> Result<Spec, OpenError> {
    if Path::new(source).is_file() {
        let node = Node { config: Some(source.to_owned()), ..Node::default() };
        // An image without a name stands for any.
        let image = ImageSpec::File(String::new());
        return Ok(Spec { raw: true, nodes: vec![node], image, left_out: Vec::new() });
    }
    if source.starts_with("driver=") || source.contains(",driver=") {
        return options::from_image_opts(source, dialect);
    }
    if source.starts_with('{') {
        return options::from_json(source, dialect);
    }
    filename::parse(source, dialect)
}

/// What is known of the image.
#[derive(Default)]
struct Image {
    size: Option<u64>,
    contents: Option<Vec<u8>>,
}

impl Image {
    fn find(image: &ImageSpec) -> io::Result<Self> {
        let ImageSpec::File(path) = image else { return Ok(Self::default()) };
        let Ok(metadata) = fs::metadata(path) else { return Ok(Self::default()) };
        if !metadata.is_file() {
            return Ok(Self::default());
        }
        let size = metadata.len();
        let contents = match size {
            0..=IMAGE_MAX => Some(files::read(Path::new(path), size)?),
            _ => None,
        };
        Ok(Self { size: Some(size), contents })
    }
}
