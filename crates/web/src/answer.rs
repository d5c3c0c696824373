//! What is answered when a page cannot be shown: one list of faults, each with its status, its sentence and, for a refusal, its rule.

use askama::Template;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use domain::Refusal;
use store::StoreError;

use crate::api;
use crate::page::Page;

/// Why the page asked for is not shown.
#[derive(Debug)]
pub(crate) enum Fault {
    /// There is no such thing; the words say what was looked for.
    NotFound(&'static str),
    /// Nothing of that name is on the record; the words say what was looked for.
    Unknown(&'static str),
    /// The address is no name of a thing here, in the words of what was wrong with it.
    NotAName(String),
    /// The address is right and does not take this method.
    NotThatWay,
    /// A rule said no.
    Refused(Refusal),
    /// It has been done, or cannot be done yet.
    Already(&'static str),
    /// It is not for whoever asked.
    Forbidden(&'static str),
    /// It was here and is destroyed.
    Destroyed(&'static str),
    /// The form could not be read.
    BadForm(String),
    /// Too many streams are open.
    Busy,
    /// The store failed.
    Store(StoreError),
    /// Something is wrong with this program.
    Broken(&'static str),
}

/// A fault in words, for a page or a problem document.
#[derive(Debug, PartialEq)]
pub(crate) struct Explained {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// What happened, as a heading.
    pub(crate) heading: &'static str,
    /// What exactly, and what to do, as a sentence.
    pub(crate) sentence: String,
    /// The rule it comes from, where it comes from one.
    pub(crate) rule: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage {
    page: Page,
    sentence: String,
    rule: Option<&'static str>,
}

impl Fault {
    /// The same for people outside: what failed inside this machine is not theirs to read.
    pub(crate) fn for_public(self) -> Self {
        match self {
            Self::Store(_) => Self::Broken("the record could not be read"),
            other => other,
        }
    }

    /// In words.
    pub(crate) fn explain(self) -> Explained {
        let of = |status, heading, sentence: String| Explained { status, heading, sentence, rule: None };
        match self {
            Self::NotFound(what) => {
                of(StatusCode::NOT_FOUND, "Nothing here", format!("there is no {what}; it may have been destroyed"))
            }
            Self::Unknown(what) => {
                of(StatusCode::NOT_FOUND, "Nothing here", format!("{what} is not on the record; check the address"))
            }
            Self::NotAName(wrong) => of(StatusCode::NOT_FOUND, "Nothing here", wrong),
            Self::NotThatWay => of(
                StatusCode::METHOD_NOT_ALLOWED,
                "Not that way",
                "this address does not take that; open it from the page it belongs to".into(),
            ),
            Self::Refused(refusal) => Explained {
                status: StatusCode::CONFLICT,
                heading: "Refused",
                sentence: refusal.to_string(),
                rule: Some(refusal.rule()),
            },
            Self::Already(why) => of(StatusCode::CONFLICT, "Not now", why.into()),
            Self::Forbidden(why) => of(StatusCode::FORBIDDEN, "Not from there", why.into()),
            Self::Destroyed(what) => of(StatusCode::GONE, "Destroyed", what.into()),
            Self::BadForm(wrong) => {
                let sentence = format!("the form could not be read ({wrong}); go back and fill it in again");
                of(StatusCode::BAD_REQUEST, "The form is not complete", sentence)
            }
            Self::Busy => of(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many screens",
                "as many live views are open as this server allows; close one and reload".into(),
            ),
            Self::Store(error) => of(StatusCode::INTERNAL_SERVER_ERROR, "The record failed", error.to_string()),
            Self::Broken(what) => of(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something broke",
                format!("{what}; try again, and if it happens again start the program anew"),
            ),
        }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refusal(refusal) => Self::Refused(refusal),
            StoreError::Unknown { what, .. } => Self::Unknown(what),
            StoreError::Outdated { .. } => Self::Already("somebody else decided about this a moment ago; look again"),
            StoreError::Destroyed { .. } => Self::Destroyed("it was destroyed when the deployment was purged"),
            other => Self::Store(other),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let Explained { status, heading, sentence, rule } = self.explain();
        let page = FaultPage { page: Page::plain(heading), sentence: crate::words::sentence_case(&sentence), rule };
        match page.render() {
            Ok(text) => (status, Html(text)).into_response(),
            Err(_) => (status, heading).into_response(),
        }
    }
}

/// A template as an answer.
pub(crate) fn show(template: &impl Template) -> Result<Html<String>, Fault> {
    let rendered = template.render();
    rendered.map(Html).map_err(|_| Fault::Broken("the page could not be written"))
}

/// For every address that is none.
pub(crate) async fn nothing_here(request: Request) -> Response {
    in_kind(&request, Fault::NotFound("page at this address"))
}

/// For every address that is one, asked in a way it does not take.
pub(crate) async fn not_that_way(request: Request) -> Response {
    in_kind(&request, Fault::NotThatWay)
}

fn in_kind(request: &Request, fault: Fault) -> Response {
    if api::is_mine(request.uri().path()) { api::Problem(fault).into_response() } else { fault.into_response() }
}
