//! A fault as a document of RFC 9457, `application/problem+json`.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::answer::{Explained, Fault};

/// A fault on its way to another program.
pub(crate) struct Problem(pub(crate) Fault);

/// The members of RFC 9457, and the rule of a refusal. There is no page for each type, so `type` is left at its default.
#[derive(Serialize)]
struct Document {
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Explained { status, heading, sentence, rule } = self.0.explain();
        let document = Document { title: heading, status: status.as_u16(), detail: sentence, rule };
        let text = serde_json::to_string(&document).unwrap_or_default();
        (status, [(CONTENT_TYPE, "application/problem+json")], text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use domain::Refusal;

    use super::*;

    #[test]
    fn a_refusal_says_its_sentence_and_its_rule() {
        let answer = Problem(Fault::Refused(Refusal::ReasonMissing)).into_response();
        assert_eq!(answer.status(), 409);
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
        let statuses = [
            (Fault::NotFound("alert"), 404),
            (Fault::Forbidden("no"), 403),
            (Fault::Destroyed("gone"), 410),
            (Fault::Busy, 503),
            (Fault::NotThatWay, 405),
            (Fault::BadForm("half".into()), 400),
        ];
        for (fault, status) in statuses {
            assert_eq!(Problem(fault).into_response().status(), status);
        }
    }
}
