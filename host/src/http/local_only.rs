//! As long as nobody logs in, a browser on this machine must not be made to speak for whoever sits at it: not by a
//! page from elsewhere (`Origin`), and not by a name that was made to point here (`Host`, DNS rebinding).

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, ORIGIN};
use actix_web::http::{Uri, header};
use actix_web::middleware::Next;
use servertree_kernel::problem::{FOREIGN_ORIGIN, Failure, Problem, ProblemType};

/// Middleware: lets through what names a loopback address in `Host` and, where it is given, in `Origin`.
pub async fn admit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    for name in [header::HOST, ORIGIN] {
        if let Some(value) = request.headers().get(&name)
            && !value.to_str().is_ok_and(names_loopback)
        {
            let failure = Failure::from(ForeignOrigin { header: name });
            return Ok(request.error_response(failure).map_into_right_body());
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}

/// Whether `localhost:8080`, `http://127.0.0.1:8080` and the like mean this machine.
fn names_loopback(value: &str) -> bool {
    let Ok(uri) = value.parse::<Uri>() else {
        return false;
    };
    let Some(host) = uri.host() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[derive(Debug, thiserror::Error)]
#[error("the header {header} does not name a loopback address")]
struct ForeignOrigin {
    header: HeaderName,
}

impl Problem for ForeignOrigin {
    fn problem(&self) -> &'static ProblemType {
        &FOREIGN_ORIGIN
    }
}

#[cfg(test)]
mod tests {
    use super::names_loopback;

    #[test]
    fn only_loopback_is_let_through() {
        for good in
            ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.8.9.1", "[::1]:80", "http://localhost:3000"]
        {
            assert!(names_loopback(good), "{good}");
        }
        for bad in
            ["example.org", "localhost.example.org", "10.0.0.1:80", "null", "", "http://evil.example", "a b"]
        {
            assert!(!names_loopback(bad), "{bad}");
        }
    }
}
