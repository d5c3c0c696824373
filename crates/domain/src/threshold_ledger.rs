//! Setting a threshold: one officer proposes it with reason and forecast, another approves, and both stand on the record.

use std::collections::BTreeMap;

use evidence::{Fact, ThresholdChange, Thresholds};
use jiff::Timestamp;

use crate::decided::Decided;
use crate::deployment::Recollection;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::OfficerId;
use crate::officer::Officer;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::threshold::ModelId;

/// What an officer wants to set. The value itself comes from the policy, which states what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdWish {
    /// The model.
    pub model: ModelId,
    /// SHA-256 of the results of the evaluation that the policy names, lower-case hexadecimal.
    pub evaluation_digest: String,
    /// Why, in words.
    pub reason: String,
    /// What is expected to change, in words, by group of people.
    pub forecast: BTreeMap<String, String>,
}

/// Proposed; waits for somebody else's approval.
#[derive(Clone, Debug, PartialEq)]
pub struct ProposedThreshold {
    change: ThresholdChange,
    proposer: OfficerId,
    role: String,
}

impl ThresholdWish {
    /// Proposes it, after what the ledger has in use now.
    pub fn propose(
        self,
        ledger: &Thresholds,
        officer: &Officer,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<ProposedThreshold>, Refusal> {
        let proposer = officer.act_as(&policy.roles.propose, "propose a threshold", now)?;
        let threshold = policy.threshold_for(&self.model)?;
        if threshold.fpir() > policy.threshold_fpir_max {
            return Err(Refusal::ThresholdTooLoose { fpir: threshold.fpir(), fpir_max: policy.threshold_fpir_max });
        }
        if self.reason.trim().is_empty() {
            return Err(Refusal::ThresholdUnexplained { missing: "why it is set" });
        }
        let told = |(group, effect): (&String, &String)| !group.trim().is_empty() && !effect.trim().is_empty();
        if self.forecast.is_empty() || !self.forecast.iter().all(told) {
            return Err(Refusal::ThresholdUnexplained { missing: "what is expected to change, by group" });
        }
        let is_digest = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if self.evaluation_digest.len() != 64 || !self.evaluation_digest.chars().all(is_digest) {
            return Err(Refusal::ThresholdUnexplained { missing: "the digest of the evaluation's results" });
        }
        let change = ThresholdChange {
            model: self.model.as_str().to_owned(),
            value: threshold.value().to_string(),
            fpir: threshold.fpir().to_string(),
            evaluation: threshold.evaluation().to_owned(),
            evaluation_digest: self.evaluation_digest,
            reason: self.reason,
            forecast: self.forecast,
            previous: ledger.in_use(self.model.as_str()).map(|set| set.value.clone()),
        };
        let happening = Happening::ThresholdProposed { change: change.clone(), role: officer.role };
        let role = officer.role.word().to_owned();
        let event = Event { at: now, actor: Actor::Officer(proposer.clone()), happening };
        Ok(Decided::new(ProposedThreshold { change, proposer, role }, event))
    }
}

impl ProposedThreshold {
    /// From the record; nothing where this is no proposal of a person.
    pub fn remembered(recollection: &Recollection) -> Option<Self> {
        match (&recollection.entry.fact, &recollection.actor) {
            (Fact::ThresholdProposed { change, role }, Actor::Officer(proposer)) => {
                Some(Self { change: change.clone(), proposer: proposer.clone(), role: role.clone() })
            }
            _ => None,
        }
    }

    /// What it is.
    pub fn change(&self) -> &ThresholdChange {
        &self.change
    }

    /// Another person approves it; from then on a deployment with this model starts with this threshold or not at all.
    pub fn approve(
        self,
        officer: &Officer,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<ThresholdChange>, Refusal> {
        let approver = officer.act_as(&policy.roles.approve, "approve a threshold", now)?;
        if approver == self.proposer {
            return Err(Refusal::ProposerMayNotApprove);
        }
        let stated = policy.threshold_for(&ModelId::new(self.change.model.as_str()))?;
        if stated.value().to_string() != self.change.value || stated.evaluation() != self.change.evaluation {
            return Err(Refusal::ThresholdNotInPolicy);
        }
        let (change, proposed_by) = (self.change, self.role);
        let happening = Happening::ThresholdSet { change: change.clone(), proposed_by, approved_by: officer.role };
        Ok(Decided::new(change, Event { at: now, actor: Actor::Officer(approver), happening }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::officer::Role;
    use crate::policy::tests::sound;
    use crate::threshold::Threshold;

    fn officer(name: &str, role: Role) -> Officer {
        Officer { id: OfficerId::new(name).unwrap(), role, trained_until: Timestamp::MAX }
    }

    fn now() -> Timestamp {
        "2026-03-01T09:00:00Z".parse().unwrap()
    }

    fn wish() -> ThresholdWish {
        ThresholdWish {
            model: sound().thresholds[0].model().clone(),
            evaluation_digest: "ab".repeat(32),
            reason: "the evaluation of March".into(),
            forecast: BTreeMap::from([("women".into(), "false alerts from 2 to 1 in 10,000".into())]),
        }
    }

    fn propose(wish: ThresholdWish) -> Result<Decided<ProposedThreshold>, Refusal> {
        wish.propose(&Thresholds::default(), &officer("ann", Role::Proposer), &sound(), now())
    }

    #[test]
    fn one_proposes_and_another_approves() {
        let proposed = propose(wish()).unwrap();
        let (state, event) = proposed.into_parts();
        let crate::Publication::Publish(entry) = event.publication() else { panic!("it is public") };
        let again = ProposedThreshold::remembered(&Recollection { actor: event.actor, entry: *entry }).unwrap();
        assert_eq!(again, state);
        let mut same = officer("ann", Role::AuthorisingOfficer);
        assert_eq!(state.clone().approve(&same, &sound(), now()).map(|_| ()), Err(Refusal::ProposerMayNotApprove));
        same.id = OfficerId::new("bo").unwrap();
        let approved = state.clone().approve(&same, &sound(), now()).unwrap();
        assert_eq!(approved.into_parts().0.value, "0.5");
        let operator = officer("bo", Role::Operator);
        assert!(matches!(state.clone().approve(&operator, &sound(), now()), Err(Refusal::RoleMayNot { .. })));
        let mut moved = sound();
        moved.thresholds.clear();
        assert!(state.approve(&same, &moved, now()).is_err(), "the policy no longer states it");
    }

    #[test]
    fn what_is_not_explained_or_not_measured_is_refused() {
        let missing = |wish: ThresholdWish| match propose(wish).map(|_| ()) {
            Err(Refusal::ThresholdUnexplained { missing }) => missing,
            other => panic!("{other:?}"),
        };
        assert!(missing(ThresholdWish { reason: " ".into(), ..wish() }).contains("why"));
        assert!(missing(ThresholdWish { forecast: BTreeMap::new(), ..wish() }).contains("by group"));
        assert!(
            missing(ThresholdWish { forecast: BTreeMap::from([("x".into(), "".into())]), ..wish() }).contains("group")
        );
        assert!(missing(ThresholdWish { evaluation_digest: "AB".repeat(32), ..wish() }).contains("digest"));
        let unknown = ThresholdWish { model: ModelId::new("unknown"), ..wish() };
        assert!(matches!(propose(unknown), Err(Refusal::ThresholdNotMeasured)));
        let mut loose = sound();
        loose.threshold_fpir_max = 0.000_1;
        let refused = wish().propose(&Thresholds::default(), &officer("ann", Role::Proposer), &loose, now());
        assert!(matches!(refused, Err(Refusal::ThresholdTooLoose { .. })));
    }

    #[test]
    fn a_threshold_measured_at_the_very_rate_that_the_policy_allows_is_proposed() {
        let most = Policy { threshold_fpir_max: sound().thresholds[0].fpir(), ..sound() };
        let proposed = wish().propose(&Thresholds::default(), &officer("ann", Role::Proposer), &most, now());
        let change = ThresholdChange {
            model: "m".into(),
            value: "0.5".into(),
            fpir: "0.001".into(),
            evaluation: "set".into(),
            evaluation_digest: "ab".repeat(32),
            reason: "the evaluation of March".into(),
            forecast: wish().forecast,
            previous: None,
        };
        assert_eq!(proposed.unwrap().state().change(), &change);
    }

    #[test]
    fn what_the_policy_states_otherwise_by_now_is_not_approved() {
        let proposed = propose(wish()).unwrap().into_parts().0;
        let approve = |value, evaluation: &str| {
            let mut policy = sound();
            let model = policy.thresholds[0].model().clone();
            policy.thresholds = vec![Threshold::new(model, value, 0.001, evaluation.into()).unwrap()];
            proposed.clone().approve(&officer("bo", Role::AuthorisingOfficer), &policy, now()).map(drop)
        };
        assert_eq!(approve(0.5, "set"), Ok(()));
        assert_eq!(approve(0.4, "set"), Err(Refusal::ThresholdNotInPolicy));
        assert_eq!(approve(0.5, "another set"), Err(Refusal::ThresholdNotInPolicy));
    }
}
