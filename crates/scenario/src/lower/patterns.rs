//! Bytes, described.

use super::{Lower, MAX_BYTES};
use crate::file;
use crate::scenario::{Content, Pattern};
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
            file::Pattern::AnyOf(_) => {
                self.say(place.head(), "`any_of` is only for bytes that are compared");
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
