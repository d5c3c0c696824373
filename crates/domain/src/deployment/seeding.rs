//! Seeding an exercise: pairs of listed images known to show different people, shown among the alerts to measure reviewers.
//!
//! A seeded pair is no face that passed: no template is made or kept for it, so the balance of receipts is untouched, and
//! it is in no count of alerts. Which names are seeded is fixed by a commitment before the start, and told at the end.

use evidence::SeedFigures;
use jiff::Timestamp;

use super::{Announced, Ended, Kind, Live, Plan};
use crate::alert::{AlertRefusal, AlertStep, Judgement, Origin, Raised, SeedJudgement};
use crate::decided::Decided;
use crate::event::{Actor, Event};
use crate::identifiers::AlertId;
use crate::officer::{Officer, Role};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::watchlist::EntryFacts;

/// Two entries of the watchlist, to be shown as if one had been seen and the other were sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedPair {
    /// Number of the entry shown as if it had been seen.
    pub shown: u32,
    /// Number of the entry it is shown beside.
    pub listed: u32,
}

impl SeedPair {
    /// Refuses a pair of one person.
    pub fn check(&self, shown: &EntryFacts, listed: &EntryFacts) -> Result<(), Refusal> {
        if self.shown == self.listed || shown.label == listed.label {
            return Err(AlertRefusal::SeedShowsOnePerson { shown: self.shown, listed: self.listed }.into());
        }
        Ok(())
    }
}

impl Announced {
    /// The watchlist officer, who judges no alerts, fixes how many pairs are seeded and, by a commitment, which.
    /// `standing` is the number fixed already.
    pub fn fix_seeds(
        &self,
        officer: &Officer,
        seeds: u64,
        commitment: String,
        standing: u64,
        now: Timestamp,
    ) -> Result<Decided<()>, Refusal> {
        let by = officer.act_as(&[Role::WatchlistOfficer], "seed pairs", now)?;
        require_exercise(&self.plan)?;
        if self.preparation.watchlist.is_none() {
            return Err(Refusal::WatchlistNotFrozen);
        }
        if standing > 0 {
            return Err(AlertRefusal::SeedsFixedAlready.into());
        }
        if seeds == 0 {
            return Err(AlertRefusal::SeedsNone.into());
        }
        let step = AlertStep::SeedsFixed { deployment: self.plan.deployment.clone(), seeds, commitment };
        Ok(Decided::new((), Event { at: now, actor: Actor::Officer(by), happening: step.into() }))
    }
}

impl Live {
    /// Puts a seeded pair among the alerts. Nothing is published: it would tell the reviewers.
    pub fn show_seed(&self, alert: AlertId, policy: &Policy, now: Timestamp) -> Result<Decided<Raised>, Refusal> {
        require_exercise(&self.plan)?;
        if now < self.started {
            return Err(Refusal::ClockWentBack { last: self.started });
        }
        let expires = now.saturating_add(policy.alert_retention).unwrap_or(now);
        let deployment = self.plan.deployment.clone();
        let raised = Raised::new(alert.clone(), deployment.clone(), now, expires, Origin::Seeded);
        let step = AlertStep::SeedShown { deployment, alert };
        Ok(Decided::new(raised, Event { at: now, actor: Actor::System, happening: step.into() }))
    }
}

impl Ended {
    /// Tells which pairs were seeded and how they were judged: each by nobody, by one person or by two. `salt` and
    /// `seeds` are those of the commitment; `shown` is how many came before anybody.
    pub fn reveal_seeds(
        &self,
        salt: String,
        seeds: Vec<String>,
        shown: u64,
        judged: &[Vec<SeedJudgement>],
        now: Timestamp,
    ) -> Result<Decided<SeedFigures>, Refusal> {
        require_exercise(&self.plan)?;
        let count = |wanted: Judgement| {
            judged.iter().flatten().filter(|judgement| judgement.judgement == wanted).count() as u64
        };
        let twice = || judged.iter().filter(|judgements| judgements.len() == 2);
        let mut seconds: Vec<u64> = judged.iter().flatten().map(|judgement| judgement.seconds_to_decide).collect();
        seconds.sort_unstable();
        let figures = SeedFigures {
            deployment: self.plan.deployment.to_string(),
            salt,
            seeds,
            shown,
            judgements: seconds.len() as u64,
            false_accepts: count(Judgement::SamePerson),
            cannot_tell: count(Judgement::CannotTell),
            judged_twice: twice().count() as u64,
            agreed: twice().filter(|pair| pair[0].judgement == pair[1].judgement).count() as u64,
            seconds_to_decide_p50: at_most(&seconds, 5),
            seconds_to_decide_p90: at_most(&seconds, 9),
        };
        let step = AlertStep::SeedsRevealed { deployment: self.plan.deployment.clone(), figures: figures.clone() };
        Ok(Decided::new(figures, Event { at: now, actor: Actor::System, happening: step.into() }))
    }
}

/// The least of these ascending numbers that at least so many tenths of them do not exceed; 0 where there are none.
fn at_most(ascending: &[u64], tenths: usize) -> u64 {
    let place = (ascending.len() * tenths).div_ceil(10).saturating_sub(1);
    ascending.get(place).copied().unwrap_or_default()
}

fn require_exercise(plan: &Plan) -> Result<(), Refusal> {
    if plan.kind == Kind::Exercise { Ok(()) } else { Err(AlertRefusal::SeedsOutsideExercise.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_list() {
        assert_eq!(at_most(&[], 5), 0);
        assert_eq!((at_most(&[7], 5), at_most(&[7], 9)), (7, 7));
        let ten: Vec<u64> = (1..=10).collect();
        assert_eq!((at_most(&ten, 5), at_most(&ten, 9)), (5, 9));
        assert_eq!(at_most(&[1, 2, 3], 5), 2);
    }
}
