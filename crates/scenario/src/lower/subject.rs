//! Code under test, and what is asked of it.

use std::sync::Arc;

use super::Lower;
use crate::file::{self, File};
use crate::names::{list, nearest};
use crate::scenario::{Code, DiskIndex, FileSystemIndex, Subject, WrittenOperation};
use crate::source::{Place, Span};

/// The most operations that are drawn for a client.
const MAX_DRAWN: u64 = 100_000;

impl Lower<'_> {
    /// The subject, if the file names one: `code` is what it can name.
    pub(super) fn subject(
        &mut self,
        file: &File,
        root: Place<'_>,
        code: Option<&Arc<dyn Code>>,
    ) -> Option<Subject> {
        let place = root.field("subject");
        let Some(named) = &file.subject else {
            for (client, place) in file.clients.iter().zip(root.field("clients").items()) {
                for (name, given) in
                    [("ops", !client.ops.is_empty()), ("drawn_ops", client.drawn_ops > 0)]
                {
                    if given {
                        let span = place.field(name).name_span();
                        let told = self.say(span, "there is no subject that could do these");
                        told.help.push("name it: `subject: (name: \"journal\")`".to_owned());
                    }
                }
            }
            return None;
        };
        let name = place.field("name");
        let Some(code) = code else {
            let message = format!("the subject `{}` is code", named.name);
            let told = self.say(name.span(), message);
            told.help.push(
                "its scenarios are run by the tests of the package it is in: \
                 `headcrash::scenario_tests!`, then `cargo test`"
                    .to_owned(),
            );
            return None;
        };
        if code.name() != named.name {
            let near = nearest(&named.name, std::iter::once(code.name()));
            let told = self.say(name.span(), format!("there is no subject `{}`", named.name));
            told.help.extend(near);
            told.help.push(format!("these tests are of `{}`", code.name()));
        }
        if !file.recover.is_empty() {
            let message = "a subject recovers by itself";
            let told = self.say(root.field("recover").name_span(), message);
            told.help.push("it is opened again when the power is back".to_owned());
        }
        let cut = file.power_cut.as_ref();
        let everywhere = |cut: &&file::PowerCut| cut.at == file::crash::CutAt::Everywhere;
        if cut.filter(everywhere).is_some_and(|cut| !cut.skew.is_empty()) {
            // Between skewed cuts clients live on, and code cannot be copied to try that.
            let span = root.field("power_cut").field("skew").name_span();
            let message = "with a subject, the power goes everywhere at once or not everywhere";
            let told = self.say(span, message);
            told.help.push("try moments one by one: `at: random`, with seeds".to_owned());
        }
        let (known, listed) = (&named.disks, place.field("disks"));
        let disks = if known.is_empty() {
            // Events of the code's own are on its first disk.
            let needs_none = !file.file_systems.is_empty() && file.rules.is_empty();
            let count = file.disks.len().max(usize::from(!needs_none));
            (0..count).map(DiskIndex).collect()
        } else {
            let each = known.iter().zip(listed.items());
            each.filter_map(|(name, place)| self.disk(Some(name), place)).collect()
        };
        let (known, listed) = (&named.file_systems, place.field("file_systems"));
        let file_systems = if known.is_empty() {
            (0..file.file_systems.len()).map(FileSystemIndex).collect()
        } else {
            let each = known.iter().zip(listed.items());
            each.filter_map(|(name, place)| self.subjects_files(name, place)).collect()
        };
        Some(Subject { code: Arc::clone(code), disks, file_systems })
    }

    fn subjects_files(&mut self, name: &str, place: Place<'_>) -> Option<FileSystemIndex> {
        let found = self.fs_names.find(name);
        if found.is_none() {
            let known: Vec<_> = self.fs_names.names().to_vec();
            let near = self.near(name, known.iter().map(|name| &**name));
            let told = self.say(place.span(), format!("there is no file system `{name}`"));
            told.help.extend(near);
            told.help.push(format!("there are {}", list(known.iter().map(|name| &**name))));
        }
        found.map(FileSystemIndex)
    }

    /// What a client asks of the subject.
    pub(super) fn operations(
        &mut self,
        client: &file::Client,
        place: Place<'_>,
        code: Option<&Arc<dyn Code>>,
    ) -> Vec<WrittenOperation> {
        if !client.steps.is_empty() {
            for (name, given) in
                [("ops", !client.ops.is_empty()), ("drawn_ops", client.drawn_ops > 0)]
            {
                if given {
                    let span = place.field(name).name_span();
                    let message = format!("`steps` and `{name}` exclude each other");
                    self.say(span, message);
                }
            }
        }
        if client.drawn_ops > MAX_DRAWN {
            let message = format!("at most {MAX_DRAWN} operations are drawn for a client");
            self.say(place.field("drawn_ops").span(), message);
        }
        let Some(code) = code else { return Vec::new() };
        let mut operations = Vec::with_capacity(client.ops.len());
        for (operation, place) in client.ops.iter().zip(place.field("ops").items()) {
            let location = self.locate(place);
            match code.read(operation.text()) {
                Ok(operation) => operations.push(WrittenOperation { location, operation }),
                Err(bad) => {
                    let whole = place.span();
                    let start = whole.start as usize + bad.span.start;
                    let end = (whole.start as usize + bad.span.end).min(whole.end as usize);
                    let is_inside = start < end;
                    let span = if is_inside { Span::new(start, end) } else { whole };
                    self.say(span, bad.message);
                }
            }
        }
        operations
    }
}
