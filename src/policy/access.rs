//! The access requests that wait for somebody who manages the policy: bounded, kept across a restart, and the same request is
//! kept once.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::decide::{Decision, Question, decide};
use super::rulebook::Rulebook;
use crate::model::access::{AccessRequest, Asker, Wish, askable, deed_of, is_reason};
use crate::model::name::{CompanyId, EnvironmentName, NodeName};
use crate::model::principal::Principal;
use crate::model::secret::SecretName;
use crate::model::time::Timestamp;

/// Most requests of one principal on one node that wait at once: more are for nobody to read.
pub const OPEN_MAX: usize = 20;

/// Most requests of one node, so that one that lies about who asks does not fill the list for others.
pub const OF_NODE_MAX: usize = 200;

/// Most requests in all.
pub const IN_ALL_MAX: usize = 1000;

/// After this a request that nobody looked at is forgotten: whoever still needs it asks again.
pub const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 3600);

/// So long a request that is granted stays at least, for whoever asked to see it; and so seldom one node gets more room by
/// what it says is granted.
pub const SETTLED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The first line of the bytes: what they are, and their version.
const TITLE: &str = "aurora-access-requests 1";

/// The requests, by number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requests {
    given: u64,
    waiting: BTreeMap<u64, AccessRequest>,
}

/// What a question came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// What the request is called.
    pub number: u64,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// There is no room for another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{max} access requests {} wait already", of_whom.as_str())]
pub struct Full {
    /// Whose.
    pub of_whom: Crowd,
    /// The bound.
    pub max: usize,
}

/// Those whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crowd {
    /// One principal on one node.
    Principal,
    /// All of one node.
    Node,
    /// All of the mesh.
    Mesh,
}

impl Crowd {
    /// Whether two askers are counted together.
    fn has(self, one: &Asker, other: &Asker) -> bool {
        match self {
            Self::Principal => one.node == other.node && one.principal() == other.principal(),
            Self::Node => one.node == other.node,
            Self::Mesh => true,
        }
    }

    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Principal => "of this caller",
            Self::Node => "of this node",
            Self::Mesh => "of the mesh",
        }
    }
}

/// The bytes are no such list, or not of this version. Nothing is assumed in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the access requests cannot be read")]
pub struct RequestsFault {
    /// Which line, from 1.
    pub line: usize,
}

impl Requests {
    /// Takes in a request. The same one again is the one that is there, with the reason that was given first. Those that
    /// `is_granted` says yes to wait for nobody: they count for their node and the mesh alone, and where there is no room
    /// the oldest that was asked for [`SETTLED_AFTER`] ago or earlier goes. They do count: a node that lies about who asks
    /// may name somebody who may do everything.
    ///
    /// # Errors
    /// [`Full`] when there is no room for another.
    pub fn ask(&mut self, request: AccessRequest, is_granted: impl Fn(&AccessRequest) -> bool) -> Result<Noted, Full> {
        let same = |known: &&AccessRequest| known.is_same(&request.asker, &request.wish);
        if let Some(known) = self.waiting.values().find(same) {
            return Ok(Noted { number: known.number, is_new: false });
        }
        let asker = &request.asker;
        let of = |crowd: Crowd| self.waiting.values().filter(move |known| crowd.has(asker, &known.asker));
        let crowds = [
            (Crowd::Principal, OPEN_MAX, of(Crowd::Principal).filter(|known| !is_granted(known)).count()),
            (Crowd::Node, OF_NODE_MAX, of(Crowd::Node).count()),
            (Crowd::Mesh, IN_ALL_MAX, of(Crowd::Mesh).count()),
        ];
        if let Some((of_whom, max, _)) = crowds.into_iter().find(|(_, max, count)| count >= max) {
            let is_old = |known: &AccessRequest| request.at.since(known.at).is_some_and(|age| age >= SETTLED_AFTER);
            let settled = of(of_whom).find(|known| is_old(known) && is_granted(known)).map(|known| known.number);
            self.waiting.remove(&settled.ok_or(Full { of_whom, max })?);
        }
        self.given += 1;
        let number = self.given;
        self.waiting.insert(number, AccessRequest { number, ..request });
        Ok(Noted { number, is_new: true })
    }

    /// Whether the same was asked for and waits.
    #[must_use]
    pub fn number_of(&self, asker: &Asker, wish: &Wish) -> Option<u64> {
        self.waiting.values().find(|known| known.is_same(asker, wish)).map(|known| known.number)
    }

    /// Takes a request out.
    pub fn dismiss(&mut self, number: u64) -> Option<AccessRequest> {
        self.waiting.remove(&number)
    }

    /// Forgets those that are older than [`KEPT_FOR`].
    pub fn forget_old(&mut self, now: Timestamp) {
        self.waiting.retain(|_, request| now.since(request.at).is_none_or(|age| age <= KEPT_FOR));
    }

    /// Every request, the oldest first.
    pub fn all(&self) -> impl Iterator<Item = &AccessRequest> {
        self.waiting.values()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`RequestsFault`] names the first line that is not as it was written.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestsFault> {
        let text = std::str::from_utf8(bytes).map_err(|_| RequestsFault { line: 1 })?;
        let mut lines = text.lines().zip(1_usize..);
        let given = lines.next().and_then(|(title, _)| title.strip_prefix(TITLE)?.trim_start().parse().ok());
        let given: u64 = given.ok_or(RequestsFault { line: 1 })?;
        let mut waiting = BTreeMap::new();
        for (text, line) in lines {
            let request = parse_line(text).filter(|request| request.number <= given);
            let request = request.ok_or(RequestsFault { line })?;
            waiting.insert(request.number, request);
            if waiting.len() > IN_ALL_MAX {
                return Err(RequestsFault { line });
            }
        }
        Ok(Self { given, waiting })
    }

    /// A line of title with the highest number that was given, then one for each request: number, milliseconds since 1970,
    /// node, environment, capability, company or `-`, secret, how many principals, each of them, and the reason. No part
    /// but the last holds a blank.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{TITLE} {}\n", self.given);
        for request in self.waiting.values() {
            let AccessRequest { number, asker, environment, wish, reason, at } = request;
            let company = wish.company.as_ref().map_or("-", CompanyId::as_str);
            let (capability, secret, node) = (wish.capability.as_str(), &wish.secret, &asker.node);
            let principals: Vec<_> = asker.principals().iter().map(Principal::to_string).collect();
            let (count, principals) = (principals.len(), principals.join(" "));
            let at = at.0;
            // Writing to a String cannot fail.
            let _infallible = writeln!(
                text,
                "{number} {at} {node} {environment} {capability} {company} {secret} {count} {principals} {reason}"
            );
        }
        text.into_bytes()
    }
}

/// Whether policy allows by now what a request asks for, as far as is known of who asks.
#[must_use]
pub fn is_granted(rules: &Rulebook, request: &AccessRequest, now: Timestamp) -> bool {
    let Wish { secret, capability, company } = &request.wish;
    let question = Question {
        principals: request.asker.principals(),
        besides: &[],
        within: None,
        action: deed_of(*capability),
        secret: Some(secret),
        scope: None,
        company: company.as_ref(),
        environment: &request.environment,
        now,
    };
    matches!(decide(rules, &question), Decision::Allowed { .. })
}

fn parse_line(text: &str) -> Option<AccessRequest> {
    let mut rest = text;
    let mut word = || {
        let (word, after) = rest.split_once(' ')?;
        rest = after;
        Some(word)
    };
    let (number, at) = (word()?.parse().ok()?, Timestamp(word()?.parse().ok()?));
    let (node, environment) = (NodeName::parse(word()?).ok()?, EnvironmentName::parse(word()?).ok()?);
    let capability = askable(word()?)?;
    let company = match word()? {
        "-" => None,
        company => Some(CompanyId::parse(company).ok()?),
    };
    let secret = SecretName::parse(word()?).ok()?;
    let count: usize = word()?.parse().ok()?;
    let principals = (0..count).map(|_| Principal::parse(word()?).ok()).collect::<Option<Vec<_>>>()?;
    let asker = Asker::new(node, &principals).filter(|asker| asker.principals().len() == count)?;
    let wish = Wish { secret, capability, company };
    is_reason(rest).then(|| AccessRequest { number, asker, environment, wish, reason: rest.to_owned(), at })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::starting::starting;
    use super::*;
    use crate::model::actions::Capability;
    use crate::model::article::Article;

    pub fn request(principal: &str, secret: &str) -> AccessRequest {
        let node = NodeName::parse("alpha").expect("a name");
        let principals = [Principal::parse(principal).expect(principal), Principal::Group(100)];
        AccessRequest {
            number: 0,
            asker: Asker::new(node, &principals).expect("somebody"),
            environment: EnvironmentName::parse("prod").expect("a name"),
            wish: Wish {
                secret: SecretName::parse(secret).expect(secret),
                capability: Capability::DataRead,
                company: None,
            },
            reason: "nightly \"report\"".to_owned(),
            at: Timestamp(1000),
        }
    }

    fn ask(requests: &mut Requests, request: AccessRequest) -> Result<Noted, Full> {
        requests.ask(request, |_| false)
    }

    #[test]
    fn the_same_request_again_is_the_same_one_and_a_number_is_never_given_twice() {
        let mut requests = Requests::default();
        let first = ask(&mut requests, request("agent:openclaw", "openai/api_key")).expect("room");
        assert_eq!(first, Noted { number: 1, is_new: true });
        let again = AccessRequest { reason: "another".to_owned(), ..request("agent:openclaw", "openai/api_key") };
        assert_eq!(ask(&mut requests, again), Ok(Noted { number: 1, is_new: false }));
        let mut other = request("agent:openclaw", "openai/api_key");
        other.wish.company = CompanyId::parse("acme").ok();
        assert_eq!(ask(&mut requests, other), Ok(Noted { number: 2, is_new: true }));
        assert!(requests.dismiss(2).is_some() && requests.dismiss(2).is_none());
        let third = ask(&mut requests, request("user:1000", "openai/api_key")).expect("room");
        assert_eq!(third.number, 3);
        let read = Requests::parse(&requests.to_bytes()).expect("as written");
        assert_eq!(read, requests);
    }

    #[test]
    fn a_caller_a_node_and_the_mesh_have_so_many_requests_and_no_more() {
        let mut requests = Requests::default();
        for number in 0..OPEN_MAX {
            ask(&mut requests, request("user:1", &format!("openai/k{number}"))).expect("room");
        }
        let full = ask(&mut requests, request("user:1", "openai/more")).expect_err("no room");
        assert_eq!(full, Full { of_whom: Crowd::Principal, max: OPEN_MAX });
        let granted = requests.ask(request("user:1", "openai/more"), |_| true).expect("the others wait no more");
        assert!(granted.is_new);
        for uid in 0..OF_NODE_MAX {
            let _full = ask(&mut requests, request(&format!("user:{}", uid + 2), "openai/k"));
        }
        let full = ask(&mut requests, request("user:9999", "openai/k")).expect_err("no room");
        assert_eq!(full.of_whom, Crowd::Node);
        for number in 0..IN_ALL_MAX {
            let mut elsewhere = request("user:1", &format!("openai/k{number}"));
            let node = NodeName::parse(&format!("n{number}")).expect("a name");
            elsewhere.asker = Asker::new(node, elsewhere.asker.principals()).expect("somebody");
            let _full = ask(&mut requests, elsewhere);
        }
        assert_eq!(requests.all().count(), IN_ALL_MAX);
        assert!(requests.to_bytes().len() < 2 << 20);
    }

    /// Whoever asks on a follower is whom the follower says. One that is broken into may name somebody who may do everything.
    #[test]
    fn a_node_that_claims_to_speak_for_the_mighty_fills_its_share_of_the_list_and_no_more() {
        let mut requests = Requests::default();
        ask(&mut requests, request("user:1", "openai/k")).expect("room");
        let mut ask_so = |number: usize, at: Timestamp| {
            let mut mighty = request(&format!("agent:a{number}"), &format!("openai/k{number}"));
            let node = NodeName::parse("broken").expect("a name");
            mighty.asker = Asker::new(node, mighty.asker.principals()).expect("somebody");
            requests.ask(AccessRequest { at, ..mighty }, |known| known.asker.node.as_str() == "broken")
        };
        let made = (0..2 * IN_ALL_MAX).filter(|number| ask_so(*number, Timestamp(1000)).is_ok()).count();
        assert_eq!(made, OF_NODE_MAX);
        let later = ask_so(9999, Timestamp(1000).plus(SETTLED_AFTER)).expect("the oldest that is granted goes");
        assert!(later.is_new);
        assert_eq!(requests.all().count(), OF_NODE_MAX + 1);
        assert_eq!(requests.all().next().map(|first| first.number), Some(1), "nobody else's goes");
        assert!(ask(&mut requests, request("user:2", "openai/k")).is_ok(), "there is room for others");
    }

    #[test]
    fn a_request_that_nobody_looked_at_is_forgotten_after_a_month() {
        let mut requests = Requests::default();
        ask(&mut requests, request("user:1", "openai/k")).expect("room");
        requests.forget_old(Timestamp(1000).plus(KEPT_FOR));
        assert_eq!(requests.all().count(), 1);
        requests.forget_old(Timestamp(1001).plus(KEPT_FOR));
        assert_eq!(requests.all().count(), 0);
    }

    #[test]
    fn bytes_that_are_not_as_they_were_written_are_refused() {
        let mut requests = Requests::default();
        ask(&mut requests, request("user:1", "openai/k")).expect("room");
        let whole = String::from_utf8(requests.to_bytes()).expect("text");
        let changes =
            [("1 1000", "2 1000"), ("data_read", "system_admin"), (" 2 user", " 9 user"), ("alpha", "A"), (TITLE, "x")];
        for (line, by) in changes {
            assert!(Requests::parse(whole.replacen(line, by, 1).as_bytes()).is_err(), "{line}");
        }
        assert!(Requests::parse(b"").is_err() && Requests::parse(&[0xff]).is_err());
    }

    #[test]
    fn a_request_is_granted_once_policy_allows_what_it_asks_for() {
        let rules = Rulebook::new(starting(Timestamp(0)).map(Article::Grant));
        assert!(!is_granted(&rules, &request("user:1000", "openai/k"), Timestamp(0)));
        assert!(is_granted(&rules, &request("socket-group", "openai/k"), Timestamp(0)));
    }
}
