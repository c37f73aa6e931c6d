//! What is on a disk: which sectors are not what they were, and bytes.

use std::fmt::Write;

use headcrash_sim::Image;

/// Sectors are shown in units of so many bytes.
const SECTOR: u64 = 512;

/// So many stretches are listed.
const STRETCHES: usize = 32;

/// The stretches, in whole sectors, in which two images differ.
pub(super) fn differences(was: &Image, is: &Image) -> Vec<(u64, u64)> {
    let mut sectors: Vec<_> = [was, is]
        .iter()
        .flat_map(|image| image.stretches())
        .flat_map(|(at, len)| at / SECTOR..(at + len).div_ceil(SECTOR))
        .collect();
    sectors.sort_unstable();
    sectors.dedup();
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    let (mut a, mut b) = ([0; SECTOR as usize], [0; SECTOR as usize]);
    for sector in sectors {
        let at = sector * SECTOR;
        read(was, at, &mut a);
        read(is, at, &mut b);
        if a == b {
            continue;
        }
        match stretches.last_mut() {
            Some((start, len)) if *start + *len == at => *len += SECTOR,
            _ => stretches.push((at, SECTOR)),
        }
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
