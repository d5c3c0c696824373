//! What every page has: a title, its place in the navigation, and the word "Exercise" where nobody can miss it; and which part of it was asked for.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;

/// Stands on every screen while the only kind of deployment is an exercise.
pub(crate) const BANNER: &str = "recorded pictures only; nobody is being scanned";

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

/// What the frame around a page needs.
pub(crate) struct Page {
    /// The title, without the word that follows on every page.
    pub(crate) title: String,
    /// Where the page belongs.
    pub(crate) section: Section,
    /// The script it may run, if any.
    pub(crate) script: Option<&'static str>,
}

impl Page {
    /// A page of the control room.
    pub(crate) fn control_room(title: impl Into<String>) -> Self {
        Self { title: title.into(), section: Section::ControlRoom, script: Some("/assets/control-room.js") }
    }

    /// A page for the public.
    pub(crate) fn public(title: impl Into<String>) -> Self {
        Self { title: title.into(), section: Section::Public, script: None }
    }

    /// A page that belongs nowhere.
    pub(crate) fn plain(title: impl Into<String>) -> Self {
        Self { title: title.into(), section: Section::Neither, script: None }
    }

    /// The words beside "Exercise".
    pub(crate) fn banner(&self) -> &'static str {
        BANNER
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
