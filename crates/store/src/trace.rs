//! Everything the store tells a log, in one place: numbers only. Whom and what they are of stands on the record, or nowhere.

use domain::deployment::Destroyed;
use tracing::info;

const STORE: &str = "overt::store";

/// A checkpoint over so many entries is public.
pub(crate) fn published(entries: u64, new: u64) {
    info!(target: STORE, entries, new, "record published");
}

/// What was sealed for a deployment is destroyed, its key first, and the record says so.
pub(crate) fn purged(destroyed: &Destroyed) {
    let Destroyed { alerts, watchlist_images } = *destroyed;
    info!(target: STORE, alerts, watchlist_images, "deployment purged");
}

/// Nothing of what was deleted is left in the database's files.
pub(crate) fn wiped() {
    info!(target: STORE, "freed space wiped");
}
