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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::date;

    use super::*;
    use crate::alert::tests::{at, judged, officer, operator, outcomes};
    use crate::alert::{Judgement, Reclassification};
    use crate::policy::tests::sound;
    use crate::threshold::ModelId;

    fn protector() -> Officer {
        officer("dpo-1", Role::DataProtectionOfficer)
    }

    /// An alert that was closed with this outcome on 21 September 2026.
    fn closed(outcome: Outcome) -> Closed {
        let alert = judged(Judgement::SamePerson);
        alert.record_outcome(&operator(), outcome, &outcomes(), at(30)).unwrap().into_parts().0
    }

    fn consent() -> Consent {
        Consent { reference: "form 7".into(), given: date(2026, 9, 21) }
    }

    fn enter(alert: &Closed, consent: &Consent) -> Result<Decided<Suppression>, Refusal> {
        let policy = Policy { suppression_length_max: SignedDuration::from_secs(1_000), ..sound() };
        suppress(alert, &protector(), SuppressionId::new("s1").unwrap(), consent, &policy, at(40))
    }

    fn suppression() -> Suppression {
        enter(&closed(Outcome::IdentityRefuted), &consent()).unwrap().into_parts().0
    }

    #[test]
    fn somebody_is_suppressed_only_after_a_check_showed_somebody_else() {
        for outcome in Outcome::ALL {
            let entered = enter(&closed(outcome), &consent()).map(drop);
            let lawful = outcome == Outcome::IdentityRefuted;
            assert_eq!(entered, if lawful { Ok(()) } else { Err(Refusal::StopNotRefuted) }, "{outcome:?}");
        }
        // What was put right later counts as if it had been said at once.
        let upheld = Reclassification::ComplaintUpheld;
        let arrested = closed(Outcome::Arrest);
        let righted = arrested.reclassify(&protector(), Outcome::IdentityRefuted, upheld, &outcomes(), at(35)).unwrap();
        assert!(enter(righted.state(), &consent()).is_ok());
    }

    #[test]
    fn a_suppression_names_its_alert_and_lasts_for_the_policys_time() {
        let (state, event) = enter(&closed(Outcome::IdentityRefuted), &consent()).unwrap().into_parts();
        let (alert, deployment) = (AlertId::new("a1").unwrap(), DeploymentId::new("d1").unwrap());
        let (suppression, expires) = (SuppressionId::new("s1").unwrap(), at(1_040));
        let happening = Happening::SuppressionEntered { deployment: deployment.clone(), alert: alert.clone(), expires };
        assert_eq!(state, Suppression { suppression, deployment, alert, expires });
        assert_eq!(event, Event { at: at(40), actor: Actor::Officer(protector().id), happening });
    }

    #[test]
    fn a_face_is_kept_only_with_consent_that_was_given() {
        let with = |consent: Consent| enter(&closed(Outcome::IdentityRefuted), &consent).map(drop);
        assert_eq!(with(consent()), Ok(()), "given today");
        assert_eq!(with(Consent { given: date(2026, 9, 20), ..consent() }), Ok(()));
        assert_eq!(with(Consent { given: date(2026, 9, 22), ..consent() }), Err(Refusal::ConsentMissing));
        assert_eq!(with(Consent { reference: " ".into(), ..consent() }), Err(Refusal::ConsentMissing));
    }

    #[test]
    fn a_suppression_ends_by_itself_when_its_time_has_come_and_before_when_the_person_asks() {
        let erased = |actor, now| {
            let (deployment, alert) = (suppression().deployment, suppression().alert);
            Event { at: at(now), actor, happening: Happening::SuppressionErased { deployment, alert } }
        };
        let expired = |now| suppression().expire(at(now)).map(|decided| decided.into_parts().1);
        assert_eq!(expired(1_039), None);
        assert_eq!(expired(1_040), Some(erased(Actor::System, 1_040)));
        assert_eq!(expired(1_041), Some(erased(Actor::System, 1_041)));
        let asked = suppression().erase(&protector(), at(50)).unwrap();
        assert_eq!(*asked.event(), erased(Actor::Officer(protector().id), 50));
        assert!(matches!(suppression().erase(&operator(), at(50)), Err(Refusal::RoleMayNot { .. })));
        assert_eq!(*suppression().finish_erasure(at(60)).event(), erased(Actor::System, 60));
    }

    #[test]
    fn a_face_is_the_suppressed_persons_only_where_it_reaches_them_in_time_and_is_nearer_to_them() {
        let score = |value| Score::new(ModelId::new("m"), value).unwrap();
        let threshold = Threshold::new(ModelId::new("m"), 0.5, 0.001, "set".into()).unwrap();
        let outweighs = |theirs, listed, now| {
            let nearest = Nearest { entry: 7, score: score(listed) };
            NearestSuppressed { score: score(theirs), expires: at(100) }.outweighs(&nearest, &threshold, at(now))
        };
        for (theirs, listed, now, suppressed) in [
            (0.8, 0.7, 99, true),
            (0.8, 0.7, 100, false),
            (0.8, 0.7, 101, false),
            (0.7, 0.7, 99, false),
            (0.6, 0.7, 99, false),
            (0.5, 0.4, 99, true),
            (0.49, 0.4, 99, false),
        ] {
            assert_eq!(outweighs(theirs, listed, now), Ok(suppressed), "{theirs} against {listed} at {now}");
        }
        let nearest = Nearest { entry: 7, score: score(0.7) };
        let of_another_model = Score::new(ModelId::new("n"), 0.9).unwrap();
        let theirs = NearestSuppressed { score: of_another_model, expires: at(100) };
        assert_eq!(theirs.outweighs(&nearest, &threshold, at(99)), Err(Refusal::ScoreOfAnotherModel));
    }
}
