//! Traces of requests to an OpenTelemetry collector on this machine (OTLP 1, protobuf over HTTP), which sends them on.
//!
//! A span says what was asked, what was decided and how long it took; it names no secret, caller or company. Spans wait in a
//! bounded queue: what finds it full is left out, and no request waits for it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::Registry;

use super::logging::Boxed;
use crate::model::name::NodeName;

/// A collector on the same machine answers at once; one that does not is left out.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);

/// Where the spans of requests are opened.
const OF_REQUESTS: &str = "aurora_mesh::request";

/// Sends spans until it is dropped.
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// What sends to a collector, and the layer that hands it spans.
    ///
    /// # Errors
    /// When the libraries do not take the settings.
    pub(super) fn to(collector: SocketAddr, node: &NodeName) -> Result<(Self, Boxed)> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("http://{collector}/v1/traces"))
            .with_timeout(EXPORT_TIMEOUT)
            .build()
            .context("traces cannot be sent")?;
        let resource = Resource::builder_empty()
            .with_service_name("aurora")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .with_attribute(KeyValue::new("service.instance.id", node.to_string()))
            .build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer("aurora");
        let layer =
            tracing_opentelemetry::layer::<Registry>().with_tracer(tracer).with_location(false).with_threads(false);
        let only_requests = Targets::new().with_target(OF_REQUESTS, LevelFilter::DEBUG);
        Ok((Self(provider), layer.with_filter(only_requests).boxed()))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // What is left is lost with a collector that is gone, and nothing is to be done about it.
        let _ = self.0.shutdown_with_timeout(EXPORT_TIMEOUT);
    }
}
