//! `fuzz::laws::schedule` under libFuzzer.

#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    _ = fuzz::laws::schedule(&mut Unstructured::new(data));
});
