//! What every page has: a title, its place in the navigation, and the word "Exercise" or "Live" where nobody can miss it; and which part of it was asked for.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use domain::Kind;
use serde::Deserialize;

/// Which part of the screens a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// The control room.
    ControlRoom,
    /// The public pages.
    Public,
    /// Neither.
    Neither,
}

/// The words above a page.
pub(crate) struct Banner {
    /// How it looks.
    pub(crate) class: &'static str,
    /// The kind of deployment.
    pub(crate) word: &'static str,
    /// What that means.
    pub(crate) meaning: &'static str,
}

/// What the frame around a page needs.
pub(crate) struct Page {
    /// The title, without the word that follows on every page.
    pub(crate) title: String,
    /// Where the page belongs.
    pub(crate) section: Section,
    /// The script it may run, if any.
    pub(crate) script: Option<&'static str>,
    /// The kind of the deployment it is about; none where it is about nothing.
    kind: Option<Kind>,
}

impl Page {
    /// A page of the control room.
    pub(crate) fn control_room(title: impl Into<String>, kind: Kind) -> Self {
        let script = Some("/assets/control-room.js");
        Self { title: title.into(), section: Section::ControlRoom, script, kind: Some(kind) }
    }

    /// A page for the public.
    pub(crate) fn public(title: impl Into<String>, kind: Kind) -> Self {
        Self { title: title.into(), section: Section::Public, script: None, kind: Some(kind) }
    }

    /// A page that belongs nowhere.
    pub(crate) fn plain(title: impl Into<String>) -> Self {
        Self { title: title.into(), section: Section::Neither, script: None, kind: None }
    }

    /// What stands above everything else: the kind of deployment, and what that means for whoever is in the picture.
    pub(crate) fn banner(&self) -> Option<Banner> {
        self.kind.map(|kind| match kind {
            Kind::Exercise => Banner {
                class: "exercise",
                word: "Exercise",
                meaning: "recorded pictures only; nobody is being scanned",
            },
            Kind::Live => Banner {
                class: "live",
                word: "Live",
                meaning: "cameras in declared zones; every face is masked that is not a recorded alert",
            },
        })
    }

    /// For `aria-current` in the navigation.
    pub(crate) fn is_control_room(&self) -> bool {
        self.section == Section::ControlRoom
    }

    /// For `aria-current` in the navigation.
    pub(crate) fn is_public(&self) -> bool {
        self.section == Section::Public
    }
}

/// What an address asks for after its `?`. What cannot be read counts as not asked for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    page: Option<String>,
    picture: Option<String>,
}

impl Wanted {
    /// Which page of a list, counted from 1.
    pub(crate) fn page(&self) -> usize {
        self.page.as_deref().and_then(|page| page.parse().ok()).unwrap_or(1)
    }

    /// Whether pictures are not to move.
    pub(crate) fn still(&self) -> bool {
        self.picture.as_deref() == Some("still")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Wanted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Query::try_from_uri(&parts.uri).map(|Query(wanted)| wanted).unwrap_or_default())
    }
}
