//! The checksum of records: CRC-32 as in IEEE 802.3, gzip and PNG.

/// The remainders of all bytes, for the polynomial 0xEDB88320 (reflected).
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            let carry = remainder & 1;
            remainder = (remainder >> 1) ^ (0xEDB8_8320 * carry);
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
};

/// The CRC-32 (IEEE) of bytes that are given as stretches of one value.
#[must_use]
pub fn crc32(runs: impl IntoIterator<Item = (u64, u8)>) -> u32 {
    let mut crc = u32::MAX;
    for (len, byte) in runs {
        for _ in 0..len {
            crc = (crc >> 8) ^ TABLE[usize::from((crc as u8) ^ byte)];
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogues_comes_out() {
        assert_eq!(crc32(b"123456789".iter().map(|byte| (1, *byte))), 0xCBF4_3926);
        assert_eq!(crc32([]), 0);
        assert_eq!(crc32([(32, 0)]), 0x190A_55AD);
    }
}
