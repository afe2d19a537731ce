//! The files of `mesh-config/providers`, compiled in. A test compares this list with the directory.

/// A file's name and its text.
macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../mesh-config/providers/", $name)))),+]
    };
}

/// Every file, by name.
pub(super) const FILES: &[(&str, &str)] = files![
    "anthropic.toml",
    "cloudflare.toml",
    "elevenlabs.toml",
    "fal_ai.toml",
    "fireflies.toml",
    "github.toml",
    "gmail.toml",
    "google_ai.toml",
    "google_drive.toml",
    "google_oauth.toml",
    "google_sheets.toml",
    "google_workspace.toml",
    "hubspot.toml",
    "midjourney.toml",
    "openai.toml",
    "replicate.toml",
    "runway.toml",
    "sendgrid.toml",
    "slack.toml",
    "stripe.toml",
    "supabase.toml",
    "telegram.toml",
];
