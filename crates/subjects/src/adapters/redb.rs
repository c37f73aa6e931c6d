//! redb on a [`File`].

use std::fmt::Debug;
use std::io;

use headcrash_io::File;
use redb::{ReadTransaction, ReadableDatabase, StorageBackend, WriteTransaction};

/// A file that redb keeps its database in.
#[derive(Debug)]
pub struct Backend<F>(
    /// The file.
    pub F,
);

impl<F: File + Debug + Send + Sync + 'static> StorageBackend for Backend<F> {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }
}

// What differs between versions of redb.

/// Begins to read.
///
/// # Errors
///
/// What redb says.
pub fn begin_read(database: &redb::Database) -> Result<ReadTransaction, redb::TransactionError> {
    database.begin_read()
}

/// The transaction is not durable by itself.
///
/// # Errors
///
/// What redb says.
pub fn commit_later(transaction: &mut WriteTransaction) -> Result<(), redb::SetDurabilityError> {
    transaction.set_durability(redb::Durability::None)
}
