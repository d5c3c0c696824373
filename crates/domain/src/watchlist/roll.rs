//! The whole list as the rules see it when it is to be frozen: people, their images, approvals, and what is still open.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::deployment::Plan;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::watchlist::composition::published;
use crate::watchlist::entry::EntryFacts;
use crate::watchlist::protection::{Approval, Protection};

/// Every entry of a list, with what else a freeze depends on. Made by the store from what it opened.
#[derive(Clone, Debug, Default)]
pub struct Roll {
    entries: Vec<(EntryFacts, Approval)>,
    open_flags: u64,
}

/// What a freeze puts on the record. Only [`Roll::check`] makes one.
pub(crate) struct Checked {
    pub(crate) people: u64,
    pub(crate) images: u64,
    pub(crate) by_ground: BTreeMap<String, u64>,
    pub(crate) by_approval: BTreeMap<String, u64>,
}

/// One person, from all their entries.
struct Person<'a> {
    ground: &'a str,
    protection: Protection,
    approval: Approval,
    images: u32,
}

impl Roll {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in an entry; `approval` is whether a higher approval of this entry is on the record.
    pub fn enter(&mut self, facts: EntryFacts, approval: Approval) {
        self.entries.push((facts, approval));
    }

    /// How many flags nobody has acknowledged.
    pub fn leave_open(&mut self, flags: u64) {
        self.open_flags = flags;
    }

    /// Number of images.
    pub fn images(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Whether the list may be frozen now, and what is then said of it.
    pub(crate) fn check(&self, policy: &Policy, plan: &Plan, now: Timestamp) -> Result<Checked, Refusal> {
        let people = self.people(policy, plan, now)?;
        let (count, people_max) = (people.len() as u64, u64::from(policy.watchlist_people_max));
        if count == 0 {
            return Err(Refusal::WatchlistEmpty);
        }
        if count > people_max {
            return Err(Refusal::WatchlistTooLarge { people: count, people_max });
        }
        let images_max = policy.images_per_person_max;
        if let Some(person) = people.values().find(|person| person.images > images_max) {
            return Err(Refusal::TooManyImages { images: person.images, images_max });
        }
        if self.open_flags > 0 {
            return Err(Refusal::LikenessesOpen { pairs: self.open_flags });
        }
        let unapproved =
            |person: &&Person<'_>| person.protection != Protection::NotNeeded && person.approval == Approval::Missing;
        let missing = people.values().filter(unapproved).count() as u64;
        if missing > 0 {
            return Err(Refusal::ApprovalMissing { people: missing });
        }
        let mut by_ground = BTreeMap::new();
        let mut by_approval = BTreeMap::new();
        for person in people.values() {
            *by_ground.entry(person.ground.to_owned()).or_default() += 1;
            *by_approval.entry(person.protection.word().to_owned()).or_default() += 1;
        }
        Ok(Checked {
            people: count,
            images: self.images(),
            by_ground: published(&by_ground, policy.grounds.len()),
            by_approval: published(&by_approval, 2 + policy.protected_grounds.len()),
        })
    }

    fn people(&self, policy: &Policy, plan: &Plan, now: Timestamp) -> Result<BTreeMap<&str, Person<'_>>, Refusal> {
        let mut people: BTreeMap<&str, Person<'_>> = BTreeMap::new();
        for (facts, approval) in &self.entries {
            // Once more: a day may have passed since it was entered, or another policy been adopted.
            facts.check(policy, plan, now)?;
            let protection = Protection::of(facts, policy);
            let person = people.entry(&facts.label).or_insert(Person {
                ground: &facts.ground,
                protection: Protection::NotNeeded,
                approval: Approval::Missing,
                images: 0,
            });
            if person.ground != facts.ground {
                return Err(Refusal::PersonContradicted);
            }
            person.images += 1;
            // One entry that calls for protection protects the person; `Child` counts before what the policy names.
            if person.protection == Protection::NotNeeded || protection == Protection::Child {
                person.protection = protection;
            }
            if *approval == Approval::Given {
                person.approval = Approval::Given;
            }
        }
        Ok(people)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::SignedDuration;
    use jiff::civil::date;

    use super::*;
    use crate::deployment::Kind;
    use crate::identifiers::{DeploymentId, OperationId};
    use crate::watchlist::{Age, Origin, Retention};

    pub(crate) fn facts(label: &str) -> EntryFacts {
        EntryFacts {
            label: label.into(),
            ground: "wanted".into(),
            image_source: "custody".into(),
            supplier: "the force's own custody suite".into(),
            legal_basis: "the law".into(),
            image_date: date(2026, 1, 2),
            origin: Origin::Own,
            retention: Retention::Retained,
            age_at_image: Age::AtLeast(40),
            age: Age::AtLeast(40),
            protected: None,
        }
    }

    pub(crate) fn policy() -> Policy {
        Policy {
            grounds: vec!["wanted".into(), "missing".into()],
            protected_grounds: vec!["protected person".into(), "deceased".into()],
            watchlist_people_max: 20,
            images_per_person_max: 2,
            adult_age_years: 18,
            image_age_max: SignedDuration::from_hours(365 * 24),
            ..crate::policy::tests::sound()
        }
    }

    pub(crate) fn plan() -> Plan {
        Plan {
            deployment: DeploymentId::new("d1").unwrap(),
            operation: OperationId::new("o1").unwrap(),
            kind: Kind::Exercise,
            purpose: "exercise".into(),
            place: "here".into(),
            place_ground: "recorded files".into(),
            place_evidence: "ab".repeat(32),
            cameras: 1,
            starts: at(0),
            ends: at(3600),
        }
    }

    fn at(second: i64) -> Timestamp {
        let start: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        start + SignedDuration::from_secs(second)
    }

    fn roll(entries: &[EntryFacts]) -> Roll {
        let mut roll = Roll::new();
        entries.iter().for_each(|facts| roll.enter(facts.clone(), Approval::Missing));
        roll
    }

    fn refusal(roll: &Roll) -> Refusal {
        roll.check(&policy(), &plan(), at(0)).err().unwrap()
    }

    #[test]
    fn people_are_counted_not_images() {
        let list = roll(&[facts("a"), facts("a"), facts("b")]);
        let checked = list.check(&policy(), &plan(), at(0)).unwrap();
        assert_eq!((checked.people, checked.images), (2, 3));
        assert_eq!(
            refusal(&roll(&[facts("a"), facts("a"), facts("a")])),
            Refusal::TooManyImages { images: 3, images_max: 2 }
        );
        assert_eq!(refusal(&roll(&[])), Refusal::WatchlistEmpty);
        let many: Vec<_> = (0..21).map(|number| facts(&number.to_string())).collect();
        assert_eq!(refusal(&roll(&many)), Refusal::WatchlistTooLarge { people: 21, people_max: 20 });
        let contradicted = EntryFacts { ground: "missing".into(), ..facts("a") };
        assert_eq!(refusal(&roll(&[facts("a"), contradicted])), Refusal::PersonContradicted);
    }

    #[test]
    fn nothing_may_be_open_and_everybody_protected_approved() {
        let mut flagged = roll(&[facts("a")]);
        flagged.leave_open(1);
        assert_eq!(refusal(&flagged), Refusal::LikenessesOpen { pairs: 1 });
        let child = EntryFacts { age: Age::AtLeast(17), age_at_image: Age::AtLeast(17), ..facts("c") };
        assert_eq!(refusal(&roll(&[facts("a"), child.clone()])), Refusal::ApprovalMissing { people: 1 });
        let deceased = EntryFacts { protected: Some("deceased".into()), ..facts("d") };
        assert_eq!(refusal(&roll(&[child.clone(), deceased])), Refusal::ApprovalMissing { people: 2 });
        // A second image in which the person was a child protects the person; an approval of either entry counts.
        let then = EntryFacts { age_at_image: Age::AtLeast(16), ..facts("a") };
        assert_eq!(refusal(&roll(&[facts("a"), then.clone()])), Refusal::ApprovalMissing { people: 1 });
        let mut approved = roll(&[facts("a")]);
        approved.enter(then, Approval::Given);
        assert!(approved.check(&policy(), &plan(), at(0)).is_ok());
    }

    #[test]
    fn what_is_published_adds_up_and_singles_nobody_out() {
        let mut list = Roll::new();
        for number in 0..12 {
            let ground = if number < 2 { "missing" } else { "wanted" };
            let age = if number < 5 { Age::AtLeast(15) } else { Age::AtLeast(30) };
            let facts = EntryFacts { ground: ground.into(), age, age_at_image: age, ..facts(&number.to_string()) };
            list.enter(facts, Approval::Given);
        }
        let checked = list.check(&policy(), &plan(), at(0)).unwrap();
        assert_eq!(checked.by_ground, BTreeMap::from([("missing or wanted".to_owned(), 12)]));
        let approvals = [("child or age unknown".to_owned(), 5), ("not needed".to_owned(), 7)];
        assert_eq!(checked.by_approval, BTreeMap::from(approvals));
    }

    #[test]
    fn an_entry_that_has_become_unlawful_since_stops_the_freeze() {
        let until_today = Retention::RetainedUntil(date(2026, 11, 22));
        let list = roll(&[EntryFacts { retention: until_today, ..facts("a") }]);
        assert!(list.check(&policy(), &plan(), at(0)).is_ok());
        let later = Plan { ends: at(24 * 3600), ..plan() };
        let refused = list.check(&policy(), &later, at(0)).err().unwrap();
        assert_eq!(refused, Refusal::ImageNotRetained { status: "retained until" });
    }

    #[test]
    fn one_image_of_a_child_protects_the_person_in_whatever_order_they_are_entered() {
        let then = EntryFacts { age_at_image: Age::AtLeast(16), ..facts("a") };
        let deceased = EntryFacts { protected: Some("deceased".into()), ..facts("a") };
        for images in [[&then, &facts("a")], [&facts("a"), &then], [&deceased, &facts("a")], [&facts("a"), &deceased]] {
            let list = roll(&images.map(Clone::clone));
            assert_eq!(refusal(&list), Refusal::ApprovalMissing { people: 1 }, "{images:?}");
        }
        for images in [[&then, &deceased], [&deceased, &then]] {
            let mut list = Roll::new();
            images.into_iter().for_each(|image| list.enter(image.clone(), Approval::Given));
            for label in ["b", "c", "d", "e"] {
                list.enter(EntryFacts { label: label.into(), ..then.clone() }, Approval::Given);
            }
            let checked = list.check(&policy(), &plan(), at(0)).unwrap();
            assert_eq!(checked.by_approval, BTreeMap::from([("child or age unknown".to_owned(), 5)]), "{images:?}");
        }
    }

    #[test]
    fn a_lone_child_is_not_singled_out_where_the_policy_protects_nobody_else() {
        let policy = Policy { protected_grounds: vec![], ..policy() };
        let mut list = Roll::new();
        (0..5).for_each(|number| list.enter(facts(&number.to_string()), Approval::Missing));
        list.enter(EntryFacts { age: Age::AtLeast(15), age_at_image: Age::AtLeast(15), ..facts("c") }, Approval::Given);
        let checked = list.check(&policy, &plan(), at(0)).unwrap();
        assert_eq!(checked.by_approval, BTreeMap::from([("child or age unknown or not needed".to_owned(), 6)]));
    }
}
