//! Who acts: a member of staff in one role, trained until a day.

use jiff::Timestamp;

use crate::identifiers::OfficerId;
use crate::refusal::Refusal;

/// What somebody may do. One person acts in one role at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Plans a deployment and proposes it.
    Proposer,
    /// May approve a deployment; never its proposer.
    AuthorisingOfficer,
    /// Of lower rank; may approve where waiting would cost too much, until an authorising officer ratifies it.
    UrgentAuthorisingOfficer,
    /// Builds and freezes the watchlist.
    WatchlistOfficer,
    /// Starts and ends comparison on the day, and adjudicates alerts.
    Operator,
    /// Speaks to the person whom an alert points at, and records what followed.
    EngagementOfficer,
    /// Sits on the panel: reads what was done, never whom it was done to.
    Auditor,
    /// The regulator's reader: reads what was done, never whom it was done to.
    Regulator,
    /// Answers for personal data: complaints, erasure, "was I on a list?".
    DataProtectionOfficer,
    /// Keeps the staff register and the machines; cannot see faces and holds no other role.
    Administrator,
}

impl Role {
    /// Every role, in the order of the matrix.
    pub const ALL: [Self; 10] = [
        Self::Proposer,
        Self::AuthorisingOfficer,
        Self::UrgentAuthorisingOfficer,
        Self::WatchlistOfficer,
        Self::Operator,
        Self::EngagementOfficer,
        Self::Auditor,
        Self::Regulator,
        Self::DataProtectionOfficer,
        Self::Administrator,
    ];

    /// The roles of those on duty at a deployment: any of them may stop comparison.
    pub const ON_DUTY: [Self; 7] = [
        Self::Proposer,
        Self::AuthorisingOfficer,
        Self::UrgentAuthorisingOfficer,
        Self::WatchlistOfficer,
        Self::Operator,
        Self::EngagementOfficer,
        Self::DataProtectionOfficer,
    ];

    /// The word for it, on the record and in the policy profile.
    pub fn word(self) -> &'static str {
        match self {
            Self::Proposer => "proposer",
            Self::AuthorisingOfficer => "authorising officer",
            Self::UrgentAuthorisingOfficer => "urgent authorising officer",
            Self::WatchlistOfficer => "watchlist officer",
            Self::Operator => "operator",
            Self::EngagementOfficer => "engagement officer",
            Self::Auditor => "auditor",
            Self::Regulator => "regulator",
            Self::DataProtectionOfficer => "data-protection officer",
            Self::Administrator => "administrator",
        }
    }

    /// The role for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Whether acting in it needs training that has not expired. Those who only read are not the force's to train.
    pub fn needs_training(self) -> bool {
        !matches!(self, Self::Auditor | Self::Regulator)
    }

    /// Whether it may be shown a face: those who adjudicate, engage, or build the list.
    pub fn may_see_faces(self) -> bool {
        matches!(self, Self::WatchlistOfficer | Self::Operator | Self::EngagementOfficer)
    }
}

/// A member of staff acting in a role. The store makes one from the staff register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Officer {
    /// Who.
    pub id: OfficerId,
    /// As what.
    pub role: Role,
    /// When their training for it expires.
    pub trained_until: Timestamp,
}

impl Officer {
    /// Who acts, if one of `roles` is theirs and their training has not expired.
    pub fn act_as(&self, roles: &[Role], attempted: &'static str, now: Timestamp) -> Result<OfficerId, Refusal> {
        self.in_role(roles, attempted)?;
        if self.role.needs_training() && now >= self.trained_until {
            return Err(Refusal::TrainingExpired { role: self.role.word(), expired: self.trained_until, attempted });
        }
        Ok(self.id.clone())
    }

    /// Who acts, if one of `roles` is theirs, trained or not: for what only ever protects, such as a pause.
    pub(crate) fn in_role(&self, roles: &[Role], attempted: &'static str) -> Result<OfficerId, Refusal> {
        if roles.contains(&self.role) {
            Ok(self.id.clone())
        } else {
            Err(Refusal::RoleMayNot { role: self.role.word(), attempted })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_gates_every_role_but_those_that_only_read() {
        let expired = Timestamp::UNIX_EPOCH;
        for role in Role::ALL {
            let officer = Officer { id: OfficerId::new("x").unwrap(), role, trained_until: expired };
            let before = Timestamp::from_second(-1).unwrap();
            assert_eq!(officer.act_as(&[role], "try", before), Ok(officer.id.clone()));
            let late = officer.act_as(&[role], "try", expired);
            let refused = Err(Refusal::TrainingExpired { role: role.word(), expired, attempted: "try" });
            let reads_only = matches!(role, Role::Auditor | Role::Regulator);
            assert_eq!(late, if reads_only { Ok(officer.id.clone()) } else { refused }, "{}", role.word());
            assert_eq!(
                officer.act_as(&[], "try", before),
                Err(Refusal::RoleMayNot { role: role.word(), attempted: "try" })
            );
            assert_eq!(Role::from_word(role.word()), Some(role));
        }
        assert!(!Role::Administrator.may_see_faces() && !Role::Auditor.may_see_faces());
    }

    #[test]
    fn faces_are_shown_to_those_who_list_judge_or_engage_and_to_nobody_else() {
        let shown: Vec<_> = Role::ALL.into_iter().filter(|role| role.may_see_faces()).collect();
        assert_eq!(shown, [Role::WatchlistOfficer, Role::Operator, Role::EngagementOfficer]);
    }

    #[test]
    fn the_words_of_roles_stand_on_the_record() {
        let words = [
            "proposer",
            "authorising officer",
            "urgent authorising officer",
            "watchlist officer",
            "operator",
            "engagement officer",
            "auditor",
            "regulator",
            "data-protection officer",
            "administrator",
        ];
        assert_eq!(Role::ALL.map(Role::word), words);
        assert_eq!(words.map(Role::from_word), Role::ALL.map(Some));
        assert_eq!(Role::from_word("onlooker"), None);
    }
}
