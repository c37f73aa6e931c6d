//! What published crates are put on: `headcrash_io`'s traits as theirs.

#[cfg(feature = "ekv")]
pub mod ekv;
#[cfg(feature = "embedded-sdmmc")]
pub mod embedded_sdmmc;
#[cfg(feature = "fatfs")]
pub mod fatfs;
#[cfg(feature = "littlefs2")]
pub mod littlefs2;
#[cfg(feature = "sequential-storage")]
pub mod nor_flash;
#[cfg(feature = "redb")]
pub mod redb;
#[cfg(feature = "sequential-storage")]
pub mod sequential_storage;
#[cfg(feature = "sqlite")]
pub mod sqlite;
