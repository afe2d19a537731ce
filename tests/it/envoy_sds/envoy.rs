//! The real Envoy, as PyPI has it: it puts the key into requests that came without, and goes on with the next one.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aurora_mesh::model::article::Edit;
use aurora_mesh::model::grant::Effect;
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;
use tokio::process::{Child, Command};

use crate::rulebook::stage::{edit, grant, only};
use crate::support::callers::{admin, put};
use crate::support::mesh::TestMesh;
use crate::support::wait::eventually;
use crate::support::{clients, http};

/// An upstream that notes the `x-api-key` of each request.
fn upstream(socket: &Path) -> Arc<Mutex<Vec<String>>> {
    let listener = UnixListener::bind(socket).expect("bound");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let noted = Arc::clone(&noted);
            let service = service_fn(move |request: Request<Incoming>| {
                let key = request.headers().get("x-api-key").map_or("", |key| key.to_str().expect("text")).to_owned();
                noted.lock().expect("not poisoned").push(key);
                async { Ok::<_, std::convert::Infallible>(Response::new(Empty::<Bytes>::new())) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    seen
}

/// One listener for each name, which puts that secret into `x-api-key`.
fn configuration(dir: &Path, workload: &Path, names: &[(&str, &str)]) -> String {
    let listener = |(socket, secret): &(&str, &str)| {
        serde_json::json!({
            "name": socket,
            "address": {"pipe": {"path": dir.join(socket)}},
            "filter_chains": [{"filters": [{
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    "stat_prefix": socket,
                    "route_config": {"virtual_hosts": [{
                        "name": "all", "domains": ["*"],
                        "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}],
                    }]},
                    "http_filters": [
                        {"name": "envoy.filters.http.credential_injector", "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.credential_injector.v3.CredentialInjector",
                            "overwrite": true,
                            "credential": {"name": "envoy.http.injected_credentials.generic", "typed_config": {
                                "@type": "type.googleapis.com/envoy.extensions.http.injected_credentials.generic.v3.Generic",
                                "header": "x-api-key",
                                "credential": {"name": secret, "sds_config": {
                                    "resource_api_version": "V3",
                                    "initial_fetch_timeout": "2s",
                                    "api_config_source": {
                                        "api_type": "GRPC", "transport_api_version": "V3",
                                        "grpc_services": [{"envoy_grpc": {"cluster_name": "aurora"}}],
                                    },
                                }},
                            }},
                        }},
                        {"name": "envoy.filters.http.router", "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                        }},
                    ],
                },
            }]}],
        })
    };
    let pipe = |name: &str, path: &Path| {
        serde_json::json!({
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": path}}}}]}],
        })
    };
    let two = serde_json::json!({
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        },
    });
    let config = serde_json::json!({
        "node": {"id": "test", "cluster": "test"},
        "static_resources": {
            "listeners": names.iter().map(listener).collect::<Vec<_>>(),
            "clusters": [
                {"name": "aurora", "type": "STATIC", "typed_extension_protocol_options": two,
                 "load_assignment": pipe("aurora", workload)},
                {"name": "upstream", "type": "STATIC", "load_assignment": pipe("upstream", &dir.join("upstream.sock"))},
            ],
        },
    });
    config.to_string()
}

fn start(program: &Path, config: &Path) -> Child {
    let mut command = Command::new(program);
    command.arg("-c").arg(config).args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]);
    let log = std::fs::File::create(config.with_extension("log")).expect("a log");
    command.stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn().expect("Envoy starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_puts_the_key_into_requests_then_the_rotated_one_and_never_gets_a_denied_one() {
    let Some(program) = clients::python_program("envoy") else { return };
    let mesh = TestMesh::start().await;
    let dir = mesh.dir.path();
    mesh.put(put("openai/api_key", "global", "not-a-real-key-1")).await;
    mesh.put(put("stripe/api_key", "global", "not-a-real-key-for-envoy")).await;
    edit(&mesh, vec![Edit::Put(grant("shut", "owner", Effect::Deny, only("stripe/*")))]).await;
    let seen = upstream(&dir.join("upstream.sock"));
    let config = dir.join("envoy.json");
    let names = [("allowed.sock", "openai/api_key"), ("denied.sock", "stripe/api_key")];
    std::fs::write(&config, configuration(dir, &mesh.lead.workload_socket(), &names)).expect("written");
    let mut envoy = start(&program, &config);

    let log = || std::fs::read_to_string(config.with_extension("log")).unwrap_or_default();
    let (allowed, denied) = (dir.join("allowed.sock"), dir.join("denied.sock"));
    eventually("both listeners are there", || async { (allowed.exists() && denied.exists()).then_some(()) }).await;
    let last = |wanted: &'static str| {
        let (allowed, seen) = (allowed.clone(), Arc::clone(&seen));
        move || {
            let (allowed, seen) = (allowed.clone(), Arc::clone(&seen));
            async move {
                // Envoy has its sockets before it listens on them.
                let answer = http::try_ask(&allowed, "GET", "/v1/models", &[], "").await?;
                let last = seen.lock().expect("not poisoned").last().cloned();
                (answer.status == 200 && last.as_deref() == Some(wanted)).then_some(())
            }
        }
    };
    eventually("the upstream gets the key", last("not-a-real-key-1")).await;
    mesh.put(put("openai/api_key", "global", "not-a-real-key-2")).await;
    eventually("the upstream gets the rotated key", last("not-a-real-key-2")).await;

    let count = seen.lock().expect("not poisoned").len();
    let refused = http::get(&denied, "/v1/charges").await;
    assert_eq!(refused.status, 401, "Envoy has no key to send, and sends nothing");
    assert_eq!(seen.lock().expect("not poisoned").len(), count);
    assert!(!log().contains("not-a-real-key"), "{}", log());
    let lines = mesh.lead.vault().audit_tail(&admin(), 50).await.expect("the owner may read the journal");
    assert!(lines.iter().any(|line| line.contains(r#""rule":"shut""#) && line.contains("stripe/api_key")));
    let ended = tokio::time::timeout(Duration::from_secs(20), envoy.kill()).await;
    ended.expect("in time").expect("killed");
}
