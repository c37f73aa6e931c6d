//! Bytes, described.

use super::{Lower, MAX_BYTES};
use crate::file;
use crate::scenario::{Content, Pattern, crc32};
use crate::source::Place;

impl Lower<'_> {
    /// Bytes to be stored: one content.
    pub(super) fn content(&mut self, pattern: &file::Pattern, place: Place<'_>) -> Option<Content> {
        let content = match pattern {
            file::Pattern::Fill(byte) => Content::Fill(*byte),
            file::Pattern::Zeroes => Content::Fill(0),
            file::Pattern::Runs(runs) => Content::Runs(runs.clone()),
            file::Pattern::Bytes(bytes) => Content::Bytes(bytes.clone()),
            file::Pattern::Text(text) => Content::Bytes(text.clone().into_bytes()),
            file::Pattern::WithCrc32(record) => return self.record(record, place),
            file::Pattern::AnyOf(_) | file::Pattern::Crc32(_) => {
                let word = place.word().unwrap_or_default();
                let told =
                    self.say(place.head(), format!("`{word}` is only for bytes that are compared"));
                if word == "crc32" {
                    told.help.push("`with_crc32(of: .., len: ..)` has a checksum".to_owned());
                }
                return None;
            }
        };
        if content.own_len().is_some_and(|len| len > MAX_BYTES) {
            let message = format!("the pattern is too long, at most {MAX_BYTES} bytes can be");
            self.say(place.span(), message);
            return None;
        }
        Some(content)
    }

    /// Bytes with their checksum at the end.
    fn record(&mut self, record: &file::WithCrc32, place: Place<'_>) -> Option<Content> {
        const CRC: u64 = 4;
        let of = self.content(&record.of, place.field("of"))?;
        let len = record.len;
        if !(CRC..=MAX_BYTES).contains(&len) {
            let message = format!("a record of {len} bytes cannot be");
            let told = self.say(place.field("len").span(), message);
            told.help
                .push(format!("it has {CRC} at least, for its checksum, and {MAX_BYTES} at most"));
            return None;
        }
        let room = len - CRC;
        if let Some(own) = of.own_len()
            && own > room
        {
            let message = format!("{own} bytes and a checksum of {CRC} are more than {len}");
            let told = self.say(place.field("of").span(), message);
            *told = told.clone().also(place.field("len").span(), "not as long");
            return None;
        }
        let own = of.own_len().unwrap_or(room);
        let mut runs: Vec<_> = of.runs(own).collect();
        runs.push((room - own, 0));
        let crc = crc32(runs.iter().copied());
        runs.extend(crc.to_le_bytes().map(|byte| (1, byte)));
        Some(Content::Runs(runs))
    }

    /// Bytes to be compared with so many, if that is known.
    pub(super) fn pattern(
        &mut self,
        pattern: &file::Pattern,
        place: Place<'_>,
        len: Option<u64>,
    ) -> Option<Pattern> {
        let mut any_of = Vec::new();
        self.alternatives(pattern, place, len, &mut any_of)?;
        Some(Pattern { any_of })
    }

    fn alternatives(
        &mut self,
        pattern: &file::Pattern,
        place: Place<'_>,
        len: Option<u64>,
        to: &mut Vec<Content>,
    ) -> Option<()> {
        if let file::Pattern::AnyOf(patterns) = pattern {
            if patterns.is_empty() {
                self.say(place.span(), "`any_of` of nothing holds for nothing");
                return None;
            }
            for (pattern, place) in patterns.iter().zip(place.item(0).items()) {
                self.alternatives(pattern, place, len, to)?;
            }
            return Some(());
        }
        if let file::Pattern::Crc32(crc) = pattern {
            let end = crc.at.saturating_add(4);
            if end > len.unwrap_or(MAX_BYTES) {
                let at = place.field("at").span();
                let told = self.say(at, format!("a checksum at {} ends at byte {end}", crc.at));
                told.help.push(match len {
                    Some(len) => format!("it is compared with {len} bytes"),
                    None => format!("at most {MAX_BYTES} can be compared"),
                });
                return None;
            }
            to.push(Content::Crc32 { at: crc.at });
            return Some(());
        }
        let content = self.content(pattern, place)?;
        if let (Some(own), Some(len)) = (content.own_len(), len)
            && own != len
        {
            let message = format!("the pattern has {own} bytes and is compared with {len}");
            self.say(place.span(), message);
            return None;
        }
        to.push(content);
        Some(())
    }

    /// How many bytes `content` is, given the field `len` beside the field `data`.
    pub(super) fn len_of(
        &mut self,
        content: &Content,
        len: Option<u64>,
        place: Place<'_>,
        data: &str,
    ) -> Option<u64> {
        match (content.own_len(), len) {
            (Some(own), Some(len)) if own != len => {
                let message = format!("the pattern has {own} bytes, and `len` is {len}");
                let told = self.say(place.field(data).span(), message);
                *told = told.clone().also(place.field("len").span(), "not as long");
                None
            }
            (None, None) => {
                let told = self.say(place.head(), "missing field `len`");
                told.help.push(format!("the `{data}` given here has no length of its own"));
                None
            }
            (own, len) => own.or(len),
        }
    }
}
