//! An alert rebuilt from its entries: the record is the state. A seeded pair is rebuilt from what is withheld of it.

use std::collections::BTreeMap;

use evidence::Fact;
use jiff::Timestamp;

use super::{
    Adjudicated, AlertState, Closed, Engaged, Engagement, JudgedOnce, Judgement, Opinions, Origin, Outcome, Raised,
};
use crate::deployment::Recollection;
use crate::event::Actor;
use crate::identifiers::{AlertId, DeploymentId, OfficerId};
use crate::policy::Adjudicators;

/// When each officer first looked at the evidence.
pub type Looks = BTreeMap<OfficerId, Timestamp>;

/// A judgement of a seeded pair, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedJudgement {
    /// Who judged.
    pub judge: OfficerId,
    /// What they saw.
    pub judgement: Judgement,
    /// Salt of the commitment, where it is the first of two; hexadecimal.
    pub salt: String,
    /// Seconds from their first look.
    pub seconds_to_decide: u64,
}

impl AlertState {
    /// Rebuilds the state from every entry about one alert, oldest first; the sentence says what does not fit.
    pub fn replay(history: &[Recollection], looks: Looks) -> Result<Self, String> {
        let mut state = None;
        for recollection in history {
            state = Some(follow(state, recollection, &looks)?);
        }
        state.ok_or_else(|| "it was never raised".into())
    }

    /// Rebuilds a seeded pair: shown among the alerts, then judged by as many people as the policy asked for.
    pub fn replay_seed(
        shown: Raised,
        judgements: &[SeedJudgement],
        adjudicators: Adjudicators,
    ) -> Result<Self, String> {
        Ok(match (judgements, adjudicators) {
            ([], _) => Self::Raised(shown),
            ([only], Adjudicators::One) => {
                Self::Adjudicated(Adjudicated { alert: shown, judgement: only.judgement, opinions: Opinions::One })
            }
            ([first], Adjudicators::Two) => {
                let commitment =
                    evidence::commitment::judgement(shown.alert.as_str(), &first.salt, first.judgement.word());
                Self::JudgedOnce(JudgedOnce { alert: shown, judge: first.judge.clone(), commitment })
            }
            ([first, second], _) if first.judge != second.judge => {
                Self::Adjudicated(Adjudicated::by_two(shown, first.judgement, second.judgement))
            }
            _ => return Err(format!("{} people judged it, or one of them twice", judgements.len())),
        })
    }
}

impl Raised {
    /// A seeded pair as it was shown among the alerts.
    pub fn remembered_seed(
        alert: AlertId,
        deployment: DeploymentId,
        shown: Timestamp,
        expires: Timestamp,
        looks: Looks,
    ) -> Self {
        Self { looks, ..Self::new(alert, deployment, shown, expires, Origin::Seeded) }
    }
}

fn follow(state: Option<AlertState>, recollection: &Recollection, looks: &Looks) -> Result<AlertState, String> {
    use AlertState as S;
    let entry = &recollection.entry;
    match (state, &entry.fact) {
        (None, Fact::AlertRaised { deployment, alert, expires, .. }) => {
            let wrong = |error: crate::identifiers::NotAnIdentifier| error.to_string();
            let alert = AlertId::new(alert).map_err(wrong)?;
            let deployment = DeploymentId::new(deployment).map_err(wrong)?;
            let raised = Raised::new(alert, deployment, entry.at, *expires, Origin::Passage);
            Ok(S::Raised(Raised { looks: looks.clone(), ..raised }))
        }
        (Some(S::Raised(alert)), Fact::AlertAdjudicated { judgement: word, .. }) => {
            Ok(S::Adjudicated(Adjudicated { alert, judgement: judgement(word)?, opinions: Opinions::One }))
        }
        (Some(S::Raised(alert)), Fact::AlertJudgedOnce { judgement_commitment, .. }) => match &recollection.actor {
            Actor::Officer(judge) => {
                let (judge, commitment) = (judge.clone(), judgement_commitment.clone());
                Ok(S::JudgedOnce(JudgedOnce { alert, judge, commitment }))
            }
            Actor::System => Err("no person judged it".into()),
        },
        (Some(S::JudgedOnce(once)), Fact::AlertJudgedTwice { first, second, .. }) => match &recollection.actor {
            Actor::Officer(judge) if *judge != once.judge => {
                Ok(S::Adjudicated(Adjudicated::by_two(once.alert, judgement(first)?, judgement(second)?)))
            }
            _ => Err("it was not judged by another person".into()),
        },
        (Some(S::Adjudicated(alert)), Fact::AlertEngaged { engagement: word, .. }) => {
            let engagement = Engagement::from_word(word).ok_or_else(|| format!("{word:?} is no engagement"))?;
            if alert.judgement != Judgement::SamePerson {
                return Err("it led to an engagement, but was not judged to show the same person".into());
            }
            Ok(S::Engaged(Engaged { alert, engagement }))
        }
        (Some(S::Adjudicated(alert)), Fact::OutcomeRecorded { outcome: word, .. }) => {
            Ok(S::Closed(Closed { alert, engagement: None, outcome: outcome(word)? }))
        }
        (Some(S::Engaged(Engaged { alert, engagement })), Fact::OutcomeRecorded { outcome: word, .. }) => {
            Ok(S::Closed(Closed { alert, engagement: Some(engagement), outcome: outcome(word)? }))
        }
        (Some(S::Closed(closed)), Fact::OutcomeReclassified { outcome: word, .. }) => {
            Ok(S::Closed(Closed { outcome: outcome(word)?, ..closed }))
        }
        // Holds are about the evidence, whatever the alert has come to; `hold` follows them.
        (Some(state), Fact::AlertHeld { .. } | Fact::HoldReleased { .. } | Fact::HeldEvidenceDestroyed { .. }) => {
            Ok(state)
        }
        (Some(state), _) => Err(format!("it was {} and that allows nothing of the kind", state.state())),
        (None, _) => Err("it was never raised".into()),
    }
}

fn judgement(word: &str) -> Result<Judgement, String> {
    Judgement::from_word(word).ok_or_else(|| format!("{word:?} is no judgement"))
}

fn outcome(word: &str) -> Result<Outcome, String> {
    Outcome::from_word(word).ok_or_else(|| format!("{word:?} is no outcome"))
}
