//! One entry of a watchlist, which is one image of one person: what must be known of it, and when it may stand there.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::deployment::Plan;
use crate::identifiers::ShareId;
use crate::policy::Policy;
use crate::refusal::Refusal;

/// Most characters of a text about an entry.
pub const TEXT_CHARS_MAX: usize = 200;

/// What is recorded of a watchlist entry beside its image. Entries with one label are images of one person. In an
/// exercise the label is `exercise subject N`. There is no field for a name or a date of birth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryFacts {
    /// What operators see; the same on every image of one person.
    pub label: String,
    /// Why the person is listed, from the policy's closed vocabulary.
    pub ground: String,
    /// Where the image comes from, such as a custody record or a bus camera.
    pub image_source: String,
    /// Who handed the image over and answers for it being the right person.
    pub supplier: String,
    /// On what legal basis it is held.
    pub legal_basis: String,
    /// When the image was taken, as far as known.
    pub image_date: Date,
    /// Whose image it is.
    pub origin: Origin,
    /// Whether its supplier may still hold it.
    pub retention: Retention,
    /// How old the person was when it was taken.
    pub age_at_image: Age,
    /// How old the person is.
    pub age: Age,
    /// Who they are beside, where that needs a higher approval: a word of the policy's closed vocabulary.
    pub protected: Option<String>,
}

/// Where a listed image comes from: an image of another body enters only under a share that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The force's own.
    Own,
    /// Another body's, under this share.
    Share(ShareId),
}

/// An age in whole years. A date of birth is turned into one before it reaches this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// At least so many years.
    AtLeast(u8),
    /// Not known: may be a child.
    Unknown,
}

/// Whether the supplier of an image may still hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// It was reviewed and may be held.
    Retained,
    /// It may be held up to and including this day.
    RetainedUntil(Date),
    /// Whether it may be held is being looked into.
    UnderReview,
    /// It should have been deleted, or is about to be.
    DueForDeletion,
}

impl Age {
    /// Whether the person is certainly an adult.
    pub fn is_adult(self, policy: &Policy) -> bool {
        matches!(self, Self::AtLeast(years) if u32::from(years) >= policy.adult_age_years)
    }

    /// The age on a day of somebody born on another, in completed years.
    pub fn between(born: Date, on: Date) -> Self {
        let had_birthday = (on.month(), on.day()) >= (born.month(), born.day());
        let years = i32::from(on.year()) - i32::from(born.year()) - i32::from(!had_birthday);
        match u8::try_from(years) {
            Ok(years) => Self::AtLeast(years),
            Err(_) => Self::Unknown,
        }
    }
}

impl Retention {
    /// The word for it, in intake files and on screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Retained => "retained",
            Self::RetainedUntil(_) => "retained until",
            Self::UnderReview => "under review",
            Self::DueForDeletion => "due for deletion",
        }
    }

    /// The status that a text spells: one of the words, `retained until` followed by a date.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "retained" => Some(Self::Retained),
            "under review" => Some(Self::UnderReview),
            "due for deletion" => Some(Self::DueForDeletion),
            _ => Some(Self::RetainedUntil(text.strip_prefix("retained until ")?.parse().ok()?)),
        }
    }

    /// The text that [`Retention::from_text`] reads.
    pub fn text(self) -> String {
        match self {
            Self::RetainedUntil(day) => format!("{} {day}", self.word()),
            _ => self.word().to_owned(),
        }
    }
}

impl EntryFacts {
    /// Checks the entry against the policy in force and the deployment it is for.
    pub fn check(&self, policy: &Policy, plan: &Plan, now: Timestamp) -> Result<(), Refusal> {
        if !policy.grounds.contains(&self.ground) {
            return Err(Refusal::GroundNotInPolicy { ground: self.ground.clone() });
        }
        let texts = [&self.label, &self.image_source, &self.supplier, &self.legal_basis];
        if texts.iter().any(|text| text.trim().is_empty()) {
            return Err(Refusal::WatchlistEntryIncomplete);
        }
        let unfit = |text: &String| text.chars().count() > TEXT_CHARS_MAX || text.chars().any(char::is_control);
        if texts.into_iter().chain(&self.protected).any(unfit) {
            return Err(Refusal::EntryTextUnfit { chars_max: TEXT_CHARS_MAX });
        }
        match &self.protected {
            Some(word) if !policy.protected_grounds.contains(word) => {
                return Err(Refusal::ProtectionNotInPolicy { word: word.clone() });
            }
            _ => {}
        }
        self.check_image(policy, plan, now)
    }

    fn check_image(&self, policy: &Policy, plan: &Plan, now: Timestamp) -> Result<(), Refusal> {
        let (today, last_day) = (day(now), day(plan.ends));
        if self.image_date > today {
            return Err(Refusal::ImageFromTheFuture { taken: self.image_date });
        }
        let age = days_between(self.image_date, today);
        if age > policy.image_age_max {
            return Err(Refusal::ImageTooOld { taken: self.image_date, age_max: policy.image_age_max });
        }
        match self.retention {
            Retention::Retained => {}
            Retention::RetainedUntil(until) if until >= last_day => {}
            status => return Err(Refusal::ImageNotRetained { status: status.word() }),
        }
        match (self.age_at_image, self.age) {
            (Age::AtLeast(then), Age::AtLeast(present)) if then > present => Err(Refusal::AgesContradict),
            (Age::AtLeast(_), Age::Unknown) => Err(Refusal::AgesContradict),
            _ => Ok(()),
        }
    }
}

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn days_between(from: Date, to: Date) -> SignedDuration {
    to.duration_since(from)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::watchlist::roll::tests::{facts, plan, policy};

    fn now() -> Timestamp {
        "2026-11-22T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn each_fact_is_needed_and_each_limit_is_held() {
        assert_eq!(facts("a").check(&policy(), &plan(), now()), Ok(()));
        let year = policy().image_age_max;
        assert_eq!(year, SignedDuration::from_hours(365 * 24));
        let refused = |change: fn(&mut EntryFacts)| {
            let mut changed = facts("a");
            change(&mut changed);
            changed.check(&policy(), &plan(), now()).unwrap_err()
        };
        for blank in [
            (|f| f.label = " ".into()) as fn(&mut EntryFacts),
            |f| f.image_source.clear(),
            |f| f.supplier.clear(),
            |f| f.legal_basis.clear(),
        ] {
            assert_eq!(refused(blank), Refusal::WatchlistEntryIncomplete);
        }
        let unfit = Refusal::EntryTextUnfit { chars_max: TEXT_CHARS_MAX };
        assert_eq!(refused(|f| f.label = "a\u{1b}[2J".into()), unfit);
        assert_eq!(refused(|f| f.legal_basis = "x".repeat(TEXT_CHARS_MAX + 1)), unfit);
        assert_eq!(refused(|f| f.ground = "why not".into()), Refusal::GroundNotInPolicy { ground: "why not".into() });
        let unknown = Refusal::ProtectionNotInPolicy { word: "famous".into() };
        assert_eq!(refused(|f| f.protected = Some("famous".into())), unknown);
        let old = Refusal::ImageTooOld { taken: date(2025, 11, 21), age_max: year };
        assert_eq!(refused(|f| f.image_date = date(2025, 11, 21)), old);
        let mut just_fresh = facts("a");
        just_fresh.image_date = date(2025, 11, 22);
        assert_eq!(just_fresh.check(&policy(), &plan(), now()), Ok(()));
        let future = Refusal::ImageFromTheFuture { taken: date(2026, 11, 23) };
        assert_eq!(refused(|f| f.image_date = date(2026, 11, 23)), future);
        assert_eq!(refused(|f| f.age_at_image = Age::AtLeast(41)), Refusal::AgesContradict);
        assert_eq!(refused(|f| f.age = Age::Unknown), Refusal::AgesContradict);
    }

    #[test]
    fn an_image_is_listed_only_while_its_supplier_may_hold_it() {
        let with = |retention| EntryFacts { retention, ..facts("a") }.check(&policy(), &plan(), now());
        assert_eq!(with(Retention::RetainedUntil(date(2026, 11, 22))), Ok(()), "the deployment's last day");
        for retention in
            [Retention::RetainedUntil(date(2026, 11, 21)), Retention::UnderReview, Retention::DueForDeletion]
        {
            assert_eq!(with(retention), Err(Refusal::ImageNotRetained { status: retention.word() }));
        }
        for status in [Retention::Retained, Retention::RetainedUntil(date(2027, 1, 2)), Retention::UnderReview] {
            assert_eq!(Retention::from_text(&status.text()), Some(status));
        }
        assert_eq!(Retention::from_text("retained until soon"), None);
        assert_eq!(Retention::from_text("kept"), None);
    }

    #[test]
    fn ages_are_completed_years() {
        let born = date(2008, 11, 23);
        assert_eq!(Age::between(born, date(2026, 11, 22)), Age::AtLeast(17));
        assert_eq!(Age::between(born, date(2026, 11, 23)), Age::AtLeast(18));
        assert_eq!(Age::between(born, date(2008, 11, 22)), Age::Unknown, "not born yet");
        assert!(Age::AtLeast(18).is_adult(&policy()) && !Age::AtLeast(17).is_adult(&policy()));
        assert!(!Age::Unknown.is_adult(&policy()), "who may be a child is treated as one");
    }

    #[test]
    fn a_text_of_the_greatest_length_and_an_image_of_today_are_lawful() {
        let longest = EntryFacts { legal_basis: "ü".repeat(TEXT_CHARS_MAX), ..facts("a") };
        assert_eq!(longest.check(&policy(), &plan(), now()), Ok(()));
        let of_today = EntryFacts { image_date: date(2026, 11, 22), ..facts("a") };
        assert_eq!(of_today.check(&policy(), &plan(), now()), Ok(()));
    }

    #[test]
    fn every_status_is_read_as_it_is_written() {
        for (status, text) in [
            (Retention::Retained, "retained"),
            (Retention::RetainedUntil(date(2027, 1, 2)), "retained until 2027-01-02"),
            (Retention::UnderReview, "under review"),
            (Retention::DueForDeletion, "due for deletion"),
        ] {
            assert_eq!((status.text().as_str(), Retention::from_text(text)), (text, Some(status)));
        }
    }
}
