//! Strangers with a token, on the lead: one question, one answer, every one of them in the audit.
//!
//! What a question shows is looked up before it is asked how many strangers were heard. Whoever shows a token that may admit
//! it, or proves the key of a node that has joined, is heard at once: no number of other strangers makes it wait.

use std::sync::{Arc, Mutex, PoisonError};

use super::board::{Board, LeadBoard};
use super::change::{Applicant, Change, Committed};
use super::error::CommitError;
use super::join_rate::{JoinRate, Known};
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
    /// How many are heard: of those who show nothing that is known together, of each key that is by itself.
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

    /// Decides. Every question must prove a key: to look at one costs less than the handshake it came through, since it is at
    /// most 4 KiB, and a connection has one.
    async fn hear(&self, ask: JoinAsk, address: &str) -> Result<Admitted, RefusedReason> {
        if self.board.ended_by.borrow().is_some() {
            return Err(RefusedReason::NotLead);
        }
        let (action, csr) = match &ask {
            JoinAsk::Join(join) => ("node.join", &join.csr),
            JoinAsk::Rejoin(rejoin) => ("node.rejoin", &rejoin.csr),
        };
        let Ok(pin) = Authority::requested_pin(csr) else {
            self.take_turn().await?;
            self.note(action, Ruling::Deny, "refused", &format!("no signing request; from {address}")).await?;
            return Err(RefusedReason::BadRequest);
        };
        match ask {
            JoinAsk::Join(join) => self.admit(&join, pin, address).await,
            JoinAsk::Rejoin(rejoin) => self.readmit(&rejoin.csr, pin, address).await,
        }
    }

    /// Lets one more question be heard, of a key that is known or of a stranger.
    async fn take_turn_of(&self, pin: KeyPin, is_known: bool) -> Result<(), RefusedReason> {
        if !is_known {
            return self.take_turn().await;
        }
        let now = self.clock.now().boot;
        let is_heard = self.rate.lock().unwrap_or_else(PoisonError::into_inner).known(pin, now);
        if is_heard { Ok(()) } else { Err(RefusedReason::Busy) }
    }

    /// Lets one more question of a stranger be heard, if there is room to write it down.
    async fn take_turn(&self) -> Result<(), RefusedReason> {
        let now = self.clock.now().boot;
        let unheard = self.rate.lock().unwrap_or_else(PoisonError::into_inner).stranger(now);
        match unheard {
            None => return Err(RefusedReason::Busy),
            Some(0) => {}
            Some(unheard) => {
                let many = format!("{unheard} questions of strangers were not heard: they came too fast");
                tracing::warn!(unheard, "strangers ask faster than they are heard");
                self.note("node.join", Ruling::Deny, "busy", &many).await?;
            }
        }
        Ok(())
    }

    /// A member that slept past its certificate: the key it proves is the one the roster pins, and that is who it is.
    async fn readmit(&self, csr: &[u8], pin: KeyPin, address: &str) -> Result<Admitted, RefusedReason> {
        self.take_turn_of(pin, self.knows(|known| known.has_key(pin))).await?;
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

    async fn admit(&self, join: &Join, pin: KeyPin, address: &str) -> Result<Admitted, RefusedReason> {
        let token = join_token::hash(&Plaintext::new(join.token_secret.to_vec()));
        let applicant = Applicant { token, pin, sealing_key: SealingPublicKey(join.sealing_key) };
        self.take_turn_of(pin, self.knows(|known| known.expects(&applicant))).await?;
        if self.waits(&applicant) {
            // It asks again every few seconds; that it waits was written down when it came.
            return Err(RefusedReason::Pending);
        }
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

    /// Whether what was shown is known, by what is published now. It decides only who is heard: whoever is heard is judged by
    /// the one writer.
    fn knows(&self, is_shown: impl FnOnce(Known<'_>) -> bool) -> bool {
        let (tokens, lead_view) = (self.board.tokens.load(), self.board.lead_view.load());
        is_shown(Known { tokens: &tokens, lead_view: &lead_view, now: self.clock.now().wall })
    }

    /// Whether the node with exactly these keys has joined and waits for approval.
    fn waits(&self, applicant: &Applicant) -> bool {
        let known =
            |entry: &&Arc<RosterEntry>| entry.pin == applicant.pin && entry.sealing_key == applicant.sealing_key;
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
