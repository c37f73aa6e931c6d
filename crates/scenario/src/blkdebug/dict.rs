//! QEMU's dictionary, which is walked in an order of its own.
//!
//! Of several mistakes QEMU reports the one it meets first, and where the options are in a
//! `QDict` that is up to the hash of their names. Source: `qobject/qdict.c`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Names and values, walked as QEMU walks them.
#[derive(Clone, Debug)]
pub(super) struct Dict<V> {
    entries: BTreeMap<String, Entry<V>>,
    next: u64,
}

#[derive(Clone, Debug)]
struct Entry<V> {
    bucket: u32,
    inserted: u64,
    value: V,
}

impl<V> Entry<V> {
    /// A bucket's newest is at its front.
    const fn place(&self) -> (u32, Reverse<u64>) {
        (self.bucket, Reverse(self.inserted))
    }
}

impl<V> Dict<V> {
    pub(super) const fn new() -> Self {
        Self { entries: BTreeMap::new(), next: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// A new value for an old key takes the old one's place.
    pub(super) fn put(&mut self, key: String, value: V) {
        let bucket = bucket(key.as_bytes());
        self.put_in(bucket, key, value);
    }

    /// As [`Dict::put`], of a key that may have lost something on its way to UTF-8.
    pub(super) fn put_bytes(&mut self, key: &[u8], value: V) {
        self.put_in(bucket(key), String::from_utf8_lossy(key).into_owned(), value);
    }

    fn put_in(&mut self, bucket: u32, key: String, value: V) {
        let inserted = self.next;
        self.next += 1;
        match self.entries.get_mut(&key) {
            Some(entry) => entry.value = value,
            None => {
                self.entries.insert(key, Entry { bucket, inserted, value });
            }
        }
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<V> {
        self.entries.remove(key).map(|entry| entry.value)
    }

    /// The keys, in the order of the walk.
    pub(super) fn walk(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.entries.iter().collect();
        keys.sort_by_key(|(_, entry)| entry.place());
        keys.into_iter().map(|(key, _)| key.clone()).collect()
    }

    /// The key the walk begins with.
    pub(super) fn first(&self) -> Option<&str> {
        self.entries.iter().min_by_key(|(_, entry)| entry.place()).map(|(key, _)| key.as_str())
    }

    /// Whether a key begins with `prefix`.
    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        self.from(prefix).next().is_some_and(|(key, _)| key.starts_with(prefix))
    }

    /// Takes out the entries whose keys begin with `prefix`, without it.
    pub(super) fn extract(&mut self, prefix: &str) -> Self {
        let mut keys: Vec<_> = self
            .from(prefix)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, entry)| (entry.place(), key.clone()))
            .collect();
        keys.sort();
        let mut extracted = Self::new();
        for (_, key) in keys {
            if let Some(value) = self.remove(&key) {
                extracted.put(key[prefix.len()..].to_owned(), value);
            }
        }
        extracted
    }

    /// Takes the entries that `self` does not have, in the order of the other's walk.
    pub(super) fn join(&mut self, mut other: Self) {
        for key in other.walk() {
            if let (None, Some(value)) = (self.get(&key), other.remove(&key)) {
                self.put(key, value);
            }
        }
    }

    fn from(&self, key: &str) -> impl Iterator<Item = (&String, &Entry<V>)> {
        self.entries.range::<str, _>((Bound::Included(key), Bound::Unbounded))
    }

    /// In the order of the alphabet.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), &entry.value))
    }
}

/// Where QEMU keeps this key: the hash of `tdb`, and 512 places.
fn bucket(key: &[u8]) -> u32 {
    let mut hash = 0x238f_13af_u32.wrapping_mul(key.len() as u32);
    for (i, byte) in (0_u32..).zip(key) {
        hash = hash.wrapping_add(u32::from(*byte) << (i.wrapping_mul(5) % 24));
    }
    hash.wrapping_mul(1_103_515_243).wrapping_add(12345) % 512
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(keys: &str) -> Dict<()> {
        let mut dict = Dict::new();
        keys.split_whitespace().for_each(|key| dict.put(key.to_owned(), ()));
        dict
    }

    #[track_caller]
    fn check(keys: &str, walk: &str) {
        let dict = dict(keys);
        assert_eq!(dict.walk().join(" "), walk);
        assert_eq!(dict.first(), walk.split_whitespace().next());
    }

    #[test]
    fn the_walk_is_in_the_order_of_hashes_whatever_came_first() {
        check("", "");
        check("event errno sector", "sector event errno");
        check("errno sector event", "sector event errno");
    }

    #[test]
    fn a_prefix_is_taken_out_whole() {
        let mut dict = dict("image.driver image imagine image.size a z");
        assert!(dict.has_prefix("image.") && !dict.has_prefix("image.e"));
        let image = dict.extract("image.");
        assert_eq!(image.iter().map(|(key, ())| key).collect::<Vec<_>>(), ["driver", "size"]);
        assert_eq!(dict.len(), 4);
        assert!(!dict.has_prefix("image."));
    }
}
