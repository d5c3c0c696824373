//! Complaints: counted in public, worded under a key of their own, and forgotten with it when their time is over.

use domain::{AlertId, Complaint, ComplaintId, DeploymentId, Finding, Occasion, Officer};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use zeroize::Zeroizing;

use crate::alerts::{alert_id, random_name};
use crate::deployments::{deployment_id, refuse_above};
use crate::error::{Doing as _, StoreError};
use crate::log::{nanoseconds, timestamp};
use crate::own_keys::{self, OwnKey};
use crate::recorded::Recorded;
use crate::sealing::Place;
use crate::store::Store;

/// Most bytes of a complaint or an answer: some thirty pages.
const WORDS_BYTES_MAX: usize = 100_000;
/// Where the words of a complaint stand, as no deployment's they are.
const NO_DEPLOYMENT: &str = "none";

/// What a complaint is about.
pub enum ComplaintAbout<'a> {
    /// An alert, by the code on its receipt.
    Receipt(&'a str),
    /// A place and a time, in the complaint's words; the deployment, where it is known.
    PlaceAndTime(Option<DeploymentId>),
}

/// A complaint with its words, opened for the data-protection officer. Wiped when dropped.
pub struct ComplaintWords {
    /// The complaint.
    pub text: Zeroizing<String>,
    /// The answer, once there is one.
    pub answer: Option<Zeroizing<String>>,
    /// The alert it is about, where it named one.
    pub alert: Option<AlertId>,
    /// The deployment it is about, where that is known.
    pub deployment: Option<DeploymentId>,
    /// When all this is forgotten.
    pub until: Timestamp,
}

struct Row {
    alert: Option<String>,
    deployment: Option<String>,
    until: i64,
    text: Vec<u8>,
    answer: Option<Vec<u8>>,
}

impl Store {
    /// Takes a complaint in. Its words are sealed under a key of its own; the record tells that there is one.
    pub fn receive_complaint(
        &mut self,
        about: ComplaintAbout<'_>,
        text: &str,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<Recorded<Complaint>, StoreError> {
        refuse_above("a complaint", text.len(), WORDS_BYTES_MAX, "bytes")?;
        let (occasion, alert, deployment) = match about {
            ComplaintAbout::Receipt(code) => {
                let answering = self.answering(code, now)?;
                (Occasion::AlertReceipt, Some(answering.alert), Some(answering.deployment))
            }
            ComplaintAbout::PlaceAndTime(deployment) => {
                if let Some(deployment) = &deployment {
                    self.deployment(deployment)?;
                }
                (Occasion::PlaceAndTime, None, deployment)
            }
        };
        let name = random_name(ComplaintId::new)?;
        let decided = Complaint::receive(name.clone(), occasion, deployment.clone(), text, officer, now)?;
        let until = nanoseconds(decided.state().until(&self.policy_in_force()?))?;
        self.refuse_earlier(now)?;
        let (key, fingerprint) = self.make_own_key(OwnKey::Complaint(&name))?;
        let sealed = key.seal(&place(&nowhere()?, "complaints.text", &name), text.as_bytes())?;
        self.record(decided, |transaction, entry| {
            own_keys::note(transaction, OwnKey::Complaint(&name), &fingerprint)?;
            let (alert, deployment) =
                (alert.as_ref().map(AlertId::as_str), deployment.as_ref().map(DeploymentId::as_str));
            transaction
                .execute(
                    "INSERT INTO complaints (complaint, entry, alert, deployment, until_ns, text)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![name.as_str(), entry, alert, deployment, until, sealed],
                )
                .doing("keeping a complaint")
                .map(drop)
        })
    }

    /// Answers a complaint. The record tells whether it was upheld, not the words.
    pub fn answer_complaint(
        &mut self,
        complaint: &ComplaintId,
        finding: Finding,
        text: &str,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<Recorded<Complaint>, StoreError> {
        refuse_above("an answer", text.len(), WORDS_BYTES_MAX, "bytes")?;
        let decided = self.complaint(complaint)?.into_inner().answer(officer, finding, text, now)?;
        let key = self.own_key(OwnKey::Complaint(complaint))?;
        let sealed = key.seal(&place(&nowhere()?, "complaints.answer", complaint), text.as_bytes())?;
        self.record(decided, |transaction, _| {
            transaction
                .execute("UPDATE complaints SET answer = ?2 WHERE complaint = ?1", params![complaint.as_str(), sealed])
                .doing("keeping an answer")
                .map(drop)
        })
    }

    /// A complaint as the record tells it, until it is forgotten.
    pub fn complaint(&self, complaint: &ComplaintId) -> Result<Recorded<Complaint>, StoreError> {
        let replayed = Complaint::replay(complaint, &self.complaint_history()?)
            .map_err(|found| StoreError::Damaged { what: format!("complaint {complaint}"), found })?;
        let known = replayed.ok_or_else(|| StoreError::Unknown { what: "the complaint", name: complaint.to_string() });
        known.map(Recorded::new)
    }

    /// Every complaint that is kept, oldest first.
    pub fn complaints(&self) -> Result<Vec<Recorded<Complaint>>, StoreError> {
        self.complaint_ids()?.iter().map(|complaint| self.complaint(complaint)).collect()
    }

    /// The words of a complaint, for the data-protection officer.
    pub fn complaint_words(
        &self,
        complaint: &ComplaintId,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<ComplaintWords, StoreError> {
        self.complaint(complaint)?.may_read(officer, now)?;
        let row = self.complaint_row(complaint)?;
        let key = self.own_key(OwnKey::Complaint(complaint))?;
        let opened = |column, sealed: &[u8]| {
            let bytes = key.open(&place(&nowhere()?, column, complaint), sealed)?;
            let text = std::str::from_utf8(&bytes).map(str::to_owned).map(Zeroizing::new);
            text.map_err(|_| StoreError::Damaged {
                what: format!("complaint {complaint}"),
                found: "it is no text".into(),
            })
        };
        Ok(ComplaintWords {
            text: opened("complaints.text", &row.text)?,
            answer: row.answer.map(|answer| opened("complaints.answer", &answer)).transpose()?,
            alert: row.alert.map(|alert| alert_id(&alert)).transpose()?,
            deployment: row.deployment.map(|deployment| deployment_id(&deployment)).transpose()?,
            until: timestamp(row.until)?,
        })
    }

    /// Forgets complaints whose time is over: the key, the words, then freed space. Returns them.
    pub(crate) fn forget_complaints(&mut self, now: Timestamp) -> Result<Vec<ComplaintId>, StoreError> {
        let mut gone = Vec::new();
        for complaint in self.complaint_ids()? {
            let until = timestamp(self.complaint_row(&complaint)?.until)?;
            if now < until {
                continue;
            }
            let decided = self.complaint(&complaint)?.forget(until, now)?;
            self.refuse_earlier(now)?;
            self.destroy_own_key(OwnKey::Complaint(&complaint))?;
            self.record(decided, |transaction, _| {
                transaction
                    .execute("DELETE FROM complaints WHERE complaint = ?1", [complaint.as_str()])
                    .doing("forgetting a complaint")?;
                own_keys::forget(transaction, OwnKey::Complaint(&complaint))?;
                crate::purge::note_wipe_due(transaction)
            })?;
            self.wipe().map_err(|source| StoreError::NotWiped {
                deployment: complaint.to_string(),
                source: Box::new(source),
            })?;
            gone.push(complaint);
        }
        Ok(gone)
    }

    /// The names of the complaints that are kept, oldest first.
    pub(crate) fn complaint_ids(&self) -> Result<Vec<ComplaintId>, StoreError> {
        let doing = "listing complaints";
        let mut statement =
            self.connection.prepare_cached("SELECT complaint FROM complaints ORDER BY entry").doing(doing)?;
        let names = statement.query_map([], |row| row.get::<_, String>(0)).doing(doing)?;
        let named = |name: Result<String, rusqlite::Error>| {
            ComplaintId::new(&name.doing(doing)?).map_err(|error| StoreError::Damaged {
                what: "the name of a complaint in the database".into(),
                found: error.to_string(),
            })
        };
        names.map(named).collect()
    }

    /// Whether the words of a complaint open, and when they have to be forgotten.
    pub(crate) fn check_complaint(&self, complaint: &ComplaintId) -> Result<Timestamp, StoreError> {
        let row = self.complaint_row(complaint)?;
        let key = self.own_key(OwnKey::Complaint(complaint))?;
        key.open(&place(&nowhere()?, "complaints.text", complaint), &row.text)?;
        if let Some(answer) = &row.answer {
            key.open(&place(&nowhere()?, "complaints.answer", complaint), answer)?;
        }
        timestamp(row.until)
    }

    fn complaint_row(&self, complaint: &ComplaintId) -> Result<Row, StoreError> {
        let doing = "reading a complaint";
        let mut statement = self
            .connection
            .prepare_cached("SELECT alert, deployment, until_ns, text, answer FROM complaints WHERE complaint = ?1")
            .doing(doing)?;
        let row = |row: &rusqlite::Row<'_>| {
            Ok(Row {
                alert: row.get(0)?,
                deployment: row.get(1)?,
                until: row.get(2)?,
                text: row.get(3)?,
                answer: row.get(4)?,
            })
        };
        let found = statement.query_row([complaint.as_str()], row).optional().doing(doing)?;
        found.ok_or_else(|| StoreError::Unknown { what: "the complaint", name: complaint.to_string() })
    }
}

fn place<'a>(nowhere: &'a DeploymentId, column: &'static str, complaint: &'a ComplaintId) -> Place<'a> {
    Place { deployment: nowhere, column, row: complaint.as_str() }
}

fn nowhere() -> Result<DeploymentId, StoreError> {
    DeploymentId::new(NO_DEPLOYMENT)
        .map_err(|error| StoreError::Bug { doing: "sealing a complaint", found: error.to_string() })
}

#[cfg(test)]
mod tests {
    use domain::{AlertRefusal, Engagement, Refusal, Role};
    use jiff::SignedDuration;

    use super::*;
    use crate::receipts::tests::engaged;
    use crate::scenes::{Scene, files_holding, officer};

    const WORDS: &str = "I was taken for my brother, and nobody said sorry.";
    const ANSWER: &str = "We are sorry. You were right, and the alert is on the record as a false one.";

    fn receive(
        scene: &mut Scene,
        about: ComplaintAbout<'_>,
        text: &str,
        role: Role,
    ) -> Result<ComplaintId, StoreError> {
        let now = scene.tick();
        let received = scene.store().receive_complaint(about, text, &officer(role), now)?;
        Ok(received.complaint().clone())
    }

    #[test]
    fn a_complaint_by_a_code_is_answered_counted_and_forgotten() {
        let (mut scene, alert, code) = engaged(Engagement::SpokenTo);
        let code = code.unwrap().to_string();
        let dpo = officer(Role::DataProtectionOfficer);
        let name = receive(&mut scene, ComplaintAbout::Receipt(&code), WORDS, Role::DataProtectionOfficer).unwrap();
        let now = scene.tick();
        scene.store().answer_complaint(&name, Finding::Upheld, ANSWER, &dpo, now).unwrap();
        for plain in [WORDS, ANSWER] {
            assert_eq!(files_holding(&scene.dir(), plain.as_bytes()), 0);
        }
        let published = format!("{:?}", scene.store().entries(None).unwrap());
        assert!(published.contains("ComplaintAnswered") && !published.contains("sorry"));
        scene.reopen();
        let words = scene.store().complaint_words(&name, &dpo, now).unwrap();
        assert_eq!((words.text.as_str(), words.answer.unwrap().as_str()), (WORDS, ANSWER));
        assert_eq!((words.alert, words.deployment), (Some(alert), Some(scene.d())));
        let operator = scene.store().complaint_words(&name, &officer(Role::Operator), now);
        assert!(matches!(operator, Err(StoreError::Refusal(Refusal::RoleMayNot { .. }))));
        let again = scene.store().answer_complaint(&name, Finding::NotUpheld, ANSWER, &dpo, now);
        assert!(matches!(again, Err(StoreError::Refusal(found)) if found == AlertRefusal::ComplaintAnswered.into()));
        scene.purged();
        let sealed: Vec<u8> =
            scene.store().connection.query_row("SELECT text FROM complaints", [], |row| row.get(0)).unwrap();
        let key = std::fs::read(scene.dir().join(format!("keys/complaint-{name}.key"))).unwrap();
        let tails = |scene: &Scene| {
            [&sealed, &key].iter().filter(|v| files_holding(&scene.dir(), &v[v.len() - 24..]) > 0).count()
        };
        assert_eq!(tails(&scene), 2, "before");
        let retention = scene.store().policy().unwrap().unwrap().complaint_retention;
        let now = scene.pass(retention);
        assert!(!scene.store().check().unwrap().is_empty() || scene.store().last_recorded().unwrap().unwrap() < now);
        scene.store().keep_time(now).unwrap();
        assert_eq!(tails(&scene), 0, "after");
        assert!(matches!(scene.store().complaint(&name), Err(StoreError::Unknown { .. })));
        assert_eq!(scene.store().check().unwrap(), vec![]);
    }

    #[test]
    fn a_complaint_needs_words_and_an_occasion_that_is_known() {
        let mut scene = Scene::new();
        scene.operation();
        scene.ended("kx-1");
        let place = || ComplaintAbout::PlaceAndTime(None);
        let refused = receive(&mut scene, place(), " ", Role::DataProtectionOfficer);
        assert!(matches!(refused, Err(StoreError::Refusal(found)) if found == AlertRefusal::ComplaintEmpty.into()));
        let refused = receive(&mut scene, place(), WORDS, Role::Operator);
        assert!(matches!(refused, Err(StoreError::Refusal(Refusal::RoleMayNot { .. }))));
        let refused =
            receive(&mut scene, ComplaintAbout::Receipt("0000-0000-0000-0000"), WORDS, Role::DataProtectionOfficer);
        assert!(matches!(refused, Err(StoreError::Refusal(found)) if found == AlertRefusal::ReceiptUnknown.into()));
        let nowhere = ComplaintAbout::PlaceAndTime(Some(DeploymentId::new("kx-9").unwrap()));
        let refused = receive(&mut scene, nowhere, WORDS, Role::DataProtectionOfficer);
        assert!(matches!(refused, Err(StoreError::Unknown { .. })));
        assert_eq!(scene.store().complaints().unwrap().len(), 0);
        let known = ComplaintAbout::PlaceAndTime(Some(scene.d()));
        let name = receive(&mut scene, known, WORDS, Role::DataProtectionOfficer).unwrap();
        assert_eq!(scene.store().complaints().unwrap()[0].finding(), None);
        let now = scene.pass(SignedDuration::from_hours(1));
        let early = scene.store().complaint(&name).unwrap().forget(now + SignedDuration::from_secs(1), now);
        assert!(matches!(early, Err(Refusal::Alert(AlertRefusal::ComplaintNotDue { .. }))));
        assert_eq!(scene.store().check().unwrap(), vec![]);
        scene.store().connection.execute("UPDATE complaints SET text = zeroblob(100)", []).unwrap();
        let found: Vec<_> = scene.store().check().unwrap().into_iter().map(|finding| finding.found).collect();
        assert!(found[0].contains("it is not what was sealed"), "{found:?}");
    }
}
