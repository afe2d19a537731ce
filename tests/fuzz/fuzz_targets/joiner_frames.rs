//! Fuzzes `bodies/joiner_frames.rs`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aurora_fuzz::joiner_frames::run(data));
