//! Operations on names.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use headcrash_engine::Errno;

use super::{
    Body, Commits, DirEntry, EntryKey, EntryKind, FileCx, FileId, FileSystem, Image, Inode,
    MetadataOrder, Object, Path,
};

impl FileSystem {
    /// Opens a file, which is made if there is none.
    ///
    /// # Errors
    ///
    /// `EEXIST` if it is to be new and is not; `EISDIR`; as of [`lookup`](Self::lookup) for the
    /// directory it is in.
    pub fn create(
        &mut self,
        path: &str,
        exclusive: bool,
        cx: &mut FileCx<'_>,
    ) -> Result<FileId, Errno> {
        let path = Path::parse(path)?;
        let Some((directory, name)) = path.split() else {
            return Err(if exclusive { Errno::EEXIST } else { Errno::EISDIR });
        };
        let directory = self.walk(directory, cx)?.1;
        if path.is_directory {
            return Err(Errno::EISDIR);
        }
        let inode = match self.entry(directory, name, cx) {
            Some(_) if exclusive => return Err(Errno::EEXIST),
            Some(inode) if self.object(inode).kind() == EntryKind::Directory => {
                return Err(Errno::EISDIR);
            }
            Some(inode) => inode,
            None => self.make(directory, name, Body::File(Image::new(0, 0))),
        };
        Ok(self.opened(inode))
    }

    /// Opens a file that is there.
    ///
    /// # Errors
    ///
    /// `EISDIR`; as of [`lookup`](Self::lookup).
    pub fn open(&mut self, path: &str, cx: &mut FileCx<'_>) -> Result<FileId, Errno> {
        match self.lookup(path, cx)? {
            (_, EntryKind::Directory) => Err(Errno::EISDIR),
            (inode, EntryKind::File) => Ok(self.opened(inode)),
        }
    }

    /// What a path leads to.
    ///
    /// # Errors
    ///
    /// `ENOENT`; `ENOTDIR` if something on the way is a file, or a file's path ends with a slash;
    /// `ENAMETOOLONG` for names over 255 bytes and paths over 4095. Paths with `..` are refused
    /// with `EINVAL`: Linux would follow them.
    pub fn lookup(&mut self, path: &str, cx: &mut FileCx<'_>) -> Result<(Inode, EntryKind), Errno> {
        let path = Path::parse(path)?;
        let Some((directory, name)) = path.split() else {
            return Ok((Inode::ROOT, EntryKind::Directory));
        };
        let directory = self.walk(directory, cx)?.1;
        let inode = self.entry(directory, name, cx).ok_or(Errno::ENOENT)?;
        match self.object(inode).kind() {
            EntryKind::File if path.is_directory => Err(Errno::ENOTDIR),
            kind => Ok((inode, kind)),
        }
    }

    /// Makes a directory.
    ///
    /// # Errors
    ///
    /// `EEXIST`; as of [`lookup`](Self::lookup) for the directory it is in.
    pub fn mkdir(&mut self, path: &str, cx: &mut FileCx<'_>) -> Result<Inode, Errno> {
        let path = Path::parse(path)?;
        let (directory, name) = path.split().ok_or(Errno::EEXIST)?;
        let directory = self.walk(directory, cx)?.1;
        if self.entry(directory, name, cx).is_some() {
            return Err(Errno::EEXIST);
        }
        Ok(self.make(directory, name, Body::Directory { entries: BTreeMap::new(), changed: 0 }))
    }

    /// Takes a file its name. While it is open it can be read and written as before.
    ///
    /// # Errors
    ///
    /// `EISDIR`; as of [`lookup`](Self::lookup).
    pub fn unlink(&mut self, path: &str, cx: &mut FileCx<'_>) -> Result<(), Errno> {
        let parsed = Path::parse(path)?;
        let (directory, name) = parsed.split().ok_or(Errno::EISDIR)?;
        let directory = self.walk(directory, cx)?.1;
        match self.lookup(path, cx)? {
            (_, EntryKind::Directory) => Err(Errno::EISDIR),
            (inode, EntryKind::File) => {
                self.remove(directory, name, inode);
                Ok(())
            }
        }
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// `ENOTEMPTY`; `ENOTDIR`; `EBUSY` for the root; as of [`lookup`](Self::lookup).
    pub fn rmdir(&mut self, path: &str, cx: &mut FileCx<'_>) -> Result<(), Errno> {
        let parsed = Path::parse(path)?;
        let (directory, name) = parsed.split().ok_or(Errno::EBUSY)?;
        let directory = self.walk(directory, cx)?.1;
        match self.lookup(path, cx)? {
            (_, EntryKind::File) => Err(Errno::ENOTDIR),
            (inode, EntryKind::Directory) if !self.is_empty(inode, cx) => Err(Errno::ENOTEMPTY),
            (inode, EntryKind::Directory) => {
                self.remove(directory, name, inode);
                Ok(())
            }
        }
    }

    /// Gives a file or directory another name, in one step also for a power cut. What had that
    /// name loses it.
    ///
    /// # Errors
    ///
    /// `EISDIR`, `ENOTDIR` or `ENOTEMPTY` if what has the name cannot be replaced by this;
    /// `EINVAL` for a directory into itself; `EBUSY` for the root; as of
    /// [`lookup`](Self::lookup).
    pub fn rename(&mut self, from: &str, to: &str, cx: &mut FileCx<'_>) -> Result<(), Errno> {
        let (from, to) = (Path::parse(from)?, Path::parse(to)?);
        let (from_directory, from_name) = from.split().ok_or(Errno::EBUSY)?;
        let (to_directory, to_name) = to.split().ok_or(Errno::EBUSY)?;
        let (from_parents, from_directory) = self.walk(from_directory, cx)?;
        let (to_parents, to_directory) = self.walk(to_directory, cx)?;
        let inode = self.entry(from_directory, from_name, cx).ok_or(Errno::ENOENT)?;
        let kind = self.object(inode).kind();
        if kind == EntryKind::File && (from.is_directory || to.is_directory) {
            return Err(Errno::ENOTDIR);
        }
        if to_parents.contains(&inode) {
            return Err(Errno::EINVAL);
        }
        let replaced = self.entry(to_directory, to_name, cx);
        if let Some(replaced) = replaced {
            if replaced == inode {
                return Ok(());
            }
            if from_parents.contains(&replaced) {
                return Err(Errno::ENOTEMPTY);
            }
            match (kind, self.object(replaced).kind()) {
                (EntryKind::File, EntryKind::Directory) => return Err(Errno::EISDIR),
                (EntryKind::Directory, EntryKind::File) => return Err(Errno::ENOTDIR),
                (EntryKind::Directory, _) if !self.is_empty(replaced, cx) => {
                    return Err(Errno::ENOTEMPTY);
                }
                _ => {}
            }
        }
        let from: EntryKey = (from_directory, Arc::from(from_name));
        let to: EntryKey = (to_directory, Arc::from(to_name));
        let pending = Arc::make_mut(&mut self.pending);
        let number = pending
            .change([(from.clone(), Some(inode), None), (to.clone(), replaced, Some(inode))]);
        if self.contract.replace_flushes()
            && replaced.is_some()
            && let Some(file) = pending.files.get_mut(&inode)
        {
            Arc::make_mut(file).flush(number);
        }
        self.forget_name(from.0, &from.1);
        self.learn_name(to.0, to.1, inode);
        for object in [Some(inode), replaced].into_iter().flatten() {
            self.object_mut(object).named = number;
        }
        self.changed(from_directory, number);
        self.changed(to_directory, number);
        self.sweep();
        Ok(())
    }

    /// The names in a directory, sorted by their bytes.
    ///
    /// # Errors
    ///
    /// As of [`lookup`](Self::lookup).
    pub fn list(&mut self, path: &str, cx: &mut FileCx<'_>) -> Result<Vec<DirEntry>, Errno> {
        let directory = self.directory(path, cx)?;
        for key in self.open_names(directory) {
            self.settle_entry(&key, cx);
        }
        let entry = |(name, inode): (&Arc<str>, &Inode)| DirEntry {
            name: name.clone(),
            inode: *inode,
            kind: self.object(*inode).kind(),
        };
        Ok(self.names(directory).iter().map(entry).collect())
    }

    /// Makes the names in a directory durable, as `fsync` of the directory does; not the name
    /// that the directory itself has in another one. A rename out of the directory or into it is
    /// durable whole.
    ///
    /// # Errors
    ///
    /// As of [`lookup`](Self::lookup).
    pub fn sync_dir(&mut self, path: &str, cx: &mut FileCx<'_>) -> Result<(), Errno> {
        let directory = self.directory(path, cx)?;
        let object = self.object(directory);
        let Body::Directory { changed, .. } = object.body else {
            unreachable!("it was found to be a directory")
        };
        let last = object.made.max(object.named).max(changed);
        let pending = Arc::make_mut(&mut self.pending);
        let durable = match self.contract.metadata {
            MetadataOrder::Any { .. } => {
                pending.sync_directory(directory);
                Vec::new()
            }
            MetadataOrder::Journal(journal) => pending.commit(match journal.commits {
                Commits::UpToFile => last,
                Commits::Everything => pending.last,
            }),
        };
        self.settle_units(&durable);
        self.sweep();
        Ok(())
    }

    /// Follows names from the root: all directories on the way, the root included, and the last.
    fn walk(&mut self, names: &[&str], cx: &mut FileCx<'_>) -> Result<(Vec<Inode>, Inode), Errno> {
        let mut last = Inode::ROOT;
        let mut parents = vec![last];
        for name in names {
            last = self.entry(last, name, cx).ok_or(Errno::ENOENT)?;
            if self.object(last).kind() != EntryKind::Directory {
                return Err(Errno::ENOTDIR);
            }
            parents.push(last);
        }
        Ok((parents, last))
    }

    fn directory(&mut self, path: &str, cx: &mut FileCx<'_>) -> Result<Inode, Errno> {
        match self.lookup(path, cx)? {
            (inode, EntryKind::Directory) => Ok(inode),
            (_, EntryKind::File) => Err(Errno::ENOTDIR),
        }
    }

    pub(super) fn open_names(&self, directory: Inode) -> Vec<EntryKey> {
        let open = self.cuts.iter().flat_map(|cut| cut.open_entries(directory));
        let mut open: Vec<EntryKey> = open.cloned().collect();
        open.sort();
        open
    }

    /// Whether nothing is in it. No more names are decided than it takes to say so.
    fn is_empty(&mut self, directory: Inode, cx: &mut FileCx<'_>) -> bool {
        for key in self.open_names(directory) {
            if !self.names(directory).is_empty() {
                break;
            }
            self.settle_entry(&key, cx);
        }
        self.names(directory).is_empty()
    }

    fn make(&mut self, directory: Inode, name: &str, body: Body) -> Inode {
        self.last_inode = Inode(self.last_inode.0 + 1);
        let inode = self.last_inode;
        let name: Arc<str> = Arc::from(name);
        let key = self.made_under(directory, &name);
        let change = ((directory, name.clone()), None, Some(inode));
        let made = Arc::make_mut(&mut self.pending).change([change]);
        let object = Arc::new(Object { key, made, named: made, body });
        Arc::make_mut(&mut self.objects).insert(inode, object);
        self.learn_name(directory, name, inode);
        self.changed(directory, made);
        inode
    }

    fn remove(&mut self, directory: Inode, name: &str, inode: Inode) {
        let change = ((directory, Arc::from(name)), Some(inode), None);
        let number = Arc::make_mut(&mut self.pending).change([change]);
        self.forget_name(directory, name);
        self.object_mut(inode).named = number;
        self.changed(directory, number);
        self.sweep();
    }

    fn changed(&mut self, directory: Inode, number: u64) {
        if let Body::Directory { changed, .. } = &mut self.object_mut(directory).body {
            *changed = number;
        }
    }

    fn opened(&mut self, inode: Inode) -> FileId {
        self.last_file = FileId(self.last_file.0 + 1);
        self.open.insert(self.last_file, inode);
        self.last_file
    }
}
