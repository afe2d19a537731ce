//! Strangers with a token, on the lead: one question, one answer, every one of them in the audit.

use std::sync::{Arc, Mutex, PoisonError};

use super::board::{Board, LeadBoard};
use super::change::{Applicant, Change, Committed};
use super::error::CommitError;
use super::join_rate::{Hearing, JoinRate};
use super::secret_lead::LeadSecrets;
use crate::audit::entry::{Entry, Ruling};
use crate::audit::journal::Journal;
use crate::crypto::join_token;
use crate::crypto::plaintext::Plaintext;
use crate::model::event::Event;
use crate::model::identity::{KeyPin, MeshId, Role, SealingPublicKey};
use crate::model::name::NodeName;
use crate::model::roster::{RosterEntry, Standing};
use crate::model::time::Clock;
use crate::transport::authority::{Authority, NODE_LIFETIME};
use crate::transport::error::TransportError;
use crate::transport::join::JoinConnection;
use crate::transport::spiffe::PeerIdentity;
use crate::wire::entitlement::EntitlementFrame;
use crate::wire::join::{Admitted, Join, JoinAnswer, JoinAsk, Refused, RefusedReason};

/// What admitting a node needs.
pub struct JoinDesk {
    /// The mesh.
    pub mesh: MeshId,
    /// The lead's name.
    pub lead: NodeName,
    /// The one writer: consumes the token and enrols the node in one transaction.
    pub secrets: LeadSecrets,
    /// The roster, as it is published.
    pub board: Arc<LeadBoard>,
    /// Where it is told what happens.
    pub published: Arc<Board>,
    /// Issues the certificate.
    pub authority: Arc<Authority>,
    /// The mesh's public sealing key, which the node pins.
    pub mesh_sealing: SealingPublicKey,
    /// Every attempt is noted.
    pub journal: Journal,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How many strangers are heard.
    pub rate: Mutex<JoinRate>,
}

impl JoinDesk {
    /// Answers one stranger.
    pub(super) async fn serve(&self, connection: JoinConnection) -> Result<(), TransportError> {
        let address = connection.remote_address();
        let (ask, answering) = connection.ask().await?;
        let answer = match self.hear(ask, &address.to_string()).await {
            Ok(admitted) => JoinAnswer::Admitted(admitted),
            Err(reason) => {
                tracing::debug!(%address, ?reason, "a join was refused");
                JoinAnswer::Refused(Refused { reason })
            }
        };
        answering.answer(&answer).await
    }

    /// Decides, if there is room to write it down.
    async fn hear(&self, ask: JoinAsk, address: &str) -> Result<Admitted, RefusedReason> {
        if self.board.ended_by.borrow().is_some() {
            return Err(RefusedReason::NotLead);
        }
        let now = self.clock.now().boot;
        let hearing = self.rate.lock().unwrap_or_else(PoisonError::into_inner).ask(now);
        match hearing {
            Hearing::Unheard => return Err(RefusedReason::Busy),
            Hearing::Heard { unheard: 0 } => {}
            Hearing::Heard { unheard } => {
                let many = format!("{unheard} questions of strangers were not heard: they came too fast");
                tracing::warn!(unheard, "strangers ask faster than they are heard");
                self.note("node.join", Ruling::Deny, "busy", &many).await?;
            }
        }
        match ask {
            JoinAsk::Join(join) => self.admit(join, address).await,
            JoinAsk::Rejoin(rejoin) => self.readmit(&rejoin.csr, address).await,
        }
    }

    /// A member that slept past its certificate: the key it proves is the one the roster pins, and that is who it is.
    async fn readmit(&self, csr: &[u8], address: &str) -> Result<Admitted, RefusedReason> {
        let pin = self.proved_key("node.rejoin", csr, address).await?;
        let lead_view = self.board.lead_view.load_full();
        let known = lead_view.nodes().find(|entry| entry.pin == pin && entry.role == Role::Follower);
        let Some(entry) = known else {
            let asked = format!("no member has key {}; from {address}", pin.fingerprint());
            self.note("node.rejoin", Ruling::Deny, "refused", &asked).await?;
            return Err(RefusedReason::UnknownKey);
        };
        let asked = format!("{} from {address} with key {}", entry.name, pin.fingerprint());
        match &entry.standing {
            Standing::Active => {}
            Standing::Pending => return Err(RefusedReason::Pending),
            Standing::Banned { .. } => {
                self.note("node.rejoin", Ruling::Deny, "refused", &format!("the node is banned; {asked}")).await?;
                return Err(RefusedReason::Banned);
            }
        }
        self.note("node.rejoin", Ruling::Allow, "ok", &asked).await?;
        tracing::info!(node = %entry.name, "a node whose certificate had run out is back");
        self.admitted(entry, csr)
    }

    async fn proved_key(&self, action: &'static str, csr: &[u8], address: &str) -> Result<KeyPin, RefusedReason> {
        if let Ok(pin) = Authority::requested_pin(csr) {
            return Ok(pin);
        }
        self.note(action, Ruling::Deny, "refused", &format!("no signing request; from {address}")).await?;
        Err(RefusedReason::BadRequest)
    }

    async fn admit(&self, join: Join, address: &str) -> Result<Admitted, RefusedReason> {
        let pin = self.proved_key("node.join", &join.csr, address).await?;
        if self.waits(pin, &join) {
            // It asks again every few seconds; that it waits was written down when it came.
            return Err(RefusedReason::Pending);
        }
        let token = join_token::hash(&Plaintext::new(join.token_secret.to_vec()));
        let applicant = Applicant { token, pin, sealing_key: SealingPublicKey(join.sealing_key) };
        let asked = format!("from {address} with key {}", pin.fingerprint());
        let audit_seq = self.note("node.join", Ruling::Allow, "intent", &asked).await?;
        match self.secrets.commit(Change::Admit(applicant), audit_seq).await {
            Ok(Committed::Node(entry)) if !entry.is_member() => {
                let waits = format!("{} waits for approval {asked}", entry.name);
                self.note("node.join", Ruling::Allow, "pending", &waits).await?;
                tracing::info!(node = %entry.name, fingerprint = %pin.fingerprint(), "a node waits for approval");
                Err(RefusedReason::Pending)
            }
            Ok(Committed::Node(entry)) => {
                self.note("node.join", Ruling::Allow, "ok", &format!("{} joined {asked}", entry.name)).await?;
                tracing::info!(node = %entry.name, fingerprint = %pin.fingerprint(), "a node joined");
                self.admitted(&entry, &join.csr)
            }
            Ok(
                Committed::Secret(_)
                | Committed::Secrets(_)
                | Committed::Keys(_)
                | Committed::LockedOut(_)
                | Committed::Token
                | Committed::Rules(_),
            ) => Err(RefusedReason::Unavailable),
            Err(error) => Err(self.refuse(&error, &asked).await?),
        }
    }

    /// Whether the node with exactly these keys has joined and waits for approval.
    fn waits(&self, pin: KeyPin, join: &Join) -> bool {
        let known = |entry: &&Arc<RosterEntry>| entry.pin == pin && entry.sealing_key.0 == join.sealing_key;
        let lead_view = self.board.lead_view.load();
        lead_view.nodes().find(known).is_some_and(|entry| entry.standing == Standing::Pending)
    }

    async fn refuse(&self, error: &CommitError, asked: &str) -> Result<RefusedReason, RefusedReason> {
        let (action, reason) = match error {
            CommitError::TokenUnknown => ("node.join", RefusedReason::UnknownToken),
            CommitError::TokenExpired => ("node.join", RefusedReason::TokenExpired),
            CommitError::TokenReused => ("token.reused", RefusedReason::TokenConsumed),
            CommitError::NodeExists => ("node.join", RefusedReason::TokenConsumed),
            CommitError::KeyInUse => ("node.join", RefusedReason::KeyInUse),
            CommitError::Banned => ("node.join", RefusedReason::Banned),
            CommitError::Overloaded => ("node.join", RefusedReason::Busy),
            CommitError::NotLead(_) => ("node.join", RefusedReason::NotLead),
            CommitError::Conflict { .. }
            | CommitError::Unchangeable
            | CommitError::LeadStays
            | CommitError::NotPending
            | CommitError::OtherKey
            | CommitError::NoSuchSecret
            | CommitError::NotDeleted
            | CommitError::Destroyed(_)
            | CommitError::Moved
            | CommitError::Metadata(_)
            | CommitError::Fields(_)
            | CommitError::NoKey
            | CommitError::TooManySigners
            | CommitError::GenerationInUse(_)
            | CommitError::Wrapped(_)
            | CommitError::OfSecret { .. }
            | CommitError::NoSuchNode
            | CommitError::Article { .. }
            | CommitError::TooManyArticles
            | CommitError::Seal(_)
            | CommitError::Store(_)
            | CommitError::TimedOut
            | CommitError::Stopped => ("node.join", RefusedReason::Unavailable),
        };
        if matches!(error, CommitError::TokenReused) {
            tracing::error!(asked, "a join token was used a second time, with another key: was it stolen?");
        }
        tracing::warn!(asked, %error, "a join was refused");
        self.note(action, Ruling::Deny, "refused", &format!("{error}; {asked}")).await?;
        if matches!(error, CommitError::TokenReused) {
            self.published.events.tell(Event::TokenReused { detail: asked.to_owned() });
        }
        Ok(reason)
    }

    fn admitted(&self, entry: &RosterEntry, csr: &[u8]) -> Result<Admitted, RefusedReason> {
        let identity = PeerIdentity { mesh: self.mesh, role: Role::Follower, node: entry.name.clone() };
        let leaf = self.authority.issue(csr, &identity, self.clock.now().wall, NODE_LIFETIME);
        Ok(Admitted {
            mesh: self.mesh.0,
            node: entry.name.to_string(),
            chain: vec![leaf.map_err(|_| RefusedReason::BadRequest)?],
            authority: self.authority.certificate_der().to_vec(),
            mesh_sealing_key: self.mesh_sealing.0,
            entitlement: EntitlementFrame::from(&entry.entitlement),
            lead: self.lead.to_string(),
        })
    }

    async fn note(
        &self,
        action: &'static str,
        ruling: Ruling,
        outcome: &'static str,
        reason: &str,
    ) -> Result<u64, RefusedReason> {
        let entry = Entry { ruling, outcome, ..Entry::of_node(action, reason.to_owned()) };
        self.journal.append(entry).await.map_err(|_| RefusedReason::Unavailable)
    }
}
