//! The purge schedule: what kind of data is kept, from when, for how long, and how it ends. Expiries are computed from it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::Policy;
use super::words::length;

/// A kind of data that the software ever holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// A picture of a source.
    Frame,
    /// The template and picture of a face that matched nobody.
    Unmatched,
    /// The evidence of an alert.
    AlertEvidence,
    /// The evidence of an alert under a hold.
    HeldAlert,
    /// Everything sealed of a deployment that was approved in urgency and never ratified.
    Unratified,
    /// The images and templates of a watchlist.
    Watchlist,
    /// What answers "was I on a list?".
    ListCommitment,
    /// A complaint.
    Complaint,
    /// A suppression entry.
    Suppression,
    /// An image or list under a share.
    Share,
    /// The public record: facts about conduct, counts, commitments.
    Record,
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// It is never written, and wiped from memory when it has been used.
    Never,
    /// For so long at most.
    AtMost(SignedDuration),
    /// Until the deployment ends, which is so long after it was fixed at most.
    UntilTheEnd(SignedDuration),
    /// Always: it is about no person.
    Always,
}

/// One line of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What is kept.
    pub held: Held,
    /// For how long.
    pub term: Term,
    /// The setting that says so, where one does.
    pub setting: Option<&'static str>,
}

impl Policy {
    /// How long this kind of data is kept under this profile. Whatever computes an expiry asks here.
    pub fn kept(&self, held: Held) -> Kept {
        let (term, setting) = match held {
            // Without an urgent route nothing is ever approved in urgency, so nothing of it is kept.
            Held::Unratified => {
                (self.urgent_ratification.map_or(Term::Never, Term::AtMost), Some("urgent_ratification"))
            }
            Held::Frame | Held::Unmatched => (Term::Never, None),
            Held::AlertEvidence => (Term::AtMost(self.alert_retention), Some("alert_retention")),
            Held::Watchlist => {
                let most = self.watchlist_age_max.saturating_add(self.deployment_length_max);
                (Term::UntilTheEnd(most), Some("watchlist_age_max"))
            }
            Held::HeldAlert => (Term::AtMost(self.alert_hold_max), Some("alert_hold_max")),
            Held::ListCommitment => (Term::AtMost(self.commitment_retention), Some("commitment_retention")),
            Held::Complaint => (Term::AtMost(self.complaint_retention), Some("complaint_retention")),
            Held::Suppression => (Term::AtMost(self.suppression_length_max), Some("suppression_length_max")),
            Held::Share => (Term::AtMost(self.share_length_max), Some("share_length_max")),
            Held::Record => (Term::Always, None),
        };
        Kept { held, term, setting }
    }

    /// The whole schedule, what is gone first first.
    pub fn schedule(&self) -> Vec<Kept> {
        Held::ALL.iter().map(|held| self.kept(*held)).collect()
    }
}

impl Kept {
    /// When it must be gone, if it is kept from this moment on; at the end of time for what is kept always.
    pub fn gone_by(&self, from: Timestamp) -> Timestamp {
        match self.term {
            Term::Never => from,
            // An end that no clock can reach would be an end that never comes: then nothing is kept at all.
            Term::AtMost(length) | Term::UntilTheEnd(length) => from.saturating_add(length).unwrap_or(from),
            Term::Always => Timestamp::MAX,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => out.write_str("not kept"),
            Self::AtMost(most) => write!(out, "at most {}", length(*most)),
            Self::UntilTheEnd(most) => write!(out, "until the deployment ends, at most {}", length(*most)),
            Self::Always => out.write_str("always"),
        }
    }
}

impl Held {
    /// Every kind, in the order of the schedule.
    pub const ALL: [Self; 11] = [
        Self::Frame,
        Self::Unmatched,
        Self::AlertEvidence,
        Self::HeldAlert,
        Self::Unratified,
        Self::Watchlist,
        Self::ListCommitment,
        Self::Complaint,
        Self::Suppression,
        Self::Share,
        Self::Record,
    ];

    /// What it is, in words.
    pub fn data(self) -> &'static str {
        match self {
            Self::Frame => "Frames of a source",
            Self::Unmatched => "Faces that matched nobody: picture and template",
            Self::AlertEvidence => "Evidence of an alert: picture, template, score, which entry it reached",
            Self::HeldAlert => "Evidence of an alert under a hold",
            Self::Unratified => "Everything sealed of a deployment approved in urgency and never ratified",
            Self::Watchlist => "Watchlist: images, templates, grounds, sources",
            Self::ListCommitment => "Keyed commitments that answer “was I on a list?”",
            Self::Complaint => "Complaints and what came of them",
            Self::Suppression => "Suppression entries: a face, kept with that person's consent",
            Self::Share => "Images and lists under a share",
            Self::Record => "The public record: facts about conduct, counts, commitments",
        }
    }

    /// Whom it is about.
    pub fn about(self) -> &'static str {
        match self {
            Self::Frame | Self::Unmatched => "everybody who passes",
            Self::AlertEvidence | Self::HeldAlert => "whoever was taken for somebody listed",
            Self::Unratified => "whoever is listed, or was taken for somebody listed",
            Self::Watchlist | Self::ListCommitment => "whoever is listed",
            Self::Complaint => "whoever complains",
            Self::Suppression => "whoever was wrongly stopped for a likeness and asked for it",
            Self::Share => "whoever is shown in it",
            Self::Record => "nobody: it holds no personal data",
        }
    }

    /// From when the time runs.
    pub fn since(self) -> &'static str {
        match self {
            Self::Frame => "once it has been looked at",
            Self::Unmatched => "once the passage has been compared",
            Self::AlertEvidence => "from the alert, and never beyond the purge of the deployment",
            Self::HeldAlert => "from the alert; until the hold ends or is lifted",
            Self::Unratified => "from the urgent approval",
            Self::Watchlist => "from its being fixed",
            Self::ListCommitment => "from the end of the deployment's window",
            Self::Complaint => "from its receipt",
            Self::Suppression => "from the consent; at any time when that person asks",
            Self::Share => "from the agreement; earlier when it is revoked",
            Self::Record => "from each entry on",
        }
    }

    /// How it ends.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Frame => "overwritten in memory when the frame is dropped; never written to disk",
            Self::Unmatched => "wiped in memory when the face is settled; never written to disk",
            Self::AlertEvidence | Self::Unratified => {
                "purged: the deployment's key is overwritten, then the sealed rows are deleted and freed space is rewritten"
            }
            Self::Watchlist => {
                "destroyed with the end of the deployment: its key is overwritten, and its rows are deleted"
            }
            Self::HeldAlert | Self::ListCommitment | Self::Complaint | Self::Suppression | Self::Share => {
                "destroyed when its time is over: its key is overwritten where it has one, then its rows are deleted"
            }
            Self::Record => "never removed: no entry can be, and therefore none names anybody",
        }
    }

    /// The rule it comes from.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Frame | Self::Unmatched => "nothing is kept of people who were not looked for",
            Self::AlertEvidence => "retention: an alert is gone at its expiry",
            Self::HeldAlert => "a hold has a reason and an end",
            Self::Unratified => "what was approved in urgency is ratified, or everything from it is destroyed",
            Self::Watchlist => "a list belongs to one deployment and ends with it",
            Self::ListCommitment => "whoever was listed can learn it afterwards, and nobody else",
            Self::Complaint => "redress: a complaint is answered and then forgotten",
            Self::Suppression => "redress: only with consent, and only for a time",
            Self::Share => "nothing enters or leaves without an agreement that ends",
            Self::Record => "what was done in the public's name stays public",
        }
    }
}
