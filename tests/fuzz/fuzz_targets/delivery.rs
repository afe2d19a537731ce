//! Fuzzes `bodies/delivery.rs`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aurora_fuzz::delivery::run(data));
