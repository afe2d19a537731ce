//! Fuzzes `bodies/member_frames.rs`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aurora_fuzz::member_frames::run(data));
