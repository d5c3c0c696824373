//! The policy in force, and the operations under it.

use domain::{Decided, Officer, OperationId, Policy};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use crate::error::{Doing as _, StoreError};
use crate::policy_file;
use crate::publishing::policy_path;
use crate::recorded::Recorded;
use crate::store::Store;

impl Store {
    /// Puts a policy profile in force, if `domain` finds no contradiction in it, and keeps its text; anyone can read it
    /// in `public/policies/<digest>.toml`.
    pub fn adopt_policy(
        &mut self,
        toml: &str,
        officer: &Officer,
        now: Timestamp,
    ) -> Result<Recorded<Policy>, StoreError> {
        let decided = policy_file::parse(toml)?.adopt(officer, now)?;
        let digest = policy_file::digest(toml);
        self.record_with_text(decided, &policy_path(&digest), toml, |transaction, entry| {
            transaction
                .prepare_cached("INSERT INTO policies (entry, digest, text) VALUES (?1, ?2, ?3)")
                .and_then(|mut statement| statement.execute(params![entry, digest, toml]))
                .doing("keeping the policy")
                .map(drop)
        })
    }

    /// The policy in force: the one adopted last.
    pub fn policy(&self) -> Result<Option<Policy>, StoreError> {
        self.policy_text()?.as_deref().map(policy_file::parse).transpose()
    }

    /// The policy in force, or nothing where this version cannot read a profile that an older one adopted: what may be
    /// kept then is what the record promised, and no more.
    pub(crate) fn policy_if_readable(&self) -> Result<Option<Policy>, StoreError> {
        match self.policy() {
            Err(StoreError::PolicyUnreadable { .. } | StoreError::Refusal(_)) => Ok(None),
            policy => policy,
        }
    }

    /// The text of the policy in force, as adopted.
    pub fn policy_text(&self) -> Result<Option<String>, StoreError> {
        let doing = "reading the policy";
        let mut statement =
            self.connection.prepare_cached("SELECT text FROM policies ORDER BY entry DESC LIMIT 1").doing(doing)?;
        statement.query_row([], |row| row.get(0)).optional().doing(doing)
    }

    /// The text of a policy that is or was in force, by its digest.
    pub fn adopted_policy_text(&self, digest: &str) -> Result<Option<String>, StoreError> {
        let doing = "reading an adopted policy";
        let mut statement =
            self.connection.prepare_cached("SELECT text FROM policies WHERE digest = ?1 LIMIT 1").doing(doing)?;
        statement.query_row([digest], |row| row.get(0)).optional().doing(doing)
    }

    /// Refuses a deployment of an operation that was never opened.
    pub(crate) fn expect_operation(&self, operation: &OperationId) -> Result<(), StoreError> {
        if self.operation_exists(operation)? {
            return Ok(());
        }
        Err(StoreError::Unknown { what: "the operation", name: operation.to_string() })
    }

    /// Records the opening of an operation, once.
    pub(crate) fn record_operation<T>(
        &mut self,
        decided: Decided<T>,
        operation: &OperationId,
    ) -> Result<Recorded<T>, StoreError> {
        if self.operation_exists(operation)? {
            return Err(StoreError::NameTaken { what: "the operation", name: operation.to_string() });
        }
        self.record(decided, |transaction, entry| {
            transaction
                .prepare_cached("INSERT INTO operations (operation, entry) VALUES (?1, ?2)")
                .and_then(|mut statement| statement.execute(params![operation.as_str(), entry]))
                .doing("opening an operation")
                .map(drop)
        })
    }

    fn operation_exists(&self, operation: &OperationId) -> Result<bool, StoreError> {
        let doing = "looking for an operation";
        let mut statement =
            self.connection.prepare_cached("SELECT 1 FROM operations WHERE operation = ?1").doing(doing)?;
        statement.exists([operation.as_str()]).doing(doing)
    }
}
