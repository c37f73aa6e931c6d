//! Numbers, switches and sizes, as QEMU reads them out of text.

use headcrash_engine::Dialect;

use super::error::ValueError;
use super::scan::{scan_float, scan_fraction, scan_integer};

const SIZE_10: &str = "a non-negative number below 2^64\n\
     Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\n\
     and exabytes, respectively.";
const SIZE_2_6: &str = "a size\n\
     You may use k, M, G or T suffixes for kilobytes, megabytes, gigabytes and terabytes.";

/// `parse_option_number`: any 64-bit number, in C's notation. A minus sign wraps around.
///
/// 2.6 calls `strtoull` and looks only at what is left over, so that no text at all is 0 and what
/// is too large is the largest number.
pub(super) fn number(name: &str, text: &str, dialect: Dialect) -> Result<u64, ValueError> {
    let scan = scan_integer(text.as_bytes(), 0);
    let complete = scan.end == text.len();
    match dialect {
        Dialect::Qemu2_6 if complete => Ok(scan.value),
        Dialect::Qemu10 if complete && scan.overflow => {
            Err(ValueError::TooLarge { name: name.to_owned(), value: text.to_owned() })
        }
        Dialect::Qemu10 if complete && scan.end > 0 => Ok(scan.value),
        Dialect::Qemu2_6 | Dialect::Qemu10 => {
            Err(ValueError::Expects { name: name.to_owned(), what: "a number" })
        }
    }
}

/// `parse_option_bool` (2.6), `qapi_bool_parse` (10.0.2).
pub(super) fn boolean(name: &str, text: &str, dialect: Dialect) -> Result<bool, ValueError> {
    match (text, dialect) {
        ("on", _) | ("yes" | "true" | "y", Dialect::Qemu10) => Ok(true),
        ("off", _) | ("no" | "false" | "n", Dialect::Qemu10) => Ok(false),
        _ => Err(ValueError::Expects { name: name.to_owned(), what: "'on' or 'off'" }),
    }
}

/// `parse_option_size`, in bytes.
pub(super) fn size(name: &str, text: &str, dialect: Dialect) -> Result<u64, ValueError> {
    let name = name.to_owned();
    match dialect {
        Dialect::Qemu2_6 => {
            size_2_6(text.as_bytes()).map_err(|what| ValueError::Expects { name, what })
        }
        Dialect::Qemu10 => size_10(text).map_err(|fault| match fault {
            SizeFault::Range => ValueError::OutOfRange { name, value: text.to_owned() },
            SizeFault::Syntax => ValueError::Expects { name, what: SIZE_10 },
        }),
    }
}

/// Why `qemu_strtosz` refuses a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SizeFault {
    /// `EINVAL`.
    Syntax,
    /// `ERANGE`.
    Range,
}

/// `qemu_strtosz` of 10.0.2: decimal digits with an optional fraction and suffix, or hexadecimal
/// ones with neither.
pub(super) fn size_10(text: &str) -> Result<u64, SizeFault> {
    let bytes = text.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let whole = scan_integer(bytes, 10);
    let mut end = whole.end;
    // What is left over is looked at last in C, and outweighs a range error.
    let range =
        |end: usize| Err(if end < bytes.len() { SizeFault::Syntax } else { SizeFault::Range });
    if end > 0 && (whole.overflow || whole.negative) {
        return range(end);
    }
    let mut value = whole.value;
    // The fraction, in units of 2^-64.
    let mut part = 0;
    if end > 0 && value == 0 && matches!(at(end), b'x' | b'X') {
        let hex = scan_integer(bytes, 16);
        // A suffix is refused along with every other remainder.
        if hex.end < bytes.len() {
            return Err(SizeFault::Syntax);
        }
        return if hex.overflow { Err(SizeFault::Range) } else { Ok(hex.value) };
    } else if at(end) == b'.' && end > 0 && !at(end + 1).is_ascii_digit() {
        end += 1;
    } else if at(end) == b'.' || end == 0 {
        let fraction = scan_fraction(&bytes[end..]).ok_or(SizeFault::Syntax)?;
        end += fraction.end;
        if fraction.negative {
            return range(end);
        }
        if fraction.value >= 1.0 {
            value = value.checked_add(1).ok_or(SizeFault::Range).or_else(|_| range(end))?;
        } else {
            part = (fraction.value * 18_446_744_073_709_551_616.0) as u64;
            if part == 0 && fraction.nonzero {
                part = 1;
            }
        }
    }
    let shift = match at(end).to_ascii_uppercase() {
        b'B' => Some(0),
        b'K' => Some(10),
        b'M' => Some(20),
        b'G' => Some(30),
        b'T' => Some(40),
        b'P' => Some(50),
        b'E' => Some(60),
        _ => None,
    };
    end += usize::from(shift.is_some());
    let shift = shift.unwrap_or(0);
    if end < bytes.len() || (shift == 0 && part != 0) {
        return Err(SizeFault::Syntax);
    }
    let part = u128::from(part) << shift;
    let round = part >> 63 & 1;
    let total = (u128::from(value) << shift) + (part >> 64) + round;
    u64::try_from(total).map_err(|_| SizeFault::Range)
}

/// 2.6: whatever `strtod` takes, and one letter; what follows the letter is not looked at.
fn size_2_6(text: &[u8]) -> Result<u64, &'static str> {
    let (number, end) = scan_float(text);
    if number < 0.0 || number > u64::MAX as f64 {
        return Err("a non-negative number below 2^64");
    }
    let factor = match text.get(end) {
        None | Some(0 | b'b') => 1.0,
        Some(b'k' | b'K') => 1024.0,
        Some(b'M') => 1_048_576.0,
        Some(b'G') => 1_073_741_824.0,
        Some(b'T') => 1_099_511_627_776.0,
        Some(_) => return Err(SIZE_2_6),
    };
    Ok((number * factor) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show<T: std::fmt::Display>(result: Result<T, ValueError>) -> String {
        match result {
            Ok(value) => value.to_string(),
            Err(ValueError::Expects { .. }) => "expects".to_owned(),
            Err(ValueError::TooLarge { .. } | ValueError::OutOfRange { .. }) => "range".to_owned(),
        }
    }

    /// `cases`: a text, what 2.6 makes of it, what 10.0.2 makes of it.
    #[track_caller]
    fn check<T: std::fmt::Display>(
        parse: fn(&str, &str, Dialect) -> Result<T, ValueError>,
        cases: &[(&str, &str, &str)],
    ) {
        for (text, old, new) in cases {
            assert_eq!(show(parse("x", text, Dialect::Qemu2_6)), *old, "2.6: {text:?}");
            assert_eq!(show(parse("x", text, Dialect::Qemu10)), *new, "10: {text:?}");
        }
    }

    #[test]
    fn numbers_are_in_cs_notation_and_wrap_around() {
        check(
            number,
            &[
                ("28", "28", "28"),
                ("0x1c", "28", "28"),
                ("0X1C", "28", "28"),
                ("010", "8", "8"),
                (" +28", "28", "28"),
                ("\t\n28", "28", "28"),
                ("-1", "18446744073709551615", "18446744073709551615"),
                ("-9223372036854775808", "9223372036854775808", "9223372036854775808"),
                ("", "0", "expects"),
                (" ", "expects", "expects"),
                ("28 ", "expects", "expects"),
                ("+", "expects", "expects"),
                ("0x", "expects", "expects"),
                ("08", "expects", "expects"),
                ("0b1", "expects", "expects"),
                ("EIO", "expects", "expects"),
                ("99999999999999999999", "18446744073709551615", "range"),
                ("-99999999999999999999", "18446744073709551615", "range"),
                ("99999999999999999999x", "expects", "expects"),
            ],
        );
    }

    #[test]
    fn switches_have_more_names_in_the_newer_dialect() {
        check(
            boolean,
            &[
                ("on", "true", "true"),
                ("off", "false", "false"),
                ("yes", "expects", "true"),
                ("true", "expects", "true"),
                ("y", "expects", "true"),
                ("no", "expects", "false"),
                ("n", "expects", "false"),
                ("false", "expects", "false"),
                ("On", "expects", "expects"),
                ("1", "expects", "expects"),
                ("", "expects", "expects"),
            ],
        );
    }

    #[test]
    fn sizes_take_a_suffix() {
        check(
            size,
            &[
                ("512", "512", "512"),
                ("4k", "4096", "4096"),
                ("4K", "4096", "4096"),
                ("1m", "expects", "1048576"),
                ("1M", "1048576", "1048576"),
                ("2T", "2199023255552", "2199023255552"),
                ("1E", "expects", "1152921504606846976"),
                ("16E", "expects", "range"),
                ("16777216T", "18446744073709551615", "range"),
                ("512b", "512", "512"),
                ("512B", "expects", "512"),
                ("4kx", "4096", "expects"),
                ("0x200", "512", "512"),
                ("0x2k", "2048", "expects"),
                ("010", "10", "10"),
                ("1e3", "1000", "expects"),
                ("1.5k", "1536", "1536"),
                ("1.k", "1024", "1024"),
                (".5k", "512", "512"),
                (" .5k", "512", "512"),
                ("1.5", "1", "expects"),
                ("1.0", "1", "1"),
                ("1.99999999999999999999k", "2048", "2048"),
                ("", "0", "expects"),
                ("-1", "expects", "range"),
                ("-1x", "expects", "expects"),
                ("-.5k", "expects", "expects"),
                ("-.5", "expects", "range"),
                ("x", "expects", "expects"),
                ("5 ", "expects", "expects"),
                (" 5", "5", "5"),
                ("18446744073709551615", "18446744073709551615", "18446744073709551615"),
                ("18446744073709551616", "18446744073709551615", "range"),
                ("inf", "expects", "expects"),
                ("0x1p4", "16", "expects"),
            ],
        );
    }
}
