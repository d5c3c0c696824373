//! By whose decision a deployment runs, as far as the record shows: urgent approval and its deadline, and the signature
//! of an outside body.

use jiff::{SignedDuration, Timestamp};

use crate::authorisation::plan_is_signed;
use crate::{DeploymentPlan, Fact};

/// How long after an urgent approval lapsed comparison may still be seen to stop: the longest that authority is lent for.
const LAPSE_GRACE: SignedDuration = SignedDuration::from_mins(5);

/// What is remembered of the approval of one deployment.
#[derive(Debug)]
pub(crate) struct Mandate {
    /// The key that the operation names, and what is to be signed with it.
    outside: Option<(String, DeploymentPlan)>,
    outside_signed: bool,
    ratify_by: Option<Timestamp>,
    ratified: bool,
}

impl Mandate {
    /// For a deployment of an operation that names this outside key, if it names one.
    pub(crate) fn new(plan: &DeploymentPlan, outside_key: Option<&String>) -> Self {
        let outside = outside_key.map(|key| (key.clone(), plan.clone()));
        Self { outside, outside_signed: false, ratify_by: None, ratified: false }
    }

    /// Measures a fact against the approval; says what is wrong with it.
    pub(crate) fn take(&mut self, at: Timestamp, fact: &Fact) -> Vec<String> {
        let mut wrong = self.still_compares(at, fact);
        match fact {
            Fact::DeploymentApprovedUrgently { ratify_by, .. } => {
                self.ratify_by = Some(*ratify_by);
                if *ratify_by <= at {
                    wrong.push("it was approved urgently until a moment that had passed".into());
                }
            }
            Fact::DeploymentRatified { .. } => wrong.extend(self.ratify(at)),
            Fact::OutsideAuthorised { signature, .. } => match &self.outside {
                None => wrong.push("an outside body signed it, but its operation names none".into()),
                Some((key, plan)) if plan_is_signed(key, plan, signature) => self.outside_signed = true,
                Some(_) => wrong.push("the outside body's signature is not over this plan by the named key".into()),
            },
            Fact::NoticePublished { .. } if self.outside.is_some() && !self.outside_signed => {
                wrong
                    .push("it was announced without the signature of the outside body that its operation names".into());
            }
            _ => {}
        }
        wrong
    }

    /// Whether it should have been stopped and purged by `now`, because nobody ratified its urgent approval in time.
    pub(crate) fn lapsed(&self, now: Timestamp) -> Option<Timestamp> {
        let late = |by: &Timestamp| !self.ratified && now > by.checked_add(LAPSE_GRACE).unwrap_or(Timestamp::MAX);
        self.ratify_by.filter(late)
    }

    fn ratify(&mut self, at: Timestamp) -> Option<String> {
        match self.ratify_by {
            None => Some("it was ratified, but not approved urgently".into()),
            Some(_) if self.ratified => Some("it was ratified twice".into()),
            Some(by) if at >= by => Some(format!("it was ratified at {at}, after its urgent approval lapsed at {by}")),
            Some(_) => {
                self.ratified = true;
                None
            }
        }
    }

    fn still_compares(&self, at: Timestamp, fact: &Fact) -> Vec<String> {
        let compares = match fact {
            Fact::DeploymentStarted { .. }
            | Fact::DeploymentResumed { .. }
            | Fact::TripCleared { .. }
            | Fact::AlertRaised { .. } => true,
            Fact::DeletionReceipt { counts, .. } => counts.templates_made > 0,
            _ => false,
        };
        match self.lapsed(at) {
            Some(by) if compares => {
                vec![format!("it still compared faces at {at}; its urgent approval lapsed at {by}")]
            }
            _ => vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, counts, plan};
    use crate::{KeyPair, authorisation::sign_plan};

    fn d() -> String {
        "d1".into()
    }

    fn urgent() -> Mandate {
        let mut mandate = Mandate::new(&plan(), None);
        let (role, ground) = ("urgent authorising officer".into(), "threat to life".into());
        let approved = Fact::DeploymentApprovedUrgently { deployment: d(), role, ground, ratify_by: at(100) };
        assert_eq!(mandate.take(at(0), &approved), Vec::<String>::new());
        mandate
    }

    #[test]
    fn an_urgent_approval_is_ratified_once_and_in_time_or_lapses() {
        let ratified = Fact::DeploymentRatified { deployment: d(), role: "authorising officer".into() };
        let receipt = |counts| Fact::DeletionReceipt { deployment: d(), from: at(0), to: at(1), counts };
        let mut mandate = urgent();
        assert_eq!(mandate.take(at(99), &ratified), Vec::<String>::new());
        assert!(mandate.lapsed(at(10_000)).is_none());
        assert!(mandate.take(at(99), &ratified)[0].contains("twice"));
        let mut late = urgent();
        assert!(late.take(at(100), &ratified)[0].contains("after its urgent approval lapsed"));
        assert!(late.lapsed(at(400)).is_none() && late.lapsed(at(401)).is_some());
        assert!(late.take(at(400), &receipt(counts(1, 0))).is_empty());
        assert!(late.take(at(401), &receipt(counts(1, 0)))[0].contains("still compared"));
        assert!(late.take(at(401), &receipt(counts(0, 0))).is_empty());
        assert!(Mandate::new(&plan(), None).take(at(0), &ratified)[0].contains("not approved urgently"));
    }

    #[test]
    fn where_an_outside_body_is_named_its_signature_comes_before_the_notice() {
        let keys = KeyPair::from_seed("panel.example", [7; 32]).expect("keys");
        let notice = Fact::NoticePublished { deployment: d(), notice_digest: "bb".into() };
        let signed = |signature: &str| Fact::OutsideAuthorised { deployment: d(), signature: signature.into() };
        let line = sign_plan(&keys.signing, &plan()).expect("signs");
        let named = || Mandate::new(&plan(), Some(&keys.verifying));
        assert!(named().take(at(0), &notice)[0].contains("without the signature"));
        assert!(named().take(at(0), &signed("— panel.example AAAA"))[0].contains("not over this plan"));
        let mut mandate = named();
        assert!(mandate.take(at(0), &signed(&line)).is_empty());
        assert!(mandate.take(at(1), &notice).is_empty());
        assert!(Mandate::new(&plan(), None).take(at(0), &signed(&line))[0].contains("names none"));
    }
}
