//! What no profile may exceed: for each number the least and the most that this software accepts, and why.

use jiff::SignedDuration;

use super::PolicyFault;
use super::words::{grouped, length};

/// The range of a setting in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The setting.
    pub setting: &'static str,
    /// `1 second to 31 days`.
    pub range: String,
    /// Where it comes from.
    pub source: &'static str,
}

/// The range that a setting may have in any profile. A body that publishes its own figure is named; the rest is our choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit<T: 'static> {
    /// The setting.
    setting: &'static str,
    /// The least it may be.
    least: T,
    /// The most it may be.
    most: T,
    /// Where the limit comes from.
    source: &'static str,
}

/// How a kind of number is said.
pub(super) trait Say: Copy + PartialOrd {
    fn say(self) -> String;
}

impl Say for SignedDuration {
    fn say(self) -> String {
        length(self)
    }
}

impl Say for f64 {
    fn say(self) -> String {
        self.to_string()
    }
}

impl Say for u64 {
    fn say(self) -> String {
        grouped(self)
    }
}

impl<T: Say> Limit<T> {
    /// The fault of a number outside the range; no number at all (NaN) is outside every range.
    pub(super) fn check(&self, found: T) -> Option<PolicyFault> {
        let inside = self.least <= found && found <= self.most;
        (!inside).then(|| PolicyFault {
            setting: self.setting,
            wrong: format!(
                "found {}; it must be at least {} and at most {}",
                found.say(),
                self.least.say(),
                self.most.say()
            ),
        })
    }

    fn range(&self) -> Range {
        let range = format!("{} to {}", self.least.say(), self.most.say());
        Range { setting: self.setting, range, source: self.source }
    }
}

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const NOTHING: SignedDuration = SignedDuration::ZERO;

const fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $setting:literal, $least:expr, $most:expr, $source:literal;)*) => {
        $($(#[$doc])* pub(super) const $name: Limit<$type> =
            Limit { setting: $setting, least: $least, most: $most, source: $source };)*

        /// Every range that this software holds, in words.
        pub fn ranges() -> Vec<Range> {
            vec![$($name.range(),)*]
        }
    };
}

limits! {
    /// How long the public notice stands before a start.
    NOTICE_LEAD: SignedDuration = "notice_lead", NOTHING, days(365),
        "Our choice: what was announced more than a year ago has not been announced.";
    /// How old a watchlist may be at the start.
    WATCHLIST_AGE: SignedDuration = "watchlist_age_max", SECOND, days(1),
        "The Metropolitan Police builds a list at most 24 hours before a deployment (as reported).";
    /// How long a deployment may last.
    DEPLOYMENT_LENGTH: SignedDuration = "deployment_length_max", SECOND, days(1),
        "Our choice: whoever wants to compare for longer than a day announces another deployment.";
    /// How long frames flow without asking the store whether the deployment is still live.
    LEASE: SignedDuration = "lease", SECOND, SignedDuration::from_mins(5),
        "Our choice: withdrawn authority ends comparison within five minutes although no message arrives.";
    /// How long an alert's evidence is kept.
    ALERT_RETENTION: SignedDuration = "alert_retention", SECOND, days(31),
        "Camera recordings are kept at most 31 days (published practice of police forces in the United Kingdom); no alert outlives them.";
    /// How long after the alert a hold may keep its evidence.
    ALERT_HOLD: SignedDuration = "alert_hold_max", SECOND, days(365),
        "Our choice: what is needed for longer than a year belongs in a case file, under the rules of evidence.";
    /// How long an urgent start may stand without being ratified.
    URGENT_RATIFICATION: SignedDuration = "urgent_ratification", SECOND, days(2),
        "Our choice: an authorising officer can be found within two days; what nobody ratifies is destroyed.";
    /// How long training counts.
    TRAINING_VALIDITY: SignedDuration = "training_validity", SECOND, days(730),
        "Our choice: rules, models and thresholds change within two years, and so must what people know of them.";
    /// How long a complaint is kept.
    COMPLAINT_RETENTION: SignedDuration = "complaint_retention", SECOND, days(2_192),
        "Our choice: six years, in which somebody may still go to court about it.";
    /// How long "was I on a list?" can be answered.
    COMMITMENT_RETENTION: SignedDuration = "commitment_retention", SECOND, days(2_192),
        "Our choice: six years, as long as a complaint may be kept; then the key that answers is destroyed.";
    /// How long a suppression entry lasts without being renewed by the person.
    SUPPRESSION_LENGTH: SignedDuration = "suppression_length_max", SECOND, days(365),
        "Our choice: a face kept by consent is kept for a year at most, and then asked about again.";
    /// How long a share lasts.
    SHARE_LENGTH: SignedDuration = "share_length_max", SECOND, days(365),
        "Our choice: an agreement about images is looked at again every year.";
    /// How long after a share's use its outcome is due.
    OUTCOME_DUE: SignedDuration = "outcome_due", SECOND, days(92),
        "Our choice: a quarter; at King's Cross nobody could ever say what came of the images supplied.";
    /// How old a listed image may be.
    IMAGE_AGE: SignedDuration = "image_age_max", SECOND, days(7_305),
        "Our choice: twenty years. The College of Policing asks for an image that is recent enough, and gives no figure.";
    /// How long the record may go without a signed checkpoint.
    CHECKPOINT_INTERVAL: SignedDuration = "checkpoint_interval", SECOND, days(1),
        "Our choice: what is on the record is under a signature on the same day.";
    /// The false-positive identification rate that a threshold may have been measured at.
    THRESHOLD_FPIR: f64 = "threshold_fpir_max", 1e-9, 0.1,
        "Our choice: more than one false candidate in ten searches is no comparison.";
    /// False alerts among faces seen, at which comparison pauses.
    FALSE_ALERT_RATE: f64 = "false_alert_rate_max", 1e-9, 0.001,
        "More than 1 false alert in 1,000 faces seen is the limit named after the Bridges judgment (England and Wales).";
    /// The ratio between groups at which comparison pauses.
    DIFFERENTIAL_RATIO: f64 = "differential_ratio_max", 1.0, 3.0,
        "Our choice: a group that is wrongly alerted three times as often as another needs no further evidence.";
    /// How alike two listed people may be, as a share of the threshold, before a person looks at the pair.
    LOOK_ALIKE: f64 = "look_alike_score", 0.5, 1.0,
        "Our choice: above 1 a pair would be flagged only when software takes one for the other already.";
    /// Least sharpness of a listed image, from 0 to 100.
    SHARPNESS: f64 = "sharpness_min", 0.0, 100.0,
        "The scale of the measure.";
    /// Most people on a watchlist.
    WATCHLIST_PEOPLE: u64 = "watchlist_people_max", 1, 20_000,
        "Our choice: four times the 4,868 people of the largest list that the Home Office published for November 2025.";
    /// Smallest face that is compared.
    FACE_SIDE: u64 = "face_side_px_min", 16, 1_000,
        "Our choice: below 16 pixels there is nothing to compare.";
    /// Least distance between the eyes in a listed image.
    EYE_DISTANCE: u64 = "eye_distance_px_min", 8, 1_000,
        "Our choice: below 8 pixels there is no face to enrol.";
    /// Faces seen before the rate of false alerts counts.
    FALSE_ALERT_FACES: u64 = "false_alert_faces_min", 1, 10_000,
        "Our choice: a trip-wire that waits for more than 10,000 faces would sleep through most deployments.";
    /// From what age on somebody is an adult.
    ADULT_AGE: u64 = "adult_age_years", 18, 25,
        "Under-18s are not ordinarily listed (published practice of police forces in the United Kingdom); a profile may protect older people too.";
    /// Images of one person.
    IMAGES_PER_PERSON: u64 = "images_per_person_max", 1, 20,
        "Our choice: each further image is a further chance of a false alert.";
}
