//! What can be seen where a walk stands.

use std::collections::BTreeMap;

use headcrash_sim::{ClientId, DiskId, Fact, FsId, Life, NodeId, RequestId, Wait, What};

use super::{Goal, Question, Walk, bytes};
use crate::failure::key_names;
use crate::run::describe;
use crate::scenario::DiskIndex;
use crate::source::Location;
use crate::trace::Names;

/// So much of a step's text is shown.
const STEP_LEN: usize = 72;

/// So many requests are listed.
const REQUESTS: usize = 64;

/// So many answers of a question.
const ANSWERS: u64 = 16;

impl Walk<'_> {
    /// Where it stands, and what the last step did.
    #[must_use]
    pub fn here(&self) -> String {
        let mut text = format!("{}\n", self.position());
        text.push_str(&self.lines(self.facts_of(self.step)));
        if self.step == self.steps() {
            text.push_str(&format!("the end: {}\n", self.run.outcome.label()));
            return text;
        }
        let questions = self.questions();
        if !questions.is_empty() {
            let kinds: Vec<_> =
                questions.iter().map(|question| question.choice.point.kind.name()).collect();
            text.push_str(&format!("the next step asks: {}\n", kinds.join(", ")));
        }
        text
    }

    fn position(&self) -> String {
        let at = self.now.session.runner.world().now();
        format!("step {} of {}, {} ns", self.step, self.steps(), at.ns())
    }

    /// Facts as a trace has them.
    fn lines(&self, facts: &[Fact]) -> String {
        let names = Names::of(self.scenario);
        let lines: Vec<_> = facts.iter().map(|fact| names.line(fact)).collect();
        let time = lines.iter().map(|line| line.at_ns.to_string().len()).max().unwrap_or(1);
        let who = lines.iter().map(|line| line.told.who().chars().count()).max().unwrap_or(1);
        lines.iter().map(|line| format!("{}\n", line.text(time, who))).collect()
    }

    /// The last so many lines of the trace.
    #[must_use]
    pub fn trace(&self, lines: u64) -> String {
        let until = self.facts_until(self.step);
        self.lines(self.facts_between(until.saturating_sub(lines), until))
    }

    /// Engines: their states, what is armed and spent, breakpoints, who is held.
    #[must_use]
    pub fn engines(&self) -> String {
        let world = self.now.session.runner.world();
        let names = Names::of(self.scenario);
        let mut text = String::new();
        for disk in (0..world.disk_count() as u32).map(DiskId) {
            for depth in 0..world.node_count(disk) {
                let node = NodeId { disk, depth };
                let engine = world.engine(node);
                text.push_str(&format!("{}: state {}", names.node(node), engine.state().0));
                let armed: Vec<_> = engine.armed().map(|rule| names.rule(node, rule)).collect();
                if !armed.is_empty() {
                    text.push_str(&format!(", armed: {}", armed.join(", ")));
                }
                let ids = engine.program().rule_ids();
                let spent: Vec<_> = ids
                    .filter(|rule| !engine.lives(*rule))
                    .map(|rule| names.rule(node, rule))
                    .collect();
                if !spent.is_empty() {
                    text.push_str(&format!(", used up: {}", spent.join(", ")));
                }
                text.push('\n');
                for (event, tag) in engine.breakpoints() {
                    let event = names.event(event);
                    text.push_str(&format!("  break at {event} under {}\n", tag.as_str()));
                }
                for held in engine.suspensions() {
                    let (who, event) = (held.who().0, names.event(held.event()));
                    text.push_str(&format!(
                        "  #{who} held at {event} under {}\n",
                        held.tag().as_str()
                    ));
                }
            }
        }
        text
    }

    /// Requests that are on their way.
    #[must_use]
    pub fn requests(&self) -> String {
        let world = self.now.session.runner.world();
        let names = Names::of(self.scenario);
        let mut open: BTreeMap<RequestId, (ClientId, String)> = BTreeMap::new();
        let mut notes: BTreeMap<RequestId, String> = BTreeMap::new();
        for fact in self.facts_between(0, self.facts_until(self.step)) {
            match &fact.what {
                What::Submitted { client, request, .. }
                | What::FileSubmitted { client, request, .. } => {
                    open.insert(*request, (*client, names.line(fact).told.says()));
                }
                What::Completed { request, .. }
                | What::CompletedShort { request, .. }
                | What::FileCompleted { request, .. }
                | What::FileCompletedShort { request, .. }
                | What::Lost { request, .. } => _ = open.remove(request),
                What::InFlight { request, until, .. } => {
                    notes.insert(*request, format!("until {} ns", until.ns()));
                }
                What::Waiting { request, on, .. } => {
                    notes.insert(*request, format!("for {on}"));
                }
                What::Suspended { request, tag, .. } => {
                    notes.insert(*request, format!("under {}", tag.as_str()));
                }
                _ => {}
            }
        }
        if open.is_empty() {
            return "no request is on its way\n".to_owned();
        }
        let mut text = String::new();
        for (request, (client, said)) in open.iter().take(REQUESTS) {
            let life = world.life(*request);
            let note = notes
                .get(request)
                .filter(|_| matches!(life, Life::InFlight | Life::Waiting | Life::Suspended));
            let word = if life == Life::InFlight { "in flight" } else { describe(life) };
            let note = note.map_or_else(String::new, |note| format!(" {note}"));
            text.push_str(&format!("{}  {said}: {word}{note}\n", names.client(*client)));
        }
        if open.len() > REQUESTS {
            text.push_str(&format!("and {} more\n", open.len() - REQUESTS));
        }
        text
    }

    /// Clients: where each is, and what it waits for.
    #[must_use]
    pub fn clients(&self) -> String {
        let session = &self.now.session;
        let runner = &session.runner;
        let mut text = String::new();
        for (client, player) in runner.numbered() {
            let name = headcrash_sim::Client::name(player);
            let is_done = runner.is_done(client);
            let how = match runner.waits(client) {
                _ if is_done => "done".to_owned(),
                None => "can go on".to_owned(),
                Some(Wait::Completion(request)) => format!("waits for {request}"),
                Some(Wait::Until(at)) => format!("sleeps until {} ns", at.ns()),
                Some(Wait::Suspension(_, tag)) => {
                    format!("waits for a request to be held under {}", tag.as_str())
                }
                Some(Wait::Any { .. }) => {
                    let said = player.waits_for().unwrap_or_default();
                    let place = player.place().map(|at| format!(", at {at}"));
                    format!("waits {said}{}", place.unwrap_or_default())
                }
            };
            let step =
                if is_done { String::new() } else { self.step_text(session.location_of(client)) };
            text.push_str(format!("{name}: {how}{step}").trim_end());
            text.push('\n');
        }
        if runner.world().is_dark() {
            text.push_str("the power is off: nobody lives\n");
        }
        text
    }

    /// A step as the file has it.
    fn step_text(&self, location: Location) -> String {
        let source = self.scenario.source();
        let step = source.text().get(location.span.range()).unwrap_or_default();
        let line: String = step.lines().next().unwrap_or_default().chars().take(STEP_LEN).collect();
        let more = if line.len() < step.len() { " .." } else { "" };
        format!(" at {location}: {line}{more}")
    }

    /// What the next step asks, with every answer there is.
    #[must_use]
    pub fn choices(&self) -> String {
        if self.step == self.steps() {
            return "the run is over\n".to_owned();
        }
        let questions = self.questions();
        if questions.is_empty() {
            return "the next step asks nothing\n".to_owned();
        }
        let mut text = String::new();
        for (place, question) in (1..).zip(&questions) {
            text.push_str(&self.question(place, question));
        }
        text
    }

    fn question(&self, place: usize, question: &Question) -> String {
        let Question { choice, keys, versions } = question;
        let mut all = vec![choice.point.key];
        all.extend(keys);
        let names = key_names(self.scenario, &all);
        let mut text = format!("{place}: {} about {}\n", choice.point.kind.name(), names[0]);
        let mut shown = ANSWERS;
        for answer in 0..choice.n {
            let is_taken = answer == choice.answer;
            // The answer that was given is always among those that are shown.
            if shown == 0 && !is_taken {
                continue;
            }
            shown = shown.saturating_sub(1);
            let mark = if is_taken { '>' } else { ' ' };
            let words = match (keys.is_empty(), versions.get(answer as usize)) {
                (false, _) => names[answer as usize + 1].clone(),
                (true, Some(0)) => "what was durable".to_owned(),
                (true, Some(write)) => format!("write {write}"),
                (true, None) => self.answer_words(choice.point.kind.name(), answer),
            };
            text.push_str(format!("  {mark} {answer} {words}").trim_end());
            text.push('\n');
        }
        if choice.n > ANSWERS {
            text.push_str(&format!("    of {} answers\n", choice.n));
        }
        text
    }

    /// What an amount means, where that is the same for all questions of a kind.
    fn answer_words(&self, kind: &str, answer: u64) -> String {
        match (kind, answer) {
            ("cut", 0) => "the power stays",
            ("cut", 1) => "the power goes",
            ("tear", 0) => "it is not torn",
            ("fault", 0) => "nothing goes wrong",
            _ => "",
        }
        .to_owned()
    }

    /// Disks and file systems: power, what would be lost, faults that lie there.
    #[must_use]
    pub fn disks(&self) -> String {
        let world = self.now.session.runner.world();
        let mut text = String::new();
        let disks = self.scenario.disks().iter().enumerate();
        for (index, disk) in disks.filter(|(_, disk)| !disk.is_unused) {
            let id = DiskId(index as u32);
            let power = if world.is_powered(id) { "on" } else { "off" };
            let open = if world.is_open(id) { "open" } else { "closed" };
            text.push_str(&format!(
                "{}: {} bytes, power {power}, {open}, {} unflushed\n",
                disk.name,
                world.image(id).len(),
                count(world.unflushed(id) as u64, "write")
            ));
            for (at, len) in world.undecided_stretches(id) {
                text.push_str(&format!("  {at}+{len}: undecided since a power cut\n"));
            }
            for fault in world.live_faults(id) {
                text.push_str(&format!("  {}+{}: {}\n", fault.at(), fault.len(), fault.what()));
            }
        }
        for (index, fs) in self.scenario.file_systems().iter().enumerate() {
            let id = FsId(index as u32);
            let power = if world.is_mounted(id) { "on" } else { "off" };
            let loose = world.unsynced(id);
            text.push_str(&format!("{}: power {power}, {loose} changes not synced\n", fs.name));
        }
        text
    }

    /// Which sectors of a disk are not what they were after so many steps.
    #[must_use]
    pub fn changes(&self, disk: DiskIndex, since: usize) -> String {
        let (was, is) = (self.image_at(disk, since), self.image(disk));
        let stretches = bytes::differences(&was, &is);
        let name = &self.scenario.disks()[disk.0].name;
        if stretches.is_empty() {
            return format!("{name}: nothing has changed since step {since}\n");
        }
        let sectors: u64 = stretches.iter().map(|(_, len)| len / 512).sum();
        let sectors = count(sectors, "sector");
        let listed = bytes::listed(&stretches, &is);
        format!("{name}: {sectors} of 512 changed since step {since}\n{listed}")
    }

    /// Bytes of a disk, as reads would see them that found no fault.
    ///
    /// # Errors
    ///
    /// When the disk ends before.
    pub fn bytes(&self, disk: DiskIndex, at: u64, len: u64) -> Result<String, String> {
        let image = self.image(disk);
        if at.checked_add(len).is_none_or(|end| end > image.len()) {
            return Err(format!("the disk has {} bytes, and these are beyond", image.len()));
        }
        let mut found = vec![0; len as usize];
        image.read(at, &mut found);
        let mut text = bytes::dump(at, &found);
        let world = self.now.session.runner.world();
        for (start, some) in world.undecided_stretches(DiskId(disk.0 as u32)) {
            if start < at + len && at < start + some {
                text.push_str(&format!("{start}+{some} is undecided: the newest is shown\n"));
            }
        }
        Ok(text)
    }

    /// Goes to something, or says that there is none.
    pub(super) fn seek_or_say(
        &mut self,
        goal: &Goal,
        word: &str,
        is_forward: bool,
    ) -> Result<String, String> {
        if self.seek(goal, is_forward) {
            return Ok(self.here());
        }
        let which = if is_forward { "after" } else { "before" };
        Err(format!("there is no {word} {which} step {}", self.step))
    }
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
