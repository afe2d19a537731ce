//! The values that a node, a company or a caller could have read: the list to work through after an incident.
//!
//! Of a node and of a company it is drawn up from entitlements, present and former, and the versions that are kept: what
//! one could have read. Of a caller it is drawn up from the journals this node has, its own and on
//! the lead the copies of the others': what one did read. The list says whose journals those are.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::audit::copies::journals;
use crate::audit::error::AuditError;
use crate::audit::reads::{Read, reads};
use crate::model::actions::{Action, Capability};
use crate::model::caller::Caller;
use crate::model::change::ChangeKind;
use crate::model::entitlement::Entitlement;
use crate::model::entitlement_history::Period;
use crate::model::grant::Effect;
use crate::model::log::LogSubject;
use crate::model::name::{CompanyId, NodeName};
use crate::model::number::Version;
use crate::model::record::Record;
use crate::model::roster::RosterEntry;
use crate::model::secret::{Scope, ScopedSecret};
use crate::model::time::Timestamp;
use crate::replication::exposure::{Written, common, lives, span};

use super::account::Account;
use super::answer_exposure::{ExposedValue, Exposure, Standing};
use super::error::VaultError;
use super::off_thread::off_thread;
use super::parts::Vault;
use super::request::ExposureOf;

/// Most versions in one list: bounds the memory of one answer. Those in use come first.
const VERSIONS_MAX: usize = 50_000;

/// Records looked at before others get their turn on this thread.
const EXAMINED: usize = 4096;

/// Older versions read at once.
const PAGE: usize = 64;

/// The last time each version was given out, by the journal.
type LastRead = BTreeMap<(ScopedSecret, Version), Period>;

impl Vault {
    /// The values one could have read.
    ///
    /// # Errors
    /// [`VaultError`]; `NoSuchNode` when no node has that name; `NotLead` on a follower, which knows no more than what
    /// callers read there.
    pub async fn exposure(&self, caller: &Caller, of: &ExposureOf) -> Result<Exposure, VaultError> {
        let mut account = Account::open(caller, Action::AuditRead, self.parts.clock.now());
        account.reason(Some(&format!("exposure of {of}")));
        let asked = self.node_permit(caller, Action::AuditRead, &mut account).and_then(|()| self.question(of));
        // The line is written before the work, which only reads: it may take a while.
        match self.settle(&account, asked).await? {
            Question::Nodes(suspects) => self.of_nodes(&suspects).await,
            Question::Principal(principal) => self.of_principal(principal).await,
        }
    }

    fn question(&self, of: &ExposureOf) -> Result<Question, VaultError> {
        match of {
            ExposureOf::Node(name) => {
                let entry = self.lead()?.board.lead_view.load().node(name).cloned();
                let entry = entry.ok_or_else(|| VaultError::NoSuchNode(name.clone()))?;
                // Who waits for approval never held anything. Of who was banned, the history tells.
                let entries = Some(entry).filter(|entry| entry.was_member()).into_iter().collect();
                Ok(Question::Nodes(Suspects { entries, company: None }))
            }
            ExposureOf::Company(company) => {
                let lead_view = self.lead()?.board.lead_view.load_full();
                let spoke = |entry: &&Arc<RosterEntry>| {
                    entry.was_member() && entry.held().any(|(had, _)| had.companies.contains(company))
                };
                let entries = lead_view.nodes().filter(spoke).cloned().collect();
                Ok(Question::Nodes(Suspects { entries, company: Some(company.clone()) }))
            }
            ExposureOf::Principal(principal) => Ok(Question::Principal(principal.clone())),
        }
    }

    /// What these nodes could have read.
    async fn of_nodes(&self, suspects: &Suspects) -> Result<Exposure, VaultError> {
        // Each node keeps a journal of its own, which tells what was read there.
        let names: BTreeSet<NodeName> = suspects.entries.iter().map(|entry| entry.name.clone()).collect();
        let given = self.given_out(move |node| names.contains(node), |_| true).await?;
        let Given { last_read, covers, unreadable_lines } = given;
        let (versions, complete) = self.versions_of(suspects).await?;
        let mut values = Vec::new();
        for (at, versions) in &versions {
            let newest = versions.first();
            for (version, life) in lives(versions) {
                let Some((period, nodes)) = suspects.could_read(at, life) else { continue };
                let standing = match newest.filter(|newest| newest.version == version) {
                    None => Standing::Replaced,
                    Some(newest) if newest.ended => Standing::Deleted,
                    Some(_) => Standing::Current,
                };
                let last_read = last_read.get(&(at.clone(), version)).and_then(|read| read.until);
                values.push(ExposedValue { at: at.clone(), version, standing, period, last_read, nodes });
            }
        }
        sort(&mut values);
        let nodes = suspects.entries.iter().map(|entry| entry.name.clone()).collect();
        let principals = suspects.company.as_ref().map(|company| self.readers_for(company)).unwrap_or_default();
        Ok(Exposure { values, nodes, principals, covers, complete, unreadable_lines })
    }

    /// The versions these nodes could have held at some time, newest first; and whether that is all of them.
    async fn versions_of(
        &self,
        suspects: &Suspects,
    ) -> Result<(BTreeMap<ScopedSecret, Vec<Written>>, bool), VaultError> {
        let mut found = BTreeMap::new();
        let complete = self.gather_versions(suspects, &mut found).await?;
        let stored = self.stored_times(&found)?;
        in_order(&mut found, &stored);
        Ok((found, complete))
    }

    /// Gathers those versions as they come; whether there was room for all of them.
    async fn gather_versions(
        &self,
        suspects: &Suspects,
        found: &mut BTreeMap<ScopedSecret, Vec<Written>>,
    ) -> Result<bool, VaultError> {
        let mut left = VERSIONS_MAX;
        let held = self.parts.board.held.load_full();
        let mut cursor: Option<ScopedSecret> = None;
        loop {
            let mut last = None;
            for record in held.view.after(cursor.as_ref()).take(EXAMINED) {
                last = Some(record.at.clone());
                if !suspects.note(record, found, &mut left) {
                    return Ok(false);
                }
            }
            let Some(last) = last else { break };
            cursor = Some(last);
            tokio::task::yield_now().await;
        }
        let mut cursor = None;
        loop {
            let page = self.parts.store.older(cursor, PAGE).await;
            let page = page.map_err(|error| VaultError::Internal(error.to_string()))?;
            let Some(last) = page.last() else { return Ok(true) };
            cursor = Some((last.at.clone(), last.version));
            for record in &page {
                if !suspects.note(record, found, &mut left) {
                    return Ok(false);
                }
            }
        }
    }

    /// From the change log, as far as it is kept: when those versions were stored that were written again since.
    fn stored_times(
        &self,
        found: &BTreeMap<ScopedSecret, Vec<Written>>,
    ) -> Result<BTreeMap<(ScopedSecret, Version), Timestamp>, VaultError> {
        let lead_view = self.lead()?.board.lead_view.load_full();
        let mut stored = BTreeMap::new();
        for entry in lead_view.log() {
            let LogSubject::Secret { at, change: ChangeKind::Stored, version } = &entry.subject else { continue };
            let asked = |written: &Written| written.version == *version && written.stored_at.is_none();
            if found.get(at).is_some_and(|versions| versions.iter().any(asked)) {
                stored.insert((at.clone(), *version), entry.at);
            }
        }
        Ok(stored)
    }

    /// What a caller was given here.
    async fn of_principal(&self, principal: String) -> Result<Exposure, VaultError> {
        let given = self.given_out(|_| true, move |read| read.is_by(&principal)).await?;
        let Given { last_read: given, covers, unreadable_lines } = given;
        let complete = given.len() < VERSIONS_MAX;
        let held = self.parts.board.held.load_full();
        let value = |((at, version), period): ((ScopedSecret, Version), Period)| {
            let current = held.view.get(&at).filter(|record| record.version == version);
            let standing = match current {
                None => Standing::Replaced,
                Some(record) if record.sealed().is_none() => Standing::Deleted,
                Some(_) => Standing::Current,
            };
            ExposedValue { at, version, standing, last_read: period.until, period, nodes: [].into() }
        };
        let mut values: Vec<ExposedValue> = given.into_iter().map(value).collect();
        sort(&mut values);
        Ok(Exposure { values, nodes: [].into(), principals: [].into(), covers, complete, unreadable_lines })
    }

    /// From the journals of these nodes, as far as they are here: what was given out, first and last.
    async fn given_out(
        &self,
        of: impl Fn(&NodeName) -> bool + Send + 'static,
        wanted: impl Fn(&Read) -> bool + Send + 'static,
    ) -> Result<Given, VaultError> {
        let (directory, own) = (self.parts.audit_dir.clone(), self.parts.node.clone());
        off_thread(move || {
            let mut given = Given::default();
            let journals = journals(&directory, &own).map_err(internal)?;
            for journal in journals.into_iter().filter(|journal| of(&journal.node)) {
                let found = &mut given.last_read;
                let unreadable = reads(&journal.path, |read| {
                    if !wanted(&read) || found.len() >= VERSIONS_MAX {
                        return;
                    }
                    let once = Period { from: read.time, until: Some(read.time) };
                    found.entry((read.at, read.version)).and_modify(|all| *all = span(*all, once)).or_insert(once);
                });
                given.unreadable_lines = given.unreadable_lines.saturating_add(unreadable.map_err(internal)?);
                given.covers.insert(journal.node);
            }
            Ok(given)
        })
        .await
    }

    /// Whom the policy of this node lets read for a company.
    fn readers_for(&self, company: &CompanyId) -> BTreeSet<String> {
        let rules = self.parts.board.rules.load();
        let readers = rules.all().filter(|(_, rule)| {
            rule.effect == Effect::Allow
                && rule.capabilities.contains(&Capability::DataRead)
                && rule.reach.companies.contains(company)
        });
        readers.map(|(principal, _)| principal.to_string()).collect()
    }
}

fn internal(error: AuditError) -> VaultError {
    VaultError::Internal(error.to_string())
}

/// What was given out, by the journals of some nodes.
#[derive(Default)]
struct Given {
    last_read: LastRead,
    covers: BTreeSet<NodeName>,
    unreadable_lines: u64,
}

/// What is to be found out.
enum Question {
    /// What these nodes could have read.
    Nodes(Suspects),
    /// What this caller did read.
    Principal(String),
}

/// The nodes that are asked about, and the company on whose behalf.
struct Suspects {
    entries: Vec<Arc<RosterEntry>>,
    company: Option<CompanyId>,
}

impl Suspects {
    /// Every entitlement of a node that let it hold a secret in a scope, as far as it is asked about.
    fn entitlements<'a>(
        &'a self,
        entry: &'a RosterEntry,
        at: &'a ScopedSecret,
    ) -> impl Iterator<Item = (&'a Entitlement, Period)> + 'a {
        let in_question = match (&self.company, &at.scope) {
            (None, _) | (Some(_), Scope::Global) => true,
            (Some(company), Scope::Company(scope)) => company == scope,
            (Some(_), Scope::Node(_)) => false,
        };
        let speaks = |had: &Entitlement| self.company.as_ref().is_none_or(|company| had.companies.contains(company));
        let had = entry.held().filter(move |_| in_question);
        had.filter(move |(had, _)| speaks(had) && had.covers(&entry.name, at))
    }

    /// Notes a version that one of them could have held; `false` when there is no room for it.
    fn note(&self, record: &Record, found: &mut BTreeMap<ScopedSecret, Vec<Written>>, left: &mut usize) -> bool {
        let could = |entry: &Arc<RosterEntry>| self.entitlements(entry, &record.at).next().is_some();
        let Some(written) = Written::of(record).filter(|_| self.entries.iter().any(could)) else { return true };
        if *left == 0 {
            return false;
        }
        *left -= 1;
        found.entry(record.at.clone()).or_default().push(written);
        true
    }

    /// When one of them could have read a version that was given out at that time, and which of them.
    fn could_read(&self, at: &ScopedSecret, life: Period) -> Option<(Period, BTreeSet<NodeName>)> {
        let mut nodes = BTreeSet::new();
        let mut all: Option<Period> = None;
        for entry in &self.entries {
            for (_, entitled) in self.entitlements(entry, at) {
                let Some(both) = common(life, entitled) else { continue };
                nodes.insert(entry.name.clone());
                all = Some(all.map_or(both, |all| span(all, both)));
            }
        }
        all.map(|period| (period, nodes))
    }
}

/// Brings versions into the order in which their lives are told, newest first, with what the change log says of them. Also
/// when there was no room for all: what is on the list must not be listed with too short a time.
fn in_order(found: &mut BTreeMap<ScopedSecret, Vec<Written>>, stored: &BTreeMap<(ScopedSecret, Version), Timestamp>) {
    for (at, versions) in found {
        // A change between the two looks shows one version twice.
        versions.sort_by_key(|written| Reverse(written.version));
        versions.dedup_by_key(|written| written.version);
        for written in versions {
            written.stored_at = written.stored_at.or_else(|| stored.get(&(at.clone(), written.version)).copied());
        }
    }
}

/// What is in use first; then by name, scope and newest version.
fn sort(values: &mut [ExposedValue]) {
    fn key(value: &ExposedValue) -> (Standing, &ScopedSecret, Reverse<Version>) {
        (value.standing, &value.at, Reverse(value.version))
    }
    values.sort_by(|one, other| key(one).cmp(&key(other)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::EnvironmentName;
    use crate::model::secret::{SecretAddress, SecretName};

    fn version(number: u64) -> Version {
        Version::new(number).expect("positive")
    }

    fn written(number: u64, at: i64) -> Written {
        let (at, created_at) = (Timestamp(at), Timestamp(0));
        Written { version: version(number), stored_at: None, at, created_at, ended: false }
    }

    /// The current version is found first, then the older ones from the oldest on, and the list may end anywhere. An
    /// incomplete one was told as it was found, and an old version then seemed to have been out for a moment only.
    #[test]
    fn versions_are_told_newest_first_and_once_however_many_were_found() {
        let environment = EnvironmentName::parse("prod").expect("name");
        let name = SecretName::parse("openai/api_key").expect("name");
        let at = SecretAddress { environment, name }.within(Scope::Global);
        let cut = vec![written(5, 50), written(1, 10), written(2, 20), written(5, 50)];
        let mut found = BTreeMap::from([(at.clone(), cut)]);
        in_order(&mut found, &BTreeMap::from([((at.clone(), version(2)), Timestamp(15))]));
        let versions = &found[&at];
        let told: Vec<_> = versions.iter().map(|one| (one.version.get(), one.stored_at)).collect();
        assert_eq!(told, [(5, None), (2, Some(Timestamp(15))), (1, None)]);
        let first = lives(versions).last().expect("the first version");
        assert_eq!(first, (version(1), Period { from: Timestamp(0), until: Some(Timestamp(15)) }));
    }
}
