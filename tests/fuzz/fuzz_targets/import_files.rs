//! Fuzzes `bodies/import_files.rs`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| aurora_fuzz::import_files::run(data));
