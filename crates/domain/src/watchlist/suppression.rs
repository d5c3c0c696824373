//! Suppression: somebody wrongly stopped for looking like a listed person is not stopped for it again, if they want that.
//!
//! It needs the person's recorded consent, because it keeps a template of somebody who is not sought. It ends by itself,
//! and at once when they ask. It acts only against the listed person they were taken for.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::alert::{Closed, Outcome};
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::{AlertId, DeploymentId, SuppressionId};
use crate::officer::{Officer, Role};
use crate::policy::{Held, Policy};
use crate::refusal::Refusal;
use crate::settle::Nearest;
use crate::threshold::{Score, Threshold};

/// The consent of the person whose template is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Where it is filed, such as the number of a signed form.
    pub reference: String,
    /// When it was given.
    pub given: Date,
}

/// A suppression in force. What it holds of a person is sealed by the store.
#[derive(Clone, Debug, PartialEq)]
pub struct Suppression {
    /// Its name.
    pub suppression: SuppressionId,
    /// The deployment of the wrong stop.
    pub deployment: DeploymentId,
    /// The alert that was wrong.
    pub alert: AlertId,
    /// When it ends by itself.
    pub expires: Timestamp,
}

/// How near a face is to somebody suppressed in favour of not being taken for the row at hand.
#[derive(Clone, Debug)]
pub struct NearestSuppressed {
    /// How alike the face and the suppressed person are.
    pub score: Score,
    /// When the suppression ends.
    pub expires: Timestamp,
}

/// Decides that a person who was wrongly stopped is kept from being taken for the same listed person again. The alert
/// must have been shown to be about somebody else.
pub fn suppress(
    alert: &Closed,
    officer: &Officer,
    suppression: SuppressionId,
    consent: &Consent,
    policy: &Policy,
    now: Timestamp,
) -> Result<Decided<Suppression>, Refusal> {
    let by = officer.act_as(&[Role::DataProtectionOfficer], "enter a suppression", now)?;
    if alert.outcome != Outcome::IdentityRefuted {
        return Err(Refusal::StopNotRefuted);
    }
    let today = now.to_zoned(TimeZone::UTC).date();
    if consent.reference.trim().is_empty() || consent.given > today {
        return Err(Refusal::ConsentMissing);
    }
    let raised = &alert.alert.alert;
    let expires = policy.kept(Held::Suppression).gone_by(now);
    let (deployment, alert) = (raised.deployment.clone(), raised.alert.clone());
    let happening = Happening::SuppressionEntered { deployment: deployment.clone(), alert: alert.clone(), expires };
    let state = Suppression { suppression, deployment, alert, expires };
    Ok(Decided::new(state, Event { at: now, actor: Actor::Officer(by), happening }))
}

impl Suppression {
    /// Ends it: at the person's request, which needs no reason.
    pub fn erase(self, officer: &Officer, now: Timestamp) -> Result<Decided<()>, Refusal> {
        let by = officer.act_as(&[Role::DataProtectionOfficer], "erase a suppression", now)?;
        Ok(self.ended(Actor::Officer(by), now))
    }

    /// Ends it because its time has come; refused before.
    pub fn expire(self, now: Timestamp) -> Option<Decided<()>> {
        (now >= self.expires).then(|| self.ended(Actor::System, now))
    }

    /// Finishes an erasure that was begun: its key is being destroyed, so there is nothing left to decide.
    pub fn finish_erasure(self, now: Timestamp) -> Decided<()> {
        self.ended(Actor::System, now)
    }

    fn ended(self, actor: Actor, now: Timestamp) -> Decided<()> {
        let happening = Happening::SuppressionErased { deployment: self.deployment, alert: self.alert };
        Decided::new((), Event { at: now, actor, happening })
    }
}

impl NearestSuppressed {
    /// Whether the face is the suppressed person's rather than the listed one's: it reaches the threshold against the
    /// suppressed person and is nearer to them. What is equally near is not suppressed: a person looks.
    pub(crate) fn outweighs(&self, nearest: &Nearest, threshold: &Threshold, now: Timestamp) -> Result<bool, Refusal> {
        let theirs = threshold.is_met_by(&self.score)?;
        Ok(theirs && now < self.expires && self.score.value() > nearest.score.value())
    }
}
