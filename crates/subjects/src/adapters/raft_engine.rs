//! raft-engine 0.2 on a [`Directory`].
//!
//! The engine lists, locks and syncs its directory with `std::fs`, whatever file system it is given.
//! So there is a real one, of empty files with the same names; and a name is durable here when it is
//! made, rather than when the engine asks for that.
//!
//! It recovers on threads of its own, and a world has none: they read copies that were made when the
//! files were opened.

use std::fmt::Debug;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use headcrash_io::{Directory, File};
use raft_engine::env::{FileSystem, Handle, WriteExt};

/// The files of an engine.
#[derive(Debug)]
pub struct Files<D> {
    files: D,
    /// The real directory.
    names: PathBuf,
}

impl<D: Directory> Files<D> {
    /// Those in the root of `files`.
    ///
    /// # Errors
    ///
    /// What either directory answers.
    pub fn new(files: D) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("headcrash-raft-engine-{}-{number}", std::process::id());
        let names = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&names)?;
        let files = Self { files, names };
        for name in files.files.list("")? {
            std::fs::write(files.names.join(name), [])?;
        }
        Ok(files)
    }

    /// What the engine is told its directory is.
    #[must_use]
    pub fn directory(&self) -> String {
        self.names.display().to_string()
    }
}

impl<D> Drop for Files<D> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.names);
    }
}

fn name(path: &Path) -> io::Result<&str> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a path without a name"))
}

impl<D> FileSystem for Files<D>
where
    D: Directory + Send + Sync,
    D::File: Debug + Send + Sync,
{
    type Handle = Open<D::File>;
    type Reader = Cursor<D::File>;
    type Writer = Cursor<D::File>;

    fn create<P: AsRef<Path>>(&self, path: P) -> io::Result<Self::Handle> {
        let file = self.files.create(name(path.as_ref())?)?;
        self.files.sync_dir("")?;
        std::fs::write(path, [])?;
        Open::new(file)
    }

    fn open<P: AsRef<Path>>(&self, path: P) -> io::Result<Self::Handle> {
        Open::new(self.files.open(name(path.as_ref())?)?)
    }

    fn delete<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.files.remove_file(name(path.as_ref())?)?;
        std::fs::remove_file(path)
    }

    fn new_reader(&self, handle: Arc<Self::Handle>) -> io::Result<Self::Reader> {
        Ok(Cursor { file: handle, at: 0 })
    }

    fn new_writer(&self, handle: Arc<Self::Handle>) -> io::Result<Self::Writer> {
        Ok(Cursor { file: handle, at: 0 })
    }
}

/// An open file.
#[derive(Debug)]
pub struct Open<F> {
    file: F,
    /// Who opened it, and may ask the world.
    home: ThreadId,
    abroad: Mutex<Abroad>,
}

/// What other threads see of it, and what they did.
#[derive(Debug)]
struct Abroad {
    copy: Vec<u8>,
    cut_to: Option<u64>,
}

impl<F: File> Open<F> {
    fn new(file: F) -> io::Result<Self> {
        let mut copy = vec![0; file.len()? as usize];
        file.read_exact_at(&mut copy, 0)?;
        let abroad = Mutex::new(Abroad { copy, cut_to: None });
        Ok(Self { file, home: std::thread::current().id(), abroad })
    }

    fn abroad(&self) -> std::sync::MutexGuard<'_, Abroad> {
        self.abroad.lock().expect("nobody panics with it")
    }

    /// The file, with what other threads did to it; or nothing on another thread.
    fn here(&self) -> io::Result<Option<&F>> {
        if std::thread::current().id() != self.home {
            return Ok(None);
        }
        let cut_to = self.abroad().cut_to.take();
        if let Some(len) = cut_to {
            self.file.set_len(len)?;
        }
        Ok(Some(&self.file))
    }
}

impl<F: File + Send + Sync> Handle for Open<F> {
    fn truncate(&self, offset: usize) -> io::Result<()> {
        match self.here()? {
            Some(file) => file.set_len(offset as u64),
            None => {
                let mut abroad = self.abroad();
                abroad.copy.truncate(offset);
                abroad.cut_to = Some(offset as u64);
                Ok(())
            }
        }
    }

    fn file_size(&self) -> io::Result<usize> {
        match self.here()? {
            Some(file) => file.len().map(|len| len as usize),
            None => Ok(self.abroad().copy.len()),
        }
    }
}

/// A place in an open file, which stays where it is when the file is cut, as that of `std`'s does.
#[derive(Debug)]
pub struct Cursor<F> {
    file: Arc<Open<F>>,
    at: u64,
}

impl<F: File + Send + Sync> Read for Cursor<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = match self.file.here()? {
            Some(file) => file.read_at(into, self.at)?,
            None => {
                let abroad = self.file.abroad();
                let from = abroad.copy.len().min(self.at as usize);
                (&abroad.copy[from..]).read(into)?
            }
        };
        self.at += len as u64;
        Ok(len)
    }
}

impl<F: File + Send + Sync> Write for Cursor<F> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let file = self.file.here()?.expect("whoever recovers only reads");
        let len = file.write_at(data, self.at)?;
        self.at += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F: File + Send + Sync> Seek for Cursor<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => (self.file.file_size()? as u64).checked_add_signed(by),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl<F: File + Send + Sync> WriteExt for Cursor<F> {
    fn truncate(&mut self, offset: usize) -> io::Result<()> {
        self.file.truncate(offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.here()?.expect("whoever recovers only reads").sync_data()
    }

    fn allocate(&mut self, offset: usize, size: usize) -> io::Result<()> {
        let end = offset + size;
        if self.file.file_size()? < end { self.file.truncate(end) } else { Ok(()) }
    }
}
