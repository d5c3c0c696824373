//! Trip-wires: what stops comparison by itself. A pure question of counts and findings; the answer is a trip or none.

use std::fmt;

use jiff::Timestamp;

use crate::policy::Policy;

/// What is watched while a deployment runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    /// Faces seen since the start: the denominator.
    pub faces_seen: u64,
    /// Alerts that a person judged to be of somebody else, or that an identity check showed wrong.
    pub false_alerts: u64,
    /// A camera that no longer shows what it was set up to show.
    pub camera_moved: Option<String>,
    /// When the authority to compare ran out, if it was not renewed.
    pub lease_expired: Option<Timestamp>,
    /// The largest ratio of error rates between two groups that the monitor has found with enough outcomes to say so.
    pub differential_ratio: Option<f64>,
}

/// Which wire was touched: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wire {
    /// More false alerts than the policy allows, once enough faces were seen.
    FalseAlertRate,
    /// A camera was moved.
    CameraMoved,
    /// The authority to compare ran out.
    LeaseExpired,
    /// One group is found wrongly more often than another, by more than the policy allows.
    Differential,
}

impl Wire {
    /// Every wire, in the order in which they are tried.
    pub const ALL: [Self; 4] = [Self::LeaseExpired, Self::CameraMoved, Self::FalseAlertRate, Self::Differential];

    /// The word on the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::FalseAlertRate => "false-alert rate",
            Self::CameraMoved => "camera moved",
            Self::LeaseExpired => "lease expired",
            Self::Differential => "differential",
        }
    }

    /// The wire for a word on the record.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wire| wire.word() == word)
    }
}

/// Proof that a wire was touched. Made only by [`tripped`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trip {
    wire: Wire,
    found: String,
}

impl Trip {
    /// Which wire.
    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// What was found, as a sentence for the record: counts and names of cameras, nothing of a person.
    pub fn found(&self) -> &str {
        &self.found
    }
}

impl fmt::Display for Trip {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.wire.word(), self.found)
    }
}

/// The first wire that was touched, if any.
pub fn tripped(watched: &Watched, policy: &Policy) -> Option<Trip> {
    Wire::ALL.into_iter().find_map(|wire| touched(wire, watched, policy).map(|found| Trip { wire, found }))
}

fn touched(wire: Wire, watched: &Watched, policy: &Policy) -> Option<String> {
    match wire {
        Wire::LeaseExpired => {
            let expired = watched.lease_expired?;
            Some(format!("the authority to compare ran out at {expired} and was not renewed"))
        }
        Wire::CameraMoved => {
            let camera = watched.camera_moved.as_ref()?;
            Some(format!("{camera} no longer shows what it was set up to show"))
        }
        Wire::FalseAlertRate => {
            let Watched { faces_seen, false_alerts, .. } = *watched;
            let enough = faces_seen >= policy.false_alert_faces_min;
            let above = false_alerts as f64 > policy.false_alert_rate_max * faces_seen as f64;
            (enough && above).then(|| format!("{false_alerts} false alerts in {faces_seen} faces seen"))
        }
        Wire::Differential => {
            let ratio = watched.differential_ratio?;
            // A ratio that is no number is a finding too: it is never taken for equality.
            let within = ratio <= policy.differential_ratio_max;
            (!within).then(|| format!("the error rates of two groups differ by a ratio of {ratio:.2}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::tests::sound;

    #[test]
    fn each_wire_is_touched_just_above_its_limit_and_not_at_it() {
        let policy =
            Policy { false_alert_rate_max: 0.001, false_alert_faces_min: 1000, differential_ratio_max: 2.0, ..sound() };
        let rate = |faces_seen, false_alerts| Watched { faces_seen, false_alerts, ..Watched::default() };
        let ratio = |ratio| Watched { differential_ratio: Some(ratio), ..Watched::default() };
        let cases = [
            (Watched::default(), None),
            (rate(999, 999), None),
            (rate(1000, 1), None),
            (rate(1000, 2), Some(Wire::FalseAlertRate)),
            (rate(3000, 3), None),
            (rate(3000, 4), Some(Wire::FalseAlertRate)),
            (ratio(2.0), None),
            (ratio(2.01), Some(Wire::Differential)),
            (ratio(f64::NAN), Some(Wire::Differential)),
            (Watched { camera_moved: Some("north".into()), ..rate(1000, 9) }, Some(Wire::CameraMoved)),
            (Watched { lease_expired: Some(Timestamp::UNIX_EPOCH), ..ratio(9.0) }, Some(Wire::LeaseExpired)),
        ];
        for (watched, wire) in cases {
            assert_eq!(tripped(&watched, &policy).map(|trip| trip.wire()), wire, "{watched:?}");
        }
        for wire in Wire::ALL {
            assert_eq!(Wire::from_word(wire.word()), Some(wire));
        }
    }

    #[test]
    fn a_trip_says_its_wire_and_what_was_found() {
        let policy =
            Policy { false_alert_rate_max: 0.001, false_alert_faces_min: 1000, differential_ratio_max: 2.0, ..sound() };
        let none = Watched::default;
        let cases = [
            (
                Watched { lease_expired: Some(Timestamp::UNIX_EPOCH), ..none() },
                "lease expired",
                "the authority to compare ran out at 1970-01-01T00:00:00Z and was not renewed",
            ),
            (
                Watched { camera_moved: Some("north".into()), ..none() },
                "camera moved",
                "north no longer shows what it was set up to show",
            ),
            (
                Watched { faces_seen: 1000, false_alerts: 2, ..none() },
                "false-alert rate",
                "2 false alerts in 1000 faces seen",
            ),
            (
                Watched { differential_ratio: Some(2.125), ..none() },
                "differential",
                "the error rates of two groups differ by a ratio of 2.12",
            ),
        ];
        for (watched, wire, found) in cases {
            let trip = tripped(&watched, &policy).unwrap();
            assert_eq!((trip.wire().word(), trip.found()), (wire, found));
            assert_eq!(trip.to_string(), format!("{wire}: {found}"));
        }
    }

    #[test]
    fn the_words_of_wires_stand_on_the_record() {
        let words = ["lease expired", "camera moved", "false-alert rate", "differential"];
        assert_eq!(Wire::ALL.map(Wire::word), words);
        assert_eq!(words.map(Wire::from_word), Wire::ALL.map(Some));
        assert_eq!(Wire::from_word("unheard of"), None);
    }
}
