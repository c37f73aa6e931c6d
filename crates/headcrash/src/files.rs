//! SimFiles and directories, as blocking and as async code see them.

use std::future::Future;
use std::io;
use std::panic::Location;
use std::sync::Arc;

use headcrash_io::{AsyncFile, Directory, File};
use headcrash_sim::{Completion, FileId, FileOp, FsId};

use crate::desk::{Ask, At, Used};
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
    async fn request(&self, asked: At, op: FileOp) -> io::Result<Completion> {
        request(&self.world, asked, || Ask::File(self.fs, op)).await
    }

    async fn open(&self, asked: At, op: FileOp) -> io::Result<Open> {
        let done = self.request(asked, op).await?;
        Ok(Open { inner: self.clone(), id: FileId::from_number(done.len) })
    }

    async fn list(&self, asked: At, path: &str) -> io::Result<Vec<String>> {
        let done = self.request(asked, FileOp::List { path: place_or_root(path)? }).await?;
        let names = String::from_utf8_lossy(&done.data).into_owned();
        Ok(names.lines().map(str::to_owned).collect())
    }

    async fn exists(&self, asked: At, path: &str) -> io::Result<bool> {
        match self.request(asked, FileOp::Lookup { path: place_or_root(path)? }).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Open {
    async fn read_at(&self, asked: At, into: &mut [u8], at: u64) -> io::Result<usize> {
        let op = FileOp::Read { file: self.id, at, len: into.len() as u64 };
        let done = self.inner.request(asked, op).await?;
        let got = (done.len as usize).min(done.data.len()).min(into.len());
        into[..got].copy_from_slice(&done.data[..got]);
        Ok(got)
    }

    async fn write_at(&self, asked: At, data: &[u8], at: u64) -> io::Result<usize> {
        let op = FileOp::Write { file: self.id, at, data: data.into() };
        Ok(self.inner.request(asked, op).await?.len as usize)
    }

    async fn sync_data(&self, asked: At) -> io::Result<()> {
        self.inner.request(asked, FileOp::SyncData { file: self.id }).await.map(drop)
    }

    async fn sync_all(&self, asked: At) -> io::Result<()> {
        self.inner.request(asked, FileOp::Sync { file: self.id }).await.map(drop)
    }

    async fn set_len(&self, asked: At, len: u64) -> io::Result<()> {
        self.inner.request(asked, FileOp::SetLen { file: self.id, len }).await.map(drop)
    }

    async fn len(&self, asked: At) -> io::Result<u64> {
        Ok(self.inner.request(asked, FileOp::Len { file: self.id }).await?.len)
    }
}

/// Each operation on paths, once for blocking and once for async code.
macro_rules! on_paths {
    ($($name:ident($($path:ident),+) => $op:expr;)*) => {
        impl Inner {$(
            async fn $name(&self, asked: At, $($path: &str),+) -> io::Result<()> {
                self.request(asked, $op).await.map(drop)
            }
        )*}

        impl AsyncSimFiles {$(
            /// See the method of [`Directory`].
            ///
            /// # Errors
            ///
            /// What the file system answers.
            #[track_caller]
            pub fn $name(&self, $($path: &str),+) -> impl Future<Output = io::Result<()>> {
                self.0.$name(Location::caller(), $($path),+)
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

    #[track_caller]
    fn create(&self, path: &str) -> io::Result<SimFile> {
        block_on(self.0.open(Location::caller(), create(path, false)?)).map(SimFile)
    }

    #[track_caller]
    fn create_new(&self, path: &str) -> io::Result<SimFile> {
        block_on(self.0.open(Location::caller(), create(path, true)?)).map(SimFile)
    }

    #[track_caller]
    fn open(&self, path: &str) -> io::Result<SimFile> {
        block_on(self.0.open(Location::caller(), open(path)?)).map(SimFile)
    }

    #[track_caller]
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        block_on(self.0.rename(Location::caller(), from, to))
    }

    #[track_caller]
    fn remove_file(&self, path: &str) -> io::Result<()> {
        block_on(self.0.remove_file(Location::caller(), path))
    }

    #[track_caller]
    fn make_dir(&self, path: &str) -> io::Result<()> {
        block_on(self.0.make_dir(Location::caller(), path))
    }

    #[track_caller]
    fn remove_dir(&self, path: &str) -> io::Result<()> {
        block_on(self.0.remove_dir(Location::caller(), path))
    }

    #[track_caller]
    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        block_on(self.0.list(Location::caller(), path))
    }

    #[track_caller]
    fn exists(&self, path: &str) -> io::Result<bool> {
        block_on(self.0.exists(Location::caller(), path))
    }

    #[track_caller]
    fn len_of(&self, path: &str) -> io::Result<u64> {
        let op = FileOp::LenOf { path: place(path)? };
        block_on(self.0.request(Location::caller(), op)).map(|done| done.len)
    }

    #[track_caller]
    fn sync_dir(&self, path: &str) -> io::Result<()> {
        block_on(self.0.sync_dir(Location::caller(), path))
    }
}

impl AsyncSimFiles {
    /// Opens a file, which is made if there is none.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    #[track_caller]
    pub fn create(&self, path: &str) -> impl Future<Output = io::Result<AsyncSimFile>> {
        let asked = Location::caller();
        async move { self.0.open(asked, create(path, false)?).await.map(AsyncSimFile) }
    }

    /// Makes a file that there must not be.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    #[track_caller]
    pub fn create_new(&self, path: &str) -> impl Future<Output = io::Result<AsyncSimFile>> {
        let asked = Location::caller();
        async move { self.0.open(asked, create(path, true)?).await.map(AsyncSimFile) }
    }

    /// Opens a file that there is.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    #[track_caller]
    pub fn open(&self, path: &str) -> impl Future<Output = io::Result<AsyncSimFile>> {
        let asked = Location::caller();
        async move { self.0.open(asked, open(path)?).await.map(AsyncSimFile) }
    }

    /// The names in a directory, sorted.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    #[track_caller]
    pub fn list(&self, path: &str) -> impl Future<Output = io::Result<Vec<String>>> {
        self.0.list(Location::caller(), path)
    }

    /// Whether there is such a file or directory.
    ///
    /// # Errors
    ///
    /// What the file system answers.
    #[track_caller]
    pub fn exists(&self, path: &str) -> impl Future<Output = io::Result<bool>> {
        self.0.exists(Location::caller(), path)
    }
}

impl File for SimFile {
    #[track_caller]
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        block_on(self.0.read_at(Location::caller(), into, at))
    }

    #[track_caller]
    fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
        block_on(self.0.write_at(Location::caller(), data, at))
    }

    #[track_caller]
    fn sync_data(&self) -> io::Result<()> {
        block_on(self.0.sync_data(Location::caller()))
    }

    #[track_caller]
    fn sync_all(&self) -> io::Result<()> {
        block_on(self.0.sync_all(Location::caller()))
    }

    #[track_caller]
    fn set_len(&self, len: u64) -> io::Result<()> {
        block_on(self.0.set_len(Location::caller(), len))
    }

    #[track_caller]
    fn len(&self) -> io::Result<u64> {
        block_on(self.0.len(Location::caller()))
    }
}

impl AsyncFile for AsyncSimFile {
    #[track_caller]
    fn read_at(&self, into: &mut [u8], at: u64) -> impl Future<Output = io::Result<usize>> {
        self.0.read_at(Location::caller(), into, at)
    }

    #[track_caller]
    fn write_at(&self, data: &[u8], at: u64) -> impl Future<Output = io::Result<usize>> {
        self.0.write_at(Location::caller(), data, at)
    }

    #[track_caller]
    fn sync_data(&self) -> impl Future<Output = io::Result<()>> {
        self.0.sync_data(Location::caller())
    }

    #[track_caller]
    fn sync_all(&self) -> impl Future<Output = io::Result<()>> {
        self.0.sync_all(Location::caller())
    }

    #[track_caller]
    fn set_len(&self, len: u64) -> impl Future<Output = io::Result<()>> {
        self.0.set_len(Location::caller(), len)
    }

    #[track_caller]
    fn len(&self) -> impl Future<Output = io::Result<u64>> {
        self.0.len(Location::caller())
    }
}
