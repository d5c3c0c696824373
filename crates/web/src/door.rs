//! Who may come in and what leaves: this machine alone into the control room, our own forms alone to the desk, guarded answers.

use axum::extract::{Form, FromRequest, Request};
use axum::http::header::{CACHE_CONTROL, HOST, HeaderName, HeaderValue, ORIGIN};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::answer::Fault;
use crate::api;
use crate::house::House;

const SEC_FETCH_SITE: &str = "sec-fetch-site";
const SEC_FETCH_MODE: &str = "sec-fetch-mode";

/// Everything a page may load is our own; nothing runs inline, frames us or takes our forms elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// On every answer. `same-origin` and not `no-referrer`, under which a browser would send our own forms with `Origin: null`.
const GUARDS: [(&str, &str); 7] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), display-capture=()"),
];

/// Lets in only requests that were addressed to this machine by a name of its own, and none that another site's page makes.
///
/// Binding to 127.0.0.1 keeps other machines out; a page of another site in a browser here could still reach it, under a
/// host name of its own that it lets resolve to 127.0.0.1 (DNS rebinding), or by embedding our addresses.
pub(crate) async fn only_this_machine(request: Request, next: Next) -> Response {
    let is_api = api::is_mine(request.uri().path());
    let checked = match own_host(request.headers()) {
        Some(_) => check_site(request.method(), request.headers()),
        None => Err(Fault::Forbidden("this page answers only to localhost, 127.0.0.1 and [::1] on this machine")),
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err(fault) if is_api => api::Problem(fault).into_response(),
        Err(fault) => fault.into_response(),
    }
}

/// Puts the guards on every answer, and `no-store` on each that says nothing else about keeping.
pub(crate) async fn guard_answers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in GUARDS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The fields of a form that one of our own pages posted: same origin, and with this process's token.
pub(crate) struct Posted<T>(pub(crate) T);

#[derive(Deserialize)]
struct Sealed<T> {
    token: String,
    #[serde(flatten)]
    fields: T,
}

impl<T: DeserializeOwned> FromRequest<House> for Posted<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, house: &House) -> Result<Self, Fault> {
        check_origin(request.headers())?;
        let form = Form::<Sealed<T>>::from_request(request, house).await;
        let Form(sealed) = form.map_err(|rejection| Fault::BadForm(rejection.body_text()))?;
        if !same_secret(sealed.token.as_bytes(), house.form_token().as_bytes()) {
            return Err(Fault::Forbidden(
                "the form is from before the last start; go back, reload the page and send it again",
            ));
        }
        Ok(Self(sealed.fields))
    }
}

/// The host that was asked for, if it is a name of this machine and there is exactly one.
fn own_host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
    let host = host.to_str().ok()?;
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let port_is_one = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let ours = name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1" || name == "[::1]";
    (ours && port_is_one).then_some(host)
}

/// Refuses what another site's page embeds or fetches; somebody following a link from there is let in.
fn check_site(method: &Method, headers: &HeaderMap) -> Result<(), Fault> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match text(SEC_FETCH_SITE) {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) if method == Method::GET && text(SEC_FETCH_MODE) == Some("navigate") => Ok(()),
        Some(_) => Err(Fault::Forbidden("another site's page asked for this; open the control room itself")),
    }
}

/// A form counts only from a page of this very host. A browser says so in one of two headers; with neither it is refused.
fn check_origin(headers: &HeaderMap) -> Result<(), Fault> {
    let refused =
        Err(Fault::Forbidden("the form did not come from a page of this control room; open it and try again"));
    let site_is_ours = headers.get(SEC_FETCH_SITE).map(|site| site == "same-origin");
    let origin_is_ours = headers.get(ORIGIN).map(|origin| {
        let origin = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        own_host(headers).is_some_and(|host| origin == Some(host))
    });
    match (site_is_ours, origin_is_ours) {
        (None, None) | (Some(false), _) | (_, Some(false)) => refused,
        _ => Ok(()),
    }
}

/// Compares in a time that does not depend on where the two differ.
fn same_secret(given: &[u8], secret: &[u8]) -> bool {
    let differing = given.iter().zip(secret).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == secret.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"))
        };
        pairs.iter().map(pair).fold(HeaderMap::new(), |mut all, (name, value)| {
            all.append(name, value);
            all
        })
    }

    #[test]
    fn only_names_of_this_machine_are_hosts() {
        for good in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:65535"] {
            assert!(own_host(&headers(&[("host", good)])).is_some(), "{good}");
        }
        let bad = [
            "",
            "example.org",
            "localhost.example.org",
            "127.0.0.1.example.org:80",
            "localhost:",
            "localhost:x",
            "[::1",
            "::1",
            "127.0.0.1:80:80",
            "127.1",
            "0.0.0.0",
            "localhost:99999",
            "user@localhost",
        ];
        for bad in bad {
            assert!(own_host(&headers(&[("host", bad)])).is_none(), "{bad}");
        }
        assert!(own_host(&headers(&[])).is_none());
        assert!(own_host(&headers(&[("host", "localhost"), ("host", "localhost")])).is_none());
    }

    #[test]
    fn a_form_needs_our_own_origin() {
        let host = ("host", "127.0.0.1:8080");
        for (good, wanted) in [
            (vec![host, ("origin", "http://127.0.0.1:8080")], true),
            (vec![host, ("sec-fetch-site", "same-origin")], true),
            (vec![host, ("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8080")], true),
            (vec![host], false),
            (vec![host, ("origin", "null")], false),
            (vec![host, ("origin", "http://127.0.0.1:9090")], false),
            (vec![host, ("origin", "http://localhost:8080")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("sec-fetch-site", "none")], false),
            (vec![host, ("sec-fetch-site", "same-origin"), ("origin", "http://example.org")], false),
            (vec![host, ("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:8080")], false),
            (vec![("host", "example.org"), ("origin", "http://")], false),
        ] {
            assert_eq!(check_origin(&headers(&good)).is_ok(), wanted, "{good:?}");
        }
    }

    #[test]
    fn another_site_may_link_here_but_not_embed() {
        let get = Method::GET;
        assert!(check_site(&get, &headers(&[])).is_ok());
        assert!(check_site(&get, &headers(&[("sec-fetch-site", "none")])).is_ok());
        assert!(
            check_site(&get, &headers(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")])).is_ok()
        );
        assert!(check_site(&get, &headers(&[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")])).is_err());
        let post = headers(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]);
        assert!(check_site(&Method::POST, &post).is_err());
    }

    #[test]
    fn secrets_are_equal_only_when_they_are() {
        assert!(same_secret(b"abc", b"abc"));
        for other in [&b"abd"[..], b"ab", b"abcd", b""] {
            assert!(!same_secret(other, b"abc"));
        }
    }
}
