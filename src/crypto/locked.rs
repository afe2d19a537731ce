//! Memory for keys: pages that are not swapped and not dumped, cut into slots that are wiped when a key goes.
//!
//! Pages are shared, because locking is counted per page and a mesh may have thousands of keys under a limit of a few
//! megabytes; they are never given back, because `munlock` of one key would unlock its neighbours. Locking is best
//! effort: without the right to lock, keys still work, and [`unlocked_pages`] says so. The only file with unsafe code.
#![expect(unsafe_code, reason = "mapping and locking pages has no safe interface")]

use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous};
use zeroize::Zeroize;

use super::error::CryptoError;
use crate::model::time::Entropy;

/// Bytes of every key in this room: XChaCha20 and X25519 both take 256 bits.
pub const KEY_BYTES: usize = 32;

/// Bytes mapped at a time. A multiple of every page size Linux uses but the largest; a larger page is only locked whole.
const PAGE_BYTES: usize = 4096;

type Slot = [u8; KEY_BYTES];

/// Free slots, as addresses with the provenance of their page exposed by the pointer type.
struct FreeSlots(Vec<NonNull<Slot>>);

// SAFETY: a slot on this list belongs to nobody; the mutex around the list hands each one to a single owner.
unsafe impl Send for FreeSlots {}

static FREE: Mutex<FreeSlots> = Mutex::new(FreeSlots(Vec::new()));
static UNLOCKED_PAGES: AtomicUsize = AtomicUsize::new(0);

/// How many pages of keys the operating system would not lock: more than zero deserves a warning at start
/// (raise `LimitMEMLOCK`), because keys may then reach swap.
#[must_use]
pub fn unlocked_pages() -> usize {
    UNLOCKED_PAGES.load(Ordering::Relaxed)
}

/// 32 bytes of key: locked, kept out of core dumps, wiped on drop. No `Clone`.
pub(super) struct LockedKey(NonNull<Slot>);

// SAFETY: the slot is owned by this value alone, like a box; it is written only through `&mut`.
unsafe impl Send for LockedKey {}
// SAFETY: `&LockedKey` gives only `&[u8; 32]`, and nothing writes while it is shared.
unsafe impl Sync for LockedKey {}

impl LockedKey {
    /// A key of random bytes.
    ///
    /// # Errors
    /// [`CryptoError::Entropy`] or [`CryptoError::NoMemory`].
    pub(super) fn generate(entropy: &dyn Entropy) -> Result<Self, CryptoError> {
        let mut key = Self::zeroed()?;
        entropy.fill(key.as_mut())?;
        Ok(key)
    }

    /// A key of these bytes, which the caller wipes.
    ///
    /// # Errors
    /// [`CryptoError::WrongLength`] or [`CryptoError::NoMemory`].
    pub(super) fn from_slice(bytes: &[u8], what: &'static str) -> Result<Self, CryptoError> {
        if bytes.len() != KEY_BYTES {
            return Err(CryptoError::WrongLength { what, found: bytes.len(), wanted: KEY_BYTES });
        }
        let mut key = Self::zeroed()?;
        key.as_mut().copy_from_slice(bytes);
        Ok(key)
    }

    /// A key of zeros, to be filled in place.
    ///
    /// # Errors
    /// [`CryptoError::NoMemory`].
    pub(super) fn zeroed() -> Result<Self, CryptoError> {
        let mut free = free_slots();
        if free.0.is_empty() {
            map_page(&mut free.0)?;
        }
        free.0.pop().map(Self).ok_or(CryptoError::NoMemory)
    }

    /// The key.
    pub(super) fn as_bytes(&self) -> &Slot {
        // SAFETY: the slot is mapped for the life of the process, aligned for bytes, initialised, and owned by `self`.
        unsafe { self.0.as_ref() }
    }

    /// The key, to be filled.
    pub(super) fn as_mut(&mut self) -> &mut Slot {
        // SAFETY: as in `as_bytes`, and `&mut self` makes this the only reference.
        unsafe { self.0.as_mut() }
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        self.as_mut().zeroize();
        free_slots().0.push(self.0);
    }
}

impl fmt::Debug for LockedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("redacted")
    }
}

/// A panic elsewhere cannot leave the list half changed: push and pop are its only operations.
fn free_slots() -> MutexGuard<'static, FreeSlots> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Maps one page, locks it, keeps it out of dumps, and lists its slots.
fn map_page(free: &mut Vec<NonNull<Slot>>) -> Result<(), CryptoError> {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a fresh anonymous mapping at an address of the kernel's choice overlaps nothing.
    let page = unsafe { mmap_anonymous(ptr::null_mut(), PAGE_BYTES, protection, MapFlags::PRIVATE) }
        .map_err(|_| CryptoError::NoMemory)?;
    // SAFETY: the range is exactly the mapping made above.
    let locked = unsafe { mlock(page, PAGE_BYTES) };
    // SAFETY: the same range; the advice changes no content, it only leaves the page out of core dumps.
    let undumped = unsafe { madvise(page, PAGE_BYTES, Advice::LinuxDontDump) };
    if locked.is_err() || undumped.is_err() {
        UNLOCKED_PAGES.fetch_add(1, Ordering::Relaxed);
    }
    let first = NonNull::new(page.cast::<Slot>()).ok_or(CryptoError::NoMemory)?;
    for index in 0..PAGE_BYTES / KEY_BYTES {
        // SAFETY: `index` counts whole slots within the mapping, so the address stays inside it.
        free.push(unsafe { first.add(index) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{CountingEntropy, NoEntropy};
    use super::*;

    #[test]
    fn keys_do_not_overlap_even_over_several_pages() {
        let keys: Vec<LockedKey> = (0..400_u16)
            .map(|number| {
                let mut bytes = [0_u8; KEY_BYTES];
                bytes[..2].copy_from_slice(&number.to_be_bytes());
                LockedKey::from_slice(&bytes, "a key").expect("memory")
            })
            .collect();
        for (number, key) in keys.iter().enumerate() {
            let kept = u16::from_be_bytes([key.as_bytes()[0], key.as_bytes()[1]]);
            assert_eq!(usize::from(kept), number);
        }
    }

    #[test]
    fn a_new_key_never_shows_an_old_one() {
        for _ in 0..300 {
            let mut key = LockedKey::zeroed().expect("memory");
            assert_eq!(key.as_bytes(), &[0; KEY_BYTES]);
            key.as_mut().fill(0xee);
        }
    }

    #[test]
    fn a_wrong_length_and_missing_randomness_are_refused() {
        let wrong = LockedKey::from_slice(&[1; 31], "a key").expect_err("short");
        assert_eq!(wrong, CryptoError::WrongLength { what: "a key", found: 31, wanted: 32 });
        assert!(matches!(LockedKey::generate(&NoEntropy), Err(CryptoError::Entropy(_))));
        assert_eq!(LockedKey::generate(&CountingEntropy::from(1)).expect("key").as_bytes()[31], 32);
    }

    #[test]
    fn keys_may_be_made_and_dropped_on_many_threads() {
        std::thread::scope(|scope| {
            for fill in 1..9_u8 {
                scope.spawn(move || {
                    for _ in 0..200 {
                        let mut key = LockedKey::zeroed().expect("memory");
                        assert_eq!(key.as_bytes(), &[0; KEY_BYTES]);
                        key.as_mut().fill(fill);
                        assert_eq!(key.as_bytes(), &[fill; KEY_BYTES]);
                    }
                });
            }
        });
    }
}
