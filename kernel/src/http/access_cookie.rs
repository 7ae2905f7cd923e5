//! The cookie with an access token: what log-in sets for browsers.

use actix_web::cookie::time::OffsetDateTime;
use actix_web::cookie::{Cookie, SameSite};

use crate::domain::{Secret, Timestamp};

/// Its name. Browsers take one that begins so from the service itself alone, not from a neighbour in its domain.
pub const ACCESS_COOKIE: &str = "__Host-servertree_token";

/// Keeps the token where pages cannot read it, and sends it from our own pages alone, encrypted.
pub fn access_cookie(token: &Secret, expires_at: Timestamp) -> Cookie<'static> {
    let mut cookie = cookie(token.expose().to_owned());
    cookie.set_expires(OffsetDateTime::from_unix_timestamp(expires_at.as_micros() / 1_000_000).ok());
    cookie
}

/// Has a browser forget it.
pub fn removed_access_cookie() -> Cookie<'static> {
    let mut cookie = cookie(String::new());
    cookie.make_removal();
    cookie
}

fn cookie(value: String) -> Cookie<'static> {
    let cookie = Cookie::build(ACCESS_COOKIE, value).path("/");
    cookie.http_only(true).secure(true).same_site(SameSite::Strict).finish()
}
