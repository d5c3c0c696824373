//! Deployments as the record tells them, and their public notices.

use domain::{Announced, Approved, Deployment, DeploymentId, Officer};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use crate::error::{Doing as _, StoreError};
use crate::policy_file;
use crate::publishing::notice_path;
use crate::recorded::Recorded;
use crate::store::Store;

/// Most bytes of a public notice: some twenty pages.
const NOTICE_BYTES_MAX: usize = 64 * 1024;

impl Store {
    /// The deployment in its present state, rebuilt from its entries.
    pub fn deployment(&self, d: &DeploymentId) -> Result<Recorded<Deployment>, StoreError> {
        match self.replayed(d)? {
            Some(deployment) => Ok(Recorded::new(deployment)),
            None => Err(StoreError::Unknown { what: "the deployment", name: d.to_string() }),
        }
    }

    /// Every deployment on the record, in the order in which they were proposed.
    pub fn deployments(&self) -> Result<Vec<DeploymentId>, StoreError> {
        self.deployment_ids("SELECT deployment FROM events WHERE kind = 'deployment-proposed' ORDER BY seq")
    }

    /// Tells the public: the text goes to `public/notices/<deployment>.txt` and its digest on the record.
    pub fn publish_notice(
        &mut self,
        approved: Recorded<Approved>,
        officer: &Officer,
        text: &str,
        now: Timestamp,
    ) -> Result<Recorded<Announced>, StoreError> {
        refuse_above("a public notice", text.len(), NOTICE_BYTES_MAX, "bytes")?;
        let d = approved.plan().deployment.clone();
        let approved = self.deployment(&d)?.expect_approved()?.into_inner();
        let (policy, operation) = (self.policy_in_force()?, self.operation(&approved.plan().operation)?);
        let decided = approved.announce(officer, policy_file::digest(text), &operation, &policy, now)?;
        self.record_with_text(decided, &notice_path(&d), text, |transaction, entry| {
            transaction
                .prepare_cached("INSERT INTO notices (deployment, entry, text) VALUES (?1, ?2, ?3)")
                .and_then(|mut statement| statement.execute(params![d.as_str(), entry, text]))
                .doing("keeping the notice")
                .map(drop)
        })
    }

    /// The public notice of a deployment, as published.
    pub fn notice(&self, d: &DeploymentId) -> Result<Option<String>, StoreError> {
        let doing = "reading a notice";
        let mut statement =
            self.connection.prepare_cached("SELECT text FROM notices WHERE deployment = ?1").doing(doing)?;
        statement.query_row([d.as_str()], |row| row.get(0)).optional().doing(doing)
    }

    /// The deployments that a query without parameters names in its only column.
    pub(crate) fn deployment_ids(&self, sql: &str) -> Result<Vec<DeploymentId>, StoreError> {
        let doing = "listing deployments";
        let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
        let names = statement.query_map([], |row| row.get::<_, String>(0)).doing(doing)?;
        names.map(|name| deployment_id(&name.doing(doing)?)).collect()
    }
}

/// The deployment that the database names.
pub(crate) fn deployment_id(name: &str) -> Result<DeploymentId, StoreError> {
    DeploymentId::new(name).map_err(|error| StoreError::Damaged {
        what: "the name of a deployment in the database".into(),
        found: error.to_string(),
    })
}

/// Refuses more than fits.
pub(crate) fn refuse_above(
    what: &'static str,
    found: usize,
    most: usize,
    unit: &'static str,
) -> Result<(), StoreError> {
    if found <= most {
        return Ok(());
    }
    Err(StoreError::TooLarge { what, found: found as u64, most: most as u64, unit })
}
