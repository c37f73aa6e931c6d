//! sequential-storage 4 on NOR flash: as `sequential_storage.rs`, for its older interface.

use std::error::Error;
use std::fmt::Debug;
use std::ops::Range;

use sequential_storage::cache::NoCache;
use sequential_storage::map::{fetch_item, remove_item, store_item};

use super::nor_flash::Nor;

/// Bytes of a word.
pub const WORD: usize = 4;
/// Bytes of a page.
pub const PAGE: usize = 256;

type Flash = Nor<WORD, PAGE>;

/// A map without caches.
#[derive(Debug)]
pub struct Map {
    flash: Flash,
    range: Range<u32>,
    buffer: [u8; 256],
}

fn said(error: impl Debug) -> Box<dyn Error> {
    format!("{error:?}").into()
}

impl Map {
    /// The map that is in these pages.
    #[must_use]
    pub fn new(flash: Flash, pages: u32) -> Self {
        Self { flash, range: 0..pages * PAGE as u32, buffer: [0; 256] }
    }

    /// A value.
    ///
    /// # Errors
    ///
    /// What the crate says.
    pub async fn fetch(&mut self, key: u8) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
        let Self { flash, range, buffer } = self;
        let value: Option<&[u8]> =
            fetch_item(flash, range.clone(), &mut NoCache::new(), buffer, &key).await.map_err(said)?;
        Ok(value.map(<[u8]>::to_vec))
    }

    /// A key gets a value.
    ///
    /// # Errors
    ///
    /// What the crate says.
    pub async fn store(&mut self, key: u8, value: &[u8]) -> Result<(), Box<dyn Error>> {
        let Self { flash, range, buffer } = self;
        store_item(flash, range.clone(), &mut NoCache::new(), buffer, &key, &value).await.map_err(said)
    }

    /// A key goes.
    ///
    /// # Errors
    ///
    /// What the crate says.
    pub async fn remove(&mut self, key: u8) -> Result<(), Box<dyn Error>> {
        let Self { flash, range, buffer } = self;
        remove_item(flash, range.clone(), &mut NoCache::new(), buffer, &key).await.map_err(said)
    }
}
