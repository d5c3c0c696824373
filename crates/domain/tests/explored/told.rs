//! What the events have told, and whether an event keeps the promises: bookkeeping that shares nothing with the rules.

use std::collections::BTreeSet;

use domain::deployment::SIGNAGE_AGE_MAX;
use domain::{Actor, Declaration, Event, Happening, Kind, Officer, OfficerId, Operation, Policy, Role, SourceKind};
use jiff::Timestamp;

use super::super::scene::{WINDOW, at};

/// Against what an event is judged.
pub struct Named<'a> {
    pub policy: &'a Policy,
    pub operation: &'a Operation,
    pub cast: &'a [Officer],
}

/// What is remembered of the events; what only a start is judged by is forgotten after it.
#[derive(Clone, Debug, Default)]
pub struct Told {
    proposer: Option<OfficerId>,
    approver: Option<OfficerId>,
    urgent: bool,
    /// When an urgent approval lapses, until it is ratified.
    pub lapses: Option<Timestamp>,
    document: Option<String>,
    document_approved: Option<String>,
    signed: bool,
    noticed: Option<Timestamp>,
    frozen: Option<(Timestamp, u64)>,
    signs: Option<Timestamp>,
    kind: Option<Kind>,
    recording_declared: bool,
    cameras: BTreeSet<String>,
    pub leased: Option<Timestamp>,
    /// The trip-wire that paused it, until an authorising officer cleared it.
    pub tripped: Option<&'static str>,
    /// Whether a trip-wire ever was cleared.
    pub cleared: bool,
    pub alert_expires: Option<Timestamp>,
    ended: bool,
    results: u32,
}

impl Told {
    /// Whether a face may be compared now: a lease was taken while it was live, and is not older than leases get.
    pub fn may_compare(&self, policy: &Policy, now: Timestamp) -> bool {
        let leased = self.leased.is_some_and(|from| from <= now && now < from + policy.lease);
        leased && now < at(WINDOW.1) && self.lapses.is_none_or(|lapses| now < lapses)
    }

    /// When everything biometric must be gone at the latest; none once it is.
    pub fn clock(&self, policy: &Policy) -> Option<Timestamp> {
        self.frozen?;
        let window = if self.ended { at(WINDOW.0) + policy.alert_retention } else { at(WINDOW.1) };
        [self.alert_expires, self.lapses].into_iter().flatten().chain([window]).min()
    }

    /// Somebody approved it, as it stood then.
    fn approve(&mut self, by: Option<OfficerId>) -> Result<(), &'static str> {
        self.approver = by;
        self.document_approved = self.document.clone();
        if self.approver.is_none() || self.approver == self.proposer {
            return Err("never live without approval by another person");
        }
        Ok(())
    }

    /// Takes in an event; the promise that it breaks, if it breaks one.
    pub fn take(&mut self, event: &Event, named: &Named<'_>) -> Result<(), &'static str> {
        let role = self.take_actor(event, named)?;
        let by = match &event.actor {
            Actor::Officer(officer) => Some(officer.clone()),
            Actor::System => None,
        };
        match &event.happening {
            Happening::Proposed { plan } => (self.proposer, self.kind) = (by, Some(plan.kind)),
            Happening::DocumentFilled { digest, .. } => self.document = Some(digest.clone()),
            Happening::Approved { .. } => self.approve(by)?,
            Happening::ApprovedUrgently { ratify_by, .. } => {
                (self.urgent, self.lapses) = (true, Some(*ratify_by));
                self.approve(by)?;
            }
            Happening::Ratified { .. } => self.ratify(event.at, by.as_ref())?,
            Happening::OutsideAuthorised { signature, .. } => {
                // The only signature over this plan is the one that was made over it.
                self.signed = named.operation.outside_authoriser.is_some() && signature == &right_signature();
            }
            Happening::NoticePublished { .. } => self.announce(event.at, named)?,
            Happening::WatchlistEntryAdded { .. } if self.frozen.is_some() => {
                return Err("nobody is listed after the freeze");
            }
            Happening::WatchlistFrozen { people, .. } => self.frozen = Some((event.at, *people)),
            Happening::SignageConfirmed { .. } => self.signs = Some(event.at),
            Happening::Declared(declared) => self.declare(declared)?,
            Happening::Started { .. } => self.start(event.at, named.policy)?,
            Happening::Tripped { wire, .. } => self.tripped = Some(wire.word()),
            Happening::Resumed { .. } => {
                self.compares_from(event.at)?;
                if self.tripped.is_some() {
                    return Err("a trip-wire is cleared by an authorising officer alone");
                }
            }
            Happening::TripCleared { .. } => {
                self.compares_from(event.at)?;
                if role != Some(Role::AuthorisingOfficer) || self.tripped.is_none() {
                    return Err("a trip-wire is cleared by an authorising officer alone");
                }
                (self.tripped, self.cleared) = (None, true);
            }
            Happening::AlertRaised { expires, .. } => self.alert_expires = Some(*expires),
            Happening::Ended { .. } => (self.ended, self.tripped) = (true, None),
            Happening::Purged { .. } | Happening::Withdrawn { .. } => {
                (self.frozen, self.alert_expires, self.lapses) = (None, None, None);
            }
            Happening::ResultsPublished { results, .. } => {
                self.results += 1;
                if self.results > 1 || results.positive_alerts > results.total_alerts {
                    return Err("results are published once, and add up");
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take_actor(&self, event: &Event, named: &Named<'_>) -> Result<Option<Role>, &'static str> {
        let Actor::Officer(id) = &event.actor else { return Ok(None) };
        // One person may stand in the cast in several roles; then all of them are trained.
        let roles: Vec<&Officer> = named.cast.iter().filter(|officer| officer.id == *id).collect();
        let protects = matches!(event.happening, Happening::Paused { .. });
        if !protects && roles.iter().any(|officer| event.at >= officer.trained_until) {
            return Err("nobody acts whose training has expired, but to pause");
        }
        if roles.iter().all(|officer| matches!(officer.role, Role::Administrator | Role::Auditor | Role::Regulator)) {
            return Err("those who only read, and administrators, change nothing");
        }
        let authorises = roles.iter().any(|officer| officer.role == Role::AuthorisingOfficer);
        Ok(if authorises { Some(Role::AuthorisingOfficer) } else { roles.first().map(|officer| officer.role) })
    }

    fn ratify(&mut self, at: Timestamp, by: Option<&OfficerId>) -> Result<(), &'static str> {
        let third = by.is_some() && by != self.proposer.as_ref() && by != self.approver.as_ref();
        if !third || self.lapses.is_none_or(|lapses| at >= lapses) {
            return Err("ratified only in time, and by a third person");
        }
        self.lapses = None;
        Ok(())
    }

    fn announce(&mut self, at: Timestamp, named: &Named<'_>) -> Result<(), &'static str> {
        self.noticed = Some(at);
        let replaced = self.document_approved.is_some() && self.document_approved != self.document;
        if self.document.is_none() || replaced {
            return Err("announced only with every document, and what was approved stays");
        }
        if named.operation.outside_authoriser.is_some() && !self.signed {
            return Err("announced only with the outside body's signature, where one is named");
        }
        Ok(())
    }

    /// Comparison begins or goes on: inside the window, and on an approval that holds.
    fn compares_from(&self, now: Timestamp) -> Result<(), &'static str> {
        if now < at(WINDOW.0) || now >= at(WINDOW.1) {
            return Err("never live outside the window");
        }
        if self.lapses.is_some_and(|lapses| now >= lapses) {
            return Err("never live on an urgent approval that lapsed");
        }
        Ok(())
    }

    fn declare(&mut self, declared: &Declaration) -> Result<(), &'static str> {
        match declared {
            Declaration::Recording { .. } => self.recording_declared = true,
            Declaration::Camera { terms, .. } if !self.cameras.insert(terms.name.clone()) => {
                return Err("a camera stays as it was declared");
            }
            Declaration::Camera { .. } => {}
        }
        Ok(())
    }

    /// An exercise reads declared recordings and a live deployment declared cameras, where the policy allows it.
    fn reads_what_it_may(&self, policy: &Policy) -> Result<(), &'static str> {
        let (source, declared, other, lacking) = match self.kind {
            Some(Kind::Live) => {
                let lacking = "never live without a declared camera";
                (SourceKind::Camera, !self.cameras.is_empty(), self.recording_declared, lacking)
            }
            _ => {
                let lacking = "never live without a declared recording";
                (SourceKind::Recording, self.recording_declared, !self.cameras.is_empty(), lacking)
            }
        };
        if !policy.sources.contains(&source) {
            return Err("never live from a source that the policy does not allow");
        }
        if !declared {
            return Err(lacking);
        }
        if other {
            return Err("an exercise reads no camera, and a live deployment no recording");
        }
        if self.cameras.len() > 1 {
            return Err("never live with more cameras than were approved");
        }
        Ok(())
    }

    fn start(&mut self, now: Timestamp, policy: &Policy) -> Result<(), &'static str> {
        self.compares_from(now)?;
        if self.approver.is_none() || self.approver == self.proposer {
            return Err("never live without approval by another person");
        }
        let stood = self.noticed.is_some_and(|noticed| self.urgent || noticed + policy.notice_lead <= now);
        if !stood {
            return Err("never live before the notice stood its time, unless approved urgently");
        }
        let fresh = |(frozen, people): (Timestamp, u64)| {
            frozen + policy.watchlist_age_max >= now && (1..=u64::from(policy.watchlist_people_max)).contains(&people)
        };
        if !self.frozen.is_some_and(fresh) {
            return Err("never live without a frozen watchlist that is fresh and within its limit");
        }
        if !self.signs.is_some_and(|signs| signs <= now && signs + SIGNAGE_AGE_MAX >= now) {
            return Err("never live without signs confirmed on the day");
        }
        self.reads_what_it_may(policy)?;
        // From here on only what may still be broken is remembered: states that differ in the rest are one.
        (self.noticed, self.signs, self.document, self.document_approved) = (None, None, None, None);
        self.frozen = Some((at(WINDOW.0), 1));
        Ok(())
    }
}

fn right_signature() -> String {
    let keys = super::super::scene::outside_keys();
    let plan = domain::published_plan(&super::super::scene::plan());
    evidence::authorisation::sign_plan(&keys.signing, &plan).unwrap_or_default()
}
