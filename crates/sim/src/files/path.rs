//! Paths, as Linux reads them.

use alloc::vec::Vec;

use headcrash_engine::Errno;

/// A path, taken apart: names from the root on.
#[derive(Debug)]
pub(super) struct Path<'a> {
    /// The names; none for the root itself.
    pub names: Vec<&'a str>,
    /// It ends with a slash, so it can only mean a directory.
    pub is_directory: bool,
}

/// Bytes in a path, the final zero of C included.
const PATH_MAX: usize = 4096;
/// Bytes in one name.
const NAME_MAX: usize = 255;

impl<'a> Path<'a> {
    /// Every path begins at the root, with or without a slash. `..` is refused with `EINVAL`.
    pub(super) fn parse(text: &'a str) -> Result<Self, Errno> {
        if text.is_empty() {
            return Err(Errno::ENOENT);
        }
        if text.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let names: Vec<&str> =
            text.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
        for name in &names {
            match *name {
                ".." => return Err(Errno::EINVAL),
                long if long.len() > NAME_MAX => return Err(Errno::ENAMETOOLONG),
                _ => {}
            }
        }
        let is_directory = text.ends_with('/') || text.ends_with("/.") || names.is_empty();
        Ok(Self { names, is_directory })
    }

    /// The names of the directory it lies in, and its own; `None` for the root.
    pub(super) fn split(&self) -> Option<(&[&'a str], &'a str)> {
        let (name, directory) = self.names.split_last()?;
        Some((directory, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, names: &[&str], is_directory: bool) {
        let path = Path::parse(text).expect("a path");
        assert_eq!((path.names.as_slice(), path.is_directory), (names, is_directory), "{text}");
    }

    #[test]
    fn paths_are_read_as_linux_reads_them() {
        check("/", &[], true);
        check(".", &[], true);
        check("a/b.db", &["a", "b.db"], false);
        check("//a/./b/", &["a", "b"], true);
        let error = |text: &str| Path::parse(text).expect_err("no path");
        assert_eq!(error(""), Errno::ENOENT);
        assert_eq!(error("a/../b"), Errno::EINVAL);
        assert_eq!(error(&"n".repeat(256)), Errno::ENAMETOOLONG);
        assert_eq!(error(&"n/".repeat(2048)), Errno::ENAMETOOLONG);
        assert!(Path::parse(&"n".repeat(255)).is_ok());
    }
}
