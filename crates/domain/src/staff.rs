//! The staff register: who may act in which role, and until when they are trained for it. Kept by an administrator.
//!
//! The register is about the force's own people: what changes in it is recorded and withheld, and published as counts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::identifiers::OfficerId;
use crate::officer::{Officer, Role};
use crate::policy::Policy;
use crate::refusal::Refusal;

/// A member of staff as the register has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    id: OfficerId,
    role: Role,
    trained_until: Timestamp,
    standing: Standing,
}

/// Whether a member of staff may act at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They may.
    Active,
    /// They may not, until reinstated.
    Suspended,
}

/// What changed in the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaffChange {
    /// Somebody was entered.
    Enrolled,
    /// Their training was renewed.
    TrainingRenewed,
    /// They were given another role.
    Assigned,
    /// They may not act for the time being.
    Suspended,
    /// They may act again.
    Reinstated,
}

impl Standing {
    /// The word in the register.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }

    /// The standing for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::Suspended].into_iter().find(|standing| standing.word() == word)
    }
}

impl Member {
    /// Enters somebody. `registered` is what the register says of that name already, if anything.
    pub fn enrol(
        id: OfficerId,
        role: Role,
        trained_until: Timestamp,
        registered: Option<&Self>,
        by: &Officer,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let administrator = administrator(by, &id, "enrol anybody", now)?;
        if registered.is_some() {
            return Err(Refusal::StaffEnrolledAlready);
        }
        check_training(trained_until, policy, now)?;
        let member = Self { id, role, trained_until, standing: Standing::Active };
        Ok(member.changed(StaffChange::Enrolled, Actor::Officer(administrator), "enrolled", now))
    }

    /// Enters the first administrator, by whoever sets the system up: only while the register has none who could act.
    pub fn first_administrator(
        id: OfficerId,
        register: &[Self],
        trained_until: Timestamp,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        if register.iter().any(|member| member.role == Role::Administrator && member.on_duty(now).is_ok()) {
            return Err(Refusal::AdministratorExists);
        }
        if register.iter().any(|member| member.id == id && member.role != Role::Administrator) {
            return Err(Refusal::AdministratorHoldsNoOtherRole);
        }
        check_training(trained_until, policy, now)?;
        let member = Self { id, role: Role::Administrator, trained_until, standing: Standing::Active };
        Ok(member.changed(StaffChange::Enrolled, Actor::System, "the system was set up", now))
    }

    /// As the register's last line about them says.
    pub fn remembered(id: OfficerId, role: Role, trained_until: Timestamp, standing: Standing) -> Self {
        Self { id, role, trained_until, standing }
    }

    /// They were trained again.
    pub fn renew_training(
        mut self,
        until: Timestamp,
        by: &Officer,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let administrator = administrator(by, &self.id, "renew anybody's training", now)?;
        check_training(until, policy, now)?;
        self.trained_until = until;
        Ok(self.changed(StaffChange::TrainingRenewed, Actor::Officer(administrator), "trained", now))
    }

    /// They act in another role from now on, and in that one alone. Nobody becomes or stops being an administrator so.
    pub fn assign(mut self, role: Role, by: &Officer, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let administrator = administrator(by, &self.id, "assign a role", now)?;
        if self.role == Role::Administrator || role == Role::Administrator {
            return Err(Refusal::AdministratorHoldsNoOtherRole);
        }
        self.role = role;
        Ok(self.changed(StaffChange::Assigned, Actor::Officer(administrator), "assigned", now))
    }

    /// They may not act until reinstated.
    pub fn suspend(mut self, by: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let administrator = administrator(by, &self.id, "suspend anybody", now)?;
        if reason.trim().is_empty() {
            return Err(Refusal::ReasonMissing);
        }
        self.standing = Standing::Suspended;
        Ok(self.changed(StaffChange::Suspended, Actor::Officer(administrator), reason, now))
    }

    /// They may act again.
    pub fn reinstate(mut self, by: &Officer, reason: &str, now: Timestamp) -> Result<Decided<Self>, Refusal> {
        let administrator = administrator(by, &self.id, "reinstate anybody", now)?;
        if reason.trim().is_empty() {
            return Err(Refusal::ReasonMissing);
        }
        self.standing = Standing::Active;
        Ok(self.changed(StaffChange::Reinstated, Actor::Officer(administrator), reason, now))
    }

    /// Them, acting in their role: refused while suspended, and once the training it needs has expired.
    pub fn on_duty(&self, now: Timestamp) -> Result<Officer, Refusal> {
        if self.standing == Standing::Suspended {
            return Err(Refusal::StaffSuspended);
        }
        let officer = self.officer();
        officer.act_as(&[self.role], "act", now)?;
        Ok(officer)
    }

    /// Who.
    pub fn id(&self) -> &OfficerId {
        &self.id
    }

    /// As what.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Until when they are trained.
    pub fn trained_until(&self) -> Timestamp {
        self.trained_until
    }

    /// Whether they may act at all.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    fn officer(&self) -> Officer {
        Officer { id: self.id.clone(), role: self.role, trained_until: self.trained_until }
    }

    fn changed(self, change: StaffChange, actor: Actor, reason: &str, at: Timestamp) -> Decided<Self> {
        let happening = Happening::StaffChanged { member: self.clone(), change, reason: reason.to_owned() };
        Decided::new(self, Event { at, actor, happening })
    }
}

/// Publishes how many members of staff could act now, by role: no names, and nothing of who came or went.
pub fn count(register: &[Member], by: &Officer, now: Timestamp) -> Result<Decided<BTreeMap<String, u64>>, Refusal> {
    let administrator = by.act_as(&[Role::Administrator], "publish the staff counts", now)?;
    let mut by_role = BTreeMap::new();
    for member in register.iter().filter(|member| member.on_duty(now).is_ok()) {
        *by_role.entry(member.role.word().to_owned()).or_default() += 1;
    }
    let happening = Happening::StaffCounted { by_role: by_role.clone() };
    Ok(Decided::new(by_role, Event { at: now, actor: Actor::Officer(administrator), happening }))
}

/// An administrator who does something about somebody else.
fn administrator(
    by: &Officer,
    about: &OfficerId,
    attempted: &'static str,
    now: Timestamp,
) -> Result<OfficerId, Refusal> {
    let id = by.act_as(&[Role::Administrator], attempted, now)?;
    if id == *about { Err(Refusal::OwnStaffEntry) } else { Ok(id) }
}

fn check_training(until: Timestamp, policy: &Policy, now: Timestamp) -> Result<(), Refusal> {
    if until <= now {
        return Err(Refusal::TrainingOver { until });
    }
    if until.duration_since(now) > policy.training_validity {
        return Err(Refusal::TrainingTooLong { validity: policy.training_validity });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::policy::tests::sound;

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    fn id(name: &str) -> OfficerId {
        OfficerId::new(name).unwrap()
    }

    fn policy() -> Policy {
        Policy { training_validity: SignedDuration::from_hours(100), ..sound() }
    }

    fn first() -> Member {
        Member::first_administrator(id("a"), &[], at(100), &policy(), at(0)).unwrap().into_parts().0
    }

    fn enrolled(name: &str, role: Role) -> Member {
        let by = first().on_duty(at(0)).unwrap();
        Member::enrol(id(name), role, at(50), None, &by, &policy(), at(0)).unwrap().into_parts().0
    }

    #[test]
    fn there_is_a_first_administrator_only_while_none_could_act() {
        let again = |register: &[Member], who, now| {
            Member::first_administrator(id(who), register, now + SignedDuration::from_hours(1), &policy(), now)
                .map(drop)
        };
        assert_eq!(again(&[first()], "b", at(99)), Err(Refusal::AdministratorExists));
        assert_eq!(again(&[first()], "b", at(100)), Ok(()), "the only one's training expired");
        let register = [first(), enrolled("p", Role::Proposer)];
        assert_eq!(again(&register, "p", at(100)), Err(Refusal::AdministratorHoldsNoOtherRole));
    }

    #[test]
    fn only_an_administrator_changes_the_register_and_never_about_themselves() {
        let admin = first().on_duty(at(1)).unwrap();
        let other = enrolled("p", Role::Proposer);
        assert_eq!(other.clone().suspend(&admin, "left", at(1)).map(drop), Ok(()));
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Administrator) {
            let by = enrolled("x", role).on_duty(at(1)).unwrap();
            let refused = |result: Result<(), Refusal>| matches!(result, Err(Refusal::RoleMayNot { .. }));
            assert!(refused(other.clone().suspend(&by, "left", at(1)).map(drop)));
            assert!(refused(other.clone().reinstate(&by, "back", at(1)).map(drop)));
            assert!(refused(other.clone().assign(Role::Operator, &by, at(1)).map(drop)));
            assert!(refused(other.clone().renew_training(at(60), &by, &policy(), at(1)).map(drop)));
            let enrol = Member::enrol(id("n"), Role::Operator, at(60), None, &by, &policy(), at(1));
            assert!(refused(enrol.map(drop)));
            assert!(refused(count(&[], &by, at(1)).map(drop)));
        }
        assert_eq!(first().renew_training(at(90), &admin, &policy(), at(1)).map(drop), Err(Refusal::OwnStaffEntry));
        assert_eq!(first().suspend(&admin, "left", at(1)).map(drop), Err(Refusal::OwnStaffEntry));
        let twice = Member::enrol(id("p"), Role::Operator, at(60), Some(&other), &admin, &policy(), at(1));
        assert_eq!(twice.map(drop), Err(Refusal::StaffEnrolledAlready));
        let rise = other.assign(Role::Administrator, &admin, at(1));
        assert_eq!(rise.map(drop), Err(Refusal::AdministratorHoldsNoOtherRole));
    }

    #[test]
    fn training_is_renewed_up_to_its_validity_and_gates_duty() {
        let admin = first().on_duty(at(1)).unwrap();
        let member = enrolled("p", Role::Proposer);
        assert!(member.on_duty(at(49)).is_ok());
        assert!(matches!(member.on_duty(at(50)), Err(Refusal::TrainingExpired { .. })));
        let renew = |until| {
            member.clone().renew_training(until, &admin, &policy(), at(1)).map(|decided| decided.into_parts().0)
        };
        assert_eq!(renew(at(1)).unwrap_err(), Refusal::TrainingOver { until: at(1) });
        assert!(matches!(renew(at(102)), Err(Refusal::TrainingTooLong { .. })));
        assert!(renew(at(101)).unwrap().on_duty(at(100)).is_ok());
    }

    #[test]
    fn the_suspended_do_not_act_and_are_not_counted() {
        let admin = first().on_duty(at(1)).unwrap();
        let member = enrolled("p", Role::Proposer);
        assert_eq!(member.clone().suspend(&admin, " ", at(1)).map(drop), Err(Refusal::ReasonMissing));
        let suspended = member.suspend(&admin, "left", at(1)).unwrap().into_parts().0;
        assert_eq!(suspended.on_duty(at(1)), Err(Refusal::StaffSuspended));
        let register = [first(), suspended.clone(), enrolled("o", Role::Operator), enrolled("q", Role::Operator)];
        let counted = count(&register, &admin, at(1)).unwrap().into_parts().0;
        assert_eq!(counted, BTreeMap::from([("administrator".to_owned(), 1), ("operator".to_owned(), 2)]));
        let back = suspended.reinstate(&admin, "cleared", at(1)).unwrap().into_parts().0;
        assert_eq!(back.on_duty(at(1)).unwrap().role, Role::Proposer);
    }

    #[test]
    fn a_new_first_administrator_is_anybody_who_has_no_other_role() {
        let register = [first(), enrolled("p", Role::Proposer)];
        for who in ["a", "b"] {
            let entered = Member::first_administrator(id(who), &register, at(200), &policy(), at(100));
            let member = entered.unwrap().into_parts().0;
            let (role, trained_until, standing) = (member.role(), member.trained_until(), member.standing());
            assert_eq!(member.id(), &id(who));
            assert_eq!((role, trained_until, standing), (Role::Administrator, at(200), Standing::Active));
        }
    }

    #[test]
    fn the_words_of_standings_stay_as_they_are() {
        let (standings, words) = ([Standing::Active, Standing::Suspended], ["active", "suspended"]);
        assert_eq!(standings.map(Standing::word), words);
        assert_eq!(words.map(Standing::from_word), standings.map(Some));
        assert_eq!(Standing::from_word("retired"), None);
    }
}
