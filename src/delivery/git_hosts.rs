//! Which secret answers for which host, when git or docker asks.

use super::host::{Host, HostError};
use crate::model::reference::{Reference, ReferenceError};

/// The hosts of git that have a secret without being told: the catalogue's name for the token of their provider.
const KNOWN: [(&str, &str); 2] = [("github.com", "github/token"), ("gist.github.com", "github/token")];

/// `github.com/acme=github/acme_token`: what lies there is answered with that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRule {
    host: Host,
    path: Vec<String>,
    /// The secret.
    pub reference: Reference,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostRuleError {
    /// There is no `=`.
    #[error("write HOST=SERVICE/KEY_NAME, or HOST:PORT/PATH=SERVICE/KEY_NAME?field=NAME")]
    Shape,
    /// What stands before it.
    #[error(transparent)]
    Host(#[from] HostError),
    /// What stands behind it.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

/// A secret for a host, and whether somebody said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// By a rule.
    Mapped(Reference),
    /// Because the host is a well-known one.
    Known(Reference),
}

impl HostRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// [`HostRuleError`].
    pub fn parse(text: &str) -> Result<Self, HostRuleError> {
        let (place, reference) = text.split_once('=').ok_or(HostRuleError::Shape)?;
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        let host = Host::parse(host)?;
        Ok(Self { host, path: segments(path), reference: Reference::parse_short(reference)? })
    }

    /// How much of what is asked for it names; `None` if it is about something else. What a path with steps in it leads
    /// to is known after they are taken, as git takes them: `acme/../evil` lies below nothing but the host.
    fn fits(&self, host: &Host, path: &[String]) -> Option<usize> {
        let steps = path.iter().any(|segment| matches!(segment.as_str(), "." | ".."));
        let lies_below = self.path.is_empty() || (!steps && path.starts_with(&self.path));
        (self.host == *host && lies_below).then_some(self.path.len())
    }
}

/// The rule that names most of what is asked for. A rule with a path answers only what lies below that path, segment by
/// segment, so git must be told to send it (`credential.useHttpPath`).
#[must_use]
pub fn mapped(rules: &[HostRule], host: &Host, path: Option<&str>) -> Option<Reference> {
    let path = segments(path.unwrap_or_default());
    let fitting = rules.iter().filter_map(|rule| Some((rule.fits(host, &path)?, rule)));
    fitting.max_by_key(|(length, _)| *length).map(|(_, rule)| rule.reference.clone())
}

/// What a rule says; else the secret of a well-known host of git.
#[must_use]
pub fn choose(rules: &[HostRule], host: &Host, path: Option<&str>) -> Option<Chosen> {
    if let Some(reference) = mapped(rules, host, path) {
        return Some(Chosen::Mapped(reference));
    }
    let known = KNOWN.into_iter().find(|(name, _)| host.port.is_none() && host.name == *name);
    known.and_then(|(_, secret)| Reference::parse_short(secret).ok()).map(Chosen::Known)
}

fn segments(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::lookup::Catalogue;

    fn rules(texts: &[&str]) -> Vec<HostRule> {
        texts.iter().map(|text| HostRule::parse(text).expect(text)).collect()
    }

    fn chosen(texts: &[&str], host: &str, path: Option<&str>) -> Option<String> {
        choose(&rules(texts), &Host::parse(host).expect(host), path).map(|chosen| match chosen {
            Chosen::Mapped(reference) => reference.name.to_string(),
            Chosen::Known(reference) => format!("known {}", reference.name),
        })
    }

    #[test]
    fn the_rule_that_names_most_wins_and_no_other_host_gets_anything() {
        let texts = &["git.example=git/all", "git.example/acme=git/acme", "git.example:8443=git/other"];
        let answer = |host, path| chosen(texts, host, path);
        assert_eq!(answer("git.example", None).as_deref(), Some("git/all"));
        assert_eq!(answer("GIT.example", Some("acme/app.git")).as_deref(), Some("git/acme"));
        assert_eq!(answer("git.example", Some("acme-evil/app.git")).as_deref(), Some("git/all"));
        assert_eq!(answer("git.example:8443", None).as_deref(), Some("git/other"));
        for other in ["evil.git.example", "git.example.evil", "git.example:9", "xgit.example"] {
            assert_eq!(answer(other, None), None, "{other}");
        }
        assert_eq!(chosen(&["git.example/acme=git/acme"], "git.example", None), None, "the path is not known");
        for path in ["acme/../evil/app.git", "acme/./app.git", "acme/.."] {
            assert_eq!(answer("git.example", Some(path)).as_deref(), Some("git/all"), "{path}");
            assert_eq!(chosen(&["git.example/acme=git/acme"], "git.example", Some(path)), None, "{path}");
        }
    }

    #[test]
    fn a_well_known_host_is_answered_with_the_token_the_catalogue_knows() {
        assert_eq!(chosen(&[], "github.com", None).as_deref(), Some("known github/token"));
        assert_eq!(chosen(&["github.com=github/mine"], "github.com", None).as_deref(), Some("github/mine"));
        assert_eq!(chosen(&[], "github.com:8443", None), None);
        let catalogue = Catalogue::embedded().expect("the catalogue");
        for (_, secret) in KNOWN {
            let name = Reference::parse_short(secret).expect(secret).name;
            assert!(catalogue.variable_of(&name).is_some(), "{secret}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in
            ["", "github.com", "=github/token", "github.com=token", "a b=github/token", "https://a=github/token"]
        {
            assert!(HostRule::parse(text).is_err(), "{text}");
        }
    }
}
