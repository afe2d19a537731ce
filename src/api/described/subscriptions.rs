//! Who is told of what happens, what became of it, and messages to people.

use super::operation::{Operation, delete, get, post};
use super::words::{NAME, NODE, Word, word};
use crate::api::types_subscriptions::{
    DoneView, EndedQuery, EndedView, NotifiedView, NotifyBody, ReplayBody, ReplayedView, SubscribeBody, SubscribedView,
    SubscriptionsView, TestedView,
};

/// Why.
const WHY: &[&str] = &["X-Aurora-Reason"];

const NO_SUCH: &str = "`not_found`: there is no such subscription.";
const NOT_LEAD: &str = "`not_lead`: subscriptions are on the lead.";

/// The routes.
pub(super) fn operations() -> Vec<Operation> {
    of_subscriptions().into_iter().chain(of_one()).chain(of_messages()).collect()
}

fn of_subscriptions() -> [Operation; 3] {
    [
        get("/api/subscriptions", "listSubscriptions", "Who is told of what, and how that goes")
            .about("On the lead, for whoever has `event_subscribe` without bounds; so are all routes of subscriptions.")
            .answers::<SubscriptionsView>("Every subscription.")
            .refuses(409, NOT_LEAD),
        post("/api/subscriptions", "subscribe", "Have events sent somewhere")
            .about(
                "To one of `webhook`, a receiver that is sent the JSON of each event, signed as Standard Webhooks \
                 says, and `channel`, which tells people. The signing secret is stored as `webhooks/NAME` in the scope \
                 of the lead alone, which the caller must be allowed to. Each event comes at least once, in no \
                 promised order, and is tried for 24 hours.",
            )
            .reads(WHY)
            .takes::<SubscribeBody>()
            .answers::<SubscribedView>(
                "The subscription; for a webhook with its signing secret, which is shown this once.",
            )
            .refuses(404, "`not_found`: the lead has no such channel.")
            .refuses(409, "`already_exists`; `too_many`: there are 1000; `not_lead`."),
        delete("/api/subscriptions/{name}", "unsubscribe", "End a subscription")
            .about("What waits for it goes, and its signing secret is deleted.")
            .reads(WHY)
            .answers::<DoneView<'_>>("It is gone.")
            .refuses(404, NO_SUCH)
            .refuses(409, NOT_LEAD),
    ]
}

fn of_one() -> [Operation; 5] {
    [
        post("/api/subscriptions/{name}/pause", "pauseSubscription", "Let everything wait")
            .about("What has waited for a day is a dead letter.")
            .reads(WHY)
            .answers::<DoneView<'_>>("It is paused.")
            .refuses(404, NO_SUCH)
            .refuses(409, NOT_LEAD),
        post("/api/subscriptions/{name}/resume", "resumeSubscription", "Let it go on")
            .about("One that was disabled, because its receiver answered 410, goes on with what comes from now on.")
            .reads(WHY)
            .answers::<DoneView<'_>>("It is active.")
            .refuses(404, NO_SUCH)
            .refuses(409, NOT_LEAD),
        post("/api/subscriptions/{name}/rotate", "rotateSubscription", "Give a webhook a new signing secret")
            .about("The one before signs too for 24 hours.")
            .reads(WHY)
            .answers::<SubscribedView>("The subscription, with the new secret, which is shown this once.")
            .refuses(
                400,
                "`bad_value`: it is told through a channel, which has no signing secret; or any other bad request.",
            )
            .refuses(404, NO_SUCH)
            .refuses(409, NOT_LEAD),
        post("/api/subscriptions/{name}/test", "testSubscription", "Send it a sign of life")
            .about("Once, past whatever waits; the answer is 200 also if the receiver did not take it.")
            .answers::<TestedView<'_>>("What came of it.")
            .refuses(404, NO_SUCH)
            .refuses(409, "`not_active`: it is paused or disabled; `not_lead`."),
        post("/api/subscriptions/{name}/replay", "replaySubscription", "Send again")
            .about(
                "With `since` what it wanted since then, with `id` that one event, of what the history holds and of \
                 its dead letters; without either its dead letters. At most 10,000 at once.",
            )
            .may_take::<ReplayBody>()
            .answers::<ReplayedView<'_>>("How many are sent again.")
            .refuses(404, NO_SUCH)
            .refuses(409, NOT_LEAD),
    ]
}

fn of_messages() -> [Operation; 3] {
    [
        get("/api/deliveries", "listDeliveries", "What was delivered, the newest first")
            .about("To subscribers and channels of this node; for whoever has `event_subscribe` without bounds.")
            .query::<EndedQuery>()
            .answers::<EndedView>("The last 10,000 are kept."),
        get("/api/dead-letters", "listDeadLetters", "What could not be delivered, the newest first")
            .about("To subscribers and channels of this node; for whoever has `event_subscribe` without bounds.")
            .query::<EndedQuery>()
            .answers::<EndedView>("The last 10,000 are kept."),
        post("/notify", "notify", "Tell people something")
            .about(
                "Through a channel of this node, for whoever has `event_publish`; at most 30 in a minute. What is not \
                 taken within 5 seconds is queued, and tried for 24 hours.",
            )
            .takes::<NotifyBody>()
            .answers::<NotifiedView>("It was delivered, or will be.")
            .refuses(404, "`not_found`: this node has no such channel.")
            .refuses(429, "`rate_limited`: the caller sent 30 messages in the last minute; or any other limit."),
    ]
}

const CALLED: &str = "What the subscription is called.";
const SERVICE: &str = "Only events about this service.";
const SCOPE: &str = "Only events about a secret of this scope: `global`, `company:ID` or `node:NAME`.";
const COMPANY: &str = "Only events of this company.";
const ENVIRONMENT: &str = "Only events of this environment.";
const OF_NODE: &str = "Only events that this node tells, or that are about it.";
const STATE: &str = "Whether anything is sent; `disabled` by a receiver that answered 410.";
const STATES: &[&str] = &["active", "paused", "disabled"];

/// Names of this family.
pub(super) const WORDS: &[Word] = &[
    word("subscriptions/{name}", CALLED).pattern(NAME),
    word("types", "Of which types: such as `secret.updated`, `secret.*` or `*`, at most 32; of all if there is none."),
    word("webhook", "The https URL that events are sent to, if they go to a webhook."),
    word("channel", "The channel by which people are told, one of those in the node's configuration.").pattern(NAME),
    word("made_by", "Who made it."),
    word("made_at", "When it was made.").time(),
    word("SubscribeBody.name", "What it is to be called.").pattern(NAME),
    word("SubscribeBody.service", SERVICE).pattern(NAME),
    word("SubscribeBody.scope", SCOPE),
    word("SubscribeBody.company", COMPANY).pattern(NAME),
    word("SubscribeBody.environment", ENVIRONMENT).pattern(NAME),
    word("SubscribeBody.node", OF_NODE).pattern(NODE),
    word("SubscribedView.name", CALLED).pattern(NAME),
    word("SubscribedView.service", SERVICE).pattern(NAME),
    word("SubscribedView.scope", SCOPE),
    word("SubscribedView.company", COMPANY).pattern(NAME),
    word("SubscribedView.environment", ENVIRONMENT).pattern(NAME),
    word("SubscribedView.node", OF_NODE).pattern(NODE),
    word("SubscribedView.state", STATE).one_of(STATES),
    word("SubscribedView.signing_secret", "What messages to the webhook are signed with; shown this once."),
    word("SubscribedView.previous_until", "Until when the secret before it signs too.").time(),
    word("SubscriptionLine.name", CALLED).pattern(NAME),
    word("SubscriptionLine.service", SERVICE).pattern(NAME),
    word("SubscriptionLine.scope", SCOPE),
    word("SubscriptionLine.company", COMPANY).pattern(NAME),
    word("SubscriptionLine.environment", ENVIRONMENT).pattern(NAME),
    word("SubscriptionLine.node", OF_NODE).pattern(NODE),
    word("SubscriptionLine.state", STATE).one_of(STATES),
    word("SubscriptionLine.waiting", "How many messages wait for it."),
    word("SubscriptionLine.dead", "How many messages could not be delivered to it, and are kept."),
    word("SubscriptionLine.last_delivered", "When something was delivered to it last.").time(),
    word("SubscriptionLine.failing", "What came of the last attempt, if the message that has waited longest failed."),
    word("SubscriptionLine.next_attempt", "When that message is tried again.").time(),
    word("SubscriptionsView.subscriptions", "The subscriptions, by name."),
    word("DoneView.name", CALLED).pattern(NAME),
    word("TestedView.success", "Whether the receiver took it."),
    word("TestedView.name", CALLED).pattern(NAME),
    word("TestedView.answer", "The code it answered with, or why there was no answer."),
    word("ReplayBody.since", "From when on; a time.").time(),
    word("ReplayBody.id", "The id of one event, `evt_…`."),
    word("ReplayedView.name", CALLED).pattern(NAME),
    word("ReplayedView.events", "How many messages are sent again."),
    word("EndedQuery.name", "Only what was for this subscription.").pattern(NAME),
    word("EndedQuery.limit", "How many to answer at most; 100 if it is left out.").number(1, 1000),
    word("EndedView.deliveries", "The messages, the newest first."),
    word("EndedLine.id", "The id of the event, by which a receiver knows one that comes twice."),
    word("EndedLine.type", "The type of the event, or `notify.message` and the like for messages that are none."),
    word("EndedLine.subscription", "The subscription it was for; nothing if it was for a channel.").pattern(NAME),
    word("EndedLine.channel", "The channel it was for; nothing if it was for a subscription.").pattern(NAME),
    word("EndedLine.happened_at", "When it happened; of what was sent again, when that was asked for.").time(),
    word("EndedLine.ended_at", "When it was delivered, or given up.").time(),
    word("EndedLine.attempts", "How often it was tried."),
    word("EndedLine.answer", "The code of the last answer, or why there was none."),
    word("NotifyBody.message", "What to tell: 1 to 2000 bytes, no control characters but line breaks."),
    word("NotifyBody.priority", "`urgent` is told in quiet hours too; `normal` if it is left out.")
        .one_of(&["normal", "urgent"]),
    word("NotifiedView.delivered", "Whether it was taken."),
    word("NotifiedView.queued", "Whether it is still to be delivered."),
    word("NotifiedView.last_answer", "What came of the last attempt, if it failed."),
];
