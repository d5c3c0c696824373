//! The staff register: who may act in which role. Each change is one event and one line, and the newest line holds.

use std::collections::BTreeMap;

use domain::{Decided, Happening, Member, Officer, OfficerId, Role, Standing, staff};
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::error::{Doing as _, StoreError};
use crate::log::{nanoseconds, timestamp};
use crate::recorded::Recorded;
use crate::store::Store;

const COLUMNS: &str = "officer, role, trained_until_ns, standing";

impl Store {
    /// Everybody in the register, by name.
    pub fn staff(&self) -> Result<Vec<Member>, StoreError> {
        let doing = "reading the staff register";
        let sql = format!(
            "SELECT {COLUMNS} FROM staff WHERE event IN (SELECT max(event) FROM staff GROUP BY officer) ORDER BY officer"
        );
        let mut statement = self.connection.prepare_cached(&sql).doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let mut register = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            register.push(member_of(row)?);
        }
        Ok(register)
    }

    /// Somebody acting in their role: refused for who is not in the register, is suspended, or whose training expired.
    pub fn officer(&self, id: &OfficerId, now: Timestamp) -> Result<Officer, StoreError> {
        Ok(self.member(id)?.on_duty(now)?)
    }

    /// Enters the first administrator; refused once the register has one who can act.
    pub fn first_administrator(
        &mut self,
        id: &OfficerId,
        trained_until: Timestamp,
        now: Timestamp,
    ) -> Result<Recorded<Member>, StoreError> {
        let policy = self.policy_in_force()?;
        let register = self.staff()?;
        self.record_staff(Member::first_administrator(id.clone(), &register, trained_until, &policy, now)?)
    }

    /// Enters somebody.
    pub fn enrol(
        &mut self,
        id: &OfficerId,
        role: Role,
        trained_until: Timestamp,
        by: &Officer,
        now: Timestamp,
    ) -> Result<Recorded<Member>, StoreError> {
        let policy = self.policy_in_force()?;
        let registered = self.registered(id)?;
        self.record_staff(Member::enrol(id.clone(), role, trained_until, registered.as_ref(), by, &policy, now)?)
    }

    /// Somebody was trained again.
    pub fn renew_training(
        &mut self,
        id: &OfficerId,
        until: Timestamp,
        by: &Officer,
        now: Timestamp,
    ) -> Result<Recorded<Member>, StoreError> {
        let policy = self.policy_in_force()?;
        self.record_staff(self.member(id)?.renew_training(until, by, &policy, now)?)
    }

    /// Somebody acts in another role from now on.
    pub fn assign_role(
        &mut self,
        id: &OfficerId,
        role: Role,
        by: &Officer,
        now: Timestamp,
    ) -> Result<Recorded<Member>, StoreError> {
        self.record_staff(self.member(id)?.assign(role, by, now)?)
    }

    /// Somebody may not act until reinstated.
    pub fn suspend(
        &mut self,
        id: &OfficerId,
        reason: &str,
        by: &Officer,
        now: Timestamp,
    ) -> Result<Recorded<Member>, StoreError> {
        self.record_staff(self.member(id)?.suspend(by, reason, now)?)
    }

    /// Somebody may act again.
    pub fn reinstate(
        &mut self,
        id: &OfficerId,
        reason: &str,
        by: &Officer,
        now: Timestamp,
    ) -> Result<Recorded<Member>, StoreError> {
        self.record_staff(self.member(id)?.reinstate(by, reason, now)?)
    }

    /// Publishes how many could act now, by role.
    pub fn publish_staff_counts(
        &mut self,
        by: &Officer,
        now: Timestamp,
    ) -> Result<Recorded<BTreeMap<String, u64>>, StoreError> {
        let register = self.staff()?;
        self.record(staff::count(&register, by, now)?, |_, _| Ok(()))
    }

    fn record_staff(&mut self, decided: Decided<Member>) -> Result<Recorded<Member>, StoreError> {
        let Happening::StaffChanged { member, reason, .. } = decided.event().happening.clone() else {
            let found = "a change of the staff register came with another event".to_owned();
            return Err(StoreError::Bug { doing: "recording a change of the staff register", found });
        };
        let trained_until = nanoseconds(member.trained_until())?;
        self.record(decided, |transaction, _| {
            // The event was written last: a change of the register has no entry.
            let event = transaction.last_insert_rowid();
            let values = params![
                event,
                member.id().as_str(),
                member.role().word(),
                trained_until,
                member.standing().word(),
                reason
            ];
            transaction
                .prepare_cached(
                    "INSERT INTO staff (event, officer, role, trained_until_ns, standing, reason)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )
                .and_then(|mut statement| statement.execute(values))
                .doing("changing the staff register")
                .map(drop)
        })
    }

    fn member(&self, id: &OfficerId) -> Result<Member, StoreError> {
        let unknown = || StoreError::Unknown { what: "the member of staff", name: id.to_string() };
        self.registered(id)?.ok_or_else(unknown)
    }

    fn registered(&self, id: &OfficerId) -> Result<Option<Member>, StoreError> {
        let doing = "looking somebody up in the staff register";
        let sql = format!("SELECT {COLUMNS} FROM staff WHERE officer = ?1 ORDER BY event DESC LIMIT 1");
        let mut statement = self.connection.prepare_cached(&sql).doing(doing)?;
        statement.query_row([id.as_str()], |row| Ok(member_of(row))).optional().doing(doing)?.transpose()
    }
}

fn member_of(row: &Row<'_>) -> Result<Member, StoreError> {
    let doing = "reading the staff register";
    let damaged = |found: String| StoreError::Damaged { what: "the staff register".into(), found };
    let officer: String = row.get(0).doing(doing)?;
    let role: String = row.get(1).doing(doing)?;
    let standing: String = row.get(3).doing(doing)?;
    Ok(Member::remembered(
        OfficerId::new(&officer).map_err(|error| damaged(error.to_string()))?,
        Role::from_word(&role).ok_or_else(|| damaged(format!("it has the unknown role {role:?}")))?,
        timestamp(row.get(2).doing(doing)?)?,
        Standing::from_word(&standing).ok_or_else(|| damaged(format!("it has the unknown standing {standing:?}")))?,
    ))
}

#[cfg(test)]
mod tests {
    use domain::Refusal;
    use jiff::SignedDuration;

    use super::*;
    use crate::scenes::Scene;

    fn id(name: &str) -> OfficerId {
        OfficerId::new(name).unwrap()
    }

    #[test]
    fn the_register_survives_a_restart_and_says_who_may_act() {
        let mut scene = Scene::new();
        scene.policy();
        let now = scene.tick();
        let day = SignedDuration::from_hours(24);
        assert!(matches!(scene.store().officer(&id("p"), now), Err(StoreError::Unknown { .. })));
        scene.store().first_administrator(&id("a"), now + day, now).unwrap();
        let admin = scene.store().officer(&id("a"), now).unwrap();
        scene.store().enrol(&id("p"), Role::Proposer, now + day, &admin, now).unwrap();
        scene.store().assign_role(&id("p"), Role::Operator, &admin, now).unwrap();
        scene.reopen();
        let acting = scene.store().officer(&id("p"), now).unwrap();
        assert_eq!((acting.role, acting.trained_until), (Role::Operator, now + day));
        assert!(matches!(
            scene.store().officer(&id("p"), now + day),
            Err(StoreError::Refusal(Refusal::TrainingExpired { .. }))
        ));
        scene.store().renew_training(&id("p"), now + day + day, &admin, now).unwrap();
        assert!(scene.store().officer(&id("p"), now + day).is_ok());
        scene.store().suspend(&id("p"), "left", &admin, now).unwrap();
        assert!(matches!(scene.store().officer(&id("p"), now), Err(StoreError::Refusal(Refusal::StaffSuspended))));
        scene.store().reinstate(&id("p"), "back", &admin, now).unwrap();
        assert_eq!(scene.store().staff().unwrap().len(), 2);
        let counted = scene.store().publish_staff_counts(&admin, now).unwrap().into_inner();
        assert_eq!(counted, BTreeMap::from([("administrator".to_owned(), 1), ("operator".to_owned(), 1)]));
        assert_eq!(scene.store().check().unwrap(), vec![]);
        let entries = scene.store().entries(None).unwrap();
        assert_eq!(entries.len(), 2, "the policy and the counts; every change of the register is withheld");
    }
}
