//! The steps of a client, as `qemu-io` commands.

use headcrash_engine::IoKind;

use super::export::Export;
use crate::blkdebug::script::{Operation, Verify};
use crate::scenario::{
    Client, Content, Io, Pattern, RequestIndex, Step, StepKind, TagIndex, Wanted,
};
use crate::source::Location;

/// A command, and the step it is from.
pub(super) type Command = (Location, Operation);

/// A script is given up when it has more commands.
const MOST: usize = 100_000;

/// Long enough for everything that can finish to finish.
const SETTLE_MS: u64 = 10;

/// The commands of the first client that has steps. `open` is given `name`.
pub(super) fn of(export: &mut Export<'_>, name: &str) -> Vec<Command> {
    let scenario = export.scenario;
    let mut clients = scenario.clients().iter().filter(|client| !client.steps.is_empty());
    let Some(client) = clients.next() else { return Vec::new() };
    for client in clients {
        export.leave(client.location, "qemu-io is one client, and it is the first");
    }
    let breaks = std::mem::take(&mut export.breaks);
    let mut script = Script { export, client, name, list: Vec::new(), open: 0, is_owed: false };
    for (location, event, tag) in breaks {
        script.set_break(location, &event, tag);
    }
    script.steps(0, client.steps.len());
    script.settle(client.location);
    script.list
}

struct Script<'e, 's> {
    export: &'e mut Export<'s>,
    client: &'s Client,
    name: &'e str,
    list: Vec<Command>,
    /// Requests in the background that are not waited for.
    open: usize,
    /// Something is waited for, and no command says so yet.
    is_owed: bool,
}

impl<'s> Script<'_, 's> {
    fn steps(&mut self, mut from: usize, to: usize) {
        let client = self.client;
        while from < to {
            let step = &client.steps[from];
            if self.list.len() >= MOST {
                return self.export.leave(step.location, "the script gets too long");
            }
            from = match step.kind {
                StepKind::Repeat { times, end } => {
                    self.repeat(step.location, times, from + 1, end.0);
                    end.0
                }
                StepKind::When { otherwise, .. }
                | StepKind::WhenMarked { otherwise, .. }
                | StepKind::WhenExists { otherwise, .. } => {
                    self.export.leave(step.location, "qemu-io decides nothing");
                    // What comes before `otherwise` may be a jump past it.
                    match client.steps[otherwise.0 - 1].kind {
                        StepKind::Jump(end) => end.0,
                        _ => otherwise.0,
                    }
                }
                StepKind::Jump(end) => end.0,
                _ => {
                    self.step(from);
                    from + 1
                }
            };
        }
    }

    /// `end` is after the step that counts.
    fn repeat(&mut self, location: Location, times: u64, from: usize, end: usize) {
        for _ in 0..times {
            let before = self.list.len();
            self.steps(from, end - 1);
            if self.list.len() >= MOST {
                return self.export.leave(location, "the script gets too long");
            }
            if self.list.len() == before {
                return;
            }
        }
    }

    fn push(&mut self, location: Location, operation: Operation) {
        // A pause is as good as the wait that is owed.
        let is_pause = match operation {
            Operation::Sleep { ms } => ms > 0,
            Operation::Drain => true,
            _ => false,
        };
        if is_pause {
            self.is_owed = false;
        }
        self.settle(location);
        self.list.push((location, operation));
    }

    /// Waits for what is to be waited for.
    fn settle(&mut self, location: Location) {
        if std::mem::take(&mut self.is_owed) {
            let settle = match self.open {
                0 => Operation::Drain,
                _ => Operation::Sleep { ms: SETTLE_MS },
            };
            self.list.push((location, settle));
        }
    }

    fn step(&mut self, index: usize) {
        let client = self.client;
        let step = &client.steps[index];
        let location = step.location;
        let scenario = self.export.scenario;
        let tag = |tag: &TagIndex| scenario.tags()[tag.0].tag.to_string();
        let disk = match &step.kind {
            StepKind::Io(io, _) | StepKind::Submit(_, io) => Some(io.disk),
            StepKind::Announce(disk, _)
            | StepKind::SetBreak(disk, ..)
            | StepKind::Open(disk, _)
            | StepKind::Close(disk)
            | StepKind::Reopen(disk, _)
            | StepKind::Truncate(disk, ..)
            | StepKind::Len(disk, _) => Some(*disk),
            StepKind::RemoveBreak { tag, .. }
            | StepKind::Resume { tag, .. }
            | StepKind::WaitBreak(tag) => Some(scenario.tags()[tag.0].disk),
            _ => None,
        };
        if disk.is_some_and(|disk| disk.0 > 0) {
            return self.export.leave(location, "qemu-io has one disk, and it is the first");
        }
        match &step.kind {
            StepKind::Io(io, wanted) => {
                self.unsaid(location, wanted);
                let verify = self.verify(location, io, wanted);
                self.request(location, io, verify, false);
            }
            StepKind::Submit(id, io) => {
                let verify = match awaited(&client.steps[index + 1..], *id) {
                    Some((location, wanted)) => self.verify(location, io, wanted),
                    None => None,
                };
                if self.request(location, io, verify, true) {
                    self.open += 1;
                }
            }
            StepKind::Wait(_, wanted) => {
                self.unsaid(location, wanted);
                self.open = self.open.saturating_sub(1);
                self.is_owed = true;
            }
            StepKind::WaitAll(wanted) => {
                self.unsaid(location, wanted);
                self.open = 0;
                self.push(location, Operation::Drain);
            }
            StepKind::Parallel(all) => {
                for (location, io, wanted) in all {
                    if io.disk.0 > 0 {
                        self.export.leave(*location, "qemu-io has one disk, and it is the first");
                    } else {
                        self.unsaid(*location, wanted);
                        let verify = self.verify(*location, io, wanted);
                        self.request(*location, io, verify, true);
                    }
                }
                self.is_owed = true;
            }
            StepKind::SetBreak(_, event, under) => {
                let event = scenario.disks()[0].nodes[0].program.events().name(*event);
                self.set_break(location, event, tag(under));
            }
            StepKind::RemoveBreak { tag: under, .. } => {
                self.push(location, Operation::RemoveBreak { tag: tag(under) });
            }
            StepKind::Resume { tag: under, .. } => {
                self.push(location, Operation::Resume { tag: tag(under) });
            }
            StepKind::WaitBreak(under) => {
                self.push(location, Operation::WaitBreak { tag: tag(under) });
            }
            StepKind::Sleep { ns } => {
                self.push(location, Operation::Sleep { ms: ns.div_ceil(1_000_000) });
            }
            StepKind::Open(..) => {
                self.export.leave(location, "the open disk gets qemu-io's own cache mode");
                self.push(location, Operation::Open { path: self.name.to_owned() });
            }
            StepKind::Close(_) => self.push(location, Operation::Close),
            StepKind::Reopen(..) => {
                // It flushes by itself.
                if let Some((_, Operation::Flush)) = self.list.last() {
                    self.list.pop();
                } else {
                    self.export.leave(location, "QEMU flushes when it reopens");
                }
                self.push(location, Operation::Reopen { read_only: None });
            }
            StepKind::Truncate(_, len, _) => {
                self.push(location, Operation::Truncate { len: *len });
            }
            StepKind::Len(..) => self.push(location, Operation::Length),
            StepKind::Announce(..) => {
                self.export.leave(location, "qemu-io has no command that announces an event");
            }
            StepKind::Expect(_) => self.export.leave(location, "qemu-io expects nothing"),
            StepKind::Mark(_) | StepKind::Refuse(_) => {
                self.export.leave(location, "qemu-io has no recovery that would look at it");
            }
            StepKind::File(..) => self.export.leave(location, "qemu-io knows no files"),
            StepKind::PowerCut(_) => self.export.leave(location, "qemu-io has no power cuts"),
            StepKind::Damage { .. } | StepKind::Heal { .. } => {
                self.export.leave(location, "blkdebug's faults are its rules");
            }
            StepKind::Repeat { .. }
            | StepKind::Again { .. }
            | StepKind::When { .. }
            | StepKind::WhenMarked { .. }
            | StepKind::WhenExists { .. }
            | StepKind::Jump(_) => unreachable!("whoever walks the steps goes around these"),
        }
    }

    /// What is said of an answer besides its bytes, and nobody would look at.
    fn unsaid(&mut self, location: Location, wanted: &Wanted) {
        if wanted.or_violates.is_some() {
            self.export.leave(location, "qemu-io watches over no property");
        }
        if wanted.save.is_some() {
            self.export.leave(location, "qemu-io saves nothing");
        }
    }

    fn set_break(&mut self, location: Location, event: &str, tag: String) {
        let dialect = self.export.scenario.dialect();
        if dialect.events().contains(&event) {
            self.push(location, Operation::Break { event: event.to_owned(), tag });
        } else {
            let reason = format!("dialect {} has no event `{event}`", dialect.name());
            self.export.leave(location, reason);
        }
    }

    /// What the bytes of a read are compared with.
    fn verify(&mut self, location: Location, io: &Io, wanted: &Wanted) -> Option<Verify> {
        let pattern = one_byte(wanted.holds.as_ref()?);
        if pattern.is_none() {
            self.export.leave(location, "qemu-io compares with one byte value only");
        }
        Some(Verify { pattern: pattern?, from: 0, len: io.len })
    }

    /// Whether it is now in the background.
    fn request(
        &mut self,
        location: Location,
        io: &Io,
        verify: Option<Verify>,
        background: bool,
    ) -> bool {
        let Io { at, len, fua, .. } = *io;
        let operation = match io.kind {
            IoKind::Read => Operation::Read { at, len, verify, background },
            IoKind::Write => {
                let Some(pattern) = io.data.as_ref().and_then(|data| byte_of(data, len)) else {
                    self.export.leave(location, "qemu-io writes one byte value at a time");
                    return false;
                };
                Operation::Write { at, len, pattern, fua, background }
            }
            IoKind::WriteZeroes => {
                let (unmap, no_fallback) = (false, false);
                Operation::WriteZeroes { at, len, fua, unmap, no_fallback, background }
            }
            IoKind::Discard => Operation::Discard { at, len },
            IoKind::Flush => Operation::Flush,
            IoKind::BlockStatus => unreachable!("no step asks for block status"),
        };
        let waits = background && matches!(operation, Operation::Discard { .. } | Operation::Flush);
        if waits {
            self.export.leave(location, "qemu-io waits for a flush or a discard");
        }
        self.push(location, operation);
        background && !waits
    }
}

/// Where a request is waited for, by itself, in the steps that come after.
fn awaited(later: &[Step], id: RequestIndex) -> Option<(Location, &Wanted)> {
    later.iter().find_map(|step| match &step.kind {
        StepKind::Wait(other, wanted) if *other == id => Some((step.location, wanted)),
        _ => None,
    })
}

fn one_byte(pattern: &Pattern) -> Option<u8> {
    match &pattern.any_of[..] {
        [Content::Crc32 { .. }] => None,
        [content] => byte_of(content, content.own_len().unwrap_or(1)),
        _ => None,
    }
}

/// The only byte value there is.
fn byte_of(content: &Content, len: u64) -> Option<u8> {
    let mut runs = content.runs(len).filter(|(len, _)| *len > 0).map(|(_, byte)| byte);
    let first = runs.next().unwrap_or(0);
    runs.all(|byte| byte == first).then_some(first)
}
