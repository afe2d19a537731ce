//! The classes of bugs that were found in systems like this one, tried on this one: one test for each, named after its number.
//!
//! | numbers | what was wrong elsewhere | here |
//! |---|---|---|
//! | 1–27 | who is who | [`identity`] |
//! | 28–46 | who may do what | [`authorisation`] |
//! | 47–55 | the journal | [`audit`] |
//! | 57–67 | values that come out | [`leaks`] |
//! | 68–82 | too large, too deep, too many | [`denial`] |
//! | 83–94 | the sockets, and calls to others | [`doors`] |
//! | 95–97, 102–108 | what is old, and what is built | [`time`] |
//! | 98–101, 104 | leads that go back, or were replaced | [`restores`] |
//!
//! Not there, because this system has nothing that could have the bug: second factors (4, 5, 26), lists of revoked certificates
//! that others publish (10), requests to identity providers (23), a broker that programs send requests through (88, 90, 91).
//! Shown by whole files of their own and not again here: a journal that blocks (56: `audit_files`), the growth of memory (70, 77:
//! `attestation`), pids that come again (85: `attestation/pid_reuse`), crashes (106: `kill_nine`).

#![expect(clippy::print_stderr, reason = "a test that cannot run here says so")]

mod audit;
mod authorisation;
mod denial;
mod doors;
mod identity;
mod leaks;
mod papers;
mod restores;
mod time;

/// Whether this user may read what the kernel tells of the process of a node, which not even its own user may.
fn may_look_into_a_node() -> bool {
    let may = rustix::process::geteuid().is_root();
    if !may {
        eprintln!("skipped: only root may read what the kernel tells of a node's process");
    }
    may
}
