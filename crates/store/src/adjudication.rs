//! Judging, by one person or two; what the first of two saw is kept from the second, and from everybody else.

use domain::alert::{FirstJudgement, SeedJudgement};
use domain::policy::Adjudicators;
use domain::{Adjudicated, AlertId, AlertState, DeploymentId, Figures, Judgement, Officer};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::error::{Doing as _, StoreError};
use crate::policy_file::hexadecimal;
use crate::recorded::Recorded;
use crate::sealing::fresh_salt;
use crate::store::Store;

impl Store {
    /// An officer who has looked at an alert judges it: alone, as the first of two, or as the second, as the policy asks
    /// and the record stands. A seeded pair is judged like any alert; nothing tells it apart until then.
    pub fn judge(
        &mut self,
        a: &AlertId,
        officer: &Officer,
        judgement: Judgement,
        now: Timestamp,
    ) -> Result<Recorded<AlertState>, StoreError> {
        let state = self.alert(a)?.into_inner();
        match (state, self.policy_in_force()?.second_adjudicator) {
            (AlertState::Raised(raised), Adjudicators::One) => {
                let decided = raised.adjudicate(officer, judgement, &self.policy_in_force()?, now)?;
                let seed = self.seed_judgement(a, officer, judgement, String::new(), 1)?;
                Ok(self.record_judged(a, decided, seed)?.map(AlertState::Adjudicated))
            }
            (AlertState::Raised(raised), Adjudicators::Two) => {
                let d = raised.deployment.clone();
                let first = FirstJudgement { judgement, salt: hexadecimal(&fresh_salt()?) };
                let decided = raised.judge_first(officer, &first, &self.policy_in_force()?, now)?;
                let seed = self.seed_judgement(a, officer, judgement, first.salt.clone(), 1)?;
                let judged = self.record(decided, |transaction, _| match &seed {
                    Some(seed) => seed.insert(transaction, a, now),
                    None => keep_first(transaction, a, &d, &first),
                })?;
                Ok(judged.map(AlertState::JudgedOnce))
            }
            (AlertState::JudgedOnce(once), _) => {
                let first = self.first_judgement(a)?;
                let decided = once.judge_second(officer, &first, judgement, now)?;
                let seed = self.seed_judgement(a, officer, judgement, String::new(), 2)?;
                Ok(self.record_judged(a, decided, seed)?.map(AlertState::Adjudicated))
            }
            (other, _) => Err(StoreError::Outdated {
                name: format!("alert {a}"),
                found: format!("it is {} already, and the judgement stands", other.state()),
            }),
        }
    }

    /// What the alerts of a deployment come to. Seeded pairs are in none of these numbers.
    pub fn alert_figures(&self, d: &DeploymentId) -> Result<Figures, StoreError> {
        let entries = self.entries(Some(d))?;
        Ok(Figures::of(entries.iter().map(|(_, entry)| entry)))
    }

    fn record_judged(
        &mut self,
        a: &AlertId,
        decided: domain::Decided<Adjudicated>,
        seed: Option<KeptSeedJudgement>,
    ) -> Result<Recorded<Adjudicated>, StoreError> {
        let at = decided.event().at;
        self.record(decided, |transaction, _| match &seed {
            Some(seed) => seed.insert(transaction, a, at),
            None => transaction
                .execute("DELETE FROM first_judgements WHERE alert = ?1", [a.as_str()])
                .doing("forgetting a first judgement")
                .map(drop),
        })
    }

    /// What the first of two judged, for the rule that compares it with the record.
    fn first_judgement(&self, a: &AlertId) -> Result<FirstJudgement, StoreError> {
        if let Some(first) = self.seed_judgements(a)?.into_iter().next() {
            let SeedJudgement { judgement, salt, .. } = first;
            return Ok(FirstJudgement { judgement, salt });
        }
        let doing = "reading a first judgement";
        let mut statement = self
            .connection
            .prepare_cached("SELECT judgement, salt FROM first_judgements WHERE alert = ?1")
            .doing(doing)?;
        let kept: Option<(String, String)> =
            statement.query_row([a.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional().doing(doing)?;
        let found =
            || StoreError::Damaged { what: format!("alert {a}"), found: "what its first judge saw is not kept".into() };
        let (word, salt) = kept.ok_or_else(found)?;
        Ok(FirstJudgement { judgement: Judgement::from_word(&word).ok_or_else(found)?, salt })
    }

    /// The row to keep of this judgement, if the alert is a seeded pair whose figures are not told yet.
    fn seed_judgement(
        &self,
        a: &AlertId,
        officer: &Officer,
        judgement: Judgement,
        salt: String,
        place: u8,
    ) -> Result<Option<KeptSeedJudgement>, StoreError> {
        let Some(seed) = self.seed(a)? else { return Ok(None) };
        if self.seeds_are_revealed(&seed.deployment)? {
            return Err(StoreError::Outdated {
                name: format!("alert {a}"),
                found: "it was a seeded pair, and the figures of those are told".into(),
            });
        }
        let looked = self.looks(a)?.get(&officer.id).copied();
        Ok(Some(KeptSeedJudgement { judge: officer.id.to_string(), judgement, salt, place, looked }))
    }
}

/// A judgement of a seeded pair, to be kept beside its event.
struct KeptSeedJudgement {
    judge: String,
    judgement: Judgement,
    salt: String,
    place: u8,
    looked: Option<Timestamp>,
}

impl KeptSeedJudgement {
    fn insert(&self, transaction: &Transaction<'_>, a: &AlertId, at: Timestamp) -> Result<(), StoreError> {
        let seconds = self.looked.map_or(0, |looked| at.duration_since(looked).as_secs().max(0));
        let Self { judge, judgement, salt, place, .. } = self;
        transaction
            .execute(
                "INSERT INTO seed_judgements (seed, place, judge, judgement, salt, seconds)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![a.as_str(), place, judge, judgement.word(), salt, seconds],
            )
            .doing("keeping a judgement of a seeded pair")
            .map(drop)
    }
}

fn keep_first(
    transaction: &Transaction<'_>,
    a: &AlertId,
    d: &DeploymentId,
    first: &FirstJudgement,
) -> Result<(), StoreError> {
    transaction
        .execute(
            "INSERT INTO first_judgements (alert, deployment, judgement, salt) VALUES (?1, ?2, ?3, ?4)",
            params![a.as_str(), d.as_str(), first.judgement.word(), first.salt],
        )
        .doing("keeping a first judgement")
        .map(drop)
}

#[cfg(test)]
mod tests {
    use domain::{AlertRefusal, Engagement, OfficerId, Outcome, Refusal, Role};
    use evidence::Fact;

    use super::*;
    use crate::scenes::{Scene, exercise_policy, officer};

    /// Puts a policy in force under which two people judge.
    pub(crate) fn two_judges(scene: &mut Scene) {
        let one = "[second_adjudicator]\nvalue = \"one\"";
        let text = exercise_policy();
        assert!(text.contains(one));
        let (text, now) = (text.replace(one, "[second_adjudicator]\nvalue = \"two\""), scene.tick());
        scene.store().adopt_policy(&text, &officer(Role::AuthorisingOfficer), now).unwrap();
    }

    fn another() -> Officer {
        Officer { id: OfficerId::new("operator-2").unwrap(), ..officer(Role::Operator) }
    }

    fn look_and_judge(
        scene: &mut Scene,
        a: &AlertId,
        who: &Officer,
        saw: Judgement,
    ) -> Result<Recorded<AlertState>, StoreError> {
        let now = scene.tick();
        scene.store().view_evidence(a, who, now).unwrap();
        let now = scene.pass(jiff::SignedDuration::from_secs(4));
        scene.store().judge(a, who, saw, now)
    }

    fn refused(result: Result<Recorded<AlertState>, StoreError>) -> Refusal {
        match result {
            Err(StoreError::Refusal(refusal)) => refusal,
            Err(other) => panic!("{other}"),
            Ok(state) => panic!("{state:?}"),
        }
    }

    #[test]
    fn the_second_judge_is_another_person_and_the_first_judgement_is_told_only_then() {
        let mut scene = Scene::new();
        scene.operation();
        two_judges(&mut scene);
        let alert = scene.ended("kx-1");
        let once = look_and_judge(&mut scene, &alert, &officer(Role::Operator), Judgement::SamePerson).unwrap();
        assert!(matches!(*once, AlertState::JudgedOnce(_)));
        assert!(once.adjudicated().is_none(), "no score yet");
        let published = format!("{:?}", scene.store().entries(None).unwrap());
        assert!(!published.contains("same person"), "the second judge could read it");
        assert_eq!(scene.store().check().unwrap(), vec![]);
        scene.reopen();
        let same = look_and_judge(&mut scene, &alert, &officer(Role::Operator), Judgement::SamePerson);
        assert_eq!(refused(same), AlertRefusal::SameJudge.into());
        let now = scene.tick();
        let unseen = scene.store().judge(&alert, &another(), Judgement::SamePerson, now);
        assert_eq!(refused(unseen), AlertRefusal::EvidenceNotSeen.into());
        let judged = look_and_judge(&mut scene, &alert, &another(), Judgement::SamePerson).unwrap();
        assert!(matches!(&*judged, AlertState::Adjudicated(judged) if judged.judgement == Judgement::SamePerson));
        let entries = scene.store().entries(None).unwrap();
        let seconds = entries.iter().filter_map(|(_, entry)| match &entry.fact {
            Fact::AlertJudgedOnce { seconds_to_decide, .. } | Fact::AlertJudgedTwice { seconds_to_decide, .. } => {
                Some(*seconds_to_decide)
            }
            _ => None,
        });
        assert_eq!(seconds.collect::<Vec<_>>(), [4, 4], "from each one's own first look, not from raising");
        let kept: u64 =
            scene.store().connection.query_row("SELECT count(*) FROM first_judgements", [], |row| row.get(0)).unwrap();
        assert_eq!((kept, scene.store().check().unwrap()), (0, vec![]));
    }

    #[test]
    fn a_disagreement_is_recorded_and_engages_nobody() {
        let mut scene = Scene::new();
        scene.operation();
        two_judges(&mut scene);
        let alert = scene.ended("kx-1");
        look_and_judge(&mut scene, &alert, &officer(Role::Operator), Judgement::SamePerson).unwrap();
        look_and_judge(&mut scene, &alert, &another(), Judgement::NotThisPerson).unwrap();
        let judged = scene.store().alert(&alert).unwrap().expect_adjudicated().unwrap();
        assert!(judged.is_disputed() && judged.judgement == Judgement::CannotTell);
        let (policy, now) = (scene.store().policy().unwrap().unwrap(), scene.tick());
        let checked =
            (*judged).clone().record_outcome(&officer(Role::Operator), Outcome::IdentityConfirmed, &policy, now);
        assert_eq!(checked.unwrap_err(), AlertRefusal::Disputed.into());
        let engaged = scene.store().engage(judged, &officer(Role::EngagementOfficer), Engagement::SpokenTo, now);
        assert!(matches!(engaged, Err(StoreError::Refusal(found)) if found == AlertRefusal::Disputed.into()));
        let d = scene.d();
        let figures = scene.store().alert_figures(&d).unwrap();
        assert_eq!((figures.alerts, figures.disputed, figures.judged_by_two, figures.unconfirmed), (1, 1, 1, 1));
        scene.purged();
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn a_first_judgement_that_was_altered_is_found_and_refused() {
        let mut scene = Scene::new();
        scene.operation();
        two_judges(&mut scene);
        let alert = scene.ended("kx-1");
        look_and_judge(&mut scene, &alert, &officer(Role::Operator), Judgement::SamePerson).unwrap();
        scene.store().connection.execute("UPDATE first_judgements SET judgement = 'cannot tell'", []).unwrap();
        let found: Vec<_> = scene.store().check().unwrap().into_iter().map(|finding| finding.found).collect();
        assert_eq!(found, ["its first judgement is not the one committed to"]);
        let second = look_and_judge(&mut scene, &alert, &another(), Judgement::CannotTell);
        assert_eq!(refused(second), AlertRefusal::FirstJudgementAltered.into());
    }
}
