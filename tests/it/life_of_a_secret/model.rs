//! What the life of one secret should look like: a list of versions and three sentences about it.

/// Versions that are kept, the current one included.
pub const KEPT: usize = 4;

/// One thing that is done to a secret. Small numbers choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Put(u8),
    /// Expects no value (0), the live version (1), or another one (2).
    Cas {
        expected: u8,
        value: u8,
    },
    Describe(u8),
    Delete,
    Undelete,
    DestroyAll,
    /// Of the version with this number.
    Destroy(u8),
    Rollback(u8),
    Read(u8),
}

/// What a change comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The current version afterwards, and whether anything changed.
    Done {
        version: u64,
        changed: bool,
    },
    Conflict {
        live: Option<u64>,
    },
    NotFound,
    NoSuchVersion,
    NotDeleted,
    Destroyed,
}

/// What a read comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Value { value: u8, version: u64 },
    NotFound,
    NoSuchVersion,
    VersionDeleted,
    Destroyed,
}

/// What a version still has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Value(u8),
    /// It can be rolled back to, and no more.
    Deleted(u8),
    Destroyed,
}

/// One secret in one scope.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// All versions there ever were; the last is the current one.
    versions: Vec<Held>,
    described: Option<u8>,
}

impl Model {
    /// The number of the current version, if there ever was one.
    pub fn current(&self) -> Option<u64> {
        u64::try_from(self.versions.len()).ok().filter(|count| *count > 0)
    }

    fn live(&self) -> Option<(u64, u8)> {
        match self.versions.last() {
            Some(Held::Value(value)) => Some((self.current()?, *value)),
            Some(Held::Deleted(_) | Held::Destroyed) | None => None,
        }
    }

    /// The numbers that are kept, newest first, with what each has.
    pub fn kept(&self) -> Vec<(u64, Held)> {
        let numbered = (1..).zip(&self.versions).map(|(number, held)| (number, *held));
        let mut kept: Vec<(u64, Held)> = numbered.skip(self.versions.len().saturating_sub(KEPT)).collect();
        kept.reverse();
        kept
    }

    fn held(&self, number: u64) -> Option<Held> {
        self.kept().into_iter().find(|(kept, _)| *kept == number).map(|(_, held)| held)
    }

    /// What a plain read comes to; the same on every node.
    pub fn read(&self) -> Seen {
        match (self.live(), self.versions.last()) {
            (Some((version, value)), _) => Seen::Value { value, version },
            (None, Some(Held::Destroyed)) => Seen::Destroyed,
            (None, _) => Seen::NotFound,
        }
    }

    /// What a read of one version comes to, on the lead.
    pub fn read_version(&self, version: u64) -> Seen {
        if self.live().is_none() {
            return self.read();
        }
        match self.held(version) {
            Some(Held::Value(value)) => Seen::Value { value, version },
            Some(Held::Deleted(_)) => Seen::VersionDeleted,
            Some(Held::Destroyed) => Seen::Destroyed,
            None => Seen::NoSuchVersion,
        }
    }

    /// What the change should come to; the model is as it should be afterwards.
    pub fn apply(&mut self, op: Op) -> Outcome {
        match op {
            Op::Put(value) => self.put(value),
            Op::Cas { expected, value } => self.cas(expected, value),
            Op::Describe(text) => self.describe(text),
            Op::Delete => self.delete(),
            Op::Undelete => self.undelete(),
            Op::DestroyAll => self.destroy_all(),
            Op::Destroy(number) => self.destroy(number.into()),
            Op::Rollback(number) => self.rollback(number.into()),
            Op::Read(_) => self.unchanged(),
        }
    }

    /// The version a conditional put names.
    pub fn expectation(&self, expected: u8) -> u64 {
        let live = self.live().map_or(0, |(version, _)| version);
        match expected {
            0 => 0,
            1 => live,
            _ => live + 1,
        }
    }

    fn done(&self, changed: bool) -> Outcome {
        Outcome::Done { version: self.current().expect("a version"), changed }
    }

    fn unchanged(&self) -> Outcome {
        self.current().map_or(Outcome::NotFound, |version| Outcome::Done { version, changed: false })
    }

    fn put(&mut self, value: u8) -> Outcome {
        if self.live().is_some_and(|(_, there)| there == value) {
            return self.done(false);
        }
        self.versions.push(Held::Value(value));
        self.done(true)
    }

    fn cas(&mut self, expected: u8, value: u8) -> Outcome {
        let live = self.live().map(|(version, _)| version);
        if self.expectation(expected) != live.unwrap_or(0) {
            return Outcome::Conflict { live };
        }
        self.put(value)
    }

    fn describe(&mut self, text: u8) -> Outcome {
        if self.live().is_none() {
            return Outcome::NotFound;
        }
        let changed = self.described != Some(text);
        self.described = Some(text);
        self.done(changed)
    }

    fn delete(&mut self) -> Outcome {
        let Some((_, value)) = self.live() else { return Outcome::NotFound };
        self.replace(Held::Deleted(value))
    }

    fn undelete(&mut self) -> Outcome {
        match self.versions.last() {
            None => Outcome::NotFound,
            Some(Held::Destroyed) => Outcome::Destroyed,
            Some(Held::Value(_)) => Outcome::NotDeleted,
            Some(Held::Deleted(value)) => self.replace(Held::Value(*value)),
        }
    }

    fn replace(&mut self, held: Held) -> Outcome {
        *self.versions.last_mut().expect("a version") = held;
        self.done(true)
    }

    fn destroy_all(&mut self) -> Outcome {
        let numbers: Vec<u64> = self.kept().into_iter().map(|(number, _)| number).collect();
        if numbers.is_empty() { Outcome::NotFound } else { self.take_out(&numbers) }
    }

    fn destroy(&mut self, number: u64) -> Outcome {
        match (self.current(), self.held(number)) {
            (None, _) => Outcome::NotFound,
            (Some(_), None) => Outcome::NoSuchVersion,
            (Some(_), Some(_)) => self.take_out(&[number]),
        }
    }

    fn take_out(&mut self, numbers: &[u64]) -> Outcome {
        let mut changed = false;
        for number in numbers {
            let index = usize::try_from(number - 1).expect("small");
            changed |= self.versions[index] != Held::Destroyed;
            self.versions[index] = Held::Destroyed;
        }
        self.done(changed)
    }

    fn rollback(&mut self, number: u64) -> Outcome {
        match (self.current(), self.held(number)) {
            (None, _) => Outcome::NotFound,
            (Some(_), None) => Outcome::NoSuchVersion,
            (Some(_), Some(Held::Destroyed)) => Outcome::Destroyed,
            (Some(_), Some(Held::Value(value) | Held::Deleted(value))) => self.put(value),
        }
    }
}
