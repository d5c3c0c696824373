//! Spans to a collector (OpenTelemetry, OTLP over HTTP), for whoever built this in and named the collector; else no connection is opened.

use std::env;
use std::future::{Future, ready};
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context as _, Result};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing_opentelemetry::OpenTelemetryLayer;

use super::OURS;

/// Where the collector is, as the standard has it: without it nothing is sent. `/v1/traces` is added.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Longest time that handing over a batch may take.
const HAND_OVER_MAX: Duration = Duration::from_secs(5);
/// Most bytes of a collector's answer.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Hands over what is left when it is dropped.
pub(super) struct Exporter(SdkTracerProvider);

impl Drop for Exporter {
    fn drop(&mut self) {
        // What cannot be handed over is lost; nothing depends on it.
        let _ = self.0.shutdown_with_timeout(HAND_OVER_MAX);
    }
}

/// What hands spans over in batches, on a thread of its own with a queue of 2,048 spans; nothing where no collector is named.
pub(super) fn layer<S>() -> Result<Option<(OpenTelemetryLayer<S, SdkTracer>, Exporter)>>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let Some(named) = env::var(ENDPOINT).ok().filter(|named| !named.is_empty()) else { return Ok(None) };
    // Given whole, so that no other variable sends it elsewhere.
    let endpoint = format!("{}/v1/traces", named.trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).with_protocol(Protocol::HttpBinary);
    let exporter = exporter.with_http_client(Client::new());
    let exporter = exporter.build().with_context(|| format!("preparing for the collector that {ENDPOINT} names"))?;
    let resource = Resource::builder().with_service_name(OURS).build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer(OURS));
    // Neither the threads nor the lines of our source are anything a collector needs.
    let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
    Ok(Some((layer, Exporter(provider))))
}

/// Our own client of HTTP, on the exporter's thread, which may wait.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Client {
    fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(HAND_OVER_MAX))
            // What is sent goes to the collector that was named, and not where that points to.
            .max_redirects(0)
            .proxy(None)
            .http_status_as_error(false)
            .build();
        Self(config.into())
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.0.run(request.map(|bytes| bytes.to_vec()))?;
        let (parts, mut body) = response.into_parts();
        let answer = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        Ok(Response::from_parts(parts, answer.into()))
    }
}

impl HttpClient for Client {
    fn send_bytes<'life0, 'sent>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sent>>
    where
        'life0: 'sent,
        Self: 'sent,
    {
        Box::pin(ready(self.send(request)))
    }
}
