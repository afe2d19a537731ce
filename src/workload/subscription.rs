//! What one stream of secret discovery has asked for and was given. Pure: it decides, and reads nothing.
//!
//! "State of the world" xDS: a request lists every name that is wanted now. One with a nonce answers the response of that nonce;
//! one that answers an older response is not looked at, because a newer answer is on its way
//! (envoyproxy/data-plane-api, xds_protocol). A response holds what is new, not everything: only listeners and clusters must be
//! told as a whole.

use std::collections::BTreeMap;

use tonic::Status;

use super::messages_discovery::{DiscoveryRequest, SECRET_TYPE};
use crate::model::number::Version;
use crate::model::reference::Reference;
use crate::vault::follow::Glance;

/// Names that one stream may follow. Envoy opens a stream for each; a control plane between may gather some.
pub(super) const NAMES_MAX: usize = 64;

/// Longest name: the longest reference is under half of it.
const NAME_BYTES_MAX: usize = 512;

/// One stream.
#[derive(Debug, Default)]
pub(super) struct Subscription {
    names: BTreeMap<String, Followed>,
    nonce: u64,
    heard: bool,
}

/// One name that is followed.
#[derive(Debug)]
pub(super) struct Followed {
    /// What it means.
    pub(super) reference: Reference,
    /// What it came to when it was last read; nothing when it must be read.
    pub(super) seen: Option<Glance>,
    /// What was sent of it last.
    pub(super) sent: Option<(u64, Version)>,
}

/// What a request says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// What is wanted; the last answer, if there was one, was taken.
    Wants,
    /// The last answer was refused, with this code of `google.rpc.Code`. What is wanted counts all the same.
    Refuses(i32),
    /// It speaks of an answer before the last.
    Late,
}

impl Subscription {
    /// Takes a request.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for another type of resource, a name that is no reference, and more names than [`NAMES_MAX`].
    pub(super) fn hear(&mut self, request: &DiscoveryRequest) -> Result<Heard, Status> {
        if !request.type_url.is_empty() && request.type_url != SECRET_TYPE {
            return Err(Status::invalid_argument("this service has secrets and no other type of resource"));
        }
        if !request.response_nonce.is_empty() && request.response_nonce != self.nonce.to_string() {
            return Ok(Heard::Late);
        }
        let mut wanted = parse(&request.resource_names)?;
        self.names.retain(|name, _| wanted.remove(name).is_some());
        self.names.extend(wanted.into_iter().map(|(name, reference)| (name, Followed::new(reference))));
        self.heard = true;
        Ok(request.error_detail.as_ref().map_or(Heard::Wants, |detail| Heard::Refuses(detail.code)))
    }

    /// Whether anything was asked for so far.
    pub(super) fn has_begun(&self) -> bool {
        self.heard
    }

    /// What is followed, by name.
    pub(super) fn names(&mut self) -> impl Iterator<Item = (&String, &mut Followed)> {
        self.names.iter_mut()
    }

    /// The nonce of a response that is about to be sent.
    pub(super) fn next_nonce(&mut self) -> String {
        self.nonce = self.nonce.wrapping_add(1);
        self.nonce.to_string()
    }
}

impl Followed {
    fn new(reference: Reference) -> Self {
        Self { reference, seen: None, sent: None }
    }
}

/// Every name once, with what it means. Names are `service/key_name`, with or without the scheme before and a query after.
fn parse(names: &[String]) -> Result<BTreeMap<String, Reference>, Status> {
    if names.len() > NAMES_MAX {
        return Err(Status::invalid_argument(format!("a stream follows at most {NAMES_MAX} secrets")));
    }
    let parsed = names.iter().map(|name| {
        if name.len() > NAME_BYTES_MAX {
            return Err(Status::invalid_argument(format!("a name is longer than {NAME_BYTES_MAX} bytes")));
        }
        match Reference::parse_short(name) {
            Ok(reference) => Ok((name.clone(), reference)),
            Err(error) => Err(Status::invalid_argument(format!("{name:?}: {error}"))),
        }
    });
    parsed.collect()
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::super::messages_discovery::RefusalDetail;
    use super::*;

    fn wants(names: &[&str], nonce: &str) -> DiscoveryRequest {
        DiscoveryRequest {
            resource_names: names.iter().map(|name| (*name).to_owned()).collect(),
            response_nonce: nonce.to_owned(),
            ..DiscoveryRequest::default()
        }
    }

    fn followed(subscription: &mut Subscription) -> Vec<(String, bool)> {
        subscription.names().map(|(name, followed)| (name.clone(), followed.seen.is_some())).collect()
    }

    fn heard(subscription: &mut Subscription, request: &DiscoveryRequest) -> Heard {
        subscription.hear(request).expect("a fine request")
    }

    fn see_all(subscription: &mut Subscription) {
        subscription.names().for_each(|(_, followed)| followed.seen = Some(Glance::Refused("denied")));
    }

    #[test]
    fn names_come_and_go_and_what_stays_is_not_read_again() {
        let mut subscription = Subscription::default();
        assert!(!subscription.has_begun());
        assert_eq!(heard(&mut subscription, &wants(&["a/b", "c/d?field=e&company=acme", "a/b"], "")), Heard::Wants);
        assert!(subscription.has_begun());
        see_all(&mut subscription);
        let nonce = subscription.next_nonce();
        assert_eq!(heard(&mut subscription, &wants(&["a/b", "aurora://x/y"], &nonce)), Heard::Wants);
        assert_eq!(followed(&mut subscription), [("a/b".to_owned(), true), ("aurora://x/y".to_owned(), false)]);
        assert_eq!(heard(&mut subscription, &wants(&[], &nonce)), Heard::Wants);
        assert_eq!(heard(&mut subscription, &wants(&["a/b"], &nonce)), Heard::Wants);
        assert_eq!(followed(&mut subscription), [("a/b".to_owned(), false)], "whoever comes back has nothing of it");
    }

    #[test]
    fn an_answer_to_an_older_response_changes_nothing_and_a_refusal_keeps_what_is_wanted() {
        let mut subscription = Subscription::default();
        assert_eq!(heard(&mut subscription, &wants(&["a/b"], "7")), Heard::Late, "nothing was sent so far");
        assert_eq!(heard(&mut subscription, &wants(&["a/b"], "")), Heard::Wants);
        see_all(&mut subscription);
        let (first, second) = (subscription.next_nonce(), subscription.next_nonce());
        assert_eq!(heard(&mut subscription, &wants(&[], &first)), Heard::Late);
        let refusal = DiscoveryRequest { error_detail: Some(RefusalDetail { code: 3 }), ..wants(&["a/b"], &second) };
        assert_eq!(heard(&mut subscription, &refusal), Heard::Refuses(3));
        assert_eq!(followed(&mut subscription), [("a/b".to_owned(), true)], "it is not sent again as it is");
    }

    #[test]
    fn what_is_no_reference_too_long_too_many_or_of_another_type_is_refused() {
        let long = format!("a/{}", "b".repeat(NAME_BYTES_MAX));
        let many: Vec<String> = (0..=NAMES_MAX).map(|at| format!("a/b{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let typed = DiscoveryRequest { type_url: "type.googleapis.com/x.Y".to_owned(), ..wants(&["a/b"], "") };
        let bad = ["plain", "A/b", "a/b?x=y", "a/b?field=../x", "", &long].map(|name| wants(&[name], ""));
        for request in bad.into_iter().chain([wants(&many, ""), typed]) {
            let refused = Subscription::default().hear(&request).expect_err("refused");
            assert_eq!(refused.code(), Code::InvalidArgument, "{request:?}");
            assert!(refused.message().len() < 400, "{refused:?}");
        }
    }
}
