//! In place of what holds each answer against the description of the API: a bench measures the node, and not that.

use super::http::Answer;

pub fn hold(_method: &str, _target: &str, _sent: &str, _answer: &Answer) {}
