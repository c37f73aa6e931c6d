//! redb 2 on a [`File`]: as `redb.rs`, for its older interface.

use std::convert::Infallible;
use std::fmt::Debug;
use std::io;

use headcrash_io::File;
use redb::{ReadTransaction, StorageBackend, WriteTransaction};

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

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.0.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    /// `eventual` asks for order only; a file has nothing between that and a sync.
    fn sync_data(&self, _eventual: bool) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }
}

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
/// None.
pub fn commit_later(transaction: &mut WriteTransaction) -> Result<(), Infallible> {
    transaction.set_durability(redb::Durability::None);
    Ok(())
}
