//! `headcrash import blkdebug`.

use std::fs;
use std::io;
use std::path::Path;

use headcrash_engine::Dialect;
use headcrash_scenario::blkdebug::error::OpenError;
use headcrash_scenario::blkdebug::spec::{ImageSpec, Node, Spec};
use headcrash_scenario::blkdebug::{MAX_LEN, filename, options};
use headcrash_scenario::{Commands, ImportError, ImportOptions, import_blkdebug};

use crate::args::{ImportArgs, ImportBlkdebugArgs};
use crate::{Exit, files, output};

/// Images up to this are read, so that the scenario's disk holds the same.
const IMAGE_MAX: u64 = 16 << 20;

/// Turns somebody else's test into a scenario file.
pub(crate) fn import(what: &ImportArgs) -> Exit {
    let ImportArgs::Blkdebug(args) = what;
    match blkdebug(args) {
        Ok(()) => Exit::Fine,
        Err(error) => {
            output::note(&format!("error: {error}"));
            Exit::Unusable
        }
    }
}

fn blkdebug(args: &ImportBlkdebugArgs) -> Result<(), String> {
    let dialect = args.dialect.into();
    let spec = spec(&args.source, dialect).map_err(|error| format!("{}: {error}", args.source))?;
    if spec.nodes.is_empty() && !args.source.contains(':') && !args.source.contains('=') {
        let source = &args.source;
        return Err(format!("{source}: there is no such file, and it is no name of blkdebug's"));
    }
    let image = Image::find(&spec.image).map_err(|error| format!("the image: {error}"))?;
    let commands = match &args.commands {
        None => None,
        Some(path) => {
            let name = path.display().to_string();
            let bytes = files::read(path, MAX_LEN as u64 + 1);
            let bytes = bytes.map_err(|error| format!("{name}: {error}"))?;
            let text = String::from_utf8(bytes);
            Some((name.clone(), text.map_err(|error| format!("{name}: {error}"))?))
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
    let imported = import_blkdebug(&spec, &options, read).map_err(|error| match error {
        ImportError::Invalid(errors) => {
            format!("the scenario would not be valid\n{}", errors.render(output::colours()))
        }
        error => error.to_string(),
    })?;
    for left in &imported.not_carried {
        output::note(&format!("not carried over: {left}"));
    }
    match &args.output {
        None => output::text(&imported.ron),
        Some(path) => files::write(path, &imported.ron)
            .map_err(|error| format!("{}: {error}", path.display()))?,
    }
    Ok(())
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
