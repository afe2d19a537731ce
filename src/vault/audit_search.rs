//! Looking for lines of the journals: page by page, as they come, or as the uses of credentials. On the lead the copies of the
//! other nodes' journals are looked at too.
//!
//! Who may look may see all lines. A grant that is bounded to companies or secrets gives nothing here: most lines name
//! neither, and those would have to be left out or told to somebody who may not see them.

use std::time::Duration;

use crate::audit::entry::Ruling;
use crate::audit::error::AuditError;
use crate::audit::follow::{Follow, Places};
use crate::audit::query::{ActionPattern, Query};
use crate::audit::search::{PAGE_LINES_MAX, Page, Search};
use crate::audit::selection::{Cursor, Order};
use crate::model::actions::Action;
use crate::model::caller::Caller;
use crate::model::glob::SecretGlob;

use super::account::Account;
use super::error::VaultError;
use super::off_thread::off_thread;
use super::parts::Vault;

/// How often journals are looked at for new lines: soon enough for whoever watches, and next to nothing for a node.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Lines told at once to somebody who follows.
const FOLLOWED_AT_ONCE: usize = 200;

/// Pages looked through for the uses of credentials: past them, the oldest are left out.
const USAGE_PAGES_MAX: usize = 20;

/// A search whose pages are asked for one after the other, all of them covered by one line of the audit.
pub struct AuditPages(Option<Search>);

/// Somebody follows the journals.
pub struct AuditFollow {
    vault: Vault,
    caller: Caller,
    follow: Option<Follow>,
}

impl Vault {
    /// One page of the lines that meet a query.
    ///
    /// # Errors
    /// [`VaultError`] when the caller may not read the audit, or a file cannot be read.
    pub async fn search_audit(
        &self,
        caller: &Caller,
        query: Query,
        order: Order,
        after: Option<Cursor>,
        lines_max: usize,
    ) -> Result<Page, VaultError> {
        self.may_search(caller, "search", &query).await?;
        let mut pages = self.pages(query, order, after).await?;
        pages.next(lines_max).await
    }

    /// All lines that meet a query, page by page, those that were written first first.
    ///
    /// # Errors
    /// As [`Self::search_audit`].
    pub async fn export_audit(&self, caller: &Caller, query: Query) -> Result<AuditPages, VaultError> {
        self.may_search(caller, "export", &query).await?;
        self.pages(query, Order::Oldest, None).await
    }

    /// The lines that meet a query from now on, or from where the caller stopped.
    ///
    /// # Errors
    /// As [`Self::search_audit`].
    pub async fn follow_audit(
        &self,
        caller: &Caller,
        query: Query,
        from: Option<Places>,
    ) -> Result<AuditFollow, VaultError> {
        self.may_search(caller, "follow", &query).await?;
        let (directory, own) = (self.parts.audit_dir.clone(), self.parts.node.clone());
        let follow = off_thread(move || Follow::open(&directory, &own, query, from).map_err(unreadable)).await?;
        Ok(AuditFollow { vault: self.clone(), caller: caller.clone(), follow: Some(follow) })
    }

    /// The last lines that tell of a credential that was used, newest first.
    ///
    /// # Errors
    /// As [`Self::search_audit`].
    pub async fn credential_usage(&self, caller: &Caller, lines_max: usize) -> Result<Vec<String>, VaultError> {
        let query = Query {
            secret: Some(SecretGlob::everything()),
            decision: Some(Ruling::Allow),
            outcome: Some("ok".to_owned()),
            ..Query::default()
        };
        self.may_search(caller, "usage", &query).await?;
        let uses = [Action::SecretRead, Action::SecretExport, Action::CredentialApply, Action::CredentialValidate];
        let mut found = Vec::new();
        for action in uses {
            let query = Query { action: Some(ActionPattern::One(action.as_str().to_owned())), ..query.clone() };
            let mut pages = self.pages(query, Order::Newest, None).await?;
            let mut left = lines_max;
            for _ in 0..USAGE_PAGES_MAX {
                let page = pages.next(left).await?;
                left = left.saturating_sub(page.lines.len());
                found.extend(page.lines);
                if left == 0 || page.next.is_none() {
                    break;
                }
            }
        }
        Ok(found)
    }

    async fn may_search(&self, caller: &Caller, deed: &str, query: &Query) -> Result<(), VaultError> {
        let mut account = Account::open(caller, Action::AuditRead, self.parts.clock.now());
        account.reason(Some(format!("{deed} {query}").trim_end()));
        let permitted = self.node_permit(caller, Action::AuditRead, &mut account);
        self.settle(&account, permitted).await
    }

    async fn pages(&self, query: Query, order: Order, after: Option<Cursor>) -> Result<AuditPages, VaultError> {
        let (directory, own) = (self.parts.audit_dir.clone(), self.parts.node.clone());
        off_thread(move || {
            let search = Search::open(&directory, &own, query, order, after).map_err(unreadable)?;
            Ok(AuditPages(Some(search)))
        })
        .await
    }
}

impl AuditPages {
    /// The next page.
    ///
    /// # Errors
    /// [`VaultError`] when a file cannot be read.
    pub async fn next(&mut self, lines_max: usize) -> Result<Page, VaultError> {
        let Some(mut search) = self.0.take() else { return Ok(Page::default()) };
        let lines_max = lines_max.clamp(1, PAGE_LINES_MAX);
        let (search, page) = off_thread(move || {
            let page = search.page(lines_max).map_err(unreadable)?;
            Ok((search, page))
        })
        .await?;
        self.0 = page.next.is_some().then_some(search);
        Ok(page)
    }
}

impl AuditFollow {
    /// Waits for lines; they may be none. `None` once the caller may no longer read the audit.
    ///
    /// # Errors
    /// [`VaultError`] when a file cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<String>>, VaultError> {
        let Some(mut follow) = self.follow.take() else { return Ok(None) };
        let (follow, lines) = off_thread(move || {
            let lines = follow.next(FOLLOWED_AT_ONCE).map_err(unreadable)?;
            Ok((follow, lines))
        })
        .await?;
        self.follow = Some(follow);
        if lines.is_empty() {
            tokio::time::sleep(LOOK_EVERY).await;
        } else if !self.may_still() {
            self.follow = None;
            return Ok(None);
        }
        Ok(Some(lines))
    }

    /// Where it is, for whoever comes back.
    #[must_use]
    pub fn id(&self) -> String {
        self.follow.as_ref().map(Follow::id).unwrap_or_default()
    }

    /// Policy is asked again for what it tells; the line of the audit was written when it began.
    fn may_still(&self) -> bool {
        let mut unwritten = Account::open(&self.caller, Action::AuditRead, self.vault.parts.clock.now());
        self.vault.node_permit(&self.caller, Action::AuditRead, &mut unwritten).is_ok()
    }
}

fn unreadable(error: AuditError) -> VaultError {
    VaultError::Internal(error.to_string())
}
