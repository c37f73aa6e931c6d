//! Files and folders.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use headcrash_scenario::Scenario;
use headcrash_scenario::campaign::{Recorded, RecordedLines};
use headcrash_sim::Image;

use crate::args::Loaded;
use crate::output;

/// The largest scenario file that is read, and a byte more, so that the reader can say it is too
/// large.
const SCENARIO_MAX: u64 = (1 << 20) + 1;

/// The scenario files at `paths`: files as they are, folders with all below them, sorted.
///
/// Failure files, which end in `.failure.ron`, are of another kind and left out of folders.
pub(crate) fn scenario_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            walk(path, &mut files).map_err(|error| format!("{}: {error}", path.display()))?;
            files[before..].sort();
            if files.len() == before {
                return Err(format!("{}: there is no scenario file (*.ron) in it", path.display()));
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // A link could lead in a circle.
        if path.is_dir() && !path.is_symlink() {
            walk(&path, files)?;
        } else if path.is_file()
            && path.extension().is_some_and(|end| end == "ron")
            && !is_failure(&path)
        {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a file's name says that it holds a failure.
pub(crate) fn is_failure(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(".failure.ron"))
}

/// Reads a scenario; tells what is wrong with it if it cannot.
pub(crate) fn scenario(path: &Path) -> Option<Scenario> {
    let name = path.display().to_string();
    let bytes = match read(path, SCENARIO_MAX) {
        Ok(bytes) => bytes,
        Err(error) => {
            output::note(&format!("error: {name}: {error}"));
            return None;
        }
    };
    match headcrash_scenario::parse(&name, &bytes) {
        Ok(scenario) => Some(scenario),
        Err(errors) => {
            output::note(&errors.render(output::colours()));
            None
        }
    }
}

/// Reads a scenario, and what its disks begin with; tells what is wrong with them if it cannot.
pub(crate) fn loaded(path: &Path, images: &[Loaded]) -> Option<Scenario> {
    let mut scenario = scenario(path)?;
    for Loaded { disk, file } in images {
        let name = file.display().to_string();
        let fail = |error: String| {
            output::note(&format!("error: {error}"));
            None
        };
        let disk = match scenario.disk_named(disk.as_deref()) {
            Ok(disk) => disk,
            Err(error) => return fail(format!("--image: {error}")),
        };
        let image = match raw(file, 0) {
            Ok(image) => image,
            Err(error) => return fail(format!("{name}: {error}")),
        };
        if let Err(errors) = scenario.load(disk, &name, image) {
            output::note(&errors.render(output::colours()));
            return None;
        }
    }
    Some(scenario)
}

/// A raw file holds at most so much that is not zeroes: 4 GiB.
const STORED_MAX: u64 = 1 << 32;

/// Reads a raw file; one shorter than `at_least` bytes has zeroes behind it.
pub(crate) fn raw(path: &Path, at_least: u64) -> io::Result<Image> {
    const MAX: u64 = 1 << 60;
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    if len > MAX {
        return Err(io::Error::other(format!(
            "a disk has at most {MAX} bytes, and this has {len}"
        )));
    }
    let mut image = Image::new(len.max(at_least), 0);
    let mut buffer = vec![0; 1 << 20];
    let (mut at, mut stored) = (0, 0);
    while at < len {
        let some = (len - at).min(buffer.len() as u64) as usize;
        file.read_exact(&mut buffer[..some])?;
        for (place, page) in (at..).step_by(4096).zip(buffer[..some].chunks(4096)) {
            if page.iter().any(|byte| *byte != 0) {
                image.write(place, page);
                stored += page.len() as u64;
            }
        }
        if stored > STORED_MAX {
            let message = format!("more than {STORED_MAX} bytes that are not zeroes");
            return Err(io::Error::other(message));
        }
        at += some as u64;
    }
    Ok(image)
}

/// Writes an image to a raw file that is sparse where it is zeroes.
pub(crate) fn write_raw(file: &mut File, image: &Image) -> io::Result<()> {
    let stretches = image.stretches();
    let stored: u64 = stretches.iter().map(|(_, len)| len).sum();
    if stored > STORED_MAX {
        let message = format!(
            "the image holds {stored} bytes that are not zeroes, and at most {STORED_MAX} are written"
        );
        return Err(io::Error::other(message));
    }
    file.set_len(image.len())?;
    let mut buffer = vec![0; 1 << 20];
    for (mut at, len) in stretches {
        let end = at + len;
        file.seek(io::SeekFrom::Start(at))?;
        while at < end {
            let some = (end - at).min(buffer.len() as u64) as usize;
            image.read(at, &mut buffer[..some]);
            file.write_all(&buffer[..some])?;
            at += some as u64;
        }
    }
    Ok(())
}

/// The first `max` bytes of a file.
pub(crate) fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// No results file is longer: 4 GiB.
const RESULTS_MAX: u64 = 1 << 32;

/// Reads a results file, line by line: from a pipe as well, and no further than it makes sense.
pub(crate) fn results(file: &mut impl Read) -> Result<Option<Recorded>, String> {
    let mut file = BufReader::new(file.take(RESULTS_MAX));
    let (mut lines, mut line) = (RecordedLines::default(), Vec::new());
    loop {
        line.clear();
        let most = RecordedLines::LINE_MAX as u64 + 1;
        let read = (&mut file).take(most).read_until(b'\n', &mut line);
        if read.map_err(|error| error.to_string())? == 0 {
            break;
        }
        lines.add(&line).map_err(|error| error.to_string())?;
    }
    if file.into_inner().limit() == 0 {
        return Err("a results file is at most 4 GiB long".to_owned());
    }
    Ok(lines.finish())
}

/// Writes a file that is not there, or that says the same: nothing of somebody else's is lost.
pub(crate) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if path.exists() {
        let there = read(path, text.len() as u64 + 1)?;
        if there == text.as_bytes() {
            return Ok(());
        }
        let message = format!("{} is there already, and says something else", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    write(path, text)
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    write_with(path, |file| file.write_all(text.as_bytes()))
}

/// Writes a file whole or not at all: as `fill` does.
pub(crate) fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    fill(file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
