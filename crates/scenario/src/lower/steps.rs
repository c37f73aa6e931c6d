//! Steps, from blocks to a flat program.

use headcrash_sim::Fault;

use super::clients::Bytes;
use super::flow::Flow;
use super::io::{Answer, Request};
use super::{Lower, Table, files};
use crate::file::{self, Step};
use crate::scenario::{
    Client, DiskIndex, FileSystemIndex, MarkIndex, RequestIndex, SavedIndex, Step as Lowered,
    StepIndex, StepKind, TagIndex,
};
use crate::source::{Location, Place, Span};

/// The most requests of one `parallel`.
const MAX_PARALLEL: usize = 1_024;

/// The most times of one `repeat`.
const MAX_TIMES: u64 = 1_000_000;

/// A client's program as it is made.
pub(super) struct Draft {
    client: usize,
    /// It is what is done after a power cut.
    pub(super) recovers: bool,
    steps: Vec<Lowered>,
    saved: Table,
    /// What it calls open files, each of one file system.
    pub(super) handles: Table,
    pub(super) handle_systems: Vec<FileSystemIndex>,
    flow: Flow,
    /// Around the current place, and the most anywhere.
    repeats: usize,
    depth: usize,
}

impl Draft {
    pub(super) fn new(client: usize, recovers: bool) -> Self {
        Self {
            client,
            recovers,
            steps: Vec::new(),
            saved: Table::default(),
            handles: Table::default(),
            handle_systems: Vec::new(),
            flow: Flow::default(),
            repeats: 0,
            depth: 0,
        }
    }

    pub(super) fn finish(self, name: String, location: Location) -> Client {
        let saved = self.saved.names().to_vec();
        let handles = self.handles.names().to_vec();
        let steps = self.steps;
        let (operations, drawn) = (Vec::new(), 0);
        Client { name, steps, saved, handles, depth: self.depth, location, operations, drawn }
    }

    pub(super) fn save(&mut self, name: &str, span: Span) -> SavedIndex {
        let known = self.saved.find(name);
        SavedIndex(known.unwrap_or_else(|| self.saved.add(name, span).unwrap_or_default()))
    }

    pub(super) fn next(&self) -> StepIndex {
        StepIndex(self.steps.len())
    }

    /// What is decided where a decision stands.
    pub(super) fn decide(&mut self, decision: StepIndex, kind: StepKind) {
        self.steps[decision.0].kind = kind;
    }

    fn push(&mut self, location: Location, kind: StepKind) {
        self.steps.push(Lowered { location, kind });
    }
}

/// Shows `look` every step, those of a block after the block itself.
pub(super) fn visit(steps: &[Step], look: &mut impl FnMut(&Step)) {
    for step in steps {
        look(step);
        match step {
            Step::Repeat(repeat) => visit(&repeat.steps, look),
            Step::When(when) => {
                visit(&when.then, look);
                visit(&when.otherwise, look);
            }
            Step::WhenMarked(when) => {
                visit(&when.then, look);
                visit(&when.otherwise, look);
            }
            Step::WhenExists(when) => {
                visit(&when.then, look);
                visit(&when.otherwise, look);
            }
            _ => {}
        }
    }
}

/// As [`visit`], with the places.
pub(super) fn visit_places<'f>(
    steps: &'f [Step],
    place: Place<'f>,
    look: &mut impl FnMut(&'f Step, Place<'f>),
) {
    for (step, place) in steps.iter().zip(place.items()) {
        look(step, place);
        match step {
            Step::Repeat(repeat) => visit_places(&repeat.steps, place.field("steps"), look),
            Step::When(file::When { then, otherwise, .. })
            | Step::WhenMarked(file::WhenMarked { then, otherwise, .. })
            | Step::WhenExists(file::WhenExists { then, otherwise, .. }) => {
                visit_places(then, place.field("then"), look);
                visit_places(otherwise, place.field("otherwise"), look);
            }
            _ => {}
        }
    }
}

/// How many steps these are at most, counting each time of a `repeat`.
pub(super) fn unrolled(steps: &[Step]) -> u64 {
    let each = steps.iter().map(|step| match step {
        Step::Repeat(repeat) => {
            let once = unrolled(&repeat.steps).saturating_add(1);
            once.saturating_mul(repeat.times).saturating_add(1)
        }
        Step::When(file::When { then, otherwise, .. })
        | Step::WhenMarked(file::WhenMarked { then, otherwise, .. })
        | Step::WhenExists(file::WhenExists { then, otherwise, .. }) => {
            unrolled(then).max(unrolled(otherwise)).saturating_add(1)
        }
        Step::Parallel(ios) => ios.len() as u64,
        _ => 1,
    });
    each.fold(0, u64::saturating_add)
}

impl Lower<'_> {
    /// Adds these steps to a draft.
    pub(super) fn steps<'p>(
        &mut self,
        draft: &mut Draft,
        steps: &[Step],
        places: impl Iterator<Item = Place<'p>>,
    ) {
        for (step, place) in steps.iter().zip(places) {
            match step {
                Step::Repeat(repeat) => self.repeat(draft, repeat, place),
                Step::When(when) => self.when(draft, when, place),
                Step::WhenMarked(when) => self.when_marked(draft, when, place),
                Step::WhenExists(when) => self.when_exists(draft, when, place),
                step => {
                    // What could not be lowered was said to be wrong.
                    if let Some(kind) = self.step(draft, step, place) {
                        let location = self.locate(place);
                        draft.push(location, kind);
                    }
                }
            }
        }
    }

    fn step(&mut self, draft: &mut Draft, step: &Step, place: Place<'_>) -> Option<StepKind> {
        if let Some(request) = Request::of_step(step) {
            let io = self.io(request, place);
            let wanted = self.wanted(draft, request.answer(), request.bytes(), place);
            return Some(StepKind::Io(io?, wanted?));
        }
        if let Some(answer) = files::answer_of(step) {
            return self.file_step(draft, step, answer, place);
        }
        let inside = place.item(0);
        let kind = match step {
            Step::Submit(submit) => return self.submit(draft, submit, place),
            Step::Wait(wait) => return self.wait(draft, wait, place),
            Step::WaitAll(wait) => {
                draft.flow.wait_all(place.span());
                let (gets, or_violates) = (Some(&wait.gets), wait.or_violates.as_deref());
                self.check_short(&wait.gets, None, place);
                let answer = Answer { gets, or_violates, ..Answer::default() };
                StepKind::WaitAll(self.wanted(draft, answer, Bytes::None, place)?)
            }
            Step::Parallel(ios) => {
                if ios.len() > MAX_PARALLEL {
                    let message = format!("{} requests at once are too many", ios.len());
                    let told = self.say(place.name_span(), message);
                    told.help.push(format!("at most {MAX_PARALLEL} can be"));
                }
                if ios.is_empty() {
                    self.say(place.span(), "there is nothing to do in parallel");
                }
                let mut all = Vec::new();
                for (io, place) in ios.iter().zip(inside.items()) {
                    let request = Request::of(io);
                    let io = self.io(request, place);
                    let wanted = self.wanted(draft, request.answer(), request.bytes(), place);
                    if let (Some(io), Some(wanted)) = (io, wanted) {
                        all.push((self.locate(place), io, wanted));
                    }
                }
                StepKind::Parallel(all)
            }
            Step::Announce(announce) => {
                self.check_name("the name of an event", &announce.event, place.field("event"));
                let disk = self.disk(announce.disk.as_deref(), place);
                let event = self.event(&announce.event, place.field("event"));
                StepKind::Announce(disk?, event?)
            }
            Step::SetBreak(set) => {
                let disk = self.disk(set.disk.as_deref(), place);
                let event = self.event(&set.event, place.field("event"));
                // Without a disk, nobody has heard of the tag.
                let disk = disk?;
                let tag = self.tag(&set.tag, place.field("tag"));
                StepKind::SetBreak(disk, event?, tag?)
            }
            Step::RemoveBreak(tag) => {
                StepKind::RemoveBreak { tag: self.tag(tag, inside)?, finds: true }
            }
            Step::Resume(tag) => StepKind::Resume { tag: self.tag(tag, inside)?, finds: true },
            Step::RemoveNoBreak(tag) => {
                StepKind::RemoveBreak { tag: self.any_tag(tag, inside)?, finds: false }
            }
            Step::ResumeNone(tag) => {
                StepKind::Resume { tag: self.any_tag(tag, inside)?, finds: false }
            }
            Step::WaitBreak(tag) => StepKind::WaitBreak(self.tag(tag, inside)?),
            Step::Sleep(sleep) => {
                self.check_ns(sleep.ns, place.field("ns"));
                StepKind::Sleep { ns: sleep.ns }
            }
            Step::Open(open) => {
                let disk = self.disk(open.disk.as_deref(), place);
                let gets = self.gets(&open.gets, place.field("gets"));
                self.check_short(&open.gets, None, place);
                StepKind::Open(disk?, gets?)
            }
            Step::Close(close) => StepKind::Close(self.disk(close.disk.as_deref(), place)?),
            Step::Reopen(reopen) => {
                let disk = self.disk(reopen.disk.as_deref(), place);
                let gets = self.gets(&reopen.gets, place.field("gets"));
                self.check_short(&reopen.gets, None, place);
                StepKind::Reopen(disk?, gets?)
            }
            Step::Truncate(truncate) => {
                let disk = self.disk(truncate.disk.as_deref(), place);
                let gets = self.gets(&truncate.gets, place.field("gets"));
                self.check_short(&truncate.gets, None, place);
                self.check_len(truncate.len, place.field("len"));
                StepKind::Truncate(disk?, truncate.len, gets?)
            }
            Step::Len(len) => {
                let disk = self.disk(len.disk.as_deref(), place);
                StepKind::Len(disk?, len.is)
            }
            Step::PowerCut(cut) => StepKind::PowerCut(self.cut_power(draft, cut, place)?),
            Step::Damage(damage) => return self.damage(damage, place),
            Step::Heal(heal) => {
                let disk = self.disk(heal.disk.as_deref(), place)?;
                let rest = self.disks.size(disk).saturating_sub(heal.at);
                let len = heal.len.unwrap_or(rest);
                self.check_whole_sectors(heal.at, heal.len, place)?;
                self.check_extent(disk, heal.at, len, place, None)?;
                StepKind::Heal { disk, at: heal.at, len }
            }
            Step::Expect(condition) => StepKind::Expect(self.condition(condition, inside)?),
            Step::Mark(mark) => StepKind::Mark(self.mark(mark, inside)?),
            Step::Refuse(why) => {
                if !draft.recovers {
                    let told = self.say(place.span(), "only a recovery can refuse");
                    told.help.push("`expect(..)` is for what must be so elsewhere".to_owned());
                }
                self.check_name("the reason", why, inside);
                StepKind::Refuse(why.clone())
            }
            Step::Read(_)
            | Step::Write(_)
            | Step::WriteZeroes(_)
            | Step::Discard(_)
            | Step::Flush(_)
            | Step::Repeat(_)
            | Step::When(_)
            | Step::WhenMarked(_) => return None,
            // Seen above.
            Step::CreateFile(_)
            | Step::OpenFile(_)
            | Step::ReadFile(_)
            | Step::WriteFile(_)
            | Step::SetLen(_)
            | Step::SyncFile(_)
            | Step::SyncData(_)
            | Step::CloseFile(_)
            | Step::FileLen(_)
            | Step::Rename(_)
            | Step::Unlink(_)
            | Step::Mkdir(_)
            | Step::Rmdir(_)
            | Step::SyncDir(_)
            | Step::List(_)
            | Step::Exists(_)
            | Step::WhenExists(_) => return None,
        };
        Some(kind)
    }

    /// For which disks the power goes; for all, if there are none.
    fn cut_power(
        &mut self,
        draft: &Draft,
        cut: &file::step::CutPower,
        place: Place<'_>,
    ) -> Option<Vec<DiskIndex>> {
        if draft.recovers {
            let told = self.say(place.span(), "a recovery that always cuts itself never ends");
            told.help.push("`power_cut: (times: 2)` cuts it once, at every moment".to_owned());
        }
        let Some(names) = &cut.disks else { return Some(Vec::new()) };
        let place = place.field("disks");
        if names.is_empty() {
            let told = self.say(place.span(), "this list has no disk");
            told.help.push("leave `disks` out for all of them".to_owned());
        }
        let mut disks = Vec::new();
        for (name, place) in names.iter().zip(place.items()) {
            let disk = self.disk_in(name, place)?;
            if disks.contains(&disk) {
                self.say(place.span(), format!("disk `{name}` is given twice"));
            }
            disks.push(disk);
        }
        Some(disks)
    }

    fn damage(&mut self, damage: &file::step::Damage, place: Place<'_>) -> Option<StepKind> {
        let disk = self.disk(damage.disk.as_deref(), place);
        let with = place.field("with");
        let size = disk.map_or(u64::MAX, |disk| self.disks.size(disk));
        let fault = self.fault(&damage.with, with, size)?;
        let is_of_the_medium = matches!(
            fault,
            Fault::Unreadable { .. }
                | Fault::Unwritable { .. }
                | Fault::BitRot { .. }
                | Fault::Garbage { .. }
                | Fault::Pattern { .. }
                | Fault::Stale
        );
        if !is_of_the_medium {
            let message = format!("`{}` is about an access, not about sectors", fault.name());
            let told = self.say(with.head(), message);
            told.help.push(
                "sectors can be `unreadable`, `unwritable`, `bit_rot`, `garbage`, `pattern` or \
                 `stale`; a rule does the rest"
                    .to_owned(),
            );
            return None;
        }
        let (disk, at, len) = (disk?, damage.at, damage.len);
        self.check_whole_sectors(at, Some(len), place)?;
        self.check_extent(disk, at, len, place, None)?;
        Some(StepKind::Damage { disk, at, len, fault })
    }

    /// Faults of the medium are those of its sectors.
    fn check_whole_sectors(&mut self, at: u64, len: Option<u64>, place: Place<'_>) -> Option<()> {
        const SECTOR: u64 = 512;
        for (name, value) in [("at", Some(at)), ("len", len)] {
            let Some(value) = value else { continue };
            let is_empty = name == "len" && value == 0;
            if is_empty || !value.is_multiple_of(SECTOR) {
                let message = match is_empty {
                    true => "no bytes have no faults".to_owned(),
                    false => format!("faults lie over sectors, and {value} is inside of one"),
                };
                let told = self.say(place.field(name).span(), message);
                told.help.push(format!("`{name}` is a multiple of {SECTOR}"));
                return None;
            }
        }
        Some(())
    }

    fn submit(
        &mut self,
        draft: &mut Draft,
        submit: &file::Submit,
        place: Place<'_>,
    ) -> Option<StepKind> {
        let (request, at) = (Request::of(&submit.io), place.field("io"));
        for name in ["gets", "holds", "save", "or_violates"] {
            let field = at.field(name);
            if field.is_written() {
                let message = format!("`{name}` is not known when a request is submitted");
                let told = self.say(field.name_span(), message);
                let id = &submit.id;
                told.help.push(format!("say it where it is waited for: `wait(id: {id:?}, ..)`"));
            }
        }
        let io = self.io(request, at);
        let id = self.ids.find(&submit.id)?;
        if self.ids.client(id) == draft.client && !draft.flow.submit(id, place.field("id").span()) {
            let message = format!("the request `{}` is still pending", submit.id);
            let told = self.say(place.field("id").span(), message);
            told.help.push("wait for it before it is submitted again".to_owned());
        }
        Some(StepKind::Submit(id, io?))
    }

    fn wait(&mut self, draft: &mut Draft, wait: &file::Wait, place: Place<'_>) -> Option<StepKind> {
        let id = self.id(&wait.id, place.field("id"))?;
        let span = place.field("id").span();
        let submitted = self.ids.span(id);
        if self.ids.client(id) != draft.client {
            let message = format!("another client submits `{}`, and only it can wait", wait.id);
            let told = self.say(span, message);
            *told = told.clone().also(submitted, "submitted here");
            return None;
        }
        if !draft.flow.wait(id, span) {
            let told = self.say(span, format!("the request `{}` is not yet submitted", wait.id));
            *told = told.clone().also(submitted, "submitted here");
        }
        let answer = Answer {
            gets: Some(&wait.gets),
            holds: wait.holds.as_ref(),
            save: wait.save.as_deref(),
            or_violates: wait.or_violates.as_deref(),
        };
        let bytes = match (&wait.gets, self.ids.bytes(id)) {
            (file::Gets::Short(bytes), Bytes::Known(_) | Bytes::Various) => Bytes::Known(*bytes),
            (_, bytes) => bytes,
        };
        let wanted = self.wanted(draft, answer, bytes, place)?;
        Some(StepKind::Wait(id, wanted))
    }

    /// The request called `name`.
    pub(super) fn id(&mut self, name: &str, place: Place<'_>) -> Option<RequestIndex> {
        let found = self.ids.find(name);
        if found.is_none() {
            let near = self.near(name, self.ids.known().iter().map(|name| &**name));
            let told = self.say(place.span(), format!("no request `{name}` is ever submitted"));
            told.help.extend(near);
            told.help.push(format!("submit one: `submit(id: {name:?}, io: ..)`"));
        }
        found
    }

    fn repeat(&mut self, draft: &mut Draft, repeat: &file::Repeat, place: Place<'_>) {
        if repeat.times > MAX_TIMES {
            let message =
                format!("{} times are too many, at most {MAX_TIMES} can be", repeat.times);
            self.say(place.field("times").span(), message);
        }
        let location = self.locate(place);
        let (mark, begin) = (draft.flow.mark(), draft.next());
        draft.push(location, StepKind::Repeat { times: repeat.times, end: begin });
        draft.repeats += 1;
        draft.depth = draft.depth.max(draft.repeats);
        self.steps(draft, &repeat.steps, place.field("steps").items());
        draft.repeats -= 1;
        draft.push(location, StepKind::Again { repeat: begin });
        let end = draft.next();
        draft.steps[begin.0].kind = StepKind::Repeat { times: repeat.times, end };
        if repeat.times > 1 {
            for (request, span) in draft.flow.resubmitted(&mark) {
                let name = &self.ids.known()[request.0];
                let message = format!("the second time, the request `{name}` is still pending");
                let told = self.say(span, message);
                told.help.push("wait for it inside the repeated steps".to_owned());
            }
        }
    }

    fn when(&mut self, draft: &mut Draft, when: &file::When, place: Place<'_>) {
        let at = place.field("saved");
        let saved = draft.saved.find(&when.saved).map(SavedIndex);
        if saved.is_none() {
            let names = draft.saved.names().iter().map(|name| &**name);
            let near = self.near(&when.saved, names);
            let message = format!("nothing is saved as `{}` before", when.saved);
            let told = self.say(at.span(), message);
            told.help.extend(near);
            told.help.push(format!("save a read: `read(.., save: {:?})`", when.saved));
        }
        let len = match self.ids.saved(draft.client, &when.saved) {
            Bytes::Known(len) => Some(len),
            Bytes::None | Bytes::Various => None,
        };
        let holds = self.pattern(&when.holds, place.field("holds"), len);
        let (decision, otherwise) = self.branches(draft, (&when.then, &when.otherwise), place);
        if let (Some(saved), Some(holds)) = (saved, holds) {
            draft.steps[decision.0].kind = StepKind::When { saved, holds, otherwise };
        }
    }

    fn when_marked(&mut self, draft: &mut Draft, when: &file::WhenMarked, place: Place<'_>) {
        let mark = self.mark(&when.mark, place.field("mark"));
        let (decision, otherwise) = self.branches(draft, (&when.then, &when.otherwise), place);
        if let Some(mark) = mark {
            draft.steps[decision.0].kind = StepKind::WhenMarked { mark, otherwise };
        }
    }

    /// What some step marks.
    fn mark(&mut self, name: &str, place: Place<'_>) -> Option<MarkIndex> {
        let found = self.marks.find(name).map(MarkIndex);
        if found.is_none() {
            let near = self.near(name, self.marks.names().iter().map(|name| &**name));
            let told = self.say(place.span(), format!("nothing is ever marked `{name}`"));
            told.help.extend(near);
            told.help.push(format!("a step of a client marks it: `mark({name:?})`"));
        }
        found
    }

    /// The steps of a decision: where it stands, and where its other branch begins.
    pub(super) fn branches(
        &mut self,
        draft: &mut Draft,
        (then, other): (&[Step], &[Step]),
        place: Place<'_>,
    ) -> (StepIndex, StepIndex) {
        let location = self.locate(place);
        let decision = draft.next();
        // Replaced by the caller; a jump to nowhere stays only where there is no scenario in the
        // end.
        draft.push(location, StepKind::Jump(decision));
        let mark = draft.flow.mark();
        self.steps(draft, then, place.field("then").items());
        let then = draft.flow.swap(mark);
        let mut otherwise = draft.next();
        if !other.is_empty() {
            draft.push(location, StepKind::Jump(decision));
            otherwise = draft.next();
            self.steps(draft, other, place.field("otherwise").items());
            draft.steps[otherwise.0 - 1].kind = StepKind::Jump(draft.next());
        }
        draft.flow.join(&then);
        (decision, otherwise)
    }

    /// A tag that need not be set by anything; if there are several disks, it is not clear which
    /// of them would be asked.
    fn any_tag(&mut self, name: &str, place: Place<'_>) -> Option<TagIndex> {
        if self.disks.iter().len() == 1 {
            self.check_name("a tag", name, place);
            let location = self.locate(place);
            let disk = DiskIndex(0);
            self.needs_disks = true;
            return Some(self.tags.get(name, disk, 0, location));
        }
        self.tag(name, place)
    }

    fn check_len(&mut self, len: u64, place: Place<'_>) {
        const MOST: u64 = 1 << 60;
        if len > MOST {
            self.say(place.span(), format!("{len} bytes are too many, at most {MOST} can be"));
        }
    }
}
