//! Files and folders.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use headcrash_scenario::Scenario;

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

/// The first `max` bytes of a file.
pub(crate) fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, text: &str) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
