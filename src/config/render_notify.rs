//! `[notify]` as commented TOML.

use super::duration;
use super::render::text;
use crate::model::channel::{Channel, Means, Notify, NotifyRule};
use crate::model::name::KeyName;
use crate::model::quiet_hours::offset_text;

const COMMENT: &str = "\
[notify]
# Whom this node tells of events. Nothing is sent to a private address but to these \"host:port\".
";

const EXAMPLE: &str = "\
# A channel: \"telegram\", \"slack\", \"webhook\" or \"email\". Its credential is a secret of the mesh. In quiet hours only what is
# urgent is told; the rest comes afterwards, as one message.
# [notify.channels.ops]
# kind = \"telegram\"
# credential = \"aurora://telegram/bot_token\"
# chat = \"-1001234567890\"
# quiet = \"22:00-07:00\"
# utc_offset = \"+02:00\"
#
# [notify.channels.mail]
# kind = \"email\"
# host = \"smtp.example.com\"
# user = \"aurora\"
# credential = \"aurora://smtp/password\"
# from = \"aurora@example.com\"
# to = [\"ops@example.com\"]
#
# Which events go there. The same is told again only after repeat_after, and then how often it came.
# [[notify.rules]]
# events = [\"api.status\", \"credential.*\"]
# where = { service = \"openai\" }
# channel = \"ops\"
# priority = \"urgent\"
# repeat_after = \"1h\"
";

/// The section.
pub(super) fn notify(notify: &Notify) -> String {
    let mut section = format!("{COMMENT}allow_private = {}\n", list(&notify.allow_private));
    if notify.channels.is_empty() && notify.rules.is_empty() {
        section.push_str(EXAMPLE);
    }
    for (name, described) in &notify.channels {
        section.push_str(&channel(name, described));
    }
    for described in &notify.rules {
        section.push_str(&rule(described));
    }
    section
}

fn channel(name: &KeyName, channel: &Channel) -> String {
    let mut lines = vec![("kind", text(channel.means.as_str()))];
    if let Some(credential) = &channel.credential {
        lines.push(("credential", text(&credential.to_string())));
    }
    match &channel.means {
        Means::Telegram { chat, api } | Means::SlackApp { chat, api } => {
            lines.extend([("chat", text(chat)), ("url", text(&api.to_string()))]);
        }
        Means::SlackHook { host, port } => lines.push(("url", text(&format!("https://{host}:{port}/")))),
        Means::Webhook { url } => lines.push(("url", text(&url.to_string()))),
        Means::Email(route) => {
            lines.extend([("host", text(&route.host)), ("port", route.port.to_string())]);
            lines.extend(route.user.iter().map(|user| ("user", text(user))));
            lines.extend([("from", text(&route.from)), ("to", list(&route.to))]);
        }
    }
    if let Some(quiet) = &channel.quiet {
        lines.push(("quiet", text(&quiet.to_string())));
        lines.push(("utc_offset", text(&offset_text(quiet.offset_minutes()))));
    }
    // A name may hold a dot, which would begin another table.
    written(&format!("[notify.channels.{}]", text(name.as_str())), &lines)
}

fn rule(rule: &NotifyRule) -> String {
    let mut lines = vec![("events", list(&rule.events))];
    if !rule.wanted.is_empty() {
        let pairs: Vec<String> =
            rule.wanted.iter().map(|(aspect, name)| format!("{} = {}", aspect.as_str(), text(name))).collect();
        lines.push(("where", format!("{{ {} }}", pairs.join(", "))));
    }
    lines.push(("channel", text(rule.channel.as_str())));
    lines.push(("priority", text(rule.priority.as_str())));
    lines.push(("repeat_after", text(&duration::print(rule.repeat_after))));
    written("[[notify.rules]]", &lines)
}

fn written(head: &str, lines: &[(&str, String)]) -> String {
    let lines: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    format!("\n{head}\n{lines}")
}

fn list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| text(item)).collect();
    format!("[{}]", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::node_config::Defaults;
    use super::super::parse::parse;
    use super::super::paths::Paths;
    use super::super::render::render;

    const NODE: &str = "[node]\nname = \"aurora\"\nrole = \"lead\"\nenvironment = \"prod\"\n";

    const WHOLE: &str = r##"
[notify]
allow_private = ["hooks.internal:8443", "10.0.0.7:443"]

[notify.channels.ops]
kind = "telegram"
credential = "aurora://telegram/bot_token"
chat = "-1001234567890"
quiet = "22:00-07:00"
utc_offset = "-03:30"

[notify.channels."a.b"]
kind = "slack"
credential = "aurora://slack/hook"

[notify.channels.chat]
kind = "slack"
credential = "aurora://slack/bot?field=token&company=acme"
chat = "#ops"

[notify.channels.json]
kind = "webhook"
url = "https://hooks.internal:8443/aurora?team=a"

[notify.channels.mail]
kind = "email"
credential = "aurora://smtp/password"
host = "smtp.example.com"
port = 465
user = "aurora"
from = "Aurora <aurora@example.com>"
to = ["ops@example.com", "b@example.com"]

[[notify.rules]]
events = ["api.status", "credential.*"]
where = { service = "openai", scope = "company:acme" }
channel = "ops"
priority = "urgent"
repeat_after = "1h"

[[notify.rules]]
events = ["*"]
channel = "a.b"
"##;

    fn keys(text: &str) -> Vec<String> {
        let problems = parse(&format!("{NODE}{text}"), &Defaults::of_paths(Paths::system())).expect_err(text);
        problems.0.into_iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn channels_and_rules_read_back_as_they_are_written() {
        let defaults = Defaults::of_paths(Paths::system());
        let config = parse(&format!("{NODE}{WHOLE}"), &defaults).expect("valid");
        assert_eq!((config.notify.channels.len(), config.notify.rules.len()), (5, 2));
        assert_eq!(parse(&render(&config), &defaults), Ok(config));
    }

    #[test]
    fn every_problem_of_channels_and_rules_is_told_and_no_credential_is_shown() {
        let text = r#"
[notify]
allow_private = ["hooks.internal", "HOST:1"]
colour = "red"
[notify.channels.a]
kind = "pigeon"
[notify.channels.b]
kind = "telegram"
credential = "123:canary"
[notify.channels.c]
kind = "webhook"
url = "http://canary@example.com"
[notify.channels.d]
kind = "email"
to = ["nobody"]
quiet = "late"
[[notify.rules]]
events = []
channel = "nowhere"
where = { planet = "mars", service = "Open AI" }
priority = "high"
repeat_after = "soon"
"#;
        let told = keys(text);
        for key in [
            "notify.allow_private",
            "notify.colour",
            "notify.channels.a.kind",
            "notify.channels.b.credential",
            "notify.channels.b.chat",
            "notify.channels.c.url",
            "notify.channels.d.host",
            "notify.channels.d.from",
            "notify.channels.d.to",
            "notify.channels.d.quiet",
            "notify.rules[0].events",
            "notify.rules[0].channel",
            "notify.rules[0].where.planet",
            "notify.rules[0].where.service",
            "notify.rules[0].priority",
            "notify.rules[0].repeat_after",
        ] {
            assert!(told.iter().any(|it| it == key), "{key} in {told:?}");
        }
        let problems = parse(&format!("{NODE}{text}"), &Defaults::of_paths(Paths::system())).expect_err("refused");
        assert!(!problems.to_string().contains("canary"), "{problems}");
    }
}
