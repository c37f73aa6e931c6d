//! `fuzz::laws::logs` under libFuzzer.

#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    _ = fuzz::laws::logs(&mut Unstructured::new(data));
});
