//! People wrongly stopped for looking like somebody listed: their template, sealed under a key of its own, as they consented.
//!
//! A suppression outlives its deployment, and is the only template of somebody not sought that does. Its key ends it at
//! once: at the person's request, or when its time is over. It acts against the listed person they were taken for, who is
//! recognised in a later list by a link: HMAC-SHA-256 of the person's reference under a key of all suppressions, which
//! stands only inside sealed values.

use domain::{AlertId, AlertState, DeploymentId, Happening, Live, Officer, Suppression, SuppressionId};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Transaction, params};
use zeroize::Zeroizing;

use crate::deployments::{deployment_id, refuse_above};
use crate::error::{Doing as _, StoreError};
use crate::log::{nanoseconds, timestamp};
use crate::policy_file::hexadecimal;
use crate::purge::note_wipe_due;
use crate::recorded::Recorded;
use crate::sealing::{KeyKind, KeyState, Place, SealingKey, template_values};
use crate::store::Store;

/// Random bytes in the name of a suppression.
const SUPPRESSION_ID_BYTES: usize = 8;
/// Most suppressions in force: each is compared for a listed person they are against.
const SUPPRESSIONS_MAX: usize = 10_000;
/// Most bytes of a consent's reference.
const CONSENT_BYTES_MAX: usize = 500;

/// Somebody suppressed, opened for the comparison of one deployment.
pub struct Suppressed {
    /// The entries of the listed person they were taken for.
    pub entries: Vec<u32>,
    /// Their template, wiped when dropped.
    pub template: Zeroizing<Vec<f32>>,
    /// When it ends.
    pub expires: Timestamp,
}

/// What a suppression seals.
struct Sealed {
    consent: Vec<u8>,
    template: Vec<u8>,
    link: Vec<u8>,
}

impl Store {
    /// Enters a suppression for the person of an alert that was shown to be wrong, with the template that the alert kept.
    pub fn suppress(
        &mut self,
        alert: &AlertId,
        officer: &Officer,
        consent: &domain::Consent,
        now: Timestamp,
    ) -> Result<Recorded<Suppression>, StoreError> {
        refuse_above("a consent", consent.reference.len(), CONSENT_BYTES_MAX, "bytes")?;
        refuse_above("the suppressions", self.suppressions()?.len().saturating_add(1), SUPPRESSIONS_MAX, "people")?;
        let AlertState::Closed(closed) = self.alert(alert)?.into_inner() else {
            return Err(domain::Refusal::StopNotRefuted.into());
        };
        let id = fresh_id()?;
        let decided =
            domain::watchlist::suppress(&closed, officer, id.clone(), consent, &self.policy_in_force()?, now)?;
        let d = &closed.alert.alert.deployment;
        let (template, link) = (self.alert_template(d, alert)?, self.alert_listing(d, alert)?.link);
        let (key, print) = self.keys_of(KeyKind::Suppression).make(&id)?;
        let consented = Zeroizing::new(format!("{} {}", consent.given, consent.reference));
        let sealed = Sealed::seal(&key, &id, consented.as_bytes(), &template, &link)?;
        let (row, d) = (id.clone(), d.clone());
        let Happening::SuppressionEntered { expires, .. } = decided.event().happening else {
            return Err(StoreError::Bug { doing: "entering a suppression", found: "another event".into() });
        };
        let recorded = self.record(decided, |transaction, _| {
            KeyKind::Suppression.note(transaction, &row, &print)?;
            sealed.insert(transaction, &row, &d, alert, expires)
        });
        if recorded.is_err() {
            // A key of nothing; that it stays is found by the check.
            let _ = self.keys_of(KeyKind::Suppression).destroy(&id);
        }
        recorded
    }

    /// Every suppression in force.
    pub fn suppressions(&self) -> Result<Vec<Suppression>, StoreError> {
        let doing = "reading suppressions";
        let mut statement = self
            .connection
            .prepare_cached("SELECT suppression, deployment, alert, expires_ns FROM suppressions ORDER BY suppression")
            .doing(doing)?;
        let rows = statement
            .query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get(3)?))
            })
            .doing(doing)?;
        rows.map(|row| {
            let (suppression, deployment, alert, expires) = row.doing(doing)?;
            Ok(Suppression {
                suppression: suppression_id(&suppression)?,
                deployment: deployment_id(&deployment)?,
                alert: crate::alerts::alert_id(&alert)?,
                expires: timestamp(expires)?,
            })
        })
        .collect()
    }

    /// Ends a suppression at once, as the person asked: its key is destroyed first.
    pub fn erase_suppression(
        &mut self,
        suppression: &SuppressionId,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let found = self.suppressions()?.into_iter().find(|found| found.suppression == *suppression);
        let Some(found) = found else {
            return Err(StoreError::Unknown { what: "the suppression", name: suppression.to_string() });
        };
        self.refuse_earlier(now)?;
        let decided = found.erase(officer, now)?;
        self.end_suppression(suppression, decided)
    }

    /// Ends every suppression whose time is over.
    pub(crate) fn end_suppressions_due(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.finish_suppressions()?;
        for found in self.suppressions()? {
            let suppression = found.suppression.clone();
            if let Some(decided) = found.expire(now) {
                self.end_suppression(&suppression, decided)?;
            }
        }
        Ok(())
    }

    /// Those suppressed against somebody on the watchlist of a live deployment, opened.
    pub fn suppressed(&self, live: &Recorded<Live>, now: Timestamp) -> Result<Vec<Suppressed>, StoreError> {
        let d = &live.plan().deployment;
        let in_force: Vec<_> = self.suppressions()?.into_iter().filter(|found| now < found.expires).collect();
        if in_force.is_empty() {
            return Ok(Vec::new());
        }
        let listed = self.links_listed(d)?;
        let mut suppressed = Vec::new();
        for found in in_force {
            let keys = self.keys_of(KeyKind::Suppression);
            if keys.state(&found.suppression)? != KeyState::InUse {
                continue;
            }
            let key = keys.read(&found.suppression)?;
            let link = self.open_suppression(&key, &found.suppression, "suppressions.link")?;
            let entries: Vec<u32> =
                listed.iter().filter(|(_, other)| other[..] == link[..]).map(|(number, _)| *number).collect();
            if entries.is_empty() {
                continue;
            }
            let bytes = self.open_suppression(&key, &found.suppression, "suppressions.template")?;
            let template = template_values(&bytes).ok_or_else(|| StoreError::SealBroken {
                what: "suppressions.template".into(),
                deployment: found.suppression.to_string(),
            })?;
            suppressed.push(Suppressed { entries, template, expires: found.expires });
        }
        Ok(suppressed)
    }

    /// Ends, after a crash, what was begun: the key is noted as being destroyed, so nothing of it opens any more.
    pub(crate) fn finish_suppressions(&mut self) -> Result<(), StoreError> {
        let doing = "looking for suppressions being erased";
        let mut statement = self
            .connection
            .prepare_cached("SELECT suppression FROM suppression_keys WHERE destroying = 1")
            .doing(doing)?;
        let names = statement.query_map([], |row| row.get::<_, String>(0)).doing(doing)?;
        let names = names.collect::<Result<Vec<_>, _>>().doing(doing)?;
        drop(statement);
        for name in names {
            let suppression = suppression_id(&name)?;
            let found = self.suppressions()?.into_iter().find(|found| found.suppression == suppression);
            let at = self.last_recorded()?.unwrap_or(Timestamp::UNIX_EPOCH);
            if let Some(found) = found {
                self.end_suppression(&suppression, found.finish_erasure(at))?;
            }
        }
        Ok(())
    }

    /// The key first, then the row together with the event, then freed space.
    fn end_suppression(&mut self, suppression: &SuppressionId, decided: domain::Decided<()>) -> Result<(), StoreError> {
        KeyKind::Suppression.begin_destruction(&self.connection, suppression)?;
        self.keys_of(KeyKind::Suppression).destroy(suppression)?;
        self.record(decided, |transaction, _| {
            transaction
                .execute("DELETE FROM suppressions WHERE suppression = ?1", [suppression.as_str()])
                .doing("deleting a suppression")?;
            KeyKind::Suppression.forget(transaction, suppression)?;
            note_wipe_due(transaction)
        })?;
        self.wipe()
    }

    fn links_listed(&self, d: &DeploymentId) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
        let key = self.watchlist_keys().read(d)?;
        let link = |number| Ok((number, self.listed_facts(&key, d, number)?.link));
        self.listed_numbers(d)?.into_iter().map(link).collect()
    }

    pub(crate) fn open_suppression(
        &self,
        key: &SealingKey,
        suppression: &SuppressionId,
        column: &'static str,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let doing = "reading a suppression";
        let sql = match column {
            "suppressions.link" => "SELECT link FROM suppressions WHERE suppression = ?1",
            "suppressions.consent" => "SELECT consent FROM suppressions WHERE suppression = ?1",
            _ => "SELECT template FROM suppressions WHERE suppression = ?1",
        };
        let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
        let sealed: Option<Vec<u8>> =
            statement.query_row([suppression.as_str()], |row| row.get(0)).optional().doing(doing)?;
        let Some(sealed) = sealed else {
            return Err(StoreError::Unknown { what: "the suppression", name: suppression.to_string() });
        };
        key.open(&place(suppression, column), &sealed)
    }
}

impl Sealed {
    fn seal(
        key: &SealingKey,
        suppression: &SuppressionId,
        consent: &[u8],
        template: &[u8],
        link: &[u8],
    ) -> Result<Self, StoreError> {
        Ok(Self {
            consent: key.seal(&place(suppression, "suppressions.consent"), consent)?,
            template: key.seal(&place(suppression, "suppressions.template"), template)?,
            link: key.seal(&place(suppression, "suppressions.link"), link)?,
        })
    }

    fn insert(
        &self,
        transaction: &Transaction<'_>,
        suppression: &SuppressionId,
        d: &DeploymentId,
        alert: &AlertId,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let Self { consent, template, link } = self;
        let expires = nanoseconds(expires)?;
        transaction
            .prepare_cached(
                "INSERT INTO suppressions (suppression, deployment, alert, expires_ns, consent, template, link)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    suppression.as_str(),
                    d.as_str(),
                    alert.as_str(),
                    expires,
                    consent,
                    template,
                    link
                ])
            })
            .doing("keeping a suppression")
            .map(drop)
    }
}

fn place<'a>(suppression: &'a SuppressionId, column: &'static str) -> Place<'a> {
    Place { deployment: suppression, column, row: suppression.as_str() }
}

/// The suppression that the database names.
pub(crate) fn suppression_id(name: &str) -> Result<SuppressionId, StoreError> {
    SuppressionId::new(name).map_err(|error| StoreError::Damaged {
        what: "the name of a suppression in the database".into(),
        found: error.to_string(),
    })
}

fn fresh_id() -> Result<SuppressionId, StoreError> {
    let mut bytes = [0; SUPPRESSION_ID_BYTES];
    getrandom::fill(&mut bytes).map_err(StoreError::Randomness)?;
    // Sixteen digits: none has the name of the key of links.
    SuppressionId::new(&hexadecimal(&bytes))
        .map_err(|error| StoreError::Bug { doing: "naming a suppression", found: error.to_string() })
}

#[cfg(test)]
mod tests {
    use domain::{Consent, Outcome, Refusal, Role};
    use jiff::SignedDuration;

    use super::*;
    use crate::scenes::{Scene, files_holding, officer, template};

    fn consent() -> Consent {
        Consent { reference: "form 7 of the example force".into(), given: "2026-03-01".parse().unwrap() }
    }

    /// An exercise that has ended, whose alert was shown to be wrong.
    fn wrongly_stopped(scene: &mut Scene, deployment: &'static str) -> AlertId {
        scene.live(deployment);
        let alert = scene.alert();
        scene.adjudicate(&alert);
        scene.close_alert_as(&alert, Outcome::IdentityRefuted);
        alert
    }

    fn suppress(scene: &mut Scene, alert: &AlertId) -> Result<Recorded<Suppression>, StoreError> {
        let now = scene.tick();
        scene.store().suppress(alert, &officer(Role::DataProtectionOfficer), &consent(), now)
    }

    #[test]
    fn a_suppression_needs_a_refuted_alert_consent_and_the_data_protection_officer() {
        let mut scene = Scene::new();
        scene.operation();
        scene.live("kx-1");
        let alert = scene.alert();
        assert!(matches!(suppress(&mut scene, &alert), Err(StoreError::Refusal(Refusal::StopNotRefuted))));
        scene.adjudicate(&alert);
        scene.close_alert_as(&alert, Outcome::IdentityConfirmed);
        assert!(matches!(suppress(&mut scene, &alert), Err(StoreError::Refusal(Refusal::StopNotRefuted))));
        let wrong = scene.alert();
        scene.adjudicate(&wrong);
        scene.close_alert_as(&wrong, Outcome::IdentityRefuted);
        let now = scene.tick();
        let none = Consent { reference: " ".into(), ..consent() };
        let later = Consent { given: "2026-03-02".parse().unwrap(), ..consent() };
        for missing in [none, later] {
            let refused = scene.store().suppress(&wrong, &officer(Role::DataProtectionOfficer), &missing, now);
            assert!(matches!(refused, Err(StoreError::Refusal(Refusal::ConsentMissing))));
        }
        let refused = scene.store().suppress(&wrong, &officer(Role::Operator), &consent(), now);
        assert!(matches!(refused, Err(StoreError::Refusal(Refusal::RoleMayNot { .. }))));
        assert_eq!(scene.store().suppressions().unwrap(), vec![]);
        let entered = suppress(&mut scene, &wrong).unwrap();
        assert_eq!(scene.store().suppressions().unwrap(), vec![entered.into_inner()]);
        assert_eq!(files_holding(&scene.dir(), b"form 7"), 0, "the consent is sealed");
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn it_outlives_its_deployment_and_acts_against_the_same_person_only() {
        let mut scene = Scene::new();
        scene.operation();
        let alert = wrongly_stopped(&mut scene, "kx-1");
        let entered = suppress(&mut scene, &alert).unwrap().into_inner();
        scene.end();
        scene.purged();
        scene.live("kx-2");
        let (live, now) = (scene.deployment().expect_live().unwrap(), scene.tick());
        let found = scene.store().suppressed(&live, now).unwrap();
        assert_eq!(found.len(), 1);
        // The alert was about entry 2, whose person, by reference, has entries 1 and 2 here too.
        assert_eq!((found[0].entries.as_slice(), found[0].expires), (&[1, 2][..], entered.expires));
        assert_eq!(*found[0].template, template(9));
        assert!(scene.store().suppressed(&live, entered.expires).unwrap().is_empty(), "its time is over");
    }

    #[test]
    fn it_is_erased_at_once_on_request_and_by_itself_in_time() {
        let mut scene = Scene::new();
        scene.operation();
        let alert = wrongly_stopped(&mut scene, "kx-1");
        let (first, second) =
            (suppress(&mut scene, &alert).unwrap().into_inner(), suppress(&mut scene, &alert).unwrap().into_inner());
        let key =
            |scene: &mut Scene, of: &Suppression| scene.store().keys_of(KeyKind::Suppression).path(&of.suppression);
        let (one, two) = (key(&mut scene, &first), key(&mut scene, &second));
        assert!(one.exists() && two.exists());
        let now = scene.tick();
        let refused = scene.store().erase_suppression(&first.suppression, &officer(Role::Operator), now);
        assert!(matches!(refused, Err(StoreError::Refusal(_))) && one.exists());
        scene.store().erase_suppression(&first.suppression, &officer(Role::DataProtectionOfficer), now).unwrap();
        assert!(!one.exists() && two.exists());
        assert_eq!(scene.store().suppressions().unwrap(), vec![second.clone()]);
        scene.end();
        scene.purged();
        scene.set(second.expires - SignedDuration::from_secs(1));
        let now = scene.tick();
        scene.store().keep_time(now).unwrap();
        assert!(!two.exists() && scene.store().suppressions().unwrap().is_empty());
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn an_erasure_that_a_crash_cut_short_is_finished() {
        for steps in 1..=2 {
            let mut scene = Scene::new();
            scene.operation();
            let alert = wrongly_stopped(&mut scene, "kx-1");
            let entered = suppress(&mut scene, &alert).unwrap().into_inner();
            KeyKind::Suppression.begin_destruction(&scene.store().connection, &entered.suppression).unwrap();
            if steps == 2 {
                scene.store().keys_of(KeyKind::Suppression).destroy(&entered.suppression).unwrap();
            }
            scene.reopen();
            assert!(scene.store().suppressions().unwrap().is_empty(), "{steps}");
            assert!(!scene.store().keys_of(KeyKind::Suppression).path(&entered.suppression).exists());
        }
    }
}
