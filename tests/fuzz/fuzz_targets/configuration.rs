//! Fuzzes `bodies/configuration.rs`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aurora_fuzz::configuration::run(data));
