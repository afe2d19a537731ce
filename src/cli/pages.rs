//! A list page by page: no more of it is in memory than one page, however long it is.

use super::client::Client;
use super::error::CliError;
use super::question::Question;
use super::views_record::ListView;

/// Lines asked for at once: the most a node gives.
const PAGE_LINES: usize = 1000;

/// A list that is being followed.
pub(super) struct Pages {
    client: Client,
    target: String,
    left: usize,
    cursor: Option<String>,
    ended: bool,
}

impl Pages {
    /// At most so many lines of what is asked for at this path, with its query.
    pub(super) fn new(client: Client, target: String, lines_max: usize) -> Self {
        Self { client, target, left: lines_max, cursor: None, ended: lines_max == 0 }
    }

    /// The next page, which may be empty though more follow; `None` after the last.
    ///
    /// # Errors
    /// [`CliError`].
    pub(super) async fn next(&mut self) -> Result<Option<ListView>, CliError> {
        if self.ended {
            return Ok(None);
        }
        let lines = self.left.min(PAGE_LINES).to_string();
        let question =
            Question::get(self.target.as_str()).with("limit", Some(&lines)).with("cursor", self.cursor.as_deref());
        let page: ListView = self.client.ask(question).await?;
        self.left = self.left.saturating_sub(page.secrets.len());
        // A node that gives the same cursor again would keep us here for ever.
        self.ended = self.left == 0 || page.next_cursor.is_none() || page.next_cursor == self.cursor;
        self.cursor.clone_from(&page.next_cursor);
        Ok(Some(page))
    }
}
