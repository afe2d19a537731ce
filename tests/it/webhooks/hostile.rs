//! Receivers that lead elsewhere, prove nothing, or answer without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aurora_mesh::vault::subscriptions::Ended;
use tokio::io::AsyncWriteExt;

use super::{Scene, key};
use crate::support::authority::Shown;
use crate::support::callers::admin;
use crate::support::stage::{Act, Stage};
use crate::support::tls_server::TlsServer;
use crate::support::wait::eventually;

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let scene = Scene::open().await;
    let elsewhere = Stage::open("else", scene.authority.server(Shown::Good, &["http/1.1"])).await;
    scene.subscribe("ci", &scene.url()).await;
    for status in [301, 302, 307, 308] {
        let location = format!("https://localhost:{}/else", elsewhere.port);
        scene.stage.play(Act::answer(status, &[("location", &location)], ""));
        let told = scene.vault().test_subscription(&admin(), key("ci")).await.expect("tried").told;
        assert_eq!(told, status.to_string());
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_receiver_that_does_not_prove_who_it_is_is_sent_nothing() {
    let scene = Scene::open().await;
    scene.subscribe("ci", &scene.url()).await;
    for shown in [Shown::OtherName, Shown::UnknownAuthority, Shown::Impostor, Shown::Expired, Shown::NotYet] {
        scene.stage.show(scene.authority.server(shown, &["h2", "http/1.1"]));
        let told = scene.vault().test_subscription(&admin(), key("ci")).await.expect("tried").told;
        assert!(told.contains("did not prove who it is"), "{shown:?}: {told}");
    }
    assert!(scene.stage.seen().is_empty());
}

#[tokio::test]
async fn a_private_address_is_called_only_where_the_owner_says_so() {
    let scene = Scene::open().await;
    let other = Stage::open("hook", scene.authority.server(Shown::Good, &["http/1.1"])).await;
    for (name, host) in [("name", "localhost"), ("four", "127.0.0.1"), ("six", "[::1]"), ("meta", "169.254.169.254")] {
        scene.subscribe(name, &format!("https://{host}:{}/hook", other.port)).await;
        let told = scene.vault().test_subscription(&admin(), key(name)).await.expect("tried").told;
        assert!(told.contains("nothing was sent"), "{host}: {told}");
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn an_answer_of_a_gigabyte_costs_nothing() {
    const GIGABYTE: usize = 1 << 30;
    let mut scene = Scene::open().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let play = move |mut stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>| {
        let counted = Arc::clone(&counted);
        async move {
            stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {GIGABYTE}\r\n\r\n").as_bytes()).await?;
            let part = vec![b'x'; 64 << 10];
            while counted.load(Ordering::Relaxed) < GIGABYTE {
                stream.write_all(&part).await?;
                counted.fetch_add(part.len(), Ordering::Relaxed);
            }
            Ok(())
        }
    };
    let server = TlsServer::start(scene.authority.server(Shown::Good, &["http/1.1"]), play).await;
    let ports = [server.port];
    scene.allow(&ports).await;
    scene.subscribe("ci", &format!("https://localhost:{}/", server.port)).await;
    for number in 0..8 {
        scene.change(&format!("openai/key{number}")).await;
    }
    eventually("all eight are delivered", || async {
        let ended =
            scene.vault().deliveries_ended(&admin(), Ended::Delivered, Some(key("ci")), 10).await.expect("a list");
        (ended.len() == 8 && scene.line("ci").await.waiting == 0).then_some(())
    })
    .await;
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent < 64 << 20, "{sent} bytes were read of 8 GiB");
}
