//! C's ways to find a number at the beginning of a text.

/// What `strtoull` found.
pub(super) struct Integer {
    /// The value; the largest there is after an overflow.
    pub(super) value: u64,
    /// Where it ended; 0 when there was none.
    pub(super) end: usize,
    /// `ERANGE`.
    pub(super) overflow: bool,
    /// There was a minus sign, and the value wrapped around.
    pub(super) negative: bool,
}

/// `strtoull`, in base 0 (C's notation), 10 or 16. The binary notation of C23 is not known to it.
pub(super) fn scan_integer(text: &[u8], base: u32) -> Integer {
    let at = |i: usize| text.get(i).copied().unwrap_or(0);
    let (negative, mut i) = scan_sign(text);
    let mut base = base;
    let hexadecimal =
        at(i) == b'0' && matches!(at(i + 1), b'x' | b'X') && at(i + 2).is_ascii_hexdigit();
    if matches!(base, 0 | 16) && hexadecimal {
        (base, i) = (16, i + 2);
    } else if base == 0 {
        base = if at(i) == b'0' { 8 } else { 10 };
    }
    let start = i;
    let mut sum = Some(0_u64);
    while let Some(digit) = char::from(at(i)).to_digit(base) {
        sum = sum
            .and_then(|sum| sum.checked_mul(u64::from(base)))
            .and_then(|sum| sum.checked_add(u64::from(digit)));
        i += 1;
    }
    if i == start {
        return Integer { value: 0, end: 0, overflow: false, negative };
    }
    let value = sum.map_or(u64::MAX, |sum| if negative { sum.wrapping_neg() } else { sum });
    Integer { value, end: i, overflow: sum.is_none(), negative }
}

/// `isspace` of the C locale.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// White space and a sign: whether it is a minus, and where they end.
fn scan_sign(text: &[u8]) -> (bool, usize) {
    let spaces = text.iter().take_while(|byte| is_space(**byte)).count();
    match text.get(spaces) {
        Some(b'-') => (true, spaces + 1),
        Some(b'+') => (false, spaces + 1),
        _ => (false, spaces),
    }
}

/// What `strtod` found of a fraction.
pub(super) struct Fraction {
    /// At least 0, at most 1.
    pub(super) value: f64,
    /// Some digit is not zero, whatever the value was rounded to.
    pub(super) nonzero: bool,
    /// There was a minus sign.
    pub(super) negative: bool,
    /// Where it ended.
    pub(super) end: usize,
}

/// A point and digits, after white space and a sign: all that `strtod` can find where digits in
/// front of the point and exponents were cut off.
pub(super) fn scan_fraction(text: &[u8]) -> Option<Fraction> {
    let (negative, start) = scan_sign(text);
    let digits = text.get(start..)?.strip_prefix(b".")?;
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let digits = &digits[..count];
    let value = format!("0.{}", digits.iter().map(|byte| char::from(*byte)).collect::<String>());
    Some(Fraction {
        value: value.parse().ok()?,
        nonzero: digits.iter().any(|digit| *digit != b'0'),
        negative,
        end: start + 1 + count,
    })
}

/// `strtod`: the number, and where it ended; 0 when there was none.
pub(super) fn scan_float(text: &[u8]) -> (f64, usize) {
    let (negative, start) = scan_sign(text);
    let rest = &text[start..];
    let starts =
        |word: &[u8]| rest.get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word));
    let (value, len) = if starts(b"infinity") {
        (f64::INFINITY, 8)
    } else if starts(b"inf") {
        (f64::INFINITY, 3)
    } else if starts(b"nan") {
        (f64::NAN, 3)
    } else if starts(b"0x") && scan_mantissa(&rest[2..], 16).1 > 0 {
        let (mantissa, len) = scan_mantissa(&rest[2..], 16);
        let (exponent, more) = scan_exponent(&rest[2 + len..], b'p');
        (mantissa * 2_f64.powi(exponent), 2 + len + more)
    } else {
        let (_, len) = scan_mantissa(rest, 10);
        let (_, more) = if len > 0 { scan_exponent(&rest[len..], b'e') } else { (0, 0) };
        let literal = rest[..len + more].iter().map(|byte| char::from(*byte)).collect::<String>();
        (literal.parse().unwrap_or(0.0), len + more)
    };
    if len == 0 { (0.0, 0) } else { (if negative { -value } else { value }, start + len) }
}

/// Digits with at most one point among them.
fn scan_mantissa(text: &[u8], base: u32) -> (f64, usize) {
    let (mut value, mut scale, mut point, mut digits, mut end) = (0.0, 1.0, false, 0, 0);
    for byte in text {
        if let Some(digit) = char::from(*byte).to_digit(base) {
            value = value * f64::from(base) + f64::from(digit);
            scale *= if point { f64::from(base) } else { 1.0 };
            digits += 1;
        } else if *byte == b'.' && !point {
            point = true;
        } else {
            break;
        }
        end += 1;
    }
    if digits == 0 { (0.0, 0) } else { (value / scale, end) }
}

/// A letter and a whole number, or nothing.
fn scan_exponent(text: &[u8], letter: u8) -> (i32, usize) {
    if text.first().is_none_or(|first| first.to_ascii_lowercase() != letter) {
        return (0, 0);
    }
    let negative = text.get(1) == Some(&b'-');
    let signed = usize::from(matches!(text.get(1), Some(b'-' | b'+')));
    let digits = text[1 + signed..].iter().take_while(|byte| byte.is_ascii_digit());
    let (mut value, mut count) = (0_i32, 0);
    for digit in digits {
        value = value.saturating_mul(10).saturating_add(i32::from(digit - b'0'));
        count += 1;
    }
    let value = if negative { -value } else { value };
    if count == 0 { (0, 0) } else { (value, 1 + signed + count) }
}
