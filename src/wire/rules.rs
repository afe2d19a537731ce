//! The rules stream: the articles of the rulebook that concern a follower, then every change of them.
//!
//! The lead filters and narrows before it sends. Articles that belong together come in one message or several, of which
//! only the last says that nothing more follows; a follower takes them in together or not at all, and says so. No record
//! that is newer than an article is sent to it before that.

use crate::model::article::{Article, ArticleId, Edit};
use crate::model::number::{Epoch, Position, Revision};

use super::article::{self, ARTICLE_BYTES_MAX, ArticleIdFrame};
use super::error::{FieldRule, WireError};

/// "I stand here: send me what changed since, and what will."
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct FollowRules {
    /// The epoch of the follower's rulebook.
    pub epoch: u64,
    /// Its revision.
    pub revision: u64,
    /// Whether it has one; without, it asks for all of it.
    pub known: bool,
}

impl FollowRules {
    /// Asks from a position, or for everything.
    #[must_use]
    pub fn from(at: Option<Position>) -> Self {
        let position = at.unwrap_or_default();
        Self { epoch: position.epoch.get(), revision: position.revision.get(), known: at.is_some() }
    }

    /// Where the follower stands, if it has a rulebook.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.known.then_some(Position { epoch: Epoch(self.epoch), revision: Revision(self.revision) })
    }
}

/// "The rules up to here are on my disk, and in force."
#[derive(Debug, Clone, Copy, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct RulesHeld {
    /// The epoch.
    pub epoch: u64,
    /// The revision.
    pub revision: u64,
}

impl RulesHeld {
    /// The position it names.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { epoch: Epoch(self.epoch), revision: Revision(self.revision) }
    }
}

/// One article as this node may hold it, or that it holds it no more.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct ArticleFrame {
    /// Which.
    pub id: ArticleIdFrame,
    /// Its bytes; none if the node has it no more.
    pub body: Option<Vec<u8>>,
}

impl ArticleFrame {
    /// An article that the node shall hold.
    ///
    /// # Errors
    /// As [`article::encode`].
    pub fn put(article: &Article) -> Result<Self, WireError> {
        Ok(Self { id: ArticleIdFrame::from(&article.id()), body: Some(article::encode(article)?) })
    }

    /// An article that the node holds no more, or never held.
    #[must_use]
    pub fn gone(id: &ArticleId) -> Self {
        Self { id: ArticleIdFrame::from(id), body: None }
    }

    /// Its bytes on the wire, or a few more.
    #[must_use]
    pub fn payload_bytes(&self) -> usize {
        /// Numbers, lengths and the kind.
        const OVERHEAD: usize = 32;
        self.id.name.len() + self.id.key.len() + self.body.as_ref().map_or(0, Vec::len) + OVERHEAD
    }
}

impl TryFrom<ArticleFrame> for Edit {
    type Error = WireError;

    fn try_from(frame: ArticleFrame) -> Result<Self, WireError> {
        let id = ArticleId::try_from(frame.id)?;
        let Some(body) = frame.body else { return Ok(Self::Drop(id)) };
        if body.len() > ARTICLE_BYTES_MAX {
            return Err(WireError::Field { field: "article", rule: FieldRule::TooMany(ARTICLE_BYTES_MAX) });
        }
        let article = article::decode(&body)?;
        if article.id() != id {
            return Err(WireError::Field { field: "article", rule: FieldRule::Contradiction });
        }
        Ok(Self::Put(article))
    }
}

/// Articles that changed for this node, or all that it holds from now on.
#[derive(Debug, Clone, PartialEq, Eq, bincode::Encode, bincode::Decode)]
pub struct Articles {
    /// The lead's reign.
    pub epoch: u64,
    /// Where the follower must stand; without meaning in a whole rulebook.
    pub previous: u64,
    /// Where it stands afterwards.
    pub revision: u64,
    /// Whether these replace everything the node holds.
    pub whole: bool,
    /// Whether more of them follow, with the same numbers.
    pub more: bool,
    /// The articles.
    pub articles: Vec<ArticleFrame>,
}

impl Articles {
    /// The position after it.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { epoch: Epoch(self.epoch), revision: Revision(self.revision) }
    }
}

frames! {
    /// What a follower says on the rules stream.
    pub enum FromFollower, at most FRAME_BYTES_MAX {
        /// First.
        801 => FollowRules,
        /// After each commit of its own.
        802 => RulesHeld,
    }
}

frames! {
    /// What the lead says on the rules stream.
    pub enum FromLead, at most FRAME_BYTES_MAX {
        /// Articles.
        901 => Articles,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{golden, survives_anything};
    use super::*;
    use crate::model::freeze::{Freeze, FreezeLevel, FreezeTarget};
    use crate::model::time::Timestamp;

    fn freeze() -> Article {
        Article::Freeze(Freeze {
            target: FreezeTarget::Mesh,
            level: FreezeLevel::All,
            reason: "drill".to_owned(),
            frozen_by: "admin".to_owned(),
            frozen_at: Timestamp(7),
        })
    }

    fn articles() -> Articles {
        let articles = vec![ArticleFrame::put(&freeze()).expect("encoded"), ArticleFrame::gone(&freeze().id())];
        Articles { epoch: 1, previous: 299, revision: 300, whole: false, more: true, articles }
    }

    #[test]
    fn the_frames_of_the_rules_stream_have_the_bytes_they_always_had() {
        let at = Position { epoch: Epoch(1), revision: Revision(300) };
        golden(&FromFollower::from(FollowRules::from(Some(at))), "0000000801032101fb2c0101");
        golden(&FromFollower::from(FollowRules::from(None)), "00000006010321000000");
        golden(&FromFollower::from(RulesHeld { epoch: 1, revision: 300 }), "0000000701032201fb2c01");
        golden(
            &FromLead::from(articles()),
            "0000003301038501fb2b01fb2c0100010204046d6573680001150104046d65736803056472696c6c0561646d696e0e04046d6573680000",
        );
    }

    #[test]
    fn no_bytes_make_the_rules_stream_panic() {
        survives_anything(&FromFollower::from(RulesHeld { epoch: 1, revision: 300 }));
        survives_anything(&FromLead::from(articles()));
    }

    #[test]
    fn an_article_under_the_name_of_another_or_too_long_is_refused() {
        let frame = ArticleFrame::put(&freeze()).expect("encoded");
        assert_eq!(Edit::try_from(frame.clone()).expect("reads"), Edit::Put(freeze()));
        let other = ArticleIdFrame { name: "agent:openclaw".to_owned(), ..frame.id.clone() };
        let refusal = Edit::try_from(ArticleFrame { id: other, ..frame.clone() }).expect_err("another's name");
        assert!(matches!(refusal, WireError::Field { rule: FieldRule::Contradiction, .. }), "{refusal}");
        let long = ArticleFrame { body: Some(vec![1; ARTICLE_BYTES_MAX + 1]), ..frame };
        assert!(matches!(Edit::try_from(long), Err(WireError::Field { rule: FieldRule::TooMany(_), .. })));
    }
}
