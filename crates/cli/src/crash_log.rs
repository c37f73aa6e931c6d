//! `headcrash crash`, of a log of writes: each image goes to a command that looks at it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use headcrash_scenario::command_line;
use headcrash_scenario::crash::{LogImage, LogOptions, LogReport, LogStates};
use headcrash_scenario::formats::write_log::WriteLog;
use headcrash_sim::{Device, Image};
use serde_json::json;

use crate::args::{CrashArgs, Format};
use crate::check::{self, Check, Said};
use crate::{Exit, crash as scenario, files, output};

/// A log is read as a whole: 1 GiB.
const LOG_MAX: u64 = 1 << 30;

/// So many images of at most this number of bytes are tried if nothing is said.
const IMAGES: u64 = 10_000;

/// So many images are kept that are not clean.
const KEPT: u64 = 16;

/// Whether a file is a log rather than a scenario: it begins as one, or is not called `.ron`.
pub(crate) fn is_log(file: &Path) -> io::Result<bool> {
    let begins = files::read(file, 8)? == 0x006a_7366_7773_6872_u64.to_le_bytes();
    Ok(begins || file.extension().is_none_or(|end| end != "ron"))
}

/// Explores the crash states of a device whose writes were logged.
pub(crate) fn crash(args: &CrashArgs) -> Exit {
    match explore(args) {
        Ok(exit) => exit,
        Err(error) => {
            output::note(&format!("error: {error}"));
            Exit::Unusable
        }
    }
}

fn misplaced(args: &CrashArgs) -> Option<&'static str> {
    let given = [
        (args.seed.is_some(), "--seed"),
        (args.points, "--points"),
        (args.depth.is_some(), "--depth"),
        (args.failures.is_some(), "--failures"),
    ];
    given.into_iter().find(|(is_given, _)| *is_given).map(|(_, name)| name)
}

fn explore(args: &CrashArgs) -> Result<Exit, String> {
    let name = args.file.display().to_string();
    if let Some(option) = misplaced(args) {
        return Err(format!(
            "{option} is about scenarios, and {name} is taken for a log of writes"
        ));
    }
    let seconds = args.check_timeout.unwrap_or(check::SECONDS);
    let check = args.check.as_deref().map(|check| Check::new(check, seconds)).transpose()?;
    let bytes = files::read(&args.file, LOG_MAX + 1).map_err(|error| format!("{name}: {error}"))?;
    if bytes.len() as u64 > LOG_MAX {
        return Err(format!("{name}: the log is longer than {LOG_MAX} bytes, which are read"));
    }
    let (log, notes) = WriteLog::parse(&bytes).map_err(|error| format!("{name}: {error}"))?;
    drop(bytes);
    for note in notes {
        output::note(&format!("{name}: {note}"));
    }
    let alone = if args.prefixes { 0 } else { args.eager.unwrap_or(1) };
    let device = match (args.device, args.sector) {
        (Some(preset), _) => preset.device(),
        (None, sector) => Device::with_sector(sector.unwrap_or_else(|| log.sector_size.into())),
    };
    let base = base(args, &log, &device)?;
    let options = LogOptions { device, base, alone: alone as usize };
    let mut states = LogStates::new(&log, &options).map_err(|error| format!("{name}: {error}"))?;
    let mut report = LogReport::new(device, options.alone);
    let mut left = args.runs.unwrap_or(IMAGES);
    let (mut kept, mut timed_out) = (0, 0_u64);
    'all: while let Some(point) = states.next_point().map_err(|error| format!("{name}: {error}"))? {
        report.at(point);
        while let Some(image) = states.next_image() {
            if left == 0 {
                report.is_cut_off = true;
                // The others are only counted.
                while let Some(point) =
                    states.next_point().map_err(|error| format!("{name}: {error}"))?
                {
                    report.at(point);
                }
                break 'all;
            }
            left -= 1;
            let said = check.as_ref().map(|check| check.look(&image.image)).transpose()?;
            timed_out += u64::from(matches!(said, Some(Said::TimedOut(_))));
            let said = said.map(|said| match said {
                Said::Clean => Ok(()),
                Said::Loud(said) | Said::TimedOut(said) => Err(said),
            });
            let is_loud = matches!(said, Some(Err(_)));
            let number = report.tried;
            report.count(&image, said);
            if let (true, Some(folder)) = (is_loud && kept < KEPT, &args.keep) {
                kept += 1;
                let path = keep(folder, &args.file, number, &image)
                    .map_err(|error| format!("{}: {error}", folder.display()))?;
                output::note(&format!("image {number} is kept as {}", path.display()));
            }
        }
    }
    match args.format {
        Format::Text => output::text(&report.text()),
        Format::Json => {
            output::line(
                &json!({"format": 1, "log": name, "crash_states": report.json()}).to_string(),
            );
        }
    }
    if report.verdicts.loud == 0 {
        return Ok(Exit::Fine);
    }
    if timed_out > 0 {
        output::note(&format!(
            "{timed_out} of the loud ones: the check gave no answer within {seconds} s,              and was ended; `--check-timeout` gives it longer"
        ));
    }
    output::note(&format!("\nrepeat with\n  {}", command(args)));
    Ok(Exit::Unexpected)
}

/// What the device held at the start, and how long it is.
///
/// A file that is shorter than its device has zeroes behind it: an image of qcow2, say, which grows as
/// it is written.
fn base(args: &CrashArgs, log: &WriteLog, device: &Device) -> Result<Image, String> {
    let loaded = match &args.image[..] {
        [] => None,
        [only] if only.disk.is_none() => Some(&only.file),
        _ => return Err("--image: a log is of one device: one file, without a name".to_owned()),
    };
    let of_file = |error: io::Error, file: &Path| format!("{}: {error}", file.display());
    let len = loaded.map(|file| fs::metadata(file).map_err(|error| of_file(error, file)));
    let len = len.transpose()?.map_or(0, |it| it.len());
    let size = match args.size {
        Some(size) if size < len => {
            return Err(format!("--size: the image has {len} bytes; accepted is {len} or more"));
        }
        Some(size) => size,
        None => {
            let sector = u64::from(log.sector_size);
            let changes = log.entries.iter().filter(|entry| entry.is_change());
            let end = changes.map(|entry| (entry.sector + entry.sectors) * sector).max();
            let size = end.unwrap_or(0).max(len).max(1).next_multiple_of(device.unit());
            if size > len {
                output::note(&format!(
                    "the device is taken to have {size} bytes, as far as the log reaches"
                ));
            }
            size
        }
    };
    if size > 1 << 60 {
        return Err(format!("--size: a device of {size} bytes; at most {} can be", 1_u64 << 60));
    }
    match loaded {
        None => Ok(Image::new(size, 0)),
        Some(file) => files::raw(file, size).map_err(|error| of_file(error, file)),
    }
}

/// Writes an image that is not clean to where it stays.
fn keep(folder: &Path, log: &Path, number: u64, image: &LogImage) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let stem = log.file_stem().unwrap_or_default().to_string_lossy();
    let path = folder.join(format!("{stem}-{number}.raw"));
    files::write_with(&path, |file| files::write_raw(file, &image.image))?;
    Ok(path)
}

/// The command that explores the same again.
fn command(args: &CrashArgs) -> String {
    let file = args.file.display().to_string();
    let file = if file.starts_with('-') { format!("./{file}") } else { file };
    let mut words = vec!["headcrash".to_owned(), "crash".to_owned(), file];
    words
        .extend(args.device.into_iter().flat_map(|d| ["--device".to_owned(), d.name().to_owned()]));
    for (name, number) in [
        ("--sector", args.sector),
        ("--size", args.size),
        ("--eager", args.eager),
        ("--runs", args.runs),
        ("--check-timeout", args.check_timeout),
    ] {
        words.extend(number.into_iter().flat_map(|n| [name.to_owned(), n.to_string()]));
    }
    if args.prefixes {
        words.push("--prefixes".to_owned());
    }
    words.extend(args.check.iter().flat_map(|check| ["--check".to_owned(), check.clone()]));
    command_line(words.iter().map(String::as_str)) + &scenario::images(&args.image)
}
