//! Many values out at once: each as a read of its own, decided, accounted for and opened one by one.
//!
//! What is exported is what the caller would read: the winner of each name, or the value of one scope. A name the caller
//! may not export is left out and counted.

use std::sync::Arc;

use crate::actors::board::Held;
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::name::EnvironmentName;
use crate::model::secret::{Scope, SecretAddress, SecretName};

use super::account::Account;
use super::answer::ReadAnswer;
use super::authorise::Object;
use super::error::VaultError;
use super::filter::Filter;
use super::frozen::Behalf;
use super::identity::Identified;
use super::parts::Vault;
use super::request::ExportRequest;
use super::resolve::{CompanyChoice, resolve};

/// Most values on one page.
const PAGE_MAX: usize = 100;

/// Most bytes of values on one page, unless one alone is larger.
const PAGE_BYTES_MAX: usize = 1 << 20;

/// Most names one page looks at, whether they are asked for or not.
const EXAMINED_MAX: usize = 2_000;

/// One page of an export. Ask [`Vault::confirm`] of each just before it is written out.
#[derive(Debug)]
pub struct ExportPage {
    /// The values.
    pub answers: Vec<ReadAnswer>,
    /// Names that were left out because policy does not let this caller export them, or a freeze holds them up.
    pub refused: usize,
    /// The last name that was looked at, if there may be more.
    pub next_cursor: Option<String>,
}

impl Vault {
    /// One page of values, in order of name.
    ///
    /// # Errors
    /// [`VaultError`]; `StaleCache` names the first value that is too old to be given out.
    pub async fn export(&self, caller: &Caller, ask: &ExportRequest) -> Result<ExportPage, VaultError> {
        let mut account = Account::open(caller, Action::SecretExport, self.parts.clock.now());
        account.reason(ask.context.reason.as_deref());
        let opened = self.open_export(caller, ask, &mut account);
        let (who, environment, held) = match opened {
            Ok(opened) => opened,
            Err(refusal) => return self.settle(&account, Err(refusal)).await,
        };
        let mut page = ExportPage { answers: Vec::new(), refused: 0, next_cursor: None };
        let mut bytes = 0_usize;
        let mut names = names(&held, &environment, ask).peekable();
        for _ in 0..EXAMINED_MAX {
            let Some((name, wanted)) = names.next() else { break };
            page.next_cursor = Some(name.to_string());
            if !wanted {
                continue;
            }
            account.about_nothing();
            account.about(&name, &environment);
            let secret = SecretAddress { environment: environment.clone(), name };
            let mut exported = self.export_one(&who, ask, &secret, &held, &mut account);
            if matches!(exported, Err(VaultError::Sealed)) {
                // The key went while this page was under way: its scope was given a new one, and the record came again.
                let newer = self.parts.board.held.load_full();
                exported = self.export_one(&who, ask, &secret, &newer, &mut account);
            }
            match self.settle_export(&account, exported).await? {
                Exported::Value(answer) => {
                    bytes = bytes.saturating_add(answer.value.len());
                    page.answers.push(*answer);
                }
                Exported::Refused(_) => page.refused += 1,
                Exported::Nothing => {}
            }
            if page.answers.len() >= PAGE_MAX || bytes >= PAGE_BYTES_MAX {
                break;
            }
        }
        if names.peek().is_none() {
            page.next_cursor = None;
        }
        Ok(page)
    }

    /// Who asks, for where, and what the node holds; the same for every page and every name.
    fn open_export(
        &self,
        caller: &Caller,
        ask: &ExportRequest,
        account: &mut Account,
    ) -> Result<(Arc<Identified>, EnvironmentName, Arc<Held>), VaultError> {
        let who = Arc::new(self.identify(caller, account)?);
        self.check_node(&ask.context)?;
        let environment = self.environment(&who, ask.context.environment.as_ref())?;
        let company = ask.context.company.as_ref();
        account.company(company);
        self.check_standing()?;
        self.authorise(&who, Action::SecretExport, Object { company, ..Object::of_node(&environment) }, account)?;
        let held = self.parts.board.held.load_full();
        if matches!(Self::company(&ask.context, &held.entitlement), CompanyChoice::Refused) {
            return Err(self.refused_by_roster(account));
        }
        Ok((who, environment, held))
    }

    fn export_one(
        &self,
        who: &Arc<Identified>,
        ask: &ExportRequest,
        secret: &SecretAddress,
        held: &Held,
        account: &mut Account,
    ) -> Result<Exported, VaultError> {
        let environment = &secret.environment;
        let company = Self::company(&ask.context, &held.entitlement);
        let winner = match &ask.scope {
            None => resolve(&held.view, secret, &self.parts.node, company).winner,
            Some(scope) => {
                if let Err(refusal) = self.check_scope(who, &held.entitlement, secret, scope, account) {
                    return Ok(Exported::Refused(refusal.code()));
                }
                held.view.get(&secret.within(scope.clone())).filter(|record| record.sealed().is_some()).cloned()
            }
        };
        let Some(record) = winner else { return Ok(Exported::Nothing) };
        account.scope(&record.at.scope);
        let named = Object {
            company: ask.context.company.as_ref(),
            ..Object::in_scope(&secret.name, &record.at.scope, environment)
        };
        let of_scope = Object::in_scope(&secret.name, &record.at.scope, environment);
        for object in [named, of_scope] {
            if let Err(refusal) = self.authorise(who, Action::SecretExport, object, account) {
                return Ok(Exported::Refused(refusal.code()));
            }
        }
        let decided_at = self.parts.clock.now();
        let freshness = self.freshness(&secret.name, &record.options, &decided_at)?;
        account.freshness(&freshness);
        account.version(record.version);
        let value = self.open(&record)?;
        let resolved = ask.scope.is_none();
        let behalf = Behalf::of(who, Action::SecretExport, ask.context.company.as_ref());
        let answer = ReadAnswer { record, value, field: None, freshness, decided_at, resolved, behalf };
        Ok(Exported::Value(Box::new(answer)))
    }

    /// Writes the line of one name before its value may leave; a name without a value here needs none.
    async fn settle_export(
        &self,
        account: &Account,
        exported: Result<Exported, VaultError>,
    ) -> Result<Exported, VaultError> {
        match exported {
            Ok(Exported::Nothing) => Ok(Exported::Nothing),
            Ok(Exported::Refused(outcome)) => {
                self.note(account, outcome).await?;
                Ok(Exported::Refused(outcome))
            }
            decided => self.settle(account, decided).await,
        }
    }
}

/// What became of one name.
enum Exported {
    Value(Box<ReadAnswer>),
    /// With the word for the refusal.
    Refused(&'static str),
    Nothing,
}

/// The names of the environment after the cursor, each once, in order, with whether it is asked for. Names that the prefix
/// rules out by their service alone are passed over; every other one is told, so that a page can be cut short.
fn names<'held>(
    held: &'held Held,
    environment: &'held EnvironmentName,
    ask: &'held ExportRequest,
) -> impl Iterator<Item = (SecretName, bool)> + 'held {
    let start = ask.cursor.as_ref().map(|name| {
        let secret = SecretAddress { environment: environment.clone(), name: name.clone() };
        secret.within(Scope::Global)
    });
    let mut last = ask.cursor.clone();
    let bounds = Filter { prefix: ask.prefix.clone(), ..Filter::default() };
    let records = held.view.within(environment, bounds.first_service().as_ref(), start.as_ref());
    let records = records.take_while(move |record| !bounds.is_passed(&record.at.secret.name.service));
    records.filter_map(move |record| {
        let name = &record.at.secret.name;
        if last.as_ref() == Some(name) {
            return None;
        }
        last = Some(name.clone());
        let wanted = ask.prefix.as_ref().is_none_or(|prefix| name.to_string().starts_with(prefix));
        Some((name.clone(), wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::super::request::Context;
    use super::*;
    use crate::model::change::ChangeKind;
    use crate::model::company::Companies;
    use crate::model::entitlement::Entitlement;
    use crate::model::fields::Fields;
    use crate::model::metadata::{Metadata, SecretOptions};
    use crate::model::number::{Revision, Version};
    use crate::model::record::{Record, RecordBody};
    use crate::model::time::Timestamp;
    use crate::replication::view::View;

    fn environment(name: &str) -> EnvironmentName {
        EnvironmentName::parse(name).expect(name)
    }

    fn record(secret_id: u64, within: &str, name: &str, scope: &str) -> Record {
        let name = SecretName::parse(name).expect(name);
        Record {
            at: SecretAddress { environment: environment(within), name }.within(Scope::parse(scope).expect(scope)),
            secret_id,
            version: Version::FIRST,
            revision: Revision(secret_id),
            change: ChangeKind::Declared,
            purged: None,
            body: RecordBody::Unset,
            metadata: Metadata::default().into(),
            options: SecretOptions::default().into(),
            fields: Fields::default().into(),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        }
    }

    fn looked_at(prefix: Option<&str>, cursor: Option<&str>) -> Vec<(String, bool)> {
        let records = [
            ("dev", "b/x", "global"),
            ("prod", "a/a", "global"),
            ("prod", "b/x", "global"),
            ("prod", "b/x", "company:acme"),
            ("prod", "b/y", "node:vengeance"),
            ("prod", "c/z", "global"),
            ("test", "b/x", "global"),
        ];
        let record = |(id, (within, name, scope)): (u64, (&str, &str, &str))| record(id, within, name, scope);
        let prod = environment("prod");
        let entitlement = Entitlement { environment: prod.clone(), companies: Companies::default(), globs: vec![] };
        let held = Held { view: View::new(Default::default(), (1..).zip(records).map(record)), entitlement };
        let ask = ExportRequest {
            context: Context::default(),
            scope: None,
            prefix: prefix.map(str::to_owned),
            cursor: cursor.map(|name| SecretName::parse(name).expect(name)),
        };
        names(&held, &prod, &ask).map(|(name, wanted)| (name.to_string(), wanted)).collect()
    }

    fn told(names: &[(&str, bool)]) -> Vec<(String, bool)> {
        names.iter().map(|(name, wanted)| ((*name).to_owned(), *wanted)).collect()
    }

    #[test]
    fn each_name_of_the_environment_is_looked_at_once_after_the_cursor() {
        let all = [("a/a", true), ("b/x", true), ("b/y", true), ("c/z", true)];
        assert_eq!(looked_at(None, None), told(&all));
        assert_eq!(looked_at(None, Some("b/x")), told(&all[2..]));
        assert_eq!(looked_at(Some("b"), Some("b/y")), []);
    }

    /// A page counts the names it looks at. It once counted only those that were asked for, so a prefix of nothing went
    /// through every record of the node in one go, and held up its heartbeats.
    #[test]
    fn a_name_that_is_not_asked_for_counts_and_other_services_are_passed_over() {
        assert_eq!(looked_at(Some("b/y"), None), told(&[("b/x", false), ("b/y", true)]));
        assert_eq!(looked_at(Some("b/none"), None), told(&[("b/x", false), ("b/y", false)]));
        assert_eq!(looked_at(Some("nothing"), None), []);
    }
}
