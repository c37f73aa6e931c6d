//! sequential-storage on NOR flash, as all its versions can be called.

use std::error::Error;
use std::fmt::Debug;

use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::map::{MapConfig, MapStorage};

use super::nor_flash::Nor;

/// Bytes of a word.
pub const WORD: usize = 4;
/// Bytes of a page.
pub const PAGE: usize = 256;

type Flash = Nor<WORD, PAGE>;
type NoCache = Cache<Uncached, Uncached, Uncached, u8>;

/// A map without caches.
#[expect(missing_debug_implementations, reason = "the crate's own has none")]
pub struct Map {
    map: MapStorage<u8, Flash, NoCache>,
    buffer: [u8; 256],
}

fn said(error: impl Debug) -> Box<dyn Error> {
    format!("{error:?}").into()
}

impl Map {
    /// The map that is in these pages.
    #[must_use]
    pub fn new(flash: Flash, pages: u32) -> Self {
        let config = MapConfig::new(0..pages * PAGE as u32);
        Self { map: MapStorage::new(flash, config, Cache::new_uncached()), buffer: [0; 256] }
    }

    /// A value.
    ///
    /// # Errors
    ///
    /// What the crate says.
    pub async fn fetch(&mut self, key: u8) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
        let value: Option<&[u8]> =
            self.map.fetch_item(&mut self.buffer, &key).await.map_err(said)?;
        Ok(value.map(<[u8]>::to_vec))
    }

    /// A key gets a value.
    ///
    /// # Errors
    ///
    /// What the crate says.
    pub async fn store(&mut self, key: u8, value: &[u8]) -> Result<(), Box<dyn Error>> {
        self.map.store_item(&mut self.buffer, &key, &value).await.map_err(said)
    }

    /// A key goes.
    ///
    /// # Errors
    ///
    /// What the crate says.
    pub async fn remove(&mut self, key: u8) -> Result<(), Box<dyn Error>> {
        self.map.remove_item(&mut self.buffer, &key).await.map_err(said)
    }
}
