//! A disk that keeps what it was told to keep: what is written and not synchronised may be there after a crash or not, and
//! is there wholly or not at all, as the store promises.

/// The state of one store.
#[derive(Debug, Clone)]
pub struct Disk<T> {
    synchronised: T,
    written: Option<T>,
}

impl<T: Clone> Disk<T> {
    /// A disk with this on it.
    pub fn new(state: T) -> Self {
        Self { synchronised: state, written: None }
    }

    /// What is surely there.
    pub fn state(&self) -> &T {
        &self.synchronised
    }

    /// A transaction is on its way.
    pub fn write(&mut self, state: T) {
        self.written = Some(state);
    }

    /// It has arrived.
    pub fn synchronise(&mut self) {
        if let Some(state) = self.written.take() {
            self.synchronised = state;
        }
    }

    /// The machine stops. Whether what was on its way arrived is `luck`.
    pub fn crash(&mut self, luck: bool) {
        if luck {
            self.synchronise();
        }
        self.written = None;
    }
}

#[test]
fn only_what_was_synchronised_is_sure_to_survive() {
    let mut disk = Disk::new(1);
    disk.write(2);
    disk.crash(false);
    assert_eq!(*disk.state(), 1);
    disk.write(3);
    disk.crash(true);
    assert_eq!(*disk.state(), 3);
    disk.write(4);
    disk.synchronise();
    disk.crash(false);
    assert_eq!(*disk.state(), 4);
}
