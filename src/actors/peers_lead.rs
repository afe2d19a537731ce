//! The `peers` actor of the lead: takes connections and gives each a session of its own. Supervised by `node`; when it
//! dies it binds the port again, and every follower comes back by itself.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};

use super::error::SessionError;
use super::join_desk::JoinDesk;
use super::lead_session;
use super::lead_sessions::LeadSessions;
use super::task::Task;
use crate::model::name::NodeName;
use crate::transport::acceptor::{Acceptor, Incoming};
use crate::transport::close::CloseCode;
use crate::transport::connection::PeerConnection;
use crate::transport::endpoint::Endpoint;
use crate::transport::network::Network;
use crate::transport::tls::LeadTls;

/// How long followers may take to hear that the lead stops. One that does not hear it keeps to a lead that is not there until
/// the silence has lasted long enough, and returns that much later.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// What the actor works with; cloned for each start.
#[derive(Clone)]
pub(super) struct LeadPeersArguments {
    pub(super) listen: SocketAddr,
    pub(super) network: Arc<dyn Network>,
    pub(super) tls: LeadTls,
    pub(super) sessions: Arc<LeadSessions>,
    pub(super) desk: Arc<JoinDesk>,
}

/// Starts the actor; gives the address it is bound to.
pub(super) async fn start(
    arguments: LeadPeersArguments,
    supervisor: ActorCell,
) -> Result<(ActorCell, SocketAddr), ActorProcessingErr> {
    let (endpoint, acceptor) = Endpoint::listening_again(&*arguments.network, arguments.listen, arguments.tls).await?;
    let address = endpoint.local_address()?;
    let arguments = Bound { endpoint, acceptor, sessions: arguments.sessions, desk: arguments.desk };
    let (actor, _) = Actor::spawn_linked(None, Peers, arguments, supervisor).await?;
    Ok((actor.get_cell(), address))
}

struct Bound {
    endpoint: Endpoint,
    acceptor: Acceptor,
    sessions: Arc<LeadSessions>,
    desk: Arc<JoinDesk>,
}

struct Peers;

struct Arrived(Incoming);

struct State {
    endpoint: Endpoint,
    accepting: ActorId,
    members: HashMap<ActorId, (NodeName, Arc<PeerConnection>)>,
    sessions: Arc<LeadSessions>,
    desk: Arc<JoinDesk>,
}

impl Drop for State {
    fn drop(&mut self) {
        self.close();
    }
}

impl Actor for Peers {
    type Msg = Arrived;
    type State = State;
    type Arguments = Bound;

    async fn pre_start(&self, myself: ActorRef<Arrived>, bound: Bound) -> Result<State, ActorProcessingErr> {
        let Bound { endpoint, mut acceptor, sessions, desk } = bound;
        let supervisor = myself.get_cell();
        let work = Box::pin(async move {
            loop {
                myself.cast(Arrived(acceptor.accept().await?))?;
            }
        });
        let (accepting, _) = Actor::spawn_linked(None, Task, work, supervisor).await?;
        Ok(State { endpoint, accepting: accepting.get_id(), members: HashMap::new(), sessions, desk })
    }

    async fn handle(
        &self,
        myself: ActorRef<Arrived>,
        arrived: Arrived,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match arrived.0 {
            Incoming::Member(connection) => state.welcome(Arc::new(connection), myself.get_cell()).await,
            Incoming::Join(connection) => {
                let desk = Arc::clone(&state.desk);
                let work = Box::pin(async move { Ok(desk.serve(connection).await?) });
                Actor::spawn_linked(None, Task, work, myself.get_cell()).await?;
                Ok(())
            }
        }
    }

    /// Sessions end first: that they do now is no news of their followers.
    async fn post_stop(&self, myself: ActorRef<Arrived>, state: &mut State) -> Result<(), ActorProcessingErr> {
        let farewell = async {
            myself.stop_children_and_wait(None, None).await;
            state.close();
            state.endpoint.wait_idle().await;
        };
        match tokio::time::timeout(FAREWELL_MAX, farewell).await {
            Ok(()) => tracing::debug!("the followers were told that the lead stops"),
            Err(_) => tracing::debug!("some follower may not have heard that the lead stops"),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Arrived>,
        event: SupervisionEvent,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        let (cell, reason) = match event {
            SupervisionEvent::ActorTerminated(cell, _, _) => (cell, "it left".to_owned()),
            SupervisionEvent::ActorFailed(cell, error) => (cell, error.to_string()),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => return Ok(()),
        };
        if cell.get_id() == state.accepting {
            return Err(reason.into());
        }
        match state.members.remove(&cell.get_id()) {
            Some((node, _)) => tracing::info!(%node, reason, "a follower's session ended"),
            None => tracing::debug!(reason, "a joiner's connection ended"),
        }
        Ok(())
    }
}

impl State {
    fn close(&self) {
        self.endpoint.close(CloseCode::ShuttingDown, "the lead is stopping");
    }

    /// A session for a member. A node has one: a newer connection takes the older one's place.
    async fn welcome(&mut self, connection: Arc<PeerConnection>, myself: ActorCell) -> Result<(), ActorProcessingErr> {
        let node = connection.identity().node.clone();
        for (_, older) in self.members.values().filter(|(name, _)| *name == node) {
            let superseded = SessionError::Superseded;
            older.close(superseded.close_code(), &superseded.to_string());
        }
        let (served, sessions) = (Arc::clone(&connection), Arc::clone(&self.sessions));
        let work = Box::pin(async move { Ok(lead_session::run(served, sessions).await?) });
        let (session, _) = Actor::spawn_linked(None, Task, work, myself).await?;
        self.members.insert(session.get_id(), (node, connection));
        Ok(())
    }
}
