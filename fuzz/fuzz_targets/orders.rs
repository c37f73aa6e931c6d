//! `fuzz::laws::orders` under libFuzzer.

#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    _ = fuzz::laws::orders(&mut Unstructured::new(data));
});
