//! The disk of a simulated machine: real files, of which a power cut takes what was not synchronised. Each write since then
//! stays, is lost, or is torn, whatever the order in which they were made.

use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use aurora_mesh::store::ground::Medium;
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use crate::random::Random;

/// Within so many bytes a disk writes all or nothing.
const SECTOR: usize = 512;

/// How a machine stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The process ends: what it wrote stays.
    Killed,
    /// The machine loses its power.
    PowerCut,
}

/// The disk of one machine.
#[derive(Debug, Default)]
pub struct SimDisk {
    files: Mutex<Vec<Weak<Platter>>>,
    power: Arc<Power>,
    /// Writes that power cuts took, wholly or in part.
    pub torn: AtomicU64,
}

impl Medium for SimDisk {
    fn over(&self, _: &Path, file: File) -> io::Result<Box<dyn StorageBackend>> {
        let file = FileBackend::new(file).map_err(io::Error::other)?;
        let power = Arc::clone(&self.power);
        let platter = Arc::new(Platter { file, power, dead: AtomicBool::new(false), unsynced: Mutex::default() });
        let mut files = self.files.lock().expect("not poisoned");
        files.retain(|file| file.strong_count() > 0);
        files.push(Arc::downgrade(&platter));
        Ok(Box::new(Open(platter)))
    }
}

impl SimDisk {
    /// Nothing is written from here on. What was open is settled with what this gives, once the process is gone.
    pub fn stop(&self) -> Vec<Arc<Platter>> {
        let open: Vec<Arc<Platter>> =
            self.files.lock().expect("not poisoned").drain(..).filter_map(|file| file.upgrade()).collect();
        open.iter().for_each(|platter| platter.dead.store(true, Ordering::SeqCst));
        open
    }

    /// After so many writes more the power goes out, in the middle of whatever is written then. 0: it does not.
    pub fn light(&self, writes: u64) {
        self.power.writes_left.store(writes, Ordering::SeqCst);
    }

    /// Whether it went out.
    pub fn is_blown(&self) -> bool {
        self.power.is_blown.load(Ordering::SeqCst)
    }

    /// What is left on the disk of files that were open.
    pub fn settle(&self, open: &[Arc<Platter>], how: Stop, random: &mut Random) {
        self.light(0);
        self.power.is_blown.store(false, Ordering::SeqCst);
        if how == Stop::PowerCut {
            let torn: u64 = open.iter().map(|platter| platter.tear(random)).sum();
            self.torn.fetch_add(torn, Ordering::Relaxed);
        }
    }
}

/// Whether the disk has power, and for how many writes more; 0: nobody counts.
#[derive(Debug, Default)]
struct Power {
    writes_left: AtomicU64,
    is_blown: AtomicBool,
}

impl Power {
    /// Before a write.
    fn writes(&self) -> io::Result<()> {
        let counted = self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if counted == Ok(1) {
            self.is_blown.store(true, Ordering::SeqCst);
        }
        self.holds()
    }

    fn holds(&self) -> io::Result<()> {
        if self.is_blown.load(Ordering::SeqCst) { Err(io::Error::other("the power is out")) } else { Ok(()) }
    }
}

/// One file, and what was done to it since it was synchronised.
#[derive(Debug)]
pub struct Platter {
    file: FileBackend,
    power: Arc<Power>,
    dead: AtomicBool,
    unsynced: Mutex<Vec<Done>>,
}

#[derive(Debug)]
enum Done {
    Wrote { offset: u64, before: Vec<u8>, bytes: Vec<u8> },
    Resized { before: u64, cut: Vec<u8>, after: u64 },
}

impl Platter {
    fn alive(&self) -> io::Result<()> {
        if self.dead.load(Ordering::SeqCst) { Err(io::Error::other("the machine is off")) } else { self.power.holds() }
    }

    /// What is there from this place on, at most so much.
    fn there(&self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        let length = self.file.len()?.saturating_sub(offset).min(length);
        let mut bytes = vec![0; usize::try_from(length).expect("it fits into memory")];
        self.file.read(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Goes back to what was synchronised, and does again what chance lets stay. Gives how much it took.
    fn tear(&self, random: &mut Random) -> u64 {
        let done = std::mem::take(&mut *self.unsynced.lock().expect("not poisoned"));
        for step in done.iter().rev() {
            match step {
                Done::Wrote { offset, before, .. } => self.file.write(*offset, before),
                Done::Resized { before, cut, after } => {
                    self.file.set_len(*before).and_then(|()| self.file.write(*before.min(after), cut))
                }
            }
            .expect("a file takes back what it held");
        }
        let mut torn = 0;
        for step in &done {
            match step {
                Done::Wrote { offset, bytes, .. } => {
                    let stays = random.below(3);
                    torn += u64::from(stays < 2);
                    for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                        let at = offset + u64::try_from(number * SECTOR).expect("small");
                        if stays == 2 || (stays == 1 && random.happens(500)) {
                            self.file.write(at, sector).expect("written");
                        }
                    }
                }
                Done::Resized { after, .. } => self.file.set_len(*after).expect("resized"),
            }
        }
        torn
    }
}

/// The file as the database has it.
#[derive(Debug)]
struct Open(Arc<Platter>);

impl StorageBackend for Open {
    fn len(&self) -> io::Result<u64> {
        self.0.alive()?;
        self.0.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.alive()?;
        self.0.file.read(offset, out)
    }

    fn set_len(&self, after: u64) -> io::Result<()> {
        self.0.alive()?;
        self.0.power.writes()?;
        let before = self.0.file.len()?;
        let cut = self.0.there(after, before)?;
        self.0.unsynced.lock().expect("not poisoned").push(Done::Resized { before, cut, after });
        self.0.file.set_len(after)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.alive()?;
        self.0.power.writes()?;
        self.0.unsynced.lock().expect("not poisoned").clear();
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.alive()?;
        self.0.power.writes()?;
        let before = self.0.there(offset, u64::try_from(bytes.len()).expect("small"))?;
        self.0.unsynced.lock().expect("not poisoned").push(Done::Wrote { offset, before, bytes: bytes.to_vec() });
        self.0.file.write(offset, bytes)
    }

    fn close(&self) -> io::Result<()> {
        self.0.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.try_lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.unlock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(how: Stop, seed: u64) -> Vec<u8> {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        let disk = SimDisk::default();
        let file = File::options().read(true).write(true).create_new(true).open(&path).expect("a file");
        let open = disk.over(&path, file).expect("carried");
        open.set_len(4).expect("resized");
        open.write(0, b"kept").expect("written");
        open.sync_data().expect("synchronised");
        open.write(0, b"late").expect("written");
        let platters = disk.stop();
        assert!(open.write(0, b"dead").is_err(), "a machine that is off writes nothing");
        drop(open);
        disk.settle(&platters, how, &mut Random::new(seed));
        std::fs::read(&path).expect("there")
    }

    #[test]
    fn a_power_cut_takes_or_leaves_what_was_not_synchronised_and_nothing_else() {
        assert_eq!(written(Stop::Killed, 0), b"late");
        let left: Vec<Vec<u8>> = (0..20).map(|seed| written(Stop::PowerCut, seed)).collect();
        assert!(left.iter().all(|bytes| bytes == b"kept" || bytes == b"late"), "{left:?}");
        assert!(left.contains(&b"kept".to_vec()) && left.contains(&b"late".to_vec()));
    }
}
