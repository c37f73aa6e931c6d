//! `headcrash image`.

use headcrash_scenario::{Images, Moment, UNDECIDED_MAX, stop_at, undecided};
use headcrash_sim::{DiskId, Image};

use crate::args::{ImageArgs, State};
use crate::{Exit, files, output};

/// Writes what is on a disk to a raw file.
pub(crate) fn image(args: &ImageArgs) -> Exit {
    let Some(result) = dump(args) else { return Exit::Unusable };
    match result {
        Ok(()) => Exit::Fine,
        Err(error) => {
            output::note(&format!("error: {error}"));
            Exit::Unusable
        }
    }
}

fn dump(args: &ImageArgs) -> Option<Result<(), String>> {
    let scenario = files::loaded(&args.file, &args.image)?;
    let disk = match scenario.disk_named(args.disk.as_deref()) {
        Ok(disk) => disk,
        Err(error) => return Some(Err(format!("--disk: {error}"))),
    };
    let seed = args.seed.or_else(|| scenario.seeds().iter().next()).unwrap_or_default();
    let stopped = stop_at(&scenario, seed, args.at, None);
    let id = DiskId(disk.0 as u32);
    match args.at {
        Moment::Cut if !stopped.is_dark() => {
            let error = "--at cut: the power never goes in this run; `--at end`, or a step as \
                         `headcrash crash --points` lists them";
            return Some(Err(error.to_owned()));
        }
        Moment::Step(step) if stopped.steps < step => {
            let steps = stopped.steps;
            return Some(Err(format!("--at {step}: the run has steps 0 to {steps}")));
        }
        Moment::End | Moment::Cut | Moment::Step(_) => {}
    }
    let image = match args.state {
        // Nothing was lost.
        State::Newest if args.at == Moment::End => stopped.world.image(id),
        state => {
            let dark = stopped.dark();
            let bytes = undecided(&dark, id);
            if bytes > UNDECIDED_MAX {
                return Some(Err(format!(
                    "--at: {bytes} bytes are undecided there, and at most {UNDECIDED_MAX} can be \
                     for a whole image; accepted is a step with a flush before it"
                )));
            }
            match crash_state(Images::new(dark, id, args.eager as usize), state) {
                Ok(image) => image,
                Err(error) => return Some(Err(error)),
            }
        }
    };
    for fault in stopped.world.live_faults(id) {
        let (at, len) = (fault.at(), fault.len());
        output::note(&format!("a fault lies over {at}+{len}: the image has the clean bytes"));
    }
    let written = files::write_with(&args.output, |file| files::write_raw(file, &image));
    Some(written.map_err(|error| format!("{}: {error}", args.output.display())))
}

fn crash_state(mut images: Images, state: State) -> Result<Image, String> {
    match state {
        State::Durable => Ok(images.durable()),
        State::Newest | State::Nth(0) => {
            Ok(images.next().expect("everything kept is always a state").image)
        }
        State::Nth(wanted) => {
            let mut there = 0;
            for (number, whole) in (0..).zip(images.by_ref()) {
                if number == wanted {
                    return Ok(whole.image);
                }
                there = number;
            }
            Err(format!("--state {wanted}: there are states 0 to {there}; more with `--eager K`"))
        }
    }
}
