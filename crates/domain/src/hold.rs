//! Holds: the evidence of one alert kept beyond its expiry, for a stated ground and time, under a key of its own.
//!
//! The deployment is purged all the same. What is held is the alert's own evidence: the face as it was seen, its template
//! and its particulars. The listed image it was compared with is another person's, and goes.

use evidence::Fact;
use jiff::Timestamp;

use crate::alert::{AlertRefusal, AlertState, AlertStep};
use crate::decided::Decided;
use crate::deployment::Recollection;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::{AlertId, DeploymentId};
use crate::officer::{Officer, Role};
use crate::policy::{Held, Policy};
use crate::refusal::Refusal;

/// Why evidence may be held: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldGround {
    /// Somebody complained about what followed from it.
    Complaint,
    /// It is needed in proceedings before a court or tribunal.
    LegalProceedings,
    /// The person it shows asked for it.
    SubjectsRequest,
}

/// Why and until when evidence is to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldTerms {
    /// Why.
    pub ground: HoldGround,
    /// Until when.
    pub until: Timestamp,
}

/// Evidence that is held, until it is destroyed.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    alert: AlertId,
    deployment: DeploymentId,
    ground: HoldGround,
    until: Timestamp,
}

/// An authorising officer holds the evidence of an alert. `standing` is the hold there is already, if any;
/// `evidence_commitment` is salted and made by the store over what it will keep.
pub fn hold(
    alert: &AlertState,
    standing: Option<&Hold>,
    officer: &Officer,
    terms: HoldTerms,
    evidence_commitment: String,
    policy: &Policy,
    now: Timestamp,
) -> Result<Decided<Hold>, Refusal> {
    let HoldTerms { ground, until } = terms;
    let by = officer.act_as(&[Role::AuthorisingOfficer], "hold the evidence of an alert", now)?;
    let raised = alert.raised();
    raised.refuse_seeded()?;
    raised.check_time(now)?;
    if let Some(hold) = standing {
        return Err(AlertRefusal::HeldAlready { until: hold.until }.into());
    }
    if until <= now {
        return Err(AlertRefusal::HoldOver { until }.into());
    }
    let until_max = policy.kept(Held::HeldAlert).gone_by(raised.raised);
    if until > until_max {
        return Err(AlertRefusal::HoldTooLong { until_max }.into());
    }
    let (deployment, alert) = (raised.deployment.clone(), raised.alert.clone());
    let hold = Hold { alert: alert.clone(), deployment: deployment.clone(), ground, until };
    let step = AlertStep::Held { deployment, alert, ground, until, evidence_commitment };
    Ok(Decided::new(hold, Event { at: now, actor: Actor::Officer(by), happening: step.into() }))
}

impl Hold {
    /// The alert.
    pub fn alert(&self) -> &AlertId {
        &self.alert
    }

    /// Its deployment.
    pub fn deployment(&self) -> &DeploymentId {
        &self.deployment
    }

    /// Why it is held.
    pub fn ground(&self) -> HoldGround {
        self.ground
    }

    /// Until when; once it was lifted, when that was.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// An authorising officer lifts the hold: the evidence goes at the next clock.
    pub fn release(self, officer: &Officer, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let by = officer.act_as(&[Role::AuthorisingOfficer], "lift a hold", now)?;
        if now >= self.until {
            return Err(AlertRefusal::HoldOver { until: self.until }.into());
        }
        let step = AlertStep::HoldReleased { deployment: self.deployment.clone(), alert: self.alert.clone() };
        let event = Event { at: now, actor: Actor::Officer(by), happening: step.into() };
        Ok(Decided::new(Self { until: now, ..self }, event))
    }

    /// Decides that the data-protection officer may look at what is held. That they did is recorded and not published.
    pub fn view(&self, officer: &Officer, now: Timestamp) -> Result<Decided<()>, Refusal> {
        let by = officer.act_as(&[Role::DataProtectionOfficer], "view held evidence", now)?;
        if now >= self.until {
            return Err(AlertRefusal::HoldOver { until: self.until }.into());
        }
        let happening = Happening::AlertViewed { deployment: self.deployment.clone(), alert: self.alert.clone() };
        Ok(Decided::new((), Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Decides that what is held goes, because the hold is over: the software does it, by the clock.
    pub fn destroy(&self, now: Timestamp) -> Result<Decided<()>, Refusal> {
        if now < self.until {
            return Err(AlertRefusal::HoldNotOver { until: self.until }.into());
        }
        let step = AlertStep::HeldEvidenceDestroyed { deployment: self.deployment.clone(), alert: self.alert.clone() };
        Ok(Decided::new((), Event { at: now, actor: Actor::System, happening: step.into() }))
    }

    /// The hold there is, from every entry about one alert, oldest first; the sentence says what does not fit.
    pub fn replay(history: &[Recollection]) -> Result<Option<Self>, String> {
        let mut standing: Option<Self> = None;
        for Recollection { entry, .. } in history {
            standing = match (standing, &entry.fact) {
                (None, Fact::AlertHeld { deployment, alert, ground: word, until, .. }) => {
                    let wrong = |error: crate::identifiers::NotAnIdentifier| error.to_string();
                    let ground =
                        HoldGround::from_word(word).ok_or_else(|| format!("{word:?} is no ground of a hold"))?;
                    let (alert, deployment) =
                        (AlertId::new(alert).map_err(wrong)?, DeploymentId::new(deployment).map_err(wrong)?);
                    Some(Self { alert, deployment, ground, until: *until })
                }
                (Some(hold), Fact::HoldReleased { .. }) if entry.at < hold.until => {
                    Some(Self { until: entry.at, ..hold })
                }
                (Some(hold), Fact::HeldEvidenceDestroyed { .. }) if entry.at >= hold.until => None,
                (_, Fact::AlertHeld { .. } | Fact::HoldReleased { .. } | Fact::HeldEvidenceDestroyed { .. }) => {
                    return Err("its evidence was held already, was not held, or its hold was not over".into());
                }
                (standing, _) => standing,
            };
        }
        Ok(standing)
    }
}

impl HoldGround {
    /// Every ground.
    pub const ALL: [Self; 3] = [Self::Complaint, Self::LegalProceedings, Self::SubjectsRequest];

    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::LegalProceedings => "legal proceedings",
            Self::SubjectsRequest => "subject's request",
        }
    }

    /// The ground for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ground| ground.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use evidence::Entry;
    use jiff::SignedDuration;

    use super::*;
    use crate::alert::{Origin, Raised};
    use crate::event::Publication;
    use crate::identifiers::OfficerId;
    use crate::policy::tests::sound;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn officer(role: Role) -> Officer {
        Officer { id: OfficerId::new("ann").unwrap(), role, trained_until: Timestamp::MAX }
    }

    fn ann() -> Actor {
        Actor::Officer(OfficerId::new("ann").unwrap())
    }

    fn alert() -> AlertId {
        AlertId::new("a1").unwrap()
    }

    fn deployment() -> DeploymentId {
        DeploymentId::new("d1").unwrap()
    }

    /// An alert raised at 0 that expires at 1,000 is held at 10 until 5,000, the most that the policy allows.
    fn decided() -> Decided<Hold> {
        let state = AlertState::Raised(Raised::new(alert(), deployment(), at(0), at(1_000), Origin::Passage));
        let terms = HoldTerms { ground: HoldGround::LegalProceedings, until: at(5_000) };
        let policy = Policy { alert_hold_max: SignedDuration::from_secs(5_000), ..sound() };
        hold(&state, None, &officer(Role::AuthorisingOfficer), terms, "c0".into(), &policy, at(10)).unwrap()
    }

    fn held() -> Hold {
        decided().into_parts().0
    }

    fn recorded<T>(decided: &Decided<T>) -> Recollection {
        let Publication::Publish(entry) = decided.event().publication() else { panic!("it is public") };
        Recollection { actor: decided.event().actor.clone(), entry: *entry }
    }

    fn moved(recollection: &Recollection, to: Timestamp) -> Recollection {
        let entry = Entry { at: to, ..recollection.entry.clone() };
        Recollection { entry, ..recollection.clone() }
    }

    #[test]
    fn a_hold_states_its_alert_its_ground_and_its_end() {
        let (hold, event) = decided().into_parts();
        assert_eq!((hold.alert(), hold.deployment()), (&alert(), &deployment()));
        assert_eq!((hold.ground(), hold.until()), (HoldGround::LegalProceedings, at(5_000)));
        let step = AlertStep::Held {
            deployment: deployment(),
            alert: alert(),
            ground: HoldGround::LegalProceedings,
            until: at(5_000),
            evidence_commitment: "c0".into(),
        };
        assert_eq!(event, Event { at: at(10), actor: ann(), happening: step.into() });
    }

    #[test]
    fn held_evidence_is_looked_at_by_the_data_protection_officer_until_the_hold_is_over() {
        let view = |role, now| held().view(&officer(role), at(now)).map(Decided::into_parts);
        let happening = Happening::AlertViewed { deployment: deployment(), alert: alert() };
        let seen = ((), Event { at: at(4_999), actor: ann(), happening });
        assert_eq!(view(Role::DataProtectionOfficer, 4_999), Ok(seen));
        let over = AlertRefusal::HoldOver { until: at(5_000) };
        assert_eq!(view(Role::DataProtectionOfficer, 5_000), Err(over.into()));
        for role in Role::ALL.into_iter().filter(|role| *role != Role::DataProtectionOfficer) {
            let refused = Refusal::RoleMayNot { role: role.word(), attempted: "view held evidence" };
            assert_eq!(view(role, 20), Err(refused));
        }
    }

    #[test]
    fn a_hold_is_lifted_by_an_authorising_officer_until_it_is_over() {
        let lift = |role, now| held().release(&officer(role), at(now)).map(Decided::into_parts);
        let (lifted, event) = lift(Role::AuthorisingOfficer, 4_999).unwrap();
        assert_eq!(lifted, Hold { until: at(4_999), ..held() });
        let step = AlertStep::HoldReleased { deployment: deployment(), alert: alert() };
        assert_eq!(event, Event { at: at(4_999), actor: ann(), happening: step.into() });
        let over = AlertRefusal::HoldOver { until: at(5_000) };
        assert_eq!(lift(Role::AuthorisingOfficer, 5_000), Err(over.into()));
        for role in Role::ALL.into_iter().filter(|role| *role != Role::AuthorisingOfficer) {
            let refused = Refusal::RoleMayNot { role: role.word(), attempted: "lift a hold" };
            assert_eq!(lift(role, 20), Err(refused));
        }
    }

    #[test]
    fn the_record_says_what_is_held_until_when_and_when_it_went() {
        let begun = recorded(&decided());
        let released = recorded(&held().release(&officer(Role::AuthorisingOfficer), at(30)).unwrap());
        let lifted = Hold { until: at(30), ..held() };
        let destroyed = recorded(&lifted.destroy(at(31)).unwrap());
        let of_another_kind = Fact::ComplaintForgotten { complaint: "c1".into() };
        let unrelated = Recollection { actor: Actor::System, entry: Entry { at: at(15), fact: of_another_kind } };
        let history = [begun.clone(), unrelated, released, destroyed.clone()];
        let after = [None, Some(held()), Some(held()), Some(lifted), None];
        for (entries, standing) in after.into_iter().enumerate() {
            assert_eq!(Hold::replay(&history[..entries]), Ok(standing), "after {entries} entries");
        }
        let never_lifted = [begun, moved(&destroyed, at(5_000))];
        assert_eq!(Hold::replay(&never_lifted), Ok(None));
    }

    #[test]
    fn a_record_that_holds_twice_lifts_what_is_over_or_destroys_too_early_does_not_replay() {
        let begun = recorded(&decided());
        let released = recorded(&held().release(&officer(Role::AuthorisingOfficer), at(30)).unwrap());
        let destroyed = recorded(&held().destroy(at(5_000)).unwrap());
        let disordered = [
            vec![begun.clone(), begun.clone()],
            vec![released.clone()],
            vec![destroyed.clone()],
            vec![begun.clone(), moved(&released, at(5_000))],
            vec![begun.clone(), moved(&released, at(5_001))],
            vec![begun.clone(), released.clone(), moved(&released, at(31))],
            vec![begun.clone(), moved(&destroyed, at(4_999))],
            vec![begun.clone(), released, moved(&destroyed, at(29))],
        ];
        let wrong = "its evidence was held already, was not held, or its hold was not over";
        for history in disordered {
            assert_eq!(Hold::replay(&history), Err(wrong.into()), "{history:?}");
        }
        let mut unheard_of = begun;
        if let Fact::AlertHeld { ground, .. } = &mut unheard_of.entry.fact {
            *ground = "curiosity".into();
        }
        assert_eq!(Hold::replay(&[unheard_of]), Err("\"curiosity\" is no ground of a hold".into()));
    }

    #[test]
    fn the_words_of_grounds_stand_on_the_record() {
        let words = ["complaint", "legal proceedings", "subject's request"];
        assert_eq!(HoldGround::ALL.map(HoldGround::word), words);
        assert_eq!(words.map(HoldGround::from_word), HoldGround::ALL.map(Some));
        assert_eq!(HoldGround::from_word("curiosity"), None);
    }
}
