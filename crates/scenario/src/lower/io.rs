//! Requests, and what they must be answered.

use headcrash_engine::IoKind;

use super::clients::Bytes;
use super::steps::Draft;
use super::{Lower, MAX_BYTES};
use crate::file::{self, Pattern, Step};
use crate::scenario::{Content, DiskIndex, Gets, Io, Wanted};
use crate::source::{Place, Span};

/// A request as the file has it, whether it is a step or inside one.
#[derive(Clone, Copy)]
pub(super) enum Request<'f> {
    Read(&'f file::Read),
    Write(&'f file::Write),
    WriteZeroes(&'f file::WriteZeroes),
    Discard(&'f file::Discard),
    Flush(&'f file::Flush),
}

/// What the file says of an answer.
#[derive(Clone, Copy, Default)]
pub(super) struct Answer<'f> {
    pub(super) gets: Option<&'f file::Gets>,
    pub(super) holds: Option<&'f Pattern>,
    pub(super) save: Option<&'f str>,
    pub(super) or_violates: Option<&'f str>,
}

impl<'f> Request<'f> {
    pub(super) const fn of(io: &'f file::Io) -> Self {
        match io {
            file::Io::Read(read) => Self::Read(read),
            file::Io::Write(write) => Self::Write(write),
            file::Io::WriteZeroes(write) => Self::WriteZeroes(write),
            file::Io::Discard(discard) => Self::Discard(discard),
            file::Io::Flush(flush) => Self::Flush(flush),
        }
    }

    pub(super) const fn of_step(step: &'f Step) -> Option<Self> {
        match step {
            Step::Read(read) => Some(Self::Read(read)),
            Step::Write(write) => Some(Self::Write(write)),
            Step::WriteZeroes(write) => Some(Self::WriteZeroes(write)),
            Step::Discard(discard) => Some(Self::Discard(discard)),
            Step::Flush(flush) => Some(Self::Flush(flush)),
            _ => None,
        }
    }

    pub(super) fn answer(self) -> Answer<'f> {
        let (gets, or_violates) = match self {
            Self::Read(file::Read { gets, or_violates, .. })
            | Self::Write(file::Write { gets, or_violates, .. })
            | Self::WriteZeroes(file::WriteZeroes { gets, or_violates, .. })
            | Self::Discard(file::Discard { gets, or_violates, .. })
            | Self::Flush(file::Flush { gets, or_violates, .. }) => (gets, or_violates),
        };
        let (holds, save) = match self {
            Self::Read(read) => (read.holds.as_ref(), read.save.as_deref()),
            Self::Write(_) | Self::WriteZeroes(_) | Self::Discard(_) | Self::Flush(_) => {
                (None, None)
            }
        };
        Answer { gets: Some(gets), holds, save, or_violates: or_violates.as_deref() }
    }

    pub(super) const fn bytes(self) -> Bytes {
        match self {
            Self::Read(file::Read { gets: file::Gets::Short(bytes), .. }) => Bytes::Known(*bytes),
            Self::Read(read) => Bytes::Known(read.len),
            Self::Write(_) | Self::WriteZeroes(_) | Self::Discard(_) | Self::Flush(_) => {
                Bytes::None
            }
        }
    }

    fn disk(self) -> Option<&'f str> {
        let disk = match self {
            Self::Read(file::Read { disk, .. })
            | Self::Write(file::Write { disk, .. })
            | Self::WriteZeroes(file::WriteZeroes { disk, .. })
            | Self::Discard(file::Discard { disk, .. })
            | Self::Flush(file::Flush { disk, .. }) => disk,
        };
        disk.as_deref()
    }
}

impl Lower<'_> {
    /// The request at `place`, which has its fields.
    pub(super) fn io(&mut self, request: Request<'_>, place: Place<'_>) -> Option<Io> {
        let disk = self.disk(request.disk(), place);
        let (kind, at, len, data, fua) = match request {
            Request::Flush(_) => (IoKind::Flush, 0, Some(0), None, false),
            Request::Read(read) => (IoKind::Read, read.at, Some(read.len), None, false),
            Request::Discard(discard) => {
                (IoKind::Discard, discard.at, Some(discard.len), None, false)
            }
            Request::WriteZeroes(write) => {
                (IoKind::WriteZeroes, write.at, Some(write.len), None, write.fua)
            }
            Request::Write(write) => {
                let stored = (write.fill, write.data.as_ref(), write.len);
                let data = self.stored(stored, place);
                let (data, len) = data.map_or((None, None), |(data, len)| (Some(data), Some(len)));
                (IoKind::Write, write.at, len, data, write.fua)
            }
        };
        let len = len?;
        if matches!(kind, IoKind::Read | IoKind::Write) && len > MAX_BYTES {
            let message = format!("{len} bytes are too many for one request");
            let told = self.say(extent(place), message);
            told.help.push(format!("at most {MAX_BYTES} can be read or written at once"));
            return None;
        }
        if let Some(gets) = request.answer().gets {
            let moves = matches!(kind, IoKind::Read | IoKind::Write);
            self.check_short(gets, moves.then_some(len), place);
        }
        let disk = disk?;
        let refused = Some(matches!(request.answer().gets, Some(file::Gets::Fails(_))));
        self.check_extent(disk, at, len, place, refused)?;
        let few = data.as_ref().filter(|_| len <= Io::READY_MAX);
        let ready = few.map(|data| data.to_vec(len as usize).into());
        Some(Io { kind, disk, at, len, data, ready, fua })
    }

    /// What a write stores.
    pub(super) fn stored(
        &mut self,
        (fill, data, len): (Option<u8>, Option<&Pattern>, Option<u64>),
        place: Place<'_>,
    ) -> Option<(Content, u64)> {
        let (data, field) = match (&fill, data) {
            (Some(_), Some(_)) => {
                let here = place.field("fill").name_span();
                let told = self
                    .say(place.field("data").name_span(), "`fill` and `data` exclude each other");
                *told = told.clone().also(here, "also given here");
                return None;
            }
            (None, None) => {
                self.say(place.head(), "missing field `fill` or `data`: what is written?")
                    .help
                    .push("for example `fill: 0x11` or `data: text(\"commit\")`".to_owned());
                return None;
            }
            (Some(byte), None) => (Content::Fill(*byte), "fill"),
            (None, Some(data)) => (self.content(data, place.field("data"))?, "data"),
        };
        let len = self.len_of(&data, len, place, field)?;
        Some((data, len))
    }

    /// That an access is inside its disk, or is to be refused if it can be.
    pub(super) fn check_extent(
        &mut self,
        disk: DiskIndex,
        at: u64,
        len: u64,
        place: Place<'_>,
        refused: Option<bool>,
    ) -> Option<()> {
        let size = self.disks.size(disk);
        let name = self.disks.name(disk).to_owned();
        match at.checked_add(len) {
            Some(end) if end <= size || refused == Some(true) => return Some(()),
            Some(end) => {
                let message = format!("the access ends at byte {end}, beyond the end of its disk");
                let told = self.say(extent(place), message);
                told.label = format!("disk `{name}` has {size} bytes");
                if refused.is_some() {
                    told.help.push(
                        "to see it refused, say which error it gets: `gets: fails(\"EIO\")`"
                            .to_owned(),
                    );
                }
            }
            None => {
                let message = "the end of the access is beyond 64 bits";
                self.say(extent(place), message);
            }
        }
        None
    }

    /// What the request at `place` must be answered.
    pub(super) fn wanted(
        &mut self,
        draft: &mut Draft,
        answer: Answer<'_>,
        bytes: Bytes,
        place: Place<'_>,
    ) -> Option<Wanted> {
        let at = place.field("gets");
        let gets = match answer.gets {
            Some(gets) => self.gets(gets, at),
            None => Some(Gets::Ok),
        };
        for (name, given) in [("holds", answer.holds.is_some()), ("save", answer.save.is_some())] {
            let span = place.field(name).name_span();
            if given && bytes == Bytes::None {
                let told = self.say(span, format!("`{name}` is for reads"));
                told.help.push("this request brings no bytes back".to_owned());
            } else if given && matches!(gets, Some(Gets::Fails(_))) {
                let told = self.say(span, format!("a read that fails has nothing for `{name}`"));
                *told = told.clone().also(at.span(), "it is to fail");
            }
        }
        let len = match bytes {
            Bytes::Known(len) => Some(len),
            Bytes::None | Bytes::Various => None,
        };
        let holds = match answer.holds {
            Some(pattern) => Some(self.pattern(pattern, place.field("holds"), len)?),
            None => None,
        };
        let save = answer.save.map(|save| {
            self.check_name("the name of a saved read", save, place.field("save"));
            draft.save(save, place.field("save").span())
        });
        let or_violates = answer.or_violates.map(ToOwned::to_owned);
        Some(Wanted { gets: gets?, holds, save, or_violates })
    }

    pub(super) fn gets(&mut self, gets: &file::Gets, place: Place<'_>) -> Option<Gets> {
        match gets {
            file::Gets::Ok => Some(Gets::Ok),
            file::Gets::Any => Some(Gets::Any),
            file::Gets::Short(bytes) => Some(Gets::Short(*bytes)),
            file::Gets::Fails(errno) => self.failure(errno, place.item(0)).map(Gets::Fails),
        }
    }

    /// That only a read or write falls short, and of its own length.
    pub(super) fn check_short(&mut self, gets: &file::Gets, len: Option<u64>, place: Place<'_>) {
        let file::Gets::Short(bytes) = gets else { return };
        let span = place.field("gets").span();
        match len {
            None => {
                self.say(span, "only a read or a write falls short");
            }
            Some(len) if *bytes >= len => {
                let told = self.say(span, format!("{bytes} of {len} bytes are not short"));
                told.help.push(format!("at most {} are", len.saturating_sub(1)));
            }
            Some(_) => {}
        }
    }
}

/// From `at` to `len`, as far as they are written.
fn extent(place: Place<'_>) -> Span {
    let fields = ["at", "len"].map(|name| place.field(name));
    let written = || fields.iter().filter(|field| field.is_written());
    let start = written().map(|field| field.name_span().start).min();
    let end = written().map(|field| field.span().end).max();
    match (start, end) {
        (Some(start), Some(end)) => Span { start, end },
        _ => place.head(),
    }
}
