//! Steps, from blocks to a flat program.

use super::clients::Bytes;
use super::flow::Flow;
use super::io::{Answer, Request};
use super::{Lower, Table};
use crate::file::{self, Step};
use crate::scenario::{
    Client, DiskIndex, RequestIndex, SavedIndex, Step as Lowered, StepIndex, StepKind, TagIndex,
};
use crate::source::{Location, Place, Span};

/// The most requests of one `parallel`.
const MAX_PARALLEL: usize = 1_024;

/// The most times of one `repeat`.
const MAX_TIMES: u64 = 1_000_000;

/// A client's program as it is made.
pub(super) struct Draft {
    client: usize,
    steps: Vec<Lowered>,
    saved: Table,
    flow: Flow,
    /// Around the current place, and the most anywhere.
    repeats: usize,
    depth: usize,
}

impl Draft {
    pub(super) fn new(client: usize) -> Self {
        let (saved, flow) = (Table::default(), Flow::default());
        Self { client, steps: Vec::new(), saved, flow, repeats: 0, depth: 0 }
    }

    pub(super) fn finish(self, name: String, location: Location) -> Client {
        let saved = self.saved.names().to_vec();
        Client { name, steps: self.steps, saved, depth: self.depth, location }
    }

    pub(super) fn save(&mut self, name: &str, span: Span) -> SavedIndex {
        let known = self.saved.find(name);
        SavedIndex(known.unwrap_or_else(|| self.saved.add(name, span).unwrap_or_default()))
    }

    fn next(&self) -> StepIndex {
        StepIndex(self.steps.len())
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
            Step::When(when) => {
                visit_places(&when.then, place.field("then"), look);
                visit_places(&when.otherwise, place.field("otherwise"), look);
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
        Step::When(when) => unrolled(&when.then).max(unrolled(&when.otherwise)).saturating_add(1),
        Step::Parallel(ios) => ios.len() as u64,
        _ => 1,
    });
    each.fold(0, u64::saturating_add)
}

impl Lower<'_> {
    /// Adds these steps to a draft.
    pub(super) fn steps(&mut self, draft: &mut Draft, steps: &[Step], place: Place<'_>) {
        for (step, place) in steps.iter().zip(place.items()) {
            match step {
                Step::Repeat(repeat) => self.repeat(draft, repeat, place),
                Step::When(when) => self.when(draft, when, place),
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
        let inside = place.item(0);
        let kind = match step {
            Step::Submit(submit) => return self.submit(draft, submit, place),
            Step::Wait(wait) => return self.wait(draft, wait, place),
            Step::WaitAll(wait) => {
                draft.flow.wait_all(place.span());
                let (gets, or_violates) = (Some(&wait.gets), wait.or_violates.as_deref());
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
            Step::Open(open) => StepKind::Open(self.disk(open.disk.as_deref(), place)?),
            Step::Close(close) => StepKind::Close(self.disk(close.disk.as_deref(), place)?),
            Step::Reopen(reopen) => StepKind::Reopen(self.disk(reopen.disk.as_deref(), place)?),
            Step::Truncate(truncate) => {
                let disk = self.disk(truncate.disk.as_deref(), place);
                let gets = self.gets(&truncate.gets, place.field("gets"));
                self.check_len(truncate.len, place.field("len"));
                StepKind::Truncate(disk?, truncate.len, gets?)
            }
            Step::Len(len) => {
                let disk = self.disk(len.disk.as_deref(), place);
                StepKind::Len(disk?, len.is)
            }
            Step::Expect(condition) => StepKind::Expect(self.condition(condition, inside)?),
            Step::Read(_)
            | Step::Write(_)
            | Step::WriteZeroes(_)
            | Step::Discard(_)
            | Step::Flush(_)
            | Step::Repeat(_)
            | Step::When(_) => return None,
        };
        Some(kind)
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
        let wanted = self.wanted(draft, answer, self.ids.bytes(id), place)?;
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
        self.steps(draft, &repeat.steps, place.field("steps"));
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
        let location = self.locate(place);
        let decision = draft.next();
        // Replaced below; a jump to nowhere stays only where there is no scenario in the end.
        draft.push(location, StepKind::Jump(decision));
        let mark = draft.flow.mark();
        self.steps(draft, &when.then, place.field("then"));
        let then = draft.flow.swap(mark);
        let mut otherwise = draft.next();
        if !when.otherwise.is_empty() {
            draft.push(location, StepKind::Jump(decision));
            otherwise = draft.next();
            self.steps(draft, &when.otherwise, place.field("otherwise"));
            draft.steps[otherwise.0 - 1].kind = StepKind::Jump(draft.next());
        }
        draft.flow.join(&then);
        if let (Some(saved), Some(holds)) = (saved, holds) {
            draft.steps[decision.0].kind = StepKind::When { saved, holds, otherwise };
        }
    }

    /// A tag that need not be set by anything; if there are several disks, it is not clear which
    /// of them would be asked.
    fn any_tag(&mut self, name: &str, place: Place<'_>) -> Option<TagIndex> {
        if self.disks.iter().len() == 1 {
            self.check_name("a tag", name, place);
            let location = self.locate(place);
            let disk = DiskIndex(0);
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
