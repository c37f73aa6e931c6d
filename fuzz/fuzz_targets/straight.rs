//! `fuzz::laws::straight` under libFuzzer.

#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    _ = fuzz::laws::straight(&mut Unstructured::new(data));
});
