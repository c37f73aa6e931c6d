//! Error numbers, by their Linux names.

use core::fmt;

/// An error number: positive, Linux numbering, whatever the host is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(i32);

macro_rules! errnos {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        impl Errno {
            $(#[doc = concat!("`", stringify!($name), "` (", $number, "): ", $text, ".")]
            pub const $name: Self = Self($number);)*

            /// Every error number that has a name here, smallest first.
            pub const NAMED: &'static [(&'static str, Self, &'static str)] =
                &[$((stringify!($name), Self::$name, $text)),*];
        }
    };
}

// Numbers and texts are those of Linux (`errno(3)`, `strerror(3)` of glibc).
errnos! {
    EPERM = 1, "Operation not permitted";
    ENOENT = 2, "No such file or directory";
    EINTR = 4, "Interrupted system call";
    EIO = 5, "Input/output error";
    ENXIO = 6, "No such device or address";
    EBADF = 9, "Bad file descriptor";
    EAGAIN = 11, "Resource temporarily unavailable";
    ENOMEM = 12, "Cannot allocate memory";
    EACCES = 13, "Permission denied";
    EBUSY = 16, "Device or resource busy";
    EEXIST = 17, "File exists";
    ENODEV = 19, "No such device";
    ENOTDIR = 20, "Not a directory";
    EISDIR = 21, "Is a directory";
    EINVAL = 22, "Invalid argument";
    EMFILE = 24, "Too many open files";
    EFBIG = 27, "File too large";
    ENOSPC = 28, "No space left on device";
    ESPIPE = 29, "Illegal seek";
    EROFS = 30, "Read-only file system";
    EPIPE = 32, "Broken pipe";
    ERANGE = 34, "Numerical result out of range";
    EDEADLK = 35, "Resource deadlock avoided";
    ENAMETOOLONG = 36, "File name too long";
    ENOTEMPTY = 39, "Directory not empty";
    EBADE = 52, "Invalid exchange";
    ENODATA = 61, "No data available";
    ETIME = 62, "Timer expired";
    ENOLINK = 67, "Link has been severed";
    EPROTO = 71, "Protocol error";
    EOVERFLOW = 75, "Value too large for defined data type";
    EILSEQ = 84, "Invalid or incomplete multibyte or wide character";
    ENOTSUP = 95, "Operation not supported";
    ENOBUFS = 105, "No buffer space available";
    ESHUTDOWN = 108, "Cannot send after transport endpoint shutdown";
    ETIMEDOUT = 110, "Connection timed out";
    ESTALE = 116, "Stale file handle";
    EREMOTEIO = 121, "Remote I/O error";
    EDQUOT = 122, "Disk quota exceeded";
    ENOMEDIUM = 123, "No medium found";
    ECANCELED = 125, "Operation canceled";
}

impl Errno {
    /// The error with this number, or `None` when it is not positive.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        if number > 0 { Some(Self(number)) } else { None }
    }

    /// The error with this Linux name; `EOPNOTSUPP` and `EWOULDBLOCK` are accepted as the aliases
    /// they are there.
    ///
    /// ```
    /// use headcrash_engine::Errno;
    /// assert_eq!(Errno::from_name("ENOSPC"), Some(Errno::ENOSPC));
    /// assert_eq!(Errno::from_name("enospc"), None);
    /// ```
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = match name {
            "EOPNOTSUPP" => "ENOTSUP",
            "EWOULDBLOCK" => "EAGAIN",
            name => name,
        };
        Self::NAMED.iter().find(|(known, ..)| *known == name).map(|(_, errno, _)| *errno)
    }

    /// The Linux number, positive.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The Linux name, or `None` for a number that has none here.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(_, errno, _)| *errno == self).map(|(name, ..)| *name)
    }

    /// What `strerror` says of it, or `None` for a number that has no name here.
    #[must_use]
    pub fn text(self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(_, errno, _)| *errno == self).map(|(.., text)| *text)
    }
}

/// The name, or `errno N` for a number without one.
impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
