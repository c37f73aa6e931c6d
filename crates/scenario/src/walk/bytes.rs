//! What is on a disk: which sectors are not what they were, and bytes.

use std::fmt::Write;
use std::iter::Peekable;

use headcrash_sim::Image;

/// Sectors are shown in units of so many bytes.
const SECTOR: u64 = 512;

/// So many stretches are listed.
const STRETCHES: usize = 32;

/// The stretches, in whole sectors, in which two images differ. What is alike for long costs
/// nothing.
pub(super) fn differences(was: &Image, is: &Image) -> Vec<(u64, u64)> {
    let (was_runs, is_runs) = (was.runs(), is.runs());
    let (mut was_runs, mut is_runs) = (was_runs.iter().peekable(), is_runs.iter().peekable());
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    let (mut at, end) = (0, was.len().max(is.len()));
    while at < end {
        let mut next = end;
        let mut byte_here = |runs: &mut Peekable<std::slice::Iter<'_, (u64, u64, u8)>>| {
            while runs.next_if(|(first, len, _)| first + len <= at).is_some() {}
            let (first, len, byte) = **runs.peek()?;
            next = next.min(first + len);
            Some(byte)
        };
        // Beyond its end an image is zeroes here.
        let bytes =
            [byte_here(&mut was_runs), byte_here(&mut is_runs)].map(Option::unwrap_or_default);
        if bytes[0] != bytes[1] {
            let (start, stop) = (at / SECTOR * SECTOR, next.next_multiple_of(SECTOR));
            match stretches.last_mut() {
                Some((first, len)) if *first + *len >= start => *len = stop - *first,
                _ => stretches.push((start, stop - start)),
            }
        }
        at = next;
    }
    stretches
}

/// Beyond its end an image is zeroes here.
fn read(image: &Image, at: u64, into: &mut [u8]) {
    into.fill(0);
    let there = image.len().saturating_sub(at).min(into.len() as u64) as usize;
    if there > 0 {
        image.read(at, &mut into[..there]);
    }
}

/// Stretches in words, what is in them with each.
pub(super) fn listed(stretches: &[(u64, u64)], image: &Image) -> String {
    let mut text = String::new();
    for (at, len) in stretches.iter().take(STRETCHES) {
        let mut bytes = vec![0; (*len).min(1 << 16) as usize];
        read(image, *at, &mut bytes);
        let all_alike = bytes.iter().all(|byte| *byte == bytes[0]);
        let holds = if all_alike && *len <= 1 << 16 {
            format!("all {:#04x}", bytes[0])
        } else {
            let first: Vec<_> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!("{} ..", first.join(" "))
        };
        // A String takes all that is written to it.
        _ = writeln!(text, "  {at}+{len}: {holds}");
    }
    if stretches.len() > STRETCHES {
        _ = writeln!(text, "  and {} more stretches", stretches.len() - STRETCHES);
    }
    text
}

/// Bytes, sixteen a line; lines that are like the one before are left out.
pub(super) fn dump(at: u64, bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut last: Option<&[u8]> = None;
    let mut skipped = false;
    for (line, row) in (0..).zip(bytes.chunks(16)) {
        if last == Some(row) {
            if !skipped {
                text.push_str("*\n");
            }
            skipped = true;
            continue;
        }
        skipped = false;
        last = Some(row);
        let hex: Vec<_> = row.iter().map(|byte| format!("{byte:02x}")).collect();
        let letters: String = row
            .iter()
            .map(|byte| if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '.' })
            .collect();
        _ = writeln!(text, "{:08x}  {:<47}  {letters}", at + line * 16, hex.join(" "));
    }
    _ = writeln!(text, "{:08x}", at + bytes.len() as u64);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_costs_something() {
        let was = Image::new(1 << 50, 0x11);
        let mut is = was.clone();
        assert_eq!(differences(&was, &is), []);
        is.write(1000, &[1; 100]);
        is.write(1024, &[2; 512]);
        is.write(1 << 40, &[3]);
        is.write(5 << 40, &[0x11; 4096]);
        assert_eq!(differences(&was, &is), [(512, 1024), (1 << 40, 512)]);
        is.fill(4096, 1 << 45, 0);
        assert_eq!(differences(&was, &is), [(512, 1024), (4096, 1 << 45)]);
        is.set_len(8192);
        assert_eq!(differences(&Image::new(8192, 0), &is)[..], [(0, 4096)]);
        assert_eq!(differences(&is, &was).last(), Some(&(4096, (1 << 50) - 4096)));
    }
}
