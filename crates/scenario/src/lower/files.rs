//! File systems, and what clients do with files.

use headcrash_engine::Trigger;
use headcrash_sim::{FileFault, FileVerb, FileVerbs, Key};

use super::clients::Bytes;
use super::io::Answer;
use super::steps::Draft;
use super::triggers::Counts;
use super::{Lower, MAX_BYTES};
use crate::file::{self, File, FileOperation, Step};
use crate::names::list;
use crate::scenario::{
    FileIo, FileIoKind, FileSystem, FileSystemIndex, Finds, HandleIndex, RuleInfo, StepKind,
};
use crate::source::{Place, Span};

/// The most file systems; what comes after them is not looked at.
const MAX_FILE_SYSTEMS: usize = 16;

/// The largest unit.
const MAX_UNIT: u64 = 1 << 20;

/// The longest file, as the simulator has it.
const MAX_LEN: u64 = headcrash_sim::FileSystem::MAX_LEN;

/// What a step with files must be answered, and how many bytes come back.
pub(super) fn answer_of(step: &Step) -> Option<(Answer<'_>, Bytes)> {
    let (gets, or_violates) = match step {
        Step::ReadFile(read) => {
            let bytes = match (&read.gets, read.len) {
                (file::Gets::Short(bytes), _) => Bytes::Known(*bytes),
                (file::Gets::Ok, Some(len)) => Bytes::Known(len),
                _ => Bytes::Various,
            };
            let answer = Answer {
                gets: Some(&read.gets),
                holds: read.holds.as_ref(),
                save: read.save.as_deref(),
                or_violates: read.or_violates.as_deref(),
            };
            return Some((answer, bytes));
        }
        Step::Exists(exists) => (None, &exists.or_violates),
        Step::WhenExists(_) => (None, &None),
        Step::CreateFile(file::CreateFile { gets, or_violates, .. })
        | Step::OpenFile(file::OpenFile { gets, or_violates, .. })
        | Step::WriteFile(file::WriteFile { gets, or_violates, .. })
        | Step::SetLen(file::SetLen { gets, or_violates, .. })
        | Step::SyncFile(file::SyncFile { gets, or_violates, .. })
        | Step::SyncData(file::SyncData { gets, or_violates, .. })
        | Step::CloseFile(file::CloseFile { gets, or_violates, .. })
        | Step::FileLen(file::FileLen { gets, or_violates, .. })
        | Step::Rename(file::Rename { gets, or_violates, .. })
        | Step::Unlink(file::Unlink { gets, or_violates, .. })
        | Step::Mkdir(file::Mkdir { gets, or_violates, .. })
        | Step::Rmdir(file::Rmdir { gets, or_violates, .. })
        | Step::SyncDir(file::SyncDir { gets, or_violates, .. })
        | Step::List(file::List { gets, or_violates, .. }) => (Some(gets), or_violates),
        _ => return None,
    };
    let or_violates = or_violates.as_deref();
    Some((Answer { gets, or_violates, ..Answer::default() }, Bytes::None))
}

impl Lower<'_> {
    /// The names of all file systems, whatever else is wrong with them.
    pub(super) fn file_system_names(&mut self, file: &File, root: Place<'_>) {
        let place = root.field("file_systems");
        if file.file_systems.len() > MAX_FILE_SYSTEMS {
            let count = file.file_systems.len();
            let message =
                format!("{count} file systems are too many, at most {MAX_FILE_SYSTEMS} can be");
            self.say(place.name_span(), message);
        }
        let each = file.file_systems.iter().zip(place.items()).take(MAX_FILE_SYSTEMS);
        for (index, (fs, at)) in each.enumerate() {
            let written = at.field("name");
            let name = fs.name.clone().unwrap_or_else(|| format!("fs{index}"));
            self.check_name("the name of a file system", &name, written);
            let span = if written.is_written() { written.span() } else { at.head() };
            if self.disks.find(&name).is_some() {
                let told = self.say(span, format!("there is already a disk `{name}`"));
                told.help.push("a file system is on no disk; give it a name of its own".to_owned());
            }
            if let Err(before) = self.fs_names.add(&name, span) {
                let told = self.say(span, format!("there is already a file system `{name}`"));
                *told = told.clone().also(before, "this one");
                // Under another name, so that the others keep their places.
                _ = self.fs_names.add(&format!("{name}\0{index}"), span);
            }
        }
    }

    /// The file systems themselves.
    pub(super) fn file_systems_of(&mut self, file: &File, root: Place<'_>) -> Vec<FileSystem> {
        let places = root.field("file_systems").items();
        let each = file.file_systems.iter().zip(places).take(MAX_FILE_SYSTEMS).enumerate();
        each.filter_map(|(index, (fs, place))| self.file_system(fs, index, place)).collect()
    }

    fn file_system(
        &mut self,
        fs: &file::FileSystem,
        index: usize,
        place: Place<'_>,
    ) -> Option<FileSystem> {
        let name = self.fs_names.names()[index].clone();
        let unit = self.between(fs.unit, 1, MAX_UNIT, "unit", place.field("unit"));
        let at = place.field("latency");
        for field in ["write_zeroes", "discard"] {
            let at = at.field(field);
            if at.is_written() {
                let message = format!("nothing that is done with files is a `{field}`");
                let told = self.say(at.name_span(), message);
                told.help.push("`read`, `write` and `flush` can be given".to_owned());
            }
        }
        let latencies = self.latencies(&fs.latency, at);
        let (mut faults, mut fault_infos) = (Vec::new(), Vec::new());
        for (fault, place) in fs.faults.iter().zip(place.field("faults").items()) {
            if let Some((fault, info)) = self.file_fault(fault, place, &name) {
                faults.push(fault);
                fault_infos.push(info);
            }
        }
        let contract = match fs.contract {
            file::FileContract::PosixStrict => headcrash_sim::FileContract::POSIX_STRICT,
            file::FileContract::Xfs => headcrash_sim::FileContract::XFS,
            file::FileContract::Ext4Ordered => headcrash_sim::FileContract::EXT4_ORDERED,
            file::FileContract::JournaledData => headcrash_sim::FileContract::JOURNALED_DATA,
        };
        let contract = contract.with_unit(u32::try_from(unit?).ok()?);
        let location = self.locate(place);
        let capacity = fs.capacity;
        if let Some(bytes) = capacity.filter(|bytes| *bytes == 0 || !bytes.is_multiple_of(fs.unit))
        {
            let message = format!("{bytes} bytes are no whole units of a file");
            let told = self.say(place.field("capacity").span(), message);
            told.help.push(format!("files take room in units of {} bytes", fs.unit));
        }
        Some(FileSystem { name, contract, latencies, faults, fault_infos, capacity, location })
    }

    fn file_fault(
        &mut self,
        fault: &file::FileFault,
        place: Place<'_>,
        fs: &str,
    ) -> Option<(FileFault, RuleInfo)> {
        if let Some(name) = &fault.name {
            self.add(|lower| &mut lower.rule_names.table, "rule", name, place.field("name"));
        }
        let what = place.field("what");
        let lowered = self.fault(&fault.what, what, u64::MAX)?;
        if let headcrash_sim::Fault::FlushFails { partly: true, .. } = lowered {
            self.say(
                what.field("partly").span(),
                "`partly` is for disks: a sync of a file keeps all of its data, or none",
            );
            return None;
        }
        let can = FileFault::can_strike(lowered);
        if can == FileVerbs::NONE {
            let word = what.word().unwrap_or_default();
            let told = self.say(what.head(), format!("`{word}` does not happen to files"));
            told.help.push(
                "`fail`, `short`, `flush_fails`, `flush_fails_later`, `flush_fails_for_each`, \
                 `flush_lies`, `delay`, `hang`, `read_only`, `evict` and `power_cut` do"
                    .to_owned(),
            );
            return None;
        }
        let on = match &fault.on {
            None => can,
            Some(on) => self.file_verbs(on, can, lowered.name(), place.field("on"))?,
        };
        let client = match &fault.client {
            Some(client) => Some(self.client(client, place.field("client"))?),
            None => None,
        };
        let file::FileFault { nth, every, times, chance, .. } = *fault;
        let counts = Counts { nth, every, times, chance, ..Counts::default() };
        let trigger = Trigger { client, ..self.counted(counts, place)? };
        let text = format!("{fs}\n{}", fault.name.clone().unwrap_or_else(|| file::compact(fault)));
        let mut taken = text.clone();
        let mut count = 1;
        while !self.rule_keys.insert(taken.clone()) {
            count += 1;
            taken = format!("{text}\n{count}");
        }
        let info =
            RuleInfo { name: fault.name.as_deref().map(Into::into), location: self.locate(place) };
        let (swarm, key) = (fault.swarm, Key::rule(&taken));
        Some((FileFault { on, trigger, fault: lowered, swarm, key }, info))
    }

    pub(super) fn file_verbs(
        &mut self,
        on: &[FileOperation],
        can: FileVerbs,
        fault: &str,
        place: Place<'_>,
    ) -> Option<FileVerbs> {
        if on.is_empty() {
            let told = self.say(place.span(), "this list has no operation");
            told.help.push("leave it out for all, or give one: `[rename]`".to_owned());
            return None;
        }
        let mut verbs = Vec::new();
        for (verb, place) in on.iter().map(|verb| verb_of(*verb)).zip(place.items()) {
            if !can.has(verb) {
                let message = format!("`{fault}` does not happen on `{}`", verb.name());
                let told = self.say(place.span(), message);
                told.help.push(format!("it happens on {}", list(can.iter().map(FileVerb::name))));
                return None;
            }
            if verbs.contains(&verb) {
                self.say(place.span(), format!("`{}` is given twice", verb.name()));
            }
            verbs.push(verb);
        }
        Some(FileVerbs::of(&verbs))
    }

    /// The file system that is meant by `name`, or by its absence, at a `place` with a field `fs`.
    pub(super) fn fs(&mut self, name: Option<&str>, place: Place<'_>) -> Option<FileSystemIndex> {
        let count = self.fs_names.names().len();
        let found = match name {
            Some(name) => self.fs_names.find(name),
            None => (count == 1).then_some(0),
        };
        if let Some(found) = found {
            return Some(FileSystemIndex(found));
        }
        let known: Vec<_> =
            self.fs_names.names().iter().filter(|name| !name.contains('\0')).cloned().collect();
        let names = || known.iter().map(|name| &**name);
        let near = name.and_then(|name| self.near(name, names()));
        let told = match name {
            Some(name) => {
                self.say(place.field("fs").span(), format!("unknown file system `{name}`"))
            }
            None if count == 0 => self.say(place.head(), "there is no file system"),
            None => self.say(place.head(), "it is not clear which file system is meant"),
        };
        told.help.extend(near);
        told.help.push(match (count, name) {
            (0, _) => {
                "declare one: `file_systems: [(name: \"home\", contract: ext4_ordered)]`".to_owned()
            }
            (_, Some(_)) => format!("known here: {}", list(names())),
            (_, None) => format!("add `fs: \"..\"`, one of {}", list(names())),
        });
        None
    }

    /// A path that no file system refuses for what it is.
    fn path(&mut self, path: &str, place: Place<'_>) -> Option<String> {
        const PATH_MAX: usize = 4_095;
        const NAME_MAX: usize = 255;
        let mut names = path.split('/');
        let (problem, help) = if path.is_empty() {
            ("a path has a name at least".to_owned(), "the root is `/`")
        } else if path.chars().any(char::is_control) {
            ("the path has a control character in it".to_owned(), "names are of other characters")
        } else if path.len() > PATH_MAX {
            (format!("the path has {} bytes", path.len()), "at most 4095 can be")
        } else if names.clone().any(|name| name == "..") {
            ("`..` is not followed".to_owned(), "every path begins at the root")
        } else if let Some(long) = names.find(|name| name.len() > NAME_MAX) {
            (format!("a name of {} bytes is too long", long.len()), "at most 255 can be")
        } else {
            return Some(path.to_owned());
        };
        self.say(place.span(), problem).help.push(help.to_owned());
        None
    }

    /// The open file called `name`, and its file system.
    fn handle(
        &mut self,
        draft: &Draft,
        name: &str,
        place: Place<'_>,
    ) -> Option<(HandleIndex, FileSystemIndex)> {
        let found = draft.handles.find(name);
        if found.is_none() {
            let near = self.near(name, draft.handles.names().iter().map(|name| &**name));
            let told = self.say(place.span(), format!("no file is open as `{name}` here"));
            told.help.extend(near);
            told.help.push(format!("open one before: `open_file(path: .., as: {name:?})`"));
        }
        found.map(|index| (HandleIndex(index), draft.handle_systems[index]))
    }

    /// A file is opened as `name`.
    fn opens(
        &mut self,
        draft: &mut Draft,
        name: &str,
        fs: FileSystemIndex,
        place: Place<'_>,
    ) -> Option<HandleIndex> {
        self.check_name("what a file is opened as", name, place);
        match draft.handles.add(name, place.span()) {
            Ok(index) => {
                draft.handle_systems.push(fs);
                Some(HandleIndex(index))
            }
            Err(before) => {
                let index = draft.handles.find(name)?;
                if draft.handle_systems[index] != fs {
                    let message = format!("`{name}` is a file of another file system");
                    let told = self.say(place.span(), message);
                    *told = told.clone().also(before, "opened here");
                    return None;
                }
                Some(HandleIndex(index))
            }
        }
    }

    /// A step that is an operation on a file system.
    pub(super) fn file_step(
        &mut self,
        draft: &mut Draft,
        step: &Step,
        (answer, bytes): (Answer<'_>, Bytes),
        place: Place<'_>,
    ) -> Option<StepKind> {
        let fs_name = match step {
            Step::CreateFile(file::CreateFile { fs, .. })
            | Step::OpenFile(file::OpenFile { fs, .. })
            | Step::FileLen(file::FileLen { fs, file: None, .. })
            | Step::Rename(file::Rename { fs, .. })
            | Step::Unlink(file::Unlink { fs, .. })
            | Step::Mkdir(file::Mkdir { fs, .. })
            | Step::Rmdir(file::Rmdir { fs, .. })
            | Step::SyncDir(file::SyncDir { fs, .. })
            | Step::List(file::List { fs, .. })
            | Step::Exists(file::Exists { fs, .. }) => Some(fs.as_deref()),
            _ => None,
        };
        let handle = match step {
            Step::ReadFile(file::ReadFile { file, .. })
            | Step::WriteFile(file::WriteFile { file, .. })
            | Step::SetLen(file::SetLen { file, .. })
            | Step::SyncFile(file::SyncFile { file, .. })
            | Step::SyncData(file::SyncData { file, .. })
            | Step::CloseFile(file::CloseFile { file, .. })
            | Step::FileLen(file::FileLen { file: Some(file), .. }) => Some(file),
            _ => None,
        };
        let named = match fs_name {
            Some(name) => self.fs(name, place),
            None => None,
        };
        let opened = match handle {
            Some(name) => self.handle(draft, name, place.field("file")),
            None => None,
        };
        let (mut path, mut to) = (None, None);
        match step {
            Step::CreateFile(file::CreateFile { path: written, .. })
            | Step::OpenFile(file::OpenFile { path: written, .. })
            | Step::FileLen(file::FileLen { path: Some(written), .. })
            | Step::Unlink(file::Unlink { path: written, .. })
            | Step::Mkdir(file::Mkdir { path: written, .. })
            | Step::Rmdir(file::Rmdir { path: written, .. })
            | Step::SyncDir(file::SyncDir { path: written, .. })
            | Step::List(file::List { path: written, .. })
            | Step::Exists(file::Exists { path: written, .. }) => {
                path = self.path(written, place.field("path"));
            }
            Step::Rename(rename) => {
                path = self.path(&rename.from, place.field("from"));
                to = self.path(&rename.to, place.field("to"));
            }
            _ => {}
        }
        let mut finds = Finds::Anything;
        let wanted = self.wanted(draft, answer, bytes, place);
        if let Some(gets) = answer.gets {
            let moved = match step {
                Step::ReadFile(read) => Some(read.len.unwrap_or(u64::MAX)),
                // It has its length below.
                Step::WriteFile(_) => Some(u64::MAX),
                _ => None,
            };
            self.check_short(gets, moved, place);
        }
        let kind = match step {
            Step::CreateFile(create) => {
                let opens = self.opens(draft, &create.handle, named?, place.field("as"));
                FileIoKind::Create { path: path?, exclusive: create.exclusive, opens: opens? }
            }
            Step::OpenFile(open) => {
                let opens = self.opens(draft, &open.handle, named?, place.field("as"));
                FileIoKind::Open { path: path?, opens: opens? }
            }
            Step::ReadFile(read) => {
                if read.len.is_some_and(|len| len > MAX_BYTES) {
                    self.too_many(read.len.unwrap_or_default(), place.field("len").span());
                    return None;
                }
                self.check_end(read.at, read.len.unwrap_or(0), place)?;
                FileIoKind::Read { file: opened?.0, at: read.at, len: read.len }
            }
            Step::WriteFile(write) => {
                let (data, len) =
                    self.stored((write.fill, write.data.as_ref(), write.len), place)?;
                if len > MAX_BYTES {
                    self.too_many(len, place.head());
                    return None;
                }
                if let Some(gets) = answer.gets {
                    self.check_short(gets, Some(len), place);
                }
                self.check_end(write.at, len, place)?;
                FileIoKind::Write { file: opened?.0, at: write.at, len, data }
            }
            Step::SetLen(set) => {
                self.check_end(set.len, 0, place)?;
                FileIoKind::SetLen { file: opened?.0, len: set.len }
            }
            Step::SyncFile(_) => FileIoKind::Sync { file: opened?.0 },
            Step::SyncData(_) => FileIoKind::SyncData { file: opened?.0 },
            Step::CloseFile(_) => FileIoKind::Close { file: opened?.0 },
            Step::FileLen(len) => {
                finds = Finds::Len(len.is);
                match (&len.path, &len.file) {
                    (Some(_), Some(_)) => {
                        let here = place.field("path").name_span();
                        let told = self.say(
                            place.field("file").name_span(),
                            "`path` and `file` exclude each other",
                        );
                        *told = told.clone().also(here, "also given here");
                        return None;
                    }
                    (None, None) => {
                        let message = "missing field `path` or `file`: of what is the length?";
                        let told = self.say(place.head(), message);
                        told.help.push("for example `path: \"a\"`".to_owned());
                        return None;
                    }
                    (None, Some(_)) => FileIoKind::Len { file: opened?.0 },
                    (Some(_), None) => FileIoKind::LenOf { path: path? },
                }
            }
            Step::Rename(_) => FileIoKind::Rename { from: path?, to: to? },
            Step::Unlink(_) => FileIoKind::Unlink { path: path? },
            Step::Mkdir(_) => FileIoKind::MakeDir { path: path? },
            Step::Rmdir(_) => FileIoKind::RemoveDir { path: path? },
            Step::SyncDir(_) => FileIoKind::SyncDir { path: path? },
            Step::List(names) => {
                finds = Finds::Names(self.listed(&names.is, place.field("is"))?);
                FileIoKind::List { path: path? }
            }
            Step::Exists(exists) => {
                finds = Finds::Something(exists.is);
                FileIoKind::Lookup { path: path? }
            }
            _ => unreachable!("it is a step with files"),
        };
        let fs = named.or_else(|| opened.map(|(_, fs)| fs))?;
        Some(StepKind::File(FileIo { fs, kind }, wanted?, finds))
    }

    /// The names that a directory must have, sorted.
    fn listed(&mut self, names: &[String], place: Place<'_>) -> Option<Vec<String>> {
        let mut sorted: Vec<String> = Vec::new();
        for (name, place) in names.iter().zip(place.items()) {
            let plain = self.path(name, place)?;
            if plain.contains('/') {
                let told = self.say(place.span(), "a name in a directory has no `/`");
                told.help.push("names are given without the directory they are in".to_owned());
                return None;
            }
            if sorted.contains(&plain) {
                self.say(place.span(), format!("`{plain}` is given twice"));
            }
            sorted.push(plain);
        }
        sorted.sort();
        Some(sorted)
    }

    pub(super) fn when_exists(
        &mut self,
        draft: &mut Draft,
        when: &file::WhenExists,
        place: Place<'_>,
    ) {
        let fs = self.fs(when.fs.as_deref(), place);
        let path = self.path(&when.path, place.field("path"));
        let (decision, otherwise) = self.branches(draft, (&when.then, &when.otherwise), place);
        if let (Some(fs), Some(path)) = (fs, path) {
            let io = FileIo { fs, kind: FileIoKind::Lookup { path } };
            draft.decide(decision, StepKind::WhenExists { io, otherwise });
        }
    }

    fn too_many(&mut self, len: u64, span: Span) {
        let told = self.say(span, format!("{len} bytes are too many for one request"));
        told.help.push(format!("at most {MAX_BYTES} can be read or written at once"));
    }

    fn check_end(&mut self, at: u64, len: u64, place: Place<'_>) -> Option<()> {
        if at.checked_add(len).is_some_and(|end| end <= MAX_LEN) {
            return Some(());
        }
        let told = self.say(place.head(), "no file is as long as this");
        told.help.push(format!("at most {MAX_LEN} bytes can be"));
        None
    }
}

const fn verb_of(operation: FileOperation) -> FileVerb {
    match operation {
        FileOperation::CreateFile => FileVerb::Create,
        FileOperation::OpenFile => FileVerb::Open,
        FileOperation::ReadFile => FileVerb::Read,
        FileOperation::WriteFile => FileVerb::Write,
        FileOperation::SetLen => FileVerb::SetLen,
        FileOperation::SyncFile => FileVerb::Sync,
        FileOperation::SyncData => FileVerb::SyncData,
        FileOperation::CloseFile => FileVerb::Close,
        FileOperation::FileLen => FileVerb::Len,
        FileOperation::Exists => FileVerb::Lookup,
        FileOperation::Rename => FileVerb::Rename,
        FileOperation::Unlink => FileVerb::Unlink,
        FileOperation::Mkdir => FileVerb::MakeDir,
        FileOperation::Rmdir => FileVerb::RemoveDir,
        FileOperation::SyncDir => FileVerb::SyncDir,
        FileOperation::List => FileVerb::List,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Scenario, StepKind};

    fn parse(text: &str) -> Scenario {
        let parsed = crate::parse("files.ron", text.as_bytes());
        parsed.unwrap_or_else(|errors| panic!("{}", errors.render(false)))
    }

    #[test]
    fn what_is_printed_is_read_as_the_same() {
        let scenario = parse(include_str!("../../tests/valid/files.ron"));
        let printed = scenario.to_ron();
        let again = parse(&printed);
        assert!(again.file == scenario.file, "{printed}");
        assert_eq!(again.to_ron(), printed);
    }

    #[test]
    fn a_decision_by_a_name_is_a_step_and_a_jump() {
        let scenario = parse(
            r#"(
                file_systems: [(contract: xfs)],
                steps: [
                    when_exists(path: "a", then: [sleep(ns: 1)], otherwise: [sleep(ns: 2)]),
                    list(is: ["b", "a"]),
                ],
            )"#,
        );
        let steps = &scenario.clients()[0].steps;
        assert!(
            matches!(steps[0].kind, StepKind::WhenExists { otherwise, .. } if otherwise.0 == 3)
        );
        let StepKind::File(_, _, crate::Finds::Names(names)) = &steps[4].kind else {
            panic!("it lists: {:?}", steps[4])
        };
        assert_eq!(names, &["a", "b"]);
    }
}
