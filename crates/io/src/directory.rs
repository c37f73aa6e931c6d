//! Names of files.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::File;

/// A directory, and what is below it.
///
/// Paths are relative to it: names with `/` between them, as in `wal/0001`. The directory itself is
/// the empty path, which only [`list`](Self::list), [`exists`](Self::exists) and
/// [`sync_dir`](Self::sync_dir) take.
///
/// Creating, renaming and removing are seen at once. They are sure to be there after a power cut only
/// when a later [`sync_dir`](Self::sync_dir) of the directory that holds the name has returned; for
/// renaming from one to another, of both. Syncing a file makes no name durable.
///
/// # Errors
///
/// Paths that are absolute, contain `..`, `.` or an empty name are [`ErrorKind::InvalidInput`].
/// What is not there is [`ErrorKind::NotFound`]. Otherwise what the file system says.
pub trait Directory {
    /// An open file. It stays what it is when its name goes elsewhere or away.
    type File: File;

    /// Opens a file for reading and writing, and makes an empty one if there is none. What is in it
    /// stays ([`std::fs::File::create`] would cut it off).
    ///
    /// # Errors
    ///
    /// As the trait says.
    #[track_caller]
    fn create(&self, path: &str) -> io::Result<Self::File>;

    /// Makes an empty file, and opens it for reading and writing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if there is anything of that name; as the trait says.
    #[track_caller]
    fn create_new(&self, path: &str) -> io::Result<Self::File>;

    /// Opens a file that exists, for reading and writing.
    ///
    /// # Errors
    ///
    /// As the trait says.
    #[track_caller]
    fn open(&self, path: &str) -> io::Result<Self::File>;

    /// Calls what is called `from`, a file or a directory, `to` from now on. A file that was
    /// called so is replaced in one step: at no time is there none of that name.
    ///
    /// # Errors
    ///
    /// As the trait says.
    #[track_caller]
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file's name. Whoever has it open goes on with it.
    ///
    /// # Errors
    ///
    /// As the trait says.
    #[track_caller]
    fn remove_file(&self, path: &str) -> io::Result<()>;

    /// Makes an empty directory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if there is anything of that name; as the trait says.
    #[track_caller]
    fn make_dir(&self, path: &str) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DirectoryNotEmpty`] if it is not; as the trait says.
    #[track_caller]
    fn remove_dir(&self, path: &str) -> io::Result<()>;

    /// The names in a directory, of files and directories, sorted by their bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotADirectory`] if it is a file; [`ErrorKind::InvalidData`] if a name is not
    /// UTF-8; as the trait says.
    #[track_caller]
    fn list(&self, path: &str) -> io::Result<Vec<String>>;

    /// Whether there is a file or directory of that name.
    ///
    /// # Errors
    ///
    /// As the trait says, but for what is not there.
    #[track_caller]
    fn exists(&self, path: &str) -> io::Result<bool>;

    /// How long a file is, in bytes.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open) and [`File::len`].
    #[track_caller]
    fn len_of(&self, path: &str) -> io::Result<u64> {
        self.open(path)?.len()
    }

    /// Returns when the names in a directory are durable as they are now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotADirectory`] if it is a file; as the trait says.
    #[track_caller]
    fn sync_dir(&self, path: &str) -> io::Result<()>;
}

/// A directory of the machine's file system.
///
/// Its paths cannot climb out of it by `..`, but symbolic links are followed: it is no sandbox.
/// Where directories cannot be synced (Windows), [`Directory::sync_dir`] only looks whether it is one.
#[derive(Clone, Debug)]
pub struct RealDirectory {
    root: PathBuf,
}

impl RealDirectory {
    /// The directory at `root`, which is not looked at before something is done in it.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Of something in it.
    fn below(&self, path: &str) -> io::Result<PathBuf> {
        let mut whole = self.root.clone();
        for name in path.split('/') {
            // On Windows a name could be `C:` or hold separators of its own.
            let mut parts = Path::new(name).components();
            match (parts.next(), parts.next()) {
                (Some(std::path::Component::Normal(part)), None) if part == name => {
                    whole.push(part);
                }
                _ => return Err(not_inside(path)),
            }
        }
        Ok(whole)
    }

    /// Of something in it, or its own.
    fn at(&self, path: &str) -> io::Result<PathBuf> {
        if path.is_empty() { Ok(self.root.clone()) } else { self.below(path) }
    }
}

fn not_inside(path: &str) -> io::Error {
    let what = format!("{path:?} is not a path inside of a directory");
    io::Error::new(ErrorKind::InvalidInput, what)
}

impl Directory for RealDirectory {
    type File = fs::File;

    fn create(&self, path: &str) -> io::Result<fs::File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).open(self.below(path)?)
    }

    fn create_new(&self, path: &str) -> io::Result<fs::File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(self.below(path)?)
    }

    fn open(&self, path: &str) -> io::Result<fs::File> {
        OpenOptions::new().read(true).write(true).open(self.below(path)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.below(from)?, self.below(to)?)
    }

    fn remove_file(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.below(path)?)
    }

    fn make_dir(&self, path: &str) -> io::Result<()> {
        fs::create_dir(self.below(path)?)
    }

    fn remove_dir(&self, path: &str) -> io::Result<()> {
        fs::remove_dir(self.below(path)?)
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.at(path)?)? {
            names.push(entry?.file_name().into_string().map_err(|name| {
                io::Error::new(ErrorKind::InvalidData, format!("{name:?} is not UTF-8"))
            })?);
        }
        names.sort_unstable();
        Ok(names)
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        fs::exists(self.at(path)?)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let path = self.at(path)?;
        if !fs::metadata(&path)?.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        if cfg!(unix) { fs::File::open(path)?.sync_all() } else { Ok(()) }
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<D: Directory + ?Sized> Directory for $pointer {
            type File = D::File;

            fn create(&self, path: &str) -> io::Result<Self::File> {
                (**self).create(path)
            }

            fn create_new(&self, path: &str) -> io::Result<Self::File> {
                (**self).create_new(path)
            }

            fn open(&self, path: &str) -> io::Result<Self::File> {
                (**self).open(path)
            }

            fn rename(&self, from: &str, to: &str) -> io::Result<()> {
                (**self).rename(from, to)
            }

            fn remove_file(&self, path: &str) -> io::Result<()> {
                (**self).remove_file(path)
            }

            fn make_dir(&self, path: &str) -> io::Result<()> {
                (**self).make_dir(path)
            }

            fn remove_dir(&self, path: &str) -> io::Result<()> {
                (**self).remove_dir(path)
            }

            fn list(&self, path: &str) -> io::Result<Vec<String>> {
                (**self).list(path)
            }

            fn exists(&self, path: &str) -> io::Result<bool> {
                (**self).exists(path)
            }

            fn len_of(&self, path: &str) -> io::Result<u64> {
                (**self).len_of(path)
            }

            fn sync_dir(&self, path: &str) -> io::Result<()> {
                (**self).sync_dir(path)
            }
        }
    )*};
}

forward!(&D, Box<D>, Rc<D>, Arc<D>);
