//! The grant that would give what is asked for, as lines to be added to the policy file: for a person to read, and to narrow.

use std::time::Duration;

use crate::model::access::{AccessRequest, Wish};

/// A grant that was given in a hurry should not last for ever: whoever adds it may write another end, or `never`.
const VALID_FOR: Duration = Duration::from_secs(90 * 24 * 3600);

/// Lines for `policy.toml`. Every text in them is quoted, so that nothing anybody wrote becomes a line of its own.
#[must_use]
pub fn grant_text(request: &AccessRequest) -> String {
    let Wish { secret, capability, company } = &request.wish;
    let companies = company.as_ref().map(|company| format!("companies = [{}]\n", quoted(company.as_str())));
    format!(
        "[[grant]]\nname = {}\nprincipal = {}\ncapabilities = [{}]\nsecrets = [{}]\n{}environments = [{}]\n\
         expires_at = {}\nreason = {}\n",
        quoted(&format!("access-{}", request.number)),
        quoted(&request.asker.principal().to_string()),
        quoted(capability.as_str()),
        quoted(&secret.to_string()),
        companies.unwrap_or_default(),
        quoted(request.environment.as_str()),
        quoted(&request.at.plus(VALID_FOR).to_string()),
        quoted(&request.reason),
    )
}

/// A basic string of TOML. What it quotes holds no control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::super::access::tests::request;
    use super::super::file::parse;
    use super::*;
    use crate::model::name::CompanyId;
    use crate::model::principal::Principal;

    #[test]
    fn what_is_proposed_is_a_grant_of_exactly_what_was_asked_for() {
        let mut asked = AccessRequest { number: 7, ..request("agent:openclaw", "openai/api_key") };
        asked.wish.company = CompanyId::parse("acme").ok();
        asked.reason = "say \"hi\" \\ [[grant]] # é".to_owned();
        let grant = parse(&grant_text(&asked)).expect("a policy file").grants.remove(0);
        assert_eq!(grant.name.as_str(), "access-7");
        assert_eq!(grant.principal, Principal::parse("agent:openclaw").expect("a principal"));
        assert_eq!(grant.capabilities, [asked.wish.capability].into());
        assert_eq!(grant.reach.secrets.iter().map(ToString::to_string).collect::<Vec<_>>(), ["openai/api_key"]);
        assert!(grant.reach.companies.contains(&CompanyId::parse("acme").expect("a name")));
        assert_eq!(grant.reason, asked.reason);
    }
}
