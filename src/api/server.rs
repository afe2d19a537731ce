//! Both HTTP sockets and the loopback listener, served until the node stops.

use std::sync::Arc;

use tokio::net::{TcpStream, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{Patience, attend};
use super::front::Front;
use super::loopback;
use crate::callers::gate::Gate;
use crate::callers::sockets::HttpSockets;
use crate::model::caller::Door;

/// Serves all of them until `stop`, then finishes what is under way (requests for at most 5 s) and removes the sockets.
pub(super) async fn attend_all(
    sockets: HttpSockets,
    front: Arc<Front>,
    gate: Gate,
    patience: Patience,
    stop: CancellationToken,
) {
    let tasks = TaskTracker::new();
    let local = {
        let (front, stop) = (Arc::clone(&front), stop.clone());
        move |stream: UnixStream, peer, seat| attend(stream, peer, seat, Arc::clone(&front), patience, stop.clone())
    };
    // What programs take at the agent socket must not keep the owner from freezing them.
    let owners = gate.beside();
    let nobody = |stream: TcpStream, peer, seat| attend(stream, peer, seat, Arc::clone(&front), patience, stop.clone());
    let on_loopback = async {
        if let Some(it) = sockets.loopback {
            loopback::accept(it.listener, &gate.seats, &tasks, &stop, nobody).await;
        }
    };
    tokio::join!(
        gate.accept(sockets.agent, Door::Agent, &tasks, &stop, local.clone()),
        owners.accept(sockets.admin, Door::Admin, &tasks, &stop, local),
        on_loopback,
    );
    tasks.close();
    tasks.wait().await;
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::SocketAddr;
    use std::os::fd::OwnedFd;
    use std::path::Path;
    use std::time::Duration;

    use axum::Router;
    use axum::routing::get;
    use tempfile::TempDir;
    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::task::JoinHandle;

    use super::super::front::Guarded;
    use super::super::request_ids::RequestIds;
    use super::super::router;
    use super::super::stage::Stage;
    use super::*;
    use crate::callers::attest::{Credentials, Kernel, Linux, Witness};
    use crate::callers::seats::Limits;
    use crate::callers::sockets::bind;
    use crate::model::time::{Clock, Entropy, EntropyUnavailable, Moment};

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Moment {
            Moment::default()
        }
    }

    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyUnavailable> {
            buffer.fill(7);
            Ok(())
        }
    }

    struct Started {
        home: TempDir,
        loopback: SocketAddr,
        stop: CancellationToken,
        running: JoinHandle<()>,
    }

    async fn start(limits: Limits, patience: Patience) -> Started {
        start_with(limits, patience, Witness::of_machine()).await
    }

    async fn start_with(limits: Limits, patience: Patience, witness: Arc<Witness>) -> Started {
        let home = tempfile::tempdir().expect("directory");
        let sockets = bind(home.path(), None, Some(([127, 0, 0, 1], 0).into())).await.expect("bound");
        let loopback = sockets.http.loopback.as_ref().expect("one was wanted").address;
        let routes = Router::new()
            .route("/health", get("well"))
            .route("/api/secrets", get("a list"))
            .route("/slow", get(std::future::pending::<()>));
        let front = Front {
            stage: Stage::new(router::with_refusals(routes)),
            witness: Arc::clone(&witness),
            clock: Arc::new(Still),
            ids: RequestIds::new(Arc::new(Sevens)),
            patience: Duration::from_millis(50),
            guarded: Some(Guarded::new(loopback)),
        };
        let stop = CancellationToken::new();
        let running =
            tokio::spawn(attend_all(sockets.http, Arc::new(front), Gate::new(witness, limits), patience, stop.clone()));
        Started { home, loopback, stop, running }
    }

    impl Started {
        async fn connect(&self) -> UnixStream {
            UnixStream::connect(self.home.path().join("agent.sock")).await.expect("connected")
        }

        async fn say(&self, text: &str) -> String {
            exchange(self.connect().await, text).await
        }
    }

    async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> String {
        stream.write_all(text.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        // A server that refuses before it has read everything resets the connection after its answer.
        let _end = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).expect("text")
    }

    fn request(method: &str, path: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: aurora\r\nConnection: close\r\n\r\n")
    }

    const REQUEST_ID: &str = "x-request-id: 07070707070707070707070707070707";

    #[tokio::test]
    async fn every_answer_has_a_request_id_and_every_refusal_one_shape() {
        let node = start(Limits::default(), Patience::default()).await;
        let well = node.say(&request("GET", "/health")).await;
        assert!(well.starts_with("HTTP/1.1 200") && well.contains(REQUEST_ID), "{well}");
        let nowhere = node.say(&request("GET", "/api/nothing")).await;
        assert!(nowhere.starts_with("HTTP/1.1 404") && nowhere.contains(REQUEST_ID), "{nowhere}");
        assert!(nowhere.contains(r#"{"error":{"code":"unknown_route","message":""#), "{nowhere}");
        assert!(nowhere.contains(r#""request_id":"07070707070707070707070707070707"}}"#), "{nowhere}");
        let wrong = node.say(&request("PUT", "/api/secrets")).await;
        assert!(wrong.starts_with("HTTP/1.1 405") && wrong.contains("\"wrong_method\""), "{wrong}");
        assert!(wrong.contains("allow: GET,HEAD"), "{wrong}");
    }

    /// A kernel that says who connected, or what its process is, to nobody.
    struct Mute {
        credentials: bool,
    }

    impl Kernel for Mute {
        fn credentials(&self, stream: &UnixStream) -> std::io::Result<Credentials> {
            if self.credentials { Linux.credentials(stream) } else { Err(ErrorKind::InvalidInput.into()) }
        }

        fn pidfd(&self, _stream: &UnixStream) -> std::io::Result<Option<OwnedFd>> {
            Err(nix::errno::Errno::ESRCH.into())
        }
    }

    #[tokio::test]
    async fn when_the_kernel_does_not_say_who_connected_nothing_is_answered_and_it_is_counted() {
        for credentials in [false, true] {
            let witness = Arc::new(Witness::new(Box::new(Mute { credentials }), Path::new("/proc")));
            let node = start_with(Limits::default(), Patience::default(), Arc::clone(&witness)).await;
            for path in ["/health", "/api/secrets"] {
                assert_eq!(node.say(&request("GET", path)).await, "", "{path}");
            }
            assert_eq!(witness.count_unidentified(), 3, "the two, and this one");
        }
    }

    #[tokio::test]
    async fn a_request_that_is_not_answered_in_time_is_given_up() {
        let node = start(Limits::default(), Patience::default()).await;
        let late = node.say(&request("GET", "/slow")).await;
        assert!(late.starts_with("HTTP/1.1 503") && late.contains("\"overloaded\""), "{late}");
        assert!(late.contains("retry-after: 1"), "{late}");
    }

    #[tokio::test]
    async fn when_all_seats_are_taken_only_health_is_answered() {
        let limits = Limits { connections: 2, connections_per_uid: 2 };
        let node = start(limits, Patience::default()).await;
        let (first, second) = (node.connect().await, node.connect().await);
        let well = node.say(&request("GET", "/health")).await;
        assert!(well.starts_with("HTTP/1.1 200"), "{well}");
        let later = node.say(&request("GET", "/api/secrets")).await;
        assert!(later.starts_with("HTTP/1.1 429") && later.contains("\"rate_limited\""), "{later}");
        assert!(later.contains("retry-after: 1") && later.contains("x-ratelimit-remaining: 0"), "{later}");
        let answered = exchange(first, &request("GET", "/api/secrets")).await;
        assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
        drop(second);
    }

    #[tokio::test]
    async fn a_client_that_stalls_is_closed() {
        let short = Patience { header: Duration::from_millis(50), ..Patience::default() };
        let node = start(Limits::default(), short).await;
        assert_eq!(node.say("").await, "", "said nothing");
        let half = node.say("GET /health HTTP/1.1\r\nHost:").await;
        assert!(half.is_empty() || half.starts_with("HTTP/1.1 408"), "said half a header: {half}");
    }

    #[tokio::test]
    async fn a_client_that_stalls_on_loopback_is_closed() {
        let short = Patience { header: Duration::from_millis(50), ..Patience::default() };
        let node = start(Limits::default(), short).await;
        let connect = || async { TcpStream::connect(node.loopback).await.expect("connected") };
        assert_eq!(exchange(connect().await, "").await, "", "said nothing");
        let half = exchange(connect().await, "GET /health HTTP/1.1\r\nHost:").await;
        assert!(half.is_empty() || half.starts_with("HTTP/1.1 408"), "said half a header: {half}");
    }

    #[tokio::test]
    async fn a_header_over_the_limit_is_refused() {
        let node = start(Limits::default(), Patience::default()).await;
        let long = node.say(&format!("GET /health HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(8 << 10))).await;
        assert!(long.starts_with("HTTP/1.1 431"), "{long}");
    }

    #[tokio::test]
    async fn a_stop_closes_idle_connections_and_removes_the_sockets() {
        let node = start(Limits::default(), Patience::default()).await;
        let mut idle = node.connect().await;
        idle.write_all(b"GET /health HTTP/1.1\r\nHost: aurora\r\n\r\n").await.expect("written");
        let mut some = [0; 16];
        idle.read_exact(&mut some).await.expect("answered");
        node.stop.cancel();
        node.running.await.expect("stopped");
        let mut rest = Vec::new();
        idle.read_to_end(&mut rest).await.expect("closed");
        for socket in ["agent.sock", "admin.sock"] {
            assert!(!node.home.path().join(socket).exists(), "{socket}");
        }
    }
}
