//! Published crates, as they are, with a model of what they promise.

#[cfg(feature = "ekv")]
pub mod ekv;
#[cfg(feature = "embedded-sdmmc")]
pub mod embedded_sdmmc;
#[cfg(any(feature = "embedded-sdmmc", feature = "fatfs"))]
pub mod fat;
#[cfg(feature = "fatfs")]
pub mod fatfs;
#[cfg(feature = "littlefs2")]
pub mod littlefs2;
#[cfg(feature = "redb")]
pub mod redb;
#[cfg(feature = "redb")]
pub mod redb_tables;
#[cfg(feature = "sequential-storage")]
pub mod sequential_storage;
#[cfg(feature = "sqlite")]
pub mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
