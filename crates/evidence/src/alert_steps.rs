//! The steps of one alert on the record, and the pairs seeded to measure reviewers: what may follow what.

use jiff::Timestamp;

use crate::{Fact, SeedFigures, commitment};

/// The judgement after which somebody may be spoken to.
const SAME_PERSON: &str = "same person";

/// How far an alert has come.
#[derive(Debug, Default)]
pub(crate) struct AlertSteps {
    /// The commitment to the first of two judgements.
    committed: Option<String>,
    judged: bool,
    /// Whether everybody who judged it saw the same person.
    same_person: bool,
    engaged: bool,
    closed: bool,
    /// Until when its evidence is held, while it is.
    held: Option<Timestamp>,
}

impl AlertSteps {
    /// Whether held evidence of it is kept.
    pub(crate) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Measures a fact about this alert against what came before it.
    pub(crate) fn take(&mut self, at: Timestamp, alert: &str, fact: &Fact) -> Vec<String> {
        let wrong = match fact {
            Fact::AlertAdjudicated { judgement, .. } => self.judge(judgement),
            Fact::AlertJudgedOnce { judgement_commitment, .. } => self.judge_once(judgement_commitment),
            Fact::AlertJudgedTwice { first, salt, second, .. } => self.judge_twice(alert, first, salt, second),
            Fact::AlertEngaged { .. } => self.engage(),
            Fact::OutcomeRecorded { .. } => self.close(),
            Fact::OutcomeReclassified { .. } => told(!self.closed, "has its outcome reclassified, but had none"),
            Fact::AlertHeld { until, .. } => self.hold(at, *until),
            Fact::HoldReleased { .. } => self.release(at),
            Fact::HeldEvidenceDestroyed { .. } => self.destroy(at),
            _ => vec![],
        };
        wrong.into_iter().map(|wrong| format!("alert {alert} {wrong}")).collect()
    }

    fn judge(&mut self, judgement: &str) -> Vec<&'static str> {
        let mut wrong = told(self.judged, "was judged twice");
        wrong
            .extend(told(self.committed.is_some(), "waits for a second judgement, and was judged as if by one person"));
        self.judged = true;
        self.same_person = judgement == SAME_PERSON;
        wrong
    }

    fn judge_once(&mut self, commitment: &str) -> Vec<&'static str> {
        let mut wrong = told(self.judged, "was judged twice");
        wrong.extend(told(self.committed.replace(commitment.to_owned()).is_some(), "was first judged twice"));
        wrong
    }

    fn judge_twice(&mut self, alert: &str, first: &str, salt: &str, second: &str) -> Vec<&'static str> {
        let mut wrong = told(self.judged, "was judged twice");
        self.judged = true;
        self.same_person = first == SAME_PERSON && second == SAME_PERSON;
        match &self.committed {
            None => wrong.push("was judged a second time, but never a first time"),
            Some(committed) if *committed == commitment::judgement(alert, salt, first) => {}
            Some(_) => wrong.push("was first judged otherwise than is told now"),
        }
        wrong
    }

    fn engage(&mut self) -> Vec<&'static str> {
        let mut wrong = told(!self.same_person, "led to an engagement, but was not judged to show the same person");
        wrong.extend(told(std::mem::replace(&mut self.engaged, true), "led to two engagements"));
        wrong.extend(told(self.closed, "led to an engagement after its outcome"));
        wrong
    }

    fn close(&mut self) -> Vec<&'static str> {
        let mut wrong = told(!self.judged, "has an outcome, but nobody judged it");
        wrong.extend(told(std::mem::replace(&mut self.closed, true), "has two outcomes"));
        wrong
    }

    fn hold(&mut self, at: Timestamp, until: Timestamp) -> Vec<&'static str> {
        let mut wrong = told(until <= at, "is held until a time that is past");
        wrong.extend(told(self.held.replace(until).is_some(), "is held, and was held already"));
        wrong
    }

    fn release(&mut self, at: Timestamp) -> Vec<&'static str> {
        match &mut self.held {
            Some(until) if at < *until => {
                *until = at;
                vec![]
            }
            Some(_) => vec!["has a hold lifted that was over"],
            None => vec!["has a hold lifted, but was not held"],
        }
    }

    fn destroy(&mut self, at: Timestamp) -> Vec<&'static str> {
        match self.held.take() {
            Some(until) => told(at < until, "had its held evidence destroyed before the hold was over"),
            None => vec!["had held evidence destroyed, but none was held"],
        }
    }
}

/// The seeded pairs of an exercise.
#[derive(Debug)]
pub(crate) struct Seeds {
    seeds: u64,
    commitment: String,
    revealed: bool,
}

impl Seeds {
    /// Fixed, and told of by number only.
    pub(crate) fn fixed(seeds: u64, commitment: &str) -> Self {
        Self { seeds, commitment: commitment.to_owned(), revealed: false }
    }

    /// Whether they have not been revealed yet.
    pub(crate) fn is_hidden(&self) -> bool {
        !self.revealed
    }

    /// Measures what is revealed against what was fixed.
    pub(crate) fn reveal(&mut self, figures: &SeedFigures) -> Vec<String> {
        let mut wrong = Vec::new();
        if std::mem::replace(&mut self.revealed, true) {
            wrong.push("its seeded pairs were revealed twice".into());
        }
        let committed = commitment::seeds(&figures.deployment, &figures.salt, &figures.seeds);
        if figures.seeds.len() as u64 != self.seeds || committed != self.commitment {
            wrong.push("the seeded pairs revealed are not those that were fixed".into());
        }
        let judged_badly = figures.false_accepts.checked_add(figures.cannot_tell);
        let adds_up = figures.shown <= self.seeds
            && figures.judgements <= figures.shown.saturating_mul(2)
            && judged_badly.is_some_and(|badly| badly <= figures.judgements)
            && figures.agreed <= figures.judged_twice
            && figures.judged_twice.checked_mul(2).is_some_and(|twice| twice <= figures.judgements)
            && figures.seconds_to_decide_p50 <= figures.seconds_to_decide_p90;
        if !adds_up {
            wrong.push("the judgements of its seeded pairs do not add up".into());
        }
        wrong
    }
}

fn told(wrong: bool, sentence: &'static str) -> Vec<&'static str> {
    if wrong { vec![sentence] } else { vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, redress, seed_figures};

    /// What is told of alert `a1` when these facts follow each other, one second apart.
    fn read(facts: &[Fact]) -> String {
        let mut steps = AlertSteps::default();
        let wrong = facts.iter().zip(0..).flat_map(|(fact, second)| steps.take(at(second), "a1", fact));
        wrong.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn an_alert_is_judged_by_two_engaged_closed_held_and_let_go() {
        let facts = redress();
        assert_eq!(read(&facts), "");
        // Nothing can be left out but the reclassification, the engagement, and the end of the hold.
        for left_out in 0..facts.len() {
            let mut fewer = facts.clone();
            let fact = fewer.remove(left_out);
            let may_go = matches!(
                fact,
                Fact::OutcomeReclassified { .. } | Fact::AlertEngaged { .. } | Fact::HeldEvidenceDestroyed { .. }
            );
            assert_eq!(read(&fewer).is_empty(), may_go, "{fact:?}: {}", read(&fewer));
        }
        // Nothing can be said twice but a reclassification.
        for twice in 0..facts.len() {
            let mut more = facts.clone();
            more.insert(twice, facts[twice].clone());
            let may_be = matches!(facts[twice], Fact::OutcomeReclassified { .. });
            assert_eq!(read(&more).is_empty(), may_be, "{:?}", facts[twice]);
        }
    }

    #[test]
    fn a_first_judgement_told_otherwise_is_found_and_a_disagreement_engages_nobody() {
        let mut facts = redress();
        if let Fact::AlertJudgedTwice { first, .. } = &mut facts[1] {
            *first = "cannot tell".into();
        }
        assert!(read(&facts).contains("first judged otherwise"), "{}", read(&facts));
        let mut facts = redress();
        if let Fact::AlertJudgedTwice { second, .. } = &mut facts[1] {
            *second = "cannot tell".into();
        }
        assert!(read(&facts).contains("not judged to show the same person"), "{}", read(&facts));
    }

    #[test]
    fn seeds_revealed_are_those_fixed_and_their_figures_add_up() {
        let figures = seed_figures();
        let fixed = || {
            let seeds = figures.seeds.len() as u64;
            Seeds::fixed(seeds, &commitment::seeds(&figures.deployment, &figures.salt, &figures.seeds))
        };
        let mut seeds = fixed();
        assert!(seeds.is_hidden());
        assert_eq!(seeds.reveal(&figures), Vec::<String>::new());
        assert!(!seeds.is_hidden());
        assert!(seeds.reveal(&figures)[0].contains("twice"));
        type Change = (&'static str, fn(&mut SeedFigures));
        let changes: [Change; 7] = [
            ("not those", |f| f.salt = "01".into()),
            ("not those", |f| f.seeds.swap(0, 1)),
            ("not those", |f| drop(f.seeds.pop())),
            ("add up", |f| f.shown = 3),
            ("add up", |f| f.false_accepts = 3),
            ("add up", |f| f.agreed = 2),
            ("add up", |f| f.seconds_to_decide_p50 = 99),
        ];
        for (expected, change) in changes {
            let mut changed = figures.clone();
            change(&mut changed);
            let wrong = fixed().reveal(&changed).join("; ");
            assert!(wrong.contains(expected), "{expected}: {wrong}");
        }
    }
}
