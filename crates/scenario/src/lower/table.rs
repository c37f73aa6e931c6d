//! Names in file order.

use std::collections::BTreeMap;

use headcrash_engine::Tag;

use crate::scenario::{DiskIndex, TagIndex, TagInfo};
use crate::source::{Location, Span};

/// Names, each once, with where they were given.
#[derive(Debug, Default)]
pub(super) struct Table {
    names: Vec<String>,
    spans: Vec<Span>,
    index: BTreeMap<String, usize>,
}

impl Table {
    /// One more name, or where it was given before.
    pub(super) fn add(&mut self, name: &str, span: Span) -> Result<usize, Span> {
        if let Some(known) = self.find(name) {
            return Err(self.spans[known]);
        }
        self.index.insert(name.to_owned(), self.names.len());
        self.names.push(name.to_owned());
        self.spans.push(span);
        Ok(self.names.len() - 1)
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn span(&self, index: usize) -> Span {
        self.spans[index]
    }
}

/// Tags, each with the node that suspends under it.
#[derive(Debug, Default)]
pub(super) struct Tags {
    infos: Vec<TagInfo>,
    /// Whether anything sets it; others are only asked for, in vain.
    set: Vec<bool>,
    index: BTreeMap<String, TagIndex>,
}

impl Tags {
    /// That the node suspends under `name`; an error if another one does, with where.
    pub(super) fn set(
        &mut self,
        name: &str,
        disk: DiskIndex,
        node: usize,
        location: Location,
    ) -> Result<(), Location> {
        let index = self.get(name, disk, node, location);
        let info = &self.infos[index.0];
        self.set[index.0] = true;
        if (info.disk, info.node) == (disk, node) { Ok(()) } else { Err(info.location) }
    }

    /// The tag, whether anything sets it or not.
    pub(super) fn get(
        &mut self,
        name: &str,
        disk: DiskIndex,
        node: usize,
        location: Location,
    ) -> TagIndex {
        *self.index.entry(name.to_owned()).or_insert_with(|| {
            self.infos.push(TagInfo { tag: Tag::new(name), disk, node, location });
            self.set.push(false);
            TagIndex(self.infos.len() - 1)
        })
    }

    /// The tag, if something sets it.
    pub(super) fn find(&self, name: &str) -> Option<TagIndex> {
        self.index.get(name).copied().filter(|index| self.set[index.0])
    }

    /// The tags that something sets.
    pub(super) fn set_names(&self) -> impl Iterator<Item = &str> {
        let set = self.infos.iter().zip(&self.set).filter(|(_, set)| **set);
        set.map(|(info, _)| info.tag.as_str())
    }

    pub(super) fn into_infos(self) -> Vec<TagInfo> {
        self.infos
    }
}
