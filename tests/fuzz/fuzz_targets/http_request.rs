//! Fuzzes `bodies/http_request.rs`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aurora_fuzz::http_request::run(data));
