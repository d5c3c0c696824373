//! Seeded pairs of an exercise: fixed before the start, shown among the alerts, judged like them, told and counted at the end.
//!
//! A pair is two numbers of the watchlist, so nothing of a passer-by is kept for it, and it goes with its deployment.

use domain::alert::{Looks, SeedJudgement};
use domain::deployment::SeedPair;
use domain::{AlertId, AlertState, Announced, DeploymentId, Ended, Judgement, Live, Officer, OfficerId, Raised};
use evidence::{Fact, SeedFigures, commitment};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::alerts::{alert_id, fresh_id};
use crate::deployments::{deployment_id, refuse_above};
use crate::error::{Doing as _, StoreError};
use crate::log::{nanoseconds, timestamp};
use crate::policy_file::hexadecimal;
use crate::recorded::Recorded;
use crate::sealing::fresh_salt;
use crate::store::Store;

/// Most pairs of one exercise: their names stand in one entry.
const SEEDS_MAX: usize = 1000;

/// A seeded pair as it is kept.
pub(crate) struct Seed {
    pub(crate) deployment: DeploymentId,
    pub(crate) pair: SeedPair,
    pub(crate) camera: String,
    /// When it was shown and when its time is over; nothing while nobody has seen it.
    pub(crate) shown: Option<(Timestamp, Timestamp)>,
}

impl Store {
    /// Fixes which pairs of listed images an exercise will show among its alerts. What is published is how many, and a
    /// commitment to their names. Each pair must show two different people.
    pub fn seed_exercise(
        &mut self,
        announced: &Recorded<Announced>,
        officer: &Officer,
        pairs: &[SeedPair],
        now: Timestamp,
    ) -> Result<Recorded<()>, StoreError> {
        refuse_above("the seeded pairs", pairs.len(), SEEDS_MAX, "pairs")?;
        let d = announced.plan().deployment.clone();
        let announced = self.deployment(&d)?.expect_announced()?;
        let mut seeds = Vec::with_capacity(pairs.len());
        for pair in pairs {
            let key = self.watchlist_keys().read(&d)?;
            let facts = |number| Ok::<_, StoreError>(self.listed_facts(&key, &d, number)?.facts);
            let (shown, listed) = (facts(pair.shown)?, facts(pair.listed)?);
            pair.check(&shown, &listed)?;
            seeds.push((fresh_id()?.to_string(), *pair));
        }
        let names: Vec<String> = seeds.iter().map(|(name, _)| name.clone()).collect();
        let salt = hexadecimal(&fresh_salt()?);
        let committed = commitment::seeds(d.as_str(), &salt, &names);
        let standing = self.seed_names(&d)?.len() as u64;
        let decided = announced.fix_seeds(officer, seeds.len() as u64, committed, standing, now)?;
        self.record(decided, |transaction, entry| {
            transaction
                .execute(
                    "INSERT INTO seedings (deployment, entry, salt) VALUES (?1, ?2, ?3)",
                    params![d.as_str(), entry, salt],
                )
                .doing("fixing the seeded pairs")?;
            seeds.iter().zip(1..).try_for_each(|((name, pair), number)| insert(transaction, &d, number, name, *pair))
        })
    }

    /// Puts the next seeded pair among the alerts, as if this camera had seen it; nothing when all were shown.
    pub fn show_seed(
        &mut self,
        live: &Recorded<Live>,
        camera: &str,
        now: Timestamp,
    ) -> Result<Option<Recorded<Raised>>, StoreError> {
        let d = &live.plan().deployment;
        let live = self.deployment(d)?.expect_live()?;
        let doing = "choosing a seeded pair";
        let next: Option<String> = self
            .connection
            .query_row(
                "SELECT seed FROM seeds WHERE deployment = ?1 AND shown_ns IS NULL ORDER BY number LIMIT 1",
                [d.as_str()],
                |row| row.get(0),
            )
            .optional()
            .doing(doing)?;
        let Some(next) = next else { return Ok(None) };
        let decided = live.show_seed(alert_id(&next)?, &self.policy_in_force()?, now)?;
        let shown = self.record_shown(decided, &next, camera)?;
        Ok(Some(shown))
    }

    /// Tells which pairs were seeded and how they were judged. The purge does it where nobody did before; nothing where
    /// none were seeded, or they are told already.
    pub fn reveal_seeds(
        &mut self,
        ended: &Recorded<Ended>,
        now: Timestamp,
    ) -> Result<Option<Recorded<SeedFigures>>, StoreError> {
        let d = &ended.plan().deployment;
        let ended = self.deployment(d)?.expect_ended()?;
        let names = self.seed_names(d)?;
        if names.is_empty() || self.seeds_are_revealed(d)? {
            return Ok(None);
        }
        let (salt, names) = self.seeding(d)?;
        let (mut shown, mut judged) = (0, Vec::new());
        for name in &names {
            let name = alert_id(name)?;
            shown += u64::from(self.seed(&name)?.is_some_and(|seed| seed.shown.is_some()));
            judged.push(self.seed_judgements(&name)?);
        }
        let decided = ended.reveal_seeds(salt, names, shown, &judged, now)?;
        self.record(decided, |_, _| Ok(())).map(Some)
    }

    /// The salt and the names of a deployment's seeded pairs, as they were committed to.
    pub(crate) fn seeding(&self, d: &DeploymentId) -> Result<(String, Vec<String>), StoreError> {
        let salt = self
            .connection
            .query_row("SELECT salt FROM seedings WHERE deployment = ?1", [d.as_str()], |row| row.get(0))
            .doing("reading the salt of the seeded pairs")?;
        Ok((salt, self.seed_names(d)?))
    }

    /// A seeded pair among the alerts, in its present state; nothing where this names none that was shown.
    pub(crate) fn seed_state(&self, a: &AlertId) -> Result<Option<AlertState>, StoreError> {
        let Some(Seed { deployment, shown: Some((shown, expires)), .. }) = self.seed(a)? else { return Ok(None) };
        let looks: Looks = self.looks(a)?;
        let raised = Raised::remembered_seed(a.clone(), deployment, shown, expires, looks);
        let adjudicators = self.policy_in_force()?.second_adjudicator;
        AlertState::replay_seed(raised, &self.seed_judgements(a)?, adjudicators)
            .map(Some)
            .map_err(|found| StoreError::Damaged { what: format!("alert {a}"), found })
    }

    /// The names of the seeded pairs of a deployment that were shown, latest first.
    pub(crate) fn shown_seeds(&self, d: &DeploymentId) -> Result<Vec<AlertId>, StoreError> {
        let sql = "SELECT seed FROM seeds WHERE deployment = ?1 AND shown_ns IS NOT NULL ORDER BY shown_ns DESC";
        self.names_of_seeds(sql, d)?.iter().map(|name| alert_id(name)).collect()
    }

    /// A seeded pair as it is kept.
    pub(crate) fn seed(&self, a: &AlertId) -> Result<Option<Seed>, StoreError> {
        let doing = "reading a seeded pair";
        let mut statement = self
            .connection
            .prepare_cached("SELECT deployment, shown, listed, camera, shown_ns, expires_ns FROM seeds WHERE seed = ?1")
            .doing(doing)?;
        let row = |row: &rusqlite::Row<'_>| {
            let pair = SeedPair { shown: row.get(1)?, listed: row.get(2)? };
            let times: (Option<i64>, Option<i64>) = (row.get(4)?, row.get(5)?);
            Ok((row.get::<_, String>(0)?, pair, row.get::<_, Option<String>>(3)?, times))
        };
        let Some((deployment, pair, camera, times)) = statement.query_row([a.as_str()], row).optional().doing(doing)?
        else {
            return Ok(None);
        };
        let shown = match times {
            (Some(shown), Some(expires)) => Some((timestamp(shown)?, timestamp(expires)?)),
            _ => None,
        };
        Ok(Some(Seed { deployment: deployment_id(&deployment)?, pair, camera: camera.unwrap_or_default(), shown }))
    }

    /// How a seeded pair was judged, in order.
    pub(crate) fn seed_judgements(&self, a: &AlertId) -> Result<Vec<SeedJudgement>, StoreError> {
        let doing = "reading judgements of a seeded pair";
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT judge, judgement, salt, seconds FROM seed_judgements WHERE seed = ?1 ORDER BY place",
            )
            .doing(doing)?;
        let mut rows = statement.query([a.as_str()]).doing(doing)?;
        let mut judgements = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let damaged =
                || StoreError::Damaged { what: format!("alert {a}"), found: "its judgements cannot be read".into() };
            let (judge, word): (String, String) = (row.get(0).doing(doing)?, row.get(1).doing(doing)?);
            judgements.push(SeedJudgement {
                judge: OfficerId::new(&judge).map_err(|_| damaged())?,
                judgement: Judgement::from_word(&word).ok_or_else(damaged)?,
                salt: row.get(2).doing(doing)?,
                seconds_to_decide: row.get(3).doing(doing)?,
            });
        }
        Ok(judgements)
    }

    /// Whether the figures of a deployment's seeded pairs are told.
    pub(crate) fn seeds_are_revealed(&self, d: &DeploymentId) -> Result<bool, StoreError> {
        let entries = self.entries(Some(d))?;
        Ok(entries.iter().any(|(_, entry)| matches!(entry.fact, Fact::SeedsRevealed(_))))
    }

    fn record_shown(
        &mut self,
        decided: domain::Decided<Raised>,
        seed: &str,
        camera: &str,
    ) -> Result<Recorded<Raised>, StoreError> {
        let shown = nanoseconds(decided.event().at)?;
        let expires = nanoseconds(decided.state().expires)?;
        self.record(decided, |transaction, _| {
            transaction
                .execute(
                    "UPDATE seeds SET shown_ns = ?2, expires_ns = ?3, camera = ?4 WHERE seed = ?1",
                    params![seed, shown, expires, camera],
                )
                .doing("showing a seeded pair")
                .map(drop)
        })
    }

    fn seed_names(&self, d: &DeploymentId) -> Result<Vec<String>, StoreError> {
        self.names_of_seeds("SELECT seed FROM seeds WHERE deployment = ?1 ORDER BY number", d)
    }

    fn names_of_seeds(&self, sql: &str, d: &DeploymentId) -> Result<Vec<String>, StoreError> {
        let doing = "listing seeded pairs";
        let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
        let names = statement.query_map([d.as_str()], |row| row.get(0)).doing(doing)?;
        names.collect::<Result<_, _>>().doing(doing)
    }
}

fn insert(
    transaction: &Transaction<'_>,
    d: &DeploymentId,
    number: i64,
    name: &str,
    pair: SeedPair,
) -> Result<(), StoreError> {
    transaction
        .execute(
            "INSERT INTO seeds (seed, deployment, number, shown, listed) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![name, d.as_str(), number, pair.shown, pair.listed],
        )
        .doing("fixing a seeded pair")
        .map(drop)
}

#[cfg(test)]
mod tests {
    use domain::{AlertRefusal, Engagement, Refusal, Role};
    use jiff::SignedDuration;

    use super::*;
    use crate::scenes::{LABEL, LISTED_IMAGE, Scene, officer};

    const PAIRS: [SeedPair; 2] = [SeedPair { shown: 1, listed: 3 }, SeedPair { shown: 3, listed: 2 }];

    fn fix(scene: &mut Scene, pairs: &[SeedPair], role: Role) -> Result<Recorded<()>, StoreError> {
        let (announced, now) = (scene.deployment().expect_announced().unwrap(), scene.tick());
        scene.store().seed_exercise(&announced, &officer(role), pairs, now)
    }

    fn show(scene: &mut Scene) -> Option<AlertId> {
        let (live, now) = (scene.deployment().expect_live().unwrap(), scene.tick());
        scene.store().show_seed(&live, "c1", now).unwrap().map(|raised| raised.alert.clone())
    }

    fn judge(scene: &mut Scene, a: &AlertId, saw: Judgement) -> Result<Recorded<AlertState>, StoreError> {
        let now = scene.tick();
        scene.store().view_evidence(a, &officer(Role::Operator), now).unwrap();
        let now = scene.pass(SignedDuration::from_secs(6));
        scene.store().judge(a, &officer(Role::Operator), saw, now)
    }

    #[test]
    fn seeds_are_judged_like_alerts_told_at_the_end_and_counted_as_none() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ready("kx-1");
        fix(&mut scene, &PAIRS, Role::WatchlistOfficer).unwrap();
        scene.start();
        let alert = scene.alert();
        let (first, second) = (show(&mut scene).unwrap(), show(&mut scene).unwrap());
        assert_eq!(show(&mut scene), None, "all were shown");
        let d = scene.d();
        let rows = scene.store().alerts(&d).unwrap();
        let named: Vec<_> = rows.iter().map(|row| row.alert.raised().alert.clone()).collect();
        assert_eq!(named, [second.clone(), first.clone(), alert.clone()]);
        assert_eq!((rows[0].label.as_str(), rows[0].entry, rows[0].camera.as_str()), (LABEL, 2, "c1"));
        assert_eq!(first.as_str().len(), alert.as_str().len(), "nothing in the name tells them apart");
        let published = format!("{:?}", scene.store().entries(None).unwrap());
        assert!(!published.contains(first.as_str()), "it would tell the reviewers");
        let now = scene.tick();
        let opened = scene.store().view_evidence(&first, &officer(Role::Operator), now).unwrap();
        assert_eq!((opened.live_png.as_slice(), opened.entry), (LISTED_IMAGE, 3));
        judge(&mut scene, &first, Judgement::SamePerson).unwrap();
        judge(&mut scene, &second, Judgement::NotThisPerson).unwrap();
        scene.adjudicate(&alert);
        let judged = scene.store().alert(&first).unwrap().expect_adjudicated().unwrap();
        let now = scene.tick();
        assert_eq!(scene.store().view_particulars(&judged, &officer(Role::Operator), now).unwrap(), None);
        let engaged = scene.store().engage(judged, &officer(Role::EngagementOfficer), Engagement::SpokenTo, now);
        assert!(matches!(engaged, Err(StoreError::Refusal(found)) if found == AlertRefusal::SeededPair.into()));
        scene.end();
        scene.reopen();
        let (ended, now) = (scene.deployment().expect_ended().unwrap(), scene.tick());
        let figures = scene.store().reveal_seeds(&ended, now).unwrap().unwrap().into_inner();
        assert_eq!((figures.shown, figures.judgements, figures.false_accepts, figures.cannot_tell), (2, 2, 1, 0));
        assert_eq!((figures.seconds_to_decide_p50, figures.seconds_to_decide_p90), (6, 7));
        assert_eq!(figures.seeds, [first.to_string(), second.to_string()]);
        assert!(scene.store().reveal_seeds(&ended, now).unwrap().is_none(), "told once");
        let figures = scene.store().alert_figures(&d).unwrap();
        assert_eq!((figures.alerts, figures.unconfirmed, figures.false_alerts), (1, 1, 0));
        scene.purged();
        assert_eq!(scene.store().check().unwrap(), vec![]);
        assert!(matches!(scene.store().alert(&first), Err(StoreError::Unknown { .. })));
    }

    #[test]
    fn a_purge_tells_what_nobody_told_and_late_judgements_are_refused() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ready("kx-1");
        fix(&mut scene, &PAIRS, Role::WatchlistOfficer).unwrap();
        scene.start();
        scene.alert();
        let seed = show(&mut scene).unwrap();
        scene.end();
        let (ended, now) = (scene.deployment().expect_ended().unwrap(), scene.tick());
        scene.store().reveal_seeds(&ended, now).unwrap().unwrap();
        // Its two pictures are of the list, which ended with the deployment: there is nothing left to judge.
        let now = scene.tick();
        let viewed = scene.store().view_evidence(&seed, &officer(Role::Operator), now);
        assert!(matches!(viewed, Err(StoreError::Destroyed { .. })));
        scene.purged();
        let mut scene = Scene::new();
        scene.operation();
        scene.ready("kx-1");
        fix(&mut scene, &PAIRS, Role::WatchlistOfficer).unwrap();
        scene.start();
        scene.alert();
        scene.end();
        scene.purged();
        let entries = scene.store().entries(None).unwrap();
        let told = entries.iter().find_map(|(_, entry)| match &entry.fact {
            Fact::SeedsRevealed(figures) => Some((figures.shown, figures.judgements, figures.seeds.len())),
            _ => None,
        });
        assert_eq!(told, Some((0, 0, 2)));
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn a_pair_is_fixed_once_by_the_watchlist_officer_and_shows_two_people() {
        let mut scene = Scene::new();
        scene.operation();
        scene.announced("kx-1");
        scene.list_three();
        let early = fix(&mut scene, &PAIRS, Role::WatchlistOfficer);
        assert!(matches!(early, Err(StoreError::Refusal(Refusal::WatchlistNotFrozen))));
        let mut scene = Scene::new();
        scene.operation();
        scene.ready("kx-1");
        let one_person = [SeedPair { shown: 1, listed: 2 }];
        for (pairs, expected) in [
            (&one_person[..], AlertRefusal::SeedShowsOnePerson { shown: 1, listed: 2 }),
            (&[], AlertRefusal::SeedsNone),
        ] {
            let refused = fix(&mut scene, pairs, Role::WatchlistOfficer);
            assert!(matches!(refused, Err(StoreError::Refusal(found)) if found == expected.clone().into()));
        }
        let operator = fix(&mut scene, &PAIRS, Role::Operator);
        assert!(matches!(operator, Err(StoreError::Refusal(Refusal::RoleMayNot { .. }))));
        fix(&mut scene, &PAIRS, Role::WatchlistOfficer).unwrap();
        let twice = fix(&mut scene, &PAIRS, Role::WatchlistOfficer);
        assert!(matches!(twice, Err(StoreError::Refusal(found)) if found == AlertRefusal::SeedsFixedAlready.into()));
        assert_eq!(scene.store().check().unwrap(), vec![]);
        scene.store().connection.execute("UPDATE seedings SET salt = '00'", []).unwrap();
        let found: Vec<_> = scene.store().check().unwrap().into_iter().map(|finding| finding.found).collect();
        assert_eq!(found, ["its seeded pairs are not those committed to"]);
    }
}
