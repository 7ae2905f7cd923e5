//! The outermost middleware: gives each request an id and a caller, counts it, and writes one line about it to the log.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use servertree_kernel::clock::{IdGenerator, UuidV7Generator};
use servertree_kernel::http::Origin;
use servertree_kernel::message::{Caller, RequestId, TraceParent};

use super::client_address::client_address;
use super::metrics::RequestMetrics;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware: see the module.
pub async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let origin = origin(&request);
    let mut line = Line::new(&request, &origin);
    let request_id = origin.request_id.clone();
    request.extensions_mut().insert(origin);
    // Whatever can be got can be asked for without its body, which the server then leaves out by itself.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let mut answer = next.call(request).await?;
    // By now it is known who asked.
    if let Some(origin) = answer.request().extensions().get::<Origin>() {
        line.caller = origin.caller.clone();
    }
    line.answered(answer.request().match_pattern(), answer.status());
    if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    Ok(answer)
}

fn origin(request: &ServiceRequest) -> Origin {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    Origin {
        // Until it is found out.
        caller: Caller::anonymous(),
        request_id: header(REQUEST_ID.as_str())
            .and_then(RequestId::parse)
            .unwrap_or_else(|| UuidV7Generator.next().into()),
        traceparent: header("traceparent").and_then(TraceParent::parse),
        address: client_address(request),
        token: None,
    }
}

/// The line of a request. Written and counted when it is dropped: also when the client went away before it was answered.
struct Line {
    method: Method,
    route: Option<String>,
    status: Option<StatusCode>,
    caller: Caller,
    address: Option<IpAddr>,
    request_id: RequestId,
    since: Instant,
    metrics: Option<Rc<RequestMetrics>>,
}

impl Line {
    fn new(request: &ServiceRequest, origin: &Origin) -> Self {
        Self {
            method: request.method().clone(),
            route: None,
            status: None,
            caller: origin.caller.clone(),
            address: origin.address,
            request_id: origin.request_id.clone(),
            since: Instant::now(),
            metrics: request.app_data::<Rc<RequestMetrics>>().cloned(),
        }
    }

    fn answered(&mut self, route: Option<String>, status: StatusCode) {
        self.route = route;
        self.status = Some(status);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let duration = self.since.elapsed();
        // To the microsecond.
        let duration_ms = (duration.as_secs_f64() * 1e6).round() / 1e3;
        tracing::info!(
            method = self.method.as_str(),
            // The pattern, not the path: what people put into a path is theirs.
            route = self.route.as_deref().unwrap_or("-"),
            // 499: the client went away.
            status = self.status.map_or(499, |status| status.as_u16()),
            duration_ms,
            caller = self.caller.subject(),
            address = self.address.map(tracing::field::display),
            request_id = self.request_id.as_str(),
            "request"
        );
        if let Some(metrics) = &self.metrics {
            metrics.record(&self.method, self.route.take(), self.status, duration);
        }
    }
}
