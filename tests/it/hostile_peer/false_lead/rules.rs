//! Rules from a false lead, or from one that says one thing at a time: what a follower makes of them.

use aurora_mesh::model::article::{Article, Edit};
use aurora_mesh::model::grant::Effect;
use aurora_mesh::transport::close::CloseCode;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::wire::article::ArticleIdFrame;
use aurora_mesh::wire::rules::{ArticleFrame, Articles, FromFollower, RulesHeld};

use super::trap::{FalseLead, Session, Trap};
use crate::rulebook::stage::{drop_grant, edit, freeze, grant, held, only};
use crate::support::callers::read;

/// Where the rules of the follower stand, and one message beyond it.
fn beyond(session: &Session, edits: Vec<ArticleFrame>) -> Articles {
    let at = session.follows.position().expect("it has rules");
    let (epoch, previous) = (at.epoch.get(), at.revision.get());
    Articles { epoch, previous, revision: previous + 1, whole: false, more: false, articles: edits }
}

fn put(article: &Article) -> ArticleFrame {
    ArticleFrame::put(article).expect("encodes")
}

#[tokio::test]
async fn rules_that_do_not_follow_on_or_do_not_read_end_the_session() {
    let mut trap = Trap::set().await;
    trap.lure_home().await;
    let before = held(&trap.victim);
    trap.victim.stop().await;
    type Spoil = fn(Articles) -> Articles;
    let other =
        ArticleFrame { id: ArticleIdFrame::from(&freeze("agent:openclaw").id()), body: put(&freeze("mesh")).body };
    let unreadable = ArticleFrame { body: Some(vec![1, 9, 9]), ..put(&freeze("mesh")) };
    let cases: Vec<(Vec<ArticleFrame>, Spoil, &str)> = vec![
        (
            vec![],
            |next| Articles { previous: next.previous + 5, revision: next.revision + 5, ..next },
            "follows revision",
        ),
        (vec![], |next| Articles { revision: next.previous, ..next }, "was set back"),
        (vec![], |next| Articles { epoch: next.epoch - 1, ..next }, "are of epoch"),
        (vec![], |next| Articles { epoch: next.epoch + 1, ..next }, "came before the rules"),
        (vec![], |next| Articles { epoch: next.epoch - 1, whole: true, ..next }, "are of epoch"),
        (vec![], |next| Articles { revision: next.previous - 1, whole: true, ..next }, "was set back"),
        (
            vec![ArticleFrame::gone(&freeze("mesh").id())],
            |next| Articles { whole: true, ..next },
            "do not belong together",
        ),
        (vec![other], |next| next, "contradicts another field"),
        (vec![unreadable], |next| next, "does not know what it stands for"),
    ];
    for (edits, spoil, why) in cases {
        let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
        trap.lure(false_lead.address()).await;
        let mut session = false_lead.session().await;
        let spoilt = spoil(beyond(&session, edits));
        session.rule(spoilt).await;
        session.ends(CloseCode::ProtocolViolation, why).await;
        assert_eq!(held(&trap.victim), before, "{why}");
        trap.victim.stop().await;
    }
    trap.nothing_was_changed().await;
}

/// Rules come before records. A deny that is over may be about a value that the records to come take away.
#[tokio::test]
async fn a_deny_that_is_lifted_holds_until_the_records_are_as_new_as_the_rules() {
    let mut trap = Trap::set().await;
    let deny = grant("deny", "owner", Effect::Deny, only("hubspot/api_key"));
    trap.lure_home().await;
    let denied = edit(&trap.mesh, vec![Edit::Put(deny)]).await;
    trap.victim.reaches(denied).await;
    trap.victim.stop().await;
    let mut false_lead = FalseLead::with_the_real_key(&trap.forge);
    trap.lure(false_lead.address()).await;
    let at = trap.position();
    let mut session = false_lead.session().await;
    let Edit::Drop(gone) = drop_grant("deny") else { panic!("a drop") };
    let lifted = beyond(&session, vec![ArticleFrame::gone(&gone)]);
    let lifted = Articles { revision: at.revision + 1, ..lifted };
    session.rule(lifted.clone()).await;
    let FromFollower::RulesHeld(taken) = session.rules.1.expect().await.expect("taken in") else {
        panic!("asked again")
    };
    assert_eq!(taken, RulesHeld { epoch: lifted.epoch, revision: lifted.revision });
    let refused = trap.victim.value(read("hubspot/api_key", None)).await;
    assert!(matches!(refused, Err(VaultError::Denied { .. })), "{refused:?}");
    session.send(at.change(at.revision, at.revision + 1, vec![])).await;
    trap.victim.reaches(aurora_mesh::model::number::Revision(at.revision + 1)).await;
    assert_eq!(trap.victim.value(read("hubspot/api_key", None)).await.expect("granted again"), "second");
}
