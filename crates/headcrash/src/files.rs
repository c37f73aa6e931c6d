//! SimFiles and directories, as blocking and as async code see them.

use std::io;
use std::sync::Arc;

use headcrash_io::{AsyncFile, Directory, File};
use headcrash_sim::{Completion, FileId, FileOp, FsId};

use crate::desk::{Ask, Used};
use crate::storage::{post, request};
use crate::task::block_on;

/// A file system of a world, for blocking code: a [`Directory`] of [`SimFile`]s. Paths are
/// relative to its root, with `/` between names.
#[derive(Clone, Debug)]
pub struct SimFiles(Inner);

/// The same for async code: the methods of [`Directory`], to be awaited.
#[derive(Clone, Debug)]
pub struct AsyncSimFiles(Inner);

#[derive(Clone, Debug)]
struct Inner {
    fs: FsId,
    world: Arc<Used>,
}

/// An open file of a [`SimFiles`], for blocking code: a [`File`]. It is closed when it is dropped.
#[derive(Debug)]
pub struct SimFile(Open);

/// An open file of an [`AsyncSimFiles`]: an [`AsyncFile`]. It is closed when it is dropped.
#[derive(Debug)]
pub struct AsyncSimFile(Open);

#[derive(Debug)]
struct Open {
    inner: Inner,
    id: FileId,
}

impl Drop for Open {
    fn drop(&mut self) {
        // Closing takes no time and cannot fail in any way a destructor could tell.
        post(&self.inner.world, Ask::File(self.inner.fs, FileOp::Close { file: self.id }));
    }
}

impl Inner {
    async fn request(&self, op: FileOp) -> io::Result<Completion> {
        request(&self.world, || Ask::File(self.fs, op)).await
    }

    async fn open(&self, op: FileOp) -> io::Result<Open> {
        let done = self.request(op).await?;
        Ok(Open { inner: self.clone(), id: FileId::from_number(done.len) })
    }

    async fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let done = self.request(FileOp::List { path: place_or_root(path)? }).await?;
        let names = String::from_utf8_lossy(&done.data).into_owned();
        Ok(names.lines().map(str::to_owned).collect())
    }

    async fn exists(&self, path: &str) -> io::Result<bool> {
        match self.request(FileOp::Lookup { path: place_or_root(path)? }).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Open {
    async fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let op = FileOp::Read { file: self.id, at, len: into.len() as u64 };
        let done = self.inner.request(op).await?;
        let got = (done.len as usize).min(done.data.len()).min(into.len());
        into[..got].copy_from_slice(&done.data[..got]);
        Ok(got)
    }

    async fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
        let op = FileOp::Write { file: self.id, at, data: data.into() };
        Ok(self.inner.request(op).await?.len as usize)
    }

    async fn sync_data(&self) -> io::Result<()> {
        self.inner.request(FileOp::SyncData { file: self.id }).await.map(drop)
    }

    async fn sync_all(&self) -> io::Result<()> {
        self.inner.request(FileOp::Sync { file: self.id }).await.map(drop)
    }

    async fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.request(FileOp::SetLen { file: self.id, len }).await.map(drop)
    }

    async fn len(&self) -> io::Result<u64> {
        Ok(self.inner.request(FileOp::Len { file: self.id }).await?.len)
    }
}

/// Each operation on paths, once for blocking and once for async code.
macro_rules! on_paths {
    ($($name:ident($($path:ident),+) => $op:expr;)*) => {
        impl Inner {$(
            async fn $name(&self, $($path: &str),+) -> io::Result<()> {
                self.request($op).await.map(drop)
            }
        )*}

        impl AsyncSimFiles {$(
            /// See the method of [`Directory`].
            ///
            /// # Errors
            ///
            /// What the file system answers.
            pub async fn $name(&self, $($path: &str),+) -> io::Result<()> {
                self.0.$name($($path),+).await
            }
        )*}
    };
}

on_paths! {
    rename(from, to) => FileOp::Rename { from: place(from)?, to: place(to)? };
    remove_file(path) => FileOp::Unlink { path: place(path)? };
    make_dir(path) => FileOp::MakeDir { path: place(path)? };
    remove_dir(path) => FileOp::RemoveDir { path: place(path)? };
    sync_dir(path) => FileOp::SyncDir { path: place_or_root(path)? };
}

fn create(path: &str, exclusive: bool) -> io::Result<FileOp> {
    Ok(FileOp::Create { path: place(path)?, exclusive })
}

fn open(path: &str) -> io::Result<FileOp> {
    Ok(FileOp::Open { path: place(path)? })
}

/// As [`place`], where the directory itself can be meant: its path is empty, and the world's is `/`.
fn place_or_root(path: &str) -> io::Result<Arc<str>> {
    if path.is_empty() { Ok("/".into()) } else { place(path) }
}

/// A path as the world knows it.
fn place(path: &str) -> io::Result<Arc<str>> {
    let is_odd = |name: &str| matches!(name, "" | "." | "..");
    if path.split('/').any(is_odd) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{path}` is no path below the directory: names, with `/` between them"),
        ));
    }
    Ok(path.into())
}

impl SimFiles {
    pub(crate) const fn of(fs: FsId, world: Arc<Used>) -> Self {
        Self(Inner { fs, world })
    }

    /// The same file system for async code.
    #[must_use]
    pub fn into_async(self) -> AsyncSimFiles {
        AsyncSimFiles(self.0)
    }
}

impl Directory for SimFiles {
    type File = SimFile;

    fn create(&self, path: &str) -> io::Result<SimFile> {
        block_on(self.0.open(create(path, false)?)).map(SimFile)
    }

    fn create_new(&self, path: &str) -> io::Result<SimFile> {
        block_on(self.0.open(create(path, true)?)).map(SimFile)
    }

    fn open(&self, path: &str) -> io::Result<SimFile> {
        block_on(self.0.open(open(path)?)).map(SimFile)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        block_on(self.0.rename(from, to))
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        block_on(self.0.remove_file(path))
    }

    fn make_dir(&self, path: &str) -> io::Result<()> {
        block_on(self.0.make_dir(path))
    }

    fn remove_dir(&self, path: &str) -> io::Result<()> {
        block_on(self.0.remove_dir(path))
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        block_on(self.0.list(path))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        block_on(self.0.exists(path))
    }

    fn len_of(&self, path: &str) -> io::Result<u64> {
        let op = FileOp::LenOf { path: place(path)? };
        block_on(self.0.request(op)).map(|done| done.len)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        block_on(self.0.sync_dir(path))
    }
}

impl AsyncSimFiles {
    /// Opens a file, which is made if there is none.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    pub async fn create(&self, path: &str) -> io::Result<AsyncSimFile> {
        self.0.open(create(path, false)?).await.map(AsyncSimFile)
    }

    /// Makes a file that there must not be.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    pub async fn create_new(&self, path: &str) -> io::Result<AsyncSimFile> {
        self.0.open(create(path, true)?).await.map(AsyncSimFile)
    }

    /// Opens a file that there is.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    pub async fn open(&self, path: &str) -> io::Result<AsyncSimFile> {
        self.0.open(open(path)?).await.map(AsyncSimFile)
    }

    /// The names in a directory, sorted.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    pub async fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.0.list(path).await
    }

    /// Whether there is such a file or directory.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    pub async fn exists(&self, path: &str) -> io::Result<bool> {
        self.0.exists(path).await
    }
}

impl File for SimFile {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        block_on(self.0.read_at(into, at))
    }

    fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
        block_on(self.0.write_at(data, at))
    }

    fn sync_data(&self) -> io::Result<()> {
        block_on(self.0.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        block_on(self.0.sync_all())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        block_on(self.0.set_len(len))
    }

    fn len(&self) -> io::Result<u64> {
        block_on(self.0.len())
    }
}

impl AsyncFile for AsyncSimFile {
    async fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(into, at).await
    }

    async fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
        self.0.write_at(data, at).await
    }

    async fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data().await
    }

    async fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all().await
    }

    async fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len).await
    }

    async fn len(&self) -> io::Result<u64> {
        self.0.len().await
    }
}
