//! Clients, and what has to be known of all before one can be lowered.

use std::collections::BTreeMap;

use super::io::Request;
use super::steps::{Draft, unrolled, visit_places};
use super::{Lower, Table, files};
use crate::file::{self, File, Step};
use crate::scenario::{Client, DiskIndex, RequestIndex};
use crate::source::{Place, Span};

/// The most steps a client can do, counting each time of a `repeat`.
const MAX_STEPS: u64 = 1_000_000;

/// Who does the steps after a power cut.
const RECOVER: &str = "recover";

/// The most clients of a scenario.
const MAX_CLIENTS: usize = 256;

/// The most requests that can have ids.
const MAX_IDS: usize = 4096;

/// A client with its place in the text.
pub(super) struct ClientPlace<'f> {
    name: String,
    steps: &'f [Step],
    /// Where the client is.
    place: Place<'f>,
    /// Where its steps are.
    steps_place: Place<'f>,
}

/// The ids of requests.
#[derive(Debug, Default)]
pub(super) struct Ids {
    table: Table,
    infos: Vec<IdInfo>,
    /// How many bytes each saved read of each client has.
    saved: BTreeMap<(usize, String), Bytes>,
}

#[derive(Debug)]
struct IdInfo {
    client: usize,
    bytes: Bytes,
}

/// How many bytes come back with an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bytes {
    /// It is not a read's.
    None,
    Known(u64),
    /// Different ones at different times.
    Various,
}

impl Bytes {
    /// What is known when it may be the one or the other.
    fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Various }
    }
}

impl Ids {
    pub(super) fn names(self) -> Vec<String> {
        self.table.names().to_vec()
    }

    pub(super) fn known(&self) -> &[String] {
        self.table.names()
    }

    pub(super) fn find(&self, name: &str) -> Option<RequestIndex> {
        self.table.find(name).map(RequestIndex)
    }

    pub(super) fn span(&self, request: RequestIndex) -> Span {
        self.table.span(request.0)
    }

    pub(super) fn client(&self, request: RequestIndex) -> usize {
        self.infos[request.0].client
    }

    pub(super) fn bytes(&self, request: RequestIndex) -> Bytes {
        self.infos[request.0].bytes
    }

    /// How many bytes are saved by this client under this name.
    pub(super) fn saved(&self, client: usize, name: &str) -> Bytes {
        self.saved.get(&(client, name.to_owned())).copied().unwrap_or(Bytes::Various)
    }
}

impl Lower<'_> {
    /// The clients, or the one that `steps` is short for.
    pub(super) fn client_places<'f>(
        &mut self,
        file: &'f File,
        root: Place<'f>,
    ) -> Vec<ClientPlace<'f>> {
        let (steps, clients) = (root.field("steps"), root.field("clients"));
        if steps.is_written() && !file.clients.is_empty() {
            let told = self.say(steps.name_span(), "`steps` and `clients` exclude each other");
            *told = told
                .clone()
                .also(clients.name_span(), "also given here")
                .help("`steps` is short for a single client called `main`");
        }
        let mut places = Vec::new();
        for (index, (client, place)) in file.clients.iter().zip(clients.items()).enumerate() {
            let only = file.clients.len() == 1;
            let default = || if only { "main".to_owned() } else { format!("c{index}") };
            let name = client.name.clone().unwrap_or_else(default);
            let at = place.field("name");
            self.check_name("the name of a client", &name, at);
            let span = if at.is_written() { at.span() } else { place.head() };
            if let Err(before) = self.client_names.add(&name, span) {
                let told = self.say(span, format!("there is already a client `{name}`"));
                *told = told.clone().also(before, "this one");
                // Under another name, so that the others keep their places.
                _ = self.client_names.add(&format!("{name}\0{index}"), span);
            }
            let steps_place = place.field("steps");
            places.push(ClientPlace { name, steps: &client.steps, place, steps_place });
        }
        if file.clients.is_empty() {
            let (name, place) = ("main".to_owned(), steps);
            _ = self.client_names.add(&name, steps.span());
            places.push(ClientPlace { name, steps: &file.steps, place, steps_place: steps });
        }
        let nothing = file.subject.is_none() && places.iter().all(|client| client.steps.is_empty());
        let recover = root.field("recover");
        if !file.recover.is_empty() {
            if let Err(before) = self.client_names.add(RECOVER, recover.name_span()) {
                let message = format!("there is already a client `{RECOVER}`");
                let told = self.say(recover.name_span(), message);
                *told = told
                    .clone()
                    .also(before, "this one")
                    .help("who recovers is called so: give the other another name");
            }
            let (name, place) = (RECOVER.to_owned(), recover);
            places.push(ClientPlace { name, steps: &file.recover, place, steps_place: recover });
        }
        if nothing {
            let written = [steps, clients].into_iter().find(|place| place.is_written());
            let told = self.say(written.unwrap_or(root).name_span(), "nothing would run");
            told.help.push(
                "add steps, for example `steps: [write(at: 0, len: 512, fill: 0x11), flush()]`"
                    .to_owned(),
            );
        }
        places
    }

    /// Collects what steps make known to others: tags, ids, lengths, properties.
    pub(super) fn collect(&mut self, clients: &[ClientPlace<'_>]) {
        for (index, client) in clients.iter().enumerate() {
            visit_places(client.steps, client.steps_place, &mut |step, place| {
                self.collect_step(index, step, place);
            });
        }
    }

    fn collect_step(&mut self, client: usize, step: &Step, place: Place<'_>) {
        match step {
            Step::SetBreak(set) => {
                if let Some(disk) = self.disk_quietly(set.disk.as_deref()) {
                    self.suspend_tag(&set.tag, place.field("tag"), &[(disk, 0)]);
                }
            }
            Step::Truncate(truncate) => {
                if let Some(disk) = self.disk_quietly(truncate.disk.as_deref()) {
                    self.disks.grow(disk, truncate.len);
                }
            }
            Step::Mark(mark) => {
                self.check_name("a mark", mark, place.item(0));
                // The same may be marked in several places.
                _ = self.marks.add(mark, place.span());
            }
            Step::Submit(submit) => self.collect_id(client, submit, place.field("id")),
            Step::Parallel(ios) => {
                for io in ios {
                    self.collect_request(client, Request::of(io), place);
                }
            }
            Step::Wait(wait) => {
                self.collect_property(wait.or_violates.as_deref(), place);
                if let Some(save) = &wait.save {
                    self.collect_save(client, save, Bytes::Various);
                }
            }
            Step::WaitAll(wait) => self.collect_property(wait.or_violates.as_deref(), place),
            step => {
                if let Some(request) = Request::of_step(step) {
                    self.collect_request(client, request, place);
                }
                if let Some((answer, bytes)) = files::answer_of(step) {
                    self.collect_property(answer.or_violates, place);
                    if let Some(save) = answer.save {
                        self.collect_save(client, save, bytes);
                    }
                }
            }
        }
    }

    fn collect_request(&mut self, client: usize, request: Request<'_>, place: Place<'_>) {
        let answer = request.answer();
        self.collect_property(answer.or_violates, place);
        if let Some(save) = answer.save {
            self.collect_save(client, save, request.bytes());
        }
    }

    fn collect_property(&mut self, name: Option<&str>, place: Place<'_>) {
        if let Some(name) = name {
            self.check_name("the name of a property", name, place.field("or_violates"));
            // Several steps may violate the same one.
            _ = self.properties.add(name, place.span());
        }
    }

    fn collect_save(&mut self, client: usize, save: &str, bytes: Bytes) {
        let known = self.ids.saved.entry((client, save.to_owned())).or_insert(bytes);
        *known = known.or(bytes);
    }

    fn collect_id(&mut self, client: usize, submit: &file::Submit, place: Place<'_>) {
        let bytes = Request::of(&submit.io).bytes();
        if let Some(known) = self.ids.find(&submit.id) {
            let before = self.ids.span(known);
            let info = &mut self.ids.infos[known.0];
            info.bytes = info.bytes.or(bytes);
            if info.client != client {
                let message = format!("another client submits a request `{}`", submit.id);
                let told = self.say(place.span(), message);
                *told = told.clone().also(before, "here");
            }
            return;
        }
        self.check_name("the id of a request", &submit.id, place);
        if self.ids.infos.len() == MAX_IDS {
            self.say(place.span(), format!("too many ids, at most {MAX_IDS} can be"));
        }
        if self.ids.infos.len() <= MAX_IDS {
            _ = self.ids.table.add(&submit.id, place.span());
            self.ids.infos.push(IdInfo { client, bytes });
        }
    }

    /// The disk that is meant, if that is clear; if not, somebody else says so.
    fn disk_quietly(&self, name: Option<&str>) -> Option<DiskIndex> {
        match name {
            Some(name) => self.disks.find(name),
            None => (self.disks.iter().len() == 1).then_some(DiskIndex(0)),
        }
    }

    pub(super) fn clients(&mut self, clients: &[ClientPlace<'_>]) -> Vec<Client> {
        if let Some(beyond) = clients.get(MAX_CLIENTS) {
            let count = clients.len();
            let message = format!("{count} clients are too many, at most {MAX_CLIENTS} can be");
            self.say(beyond.place.span(), message);
        }
        let each = |(index, client): (usize, &ClientPlace<'_>)| {
            let steps = unrolled(client.steps);
            if steps > MAX_STEPS {
                let span = client.steps_place.name_span();
                let times =
                    if steps == u64::MAX { "too many".to_owned() } else { steps.to_string() };
                self.say(span, format!("these are {times} steps, counting repetitions"))
                    .help
                    .push(format!("at most {MAX_STEPS} can be"));
            }
            let mut draft = Draft::new(index, client.name == RECOVER);
            let mut starts = Vec::with_capacity(client.steps.len() + 1);
            for (step, place) in client.steps.iter().zip(client.steps_place.items()) {
                starts.push(draft.next());
                self.steps(&mut draft, std::slice::from_ref(step), std::iter::once(place));
            }
            starts.push(draft.next());
            if !draft.recovers {
                self.step_starts.push(starts);
            }
            let location = self.locate(client.place);
            draft.finish(client.name.clone(), location)
        };
        clients.iter().take(MAX_CLIENTS).enumerate().map(each).collect()
    }
}
