//! What runs on a simulated machine: the node, started as on a real one and started again when it becomes unfit, and the
//! clients that knock at its door.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aurora_mesh::crypto::join_token::JoinSecret;
use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::daemon::init::init;
use aurora_mesh::daemon::join::{JoinOptions, WhilePending, join};
use aurora_mesh::daemon::node::RunningNode;
use aurora_mesh::model::caller::{Caller, Door, Shown};
use aurora_mesh::model::freeze::FreezeLevel;
use aurora_mesh::model::identity::Role;
use aurora_mesh::model::name::NodeName;
use aurora_mesh::model::patch::Patch;
use aurora_mesh::model::secret::{Scope, SecretName};
use aurora_mesh::vault::answer::{ReadOutcome, Stored};
use aurora_mesh::vault::answer_freezes::FreezeRequest;
use aurora_mesh::vault::error::VaultError;
use aurora_mesh::vault::parts::Vault;
use aurora_mesh::vault::request::{
    Context, Place, PutRequest, ReadRequest, RotationRequest, RotationWish, TokenRequest,
};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::machine::Machine;
use crate::told::{Answer, Ask, Given, State, TokenText, What};

/// Between two looks at a node.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What a service manager waits before it starts a node again.
const START_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The life of a machine from the moment it is switched on; it ends with a crash only.
pub async fn live(machine: Rc<Machine>) -> turmoil::Result {
    loop {
        if machine.is_member() {
            serve(&machine).await;
        } else {
            become_member(&machine).await;
        }
    }
}

/// Makes the mesh, or joins it when somebody brings a token.
async fn become_member(machine: &Rc<Machine>) {
    let config = machine.config.borrow().clone();
    if config.node.role == Role::Lead {
        init(&config, &machine.config_file(), None, &machine.seams).await.expect("a new mesh");
        return;
    }
    let (id, ask) = machine.asked().await;
    let Ask::Join(token) = ask else { return machine.tell(What::Answer(id, Answer::Refused("no_node"))) };
    let token = JoinSecret::parse(&token.0).expect("a token");
    let lead = config.mesh.leads.first().cloned();
    let options =
        JoinOptions { template: config, config_file: machine.config_file(), lead, pending: WhilePending::Wait };
    match join(&token, &options, None, &machine.seams).await {
        Ok(config) => drop(machine.config.replace(config)),
        Err(error) => {
            let reason = format!("{error:#}");
            // A lead that was not reached may be later, with the same token; one that refused it wants another.
            let code = if reason.starts_with("no lead could be reached") { "no_lead" } else { "token" };
            machine.tell(What::NotStarted(reason));
            sleep(START_AGAIN_AFTER).await;
            return machine.tell(What::Answer(id, Answer::Refused(code)));
        }
    }
    machine.tell(What::Answer(id, Answer::Joined));
}

/// Runs the node until it is unfit.
async fn serve(machine: &Rc<Machine>) {
    let config = machine.config.borrow().clone();
    let mut node = match RunningNode::start(&config, None, &machine.seams).await {
        Ok(node) => node,
        Err(error) => {
            machine.tell(What::NotStarted(format!("{error:#}")));
            return sleep(START_AGAIN_AFTER).await;
        }
    };
    let vault = node.vault().clone();
    let mut clients = JoinSet::new();
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let reason = loop {
        tokio::select! {
            biased;
            reason = node.unfit() => break reason,
            (id, ask) = machine.asked() => {
                let (machine, vault) = (Rc::clone(machine), vault.clone());
                clients.spawn_local(async move {
                    let answer = answer(&vault, id, ask).await.unwrap_or_else(|error| Answer::Refused(error.code()));
                    machine.tell(What::Answer(id, answer));
                });
            }
            _ = looks.tick() => {
                let health = vault.health();
                let state = State { epoch: health.epoch, revision: health.revision, freshness: health.freshness };
                machine.tell(What::State(state));
            }
        }
    };
    machine.tell(What::Unfit(reason));
    clients.shutdown().await;
    drop(vault);
    node.stop().await;
    sleep(START_AGAIN_AFTER).await;
}

async fn answer(vault: &Vault, id: u64, ask: Ask) -> Result<Answer, VaultError> {
    let admin = &caller(Door::Admin, id);
    match ask {
        Ask::Put { name, scope, value } => {
            let value = Plaintext::new(value.into_bytes());
            let put = PutRequest { place: place(name, scope), value, patch: Patch::default(), cas: None };
            vault.put(admin, put).await.map(|made| stored(&made))
        }
        Ask::Delete { name, scope } => vault.delete(admin, place(name, scope)).await.map(|made| stored(&made)),
        Ask::Undelete { name, scope } => vault.undelete(admin, place(name, scope)).await.map(|made| stored(&made)),
        Ask::Read { name } => read(vault, id, name).await,
        Ask::Ban(node) => Ok(Answer::Changed(vault.ban(admin, node, "by chance".to_owned()).await?.revision)),
        Ask::Remove(node) => Ok(Answer::Changed(vault.remove(admin, node, None).await?.revision)),
        Ask::Rotate => {
            let ask = RotationRequest { wish: RotationWish::All { environment: None }, reason: None };
            Ok(Answer::Rotating(vault.rotate_keys(admin, ask).await?.len()))
        }
        Ask::Freeze(target) => {
            let ask = FreezeRequest { target, level: FreezeLevel::Read, reason: "by chance".to_owned() };
            vault.freeze(admin, ask).await.map(|frozen| Answer::Changed(frozen.revision))
        }
        Ask::Unfreeze(target) => Ok(Answer::Changed(vault.unfreeze(admin, target, None).await?)),
        Ask::Token(node, entitlement) => {
            let ask = TokenRequest { node, entitlement, approve: false, valid_for: None };
            let issued = vault.issue_token(admin, ask).await?;
            let text = String::from_utf8(issued.text.expose().to_vec()).expect("text");
            Ok(Answer::Token(TokenText(text)))
        }
        Ask::Join(_) => Ok(Answer::Joined),
    }
}

fn stored(made: &Stored) -> Answer {
    Answer::Stored { version: made.version, revision: made.revision }
}

/// Reads as a program on the machine does, and asks again at the moment of writing, as the socket would.
async fn read(vault: &Vault, id: u64, name: SecretName) -> Result<Answer, VaultError> {
    let ask = ReadRequest {
        name,
        context: Context::default(),
        scope: None,
        version: None,
        field: None,
        refresh: false,
        known: None,
    };
    let ReadOutcome::Value(answer) = vault.read(&caller(Door::Agent, id), ask).await? else {
        return Ok(Answer::Refused("not_modified"));
    };
    vault.confirm(&answer)?;
    Ok(Answer::Given(Given {
        at: answer.record.at.clone(),
        version: answer.record.version,
        revision: answer.record.revision,
        value: String::from_utf8(answer.value.expose().to_vec()).expect("text"),
        served: answer.freshness.served,
        age: answer.freshness.age,
    }))
}

/// The owner of the machine. The number of the question is that of the request, so that its line of the journal is found.
fn caller(door: Door, id: u64) -> Caller {
    Caller {
        door,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        groups: [].into(),
        pid: None,
        attested: Arc::default(),
        shown: Shown::default(),
        request_id: format!("sim-{id}").into(),
    }
}

fn place(name: SecretName, scope: Scope) -> Place {
    Place { name, scope, environment: None, node: None::<NodeName>, reason: None }
}
