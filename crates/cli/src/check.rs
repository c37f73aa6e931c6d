//! The command that looks at images for `headcrash crash LOG`.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use headcrash_scenario::command_line;
use headcrash_sim::Image;

use crate::files;

/// So many seconds a check has for an image if nothing is said.
pub(crate) const SECONDS: u64 = 60;

/// Of what a check says, so many lines are shown.
const LINES: usize = 8;

/// And no more than so many bytes are looked at, of each of its outputs.
const SAID_MAX: u64 = 1 << 16;

/// A command that looks at images.
pub(crate) struct Check<'a> {
    command: &'a str,
    seconds: u64,
}

/// What a check says of an image.
pub(crate) enum Said {
    /// Nothing is wrong with it.
    Clean,
    /// Something is, in these words.
    Loud(String),
    /// Nothing at all, for so long that it was ended; in these words.
    TimedOut(String),
}

impl<'a> Check<'a> {
    /// A command with `{}` for an image's path, and how many seconds it has for each.
    pub(crate) fn new(command: &'a str, seconds: u64) -> Result<Self, String> {
        if command.contains("{}") {
            return Ok(Self { command, seconds });
        }
        Err(format!("--check: `{command}` has no `{{}}`, which stands for the image's path"))
    }

    /// What it says of an image, which is gone when it has said it.
    pub(crate) fn look(&self, image: &Image) -> Result<Said, String> {
        let fail = |error: io::Error| format!("an image for --check: {error}");
        // A folder of its own, so that whatever a check leaves beside an image is gone as well.
        let folder = tempfile::Builder::new().prefix("headcrash-").tempdir().map_err(fail)?;
        let path = folder.path().join("image.raw");
        let mut file = File::create_new(&path).map_err(fail)?;
        files::write_raw(&mut file, image).map_err(fail)?;
        drop(file);
        let path =
            path.to_str().ok_or("the temporary folder's name is not UTF-8; TMPDIR names it")?;
        // Files rather than pipes: nobody has to read along while there is a clock to watch, and
        // what a check leaves running cannot hold them open.
        let (mut out, mut err) =
            (tempfile::tempfile().map_err(fail)?, tempfile::tempfile().map_err(fail)?);
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(self.command.replace("{}", &command_line([path]))).stdin(Stdio::null());
        shell.stdout(out.try_clone().map_err(fail)?).stderr(err.try_clone().map_err(fail)?);
        // A group of its own, so that all of it can be ended.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut shell, 0);
        let failed = |error: io::Error| format!("--check: sh: {error}");
        let mut shell = shell.spawn().map_err(failed)?;
        let status = ended(&mut shell, Duration::from_secs(self.seconds)).map_err(failed)?;
        let mut all = start_of(&mut out).map_err(fail)?;
        all.extend(start_of(&mut err).map_err(fail)?);
        let text = String::from_utf8_lossy(&all).replace(path, "{}");
        let first = match status {
            Some(status) if status.success() => return Ok(Said::Clean),
            Some(status) => {
                // What a shell says of a command that it does not find, or cannot run.
                if let Some(code @ (126 | 127)) = status.code() {
                    return Err(format!("--check: exit status {code}: {}", text.trim_end()));
                }
                status.to_string()
            }
            None => format!("timed out: no answer within {} s, and ended", self.seconds),
        };
        let lines = text.lines().filter(|line| !line.trim().is_empty()).take(LINES);
        let shown = |line: &str| line.chars().filter(|c| !c.is_control()).take(200).collect();
        let said: Vec<_> = [first].into_iter().chain(lines.map(shown)).collect();
        let said = said.join("\n");
        Ok(if status.is_some() { Said::Loud(said) } else { Said::TimedOut(said) })
    }
}

/// How a command ended; nothing if it did not in time, and was ended.
fn ended(shell: &mut Child, time: Duration) -> io::Result<Option<ExitStatus>> {
    /// A short check is not to wait long for us, and a long one not to be asked too often.
    const LONGEST: Duration = Duration::from_millis(20);
    let start = Instant::now();
    let mut pause = Duration::from_micros(100);
    loop {
        if let Some(status) = shell.try_wait()? {
            return Ok(Some(status));
        }
        let left = time.saturating_sub(start.elapsed());
        if left.is_zero() {
            break;
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 5 / 4).min(LONGEST);
    }
    // Until it was waited for, its number is nobody else's.
    #[cfg(unix)]
    {
        let all = format!("kill -KILL -{}", shell.id());
        _ = Command::new("sh").args(["-c", &all]).stderr(Stdio::null()).status()?;
    }
    shell.kill()?;
    shell.wait()?;
    Ok(None)
}

/// The first bytes of an output.
fn start_of(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.take(SAID_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
