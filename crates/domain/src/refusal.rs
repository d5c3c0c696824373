//! A lawful no: what was asked, why it may not be, and the rule it comes from.

use std::fmt;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

/// Why a rule said no. `Display` is the sentence a person reads; [`Refusal::rule`] is where it comes from.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum Refusal {
    RoleMayNot { role: &'static str, attempted: &'static str },
    TrainingExpired { role: &'static str, expired: Timestamp, attempted: &'static str },
    ProposerMayNotApprove,
    PurposeNotInPolicy { purpose: String },
    GroundNotInPolicy { ground: String },
    WatchlistEntryIncomplete,
    WatchlistEmpty,
    WatchlistTooLarge { people: u64, people_max: u64 },
    WatchlistFrozenAlready,
    WatchlistNotFrozen,
    WatchlistTooOld { built: Timestamp, age_max: SignedDuration },
    EntryTextUnfit { chars_max: usize },
    ProtectionNotInPolicy { word: String },
    ImageFromTheFuture { taken: Date },
    ImageTooOld { taken: Date, age_max: SignedDuration },
    ImageNotRetained { status: &'static str },
    AgesContradict,
    PersonContradicted,
    TooManyImages { images: u32, images_max: u32 },
    ApprovalMissing { people: u64 },
    ApprovalNotNeeded,
    ListerMayNotApprove,
    LikenessesOpen { pairs: u64 },
    StopNotRefuted,
    ConsentMissing,
    ReferenceUnusable,
    TooManyQuestions { per_day_max: u64 },
    WindowBackwards,
    WindowTooLong { length_max: SignedDuration },
    NoticeTooLate { published: Timestamp, lead: SignedDuration, earliest: Timestamp },
    SignageNotConfirmed,
    NoRecordingDeclared,
    OutsideWindow { starts: Timestamp, ends: Timestamp },
    LeaseExpired { expired: Timestamp },
    ThresholdNotMeasured,
    ThresholdTooLoose { fpir: f64, fpir_max: f64 },
    ScoreOfAnotherModel,
    ReasonMissing,
    PolicyContradictsItself { faults: String },
    AlertExpired { expired: Timestamp },
    ClockWentBack { last: Timestamp },
    WrongState { attempted: &'static str, state: &'static str },
}

impl Refusal {
    /// The rule it comes from.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::RoleMayNot { .. } | Self::ProposerMayNotApprove => {
                "separation of roles: a deployment is approved by another person than proposed it"
            }
            Self::TrainingExpired { .. } => {
                "training: who acts in a role has been trained for it, and not too long ago"
            }
            Self::PurposeNotInPolicy { .. } | Self::GroundNotInPolicy { .. } => {
                "closed vocabularies: why and who are chosen from the policy profile"
            }
            Self::ProtectionNotInPolicy { .. } => {
                "closed vocabularies: who needs a higher approval is chosen from the policy profile"
            }
            Self::EntryTextUnfit { .. } | Self::PersonContradicted => {
                "what is recorded of a listed person is short, plain and the same on each of their images"
            }
            Self::ImageFromTheFuture { .. } | Self::ImageTooOld { .. } | Self::AgesContradict => {
                "an image is of the right person, recent, and its date and the person's age are known"
            }
            Self::ImageNotRetained { .. } => "an image is listed only while its supplier may lawfully hold it",
            Self::TooManyImages { .. } => "the watchlist is limited, in people and in images of each",
            Self::ApprovalMissing { .. } | Self::ApprovalNotNeeded | Self::ListerMayNotApprove => {
                "children and protected people are listed only with a higher approval by another person"
            }
            Self::LikenessesOpen { .. } => "a person compares entries that are alike before the list is used",
            Self::StopNotRefuted | Self::ConsentMissing => {
                "suppression is for people wrongly stopped, who consent to it"
            }
            Self::ReferenceUnusable | Self::TooManyQuestions { .. } => {
                "whether somebody was listed is answered for one named reference at a time"
            }
            Self::WatchlistEntryIncomplete => "provenance: source and legal basis are recorded for each image",
            Self::WatchlistEmpty
            | Self::WatchlistTooLarge { .. }
            | Self::WatchlistFrozenAlready
            | Self::WatchlistNotFrozen
            | Self::WatchlistTooOld { .. } => {
                "the watchlist is built for one deployment, fresh, limited and fixed before it starts"
            }
            Self::WindowBackwards | Self::WindowTooLong { .. } | Self::OutsideWindow { .. } => {
                "a deployment has a set start and end"
            }
            Self::NoticeTooLate { .. } => "the public is told beforehand",
            Self::SignageNotConfirmed => "signs and another route are confirmed on the day",
            Self::NoRecordingDeclared => "an exercise reads recorded files that stand on the record, never a camera",
            Self::LeaseExpired { .. } => "authority is a lease: it ends by itself",
            Self::ThresholdNotMeasured | Self::ThresholdTooLoose { .. } | Self::ScoreOfAnotherModel => {
                "a threshold belongs to one model and states a measured rate"
            }
            Self::PolicyContradictsItself { .. } => {
                "a policy profile is adopted only when it does not contradict itself"
            }
            Self::ReasonMissing => "what is stopped or given up is given up for a stated reason",
            Self::AlertExpired { .. } => "retention: an alert is gone at its expiry",
            Self::ClockWentBack { .. } => "the record never goes back in time",
            Self::WrongState { .. } => "the life of a deployment has one order",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoleMayNot { role, attempted } => {
                write!(out, "the role of {role} may not {attempted}; ask somebody whose role may")
            }
            Self::TrainingExpired { role, expired, attempted } => {
                write!(out, "training for the role of {role} expired at {expired}; renew it, then {attempted}")
            }
            Self::ProposerMayNotApprove => {
                write!(out, "whoever proposed this deployment may not approve it; ask another authorising officer")
            }
            Self::PurposeNotInPolicy { purpose } => {
                write!(out, "the purpose {purpose:?} is not in the policy's vocabulary; choose one that is")
            }
            Self::GroundNotInPolicy { ground } => {
                write!(out, "the ground {ground:?} is not in the policy's vocabulary; choose one that is")
            }
            Self::WatchlistEntryIncomplete => {
                write!(out, "the watchlist entry lacks a label, a source, a supplier or a legal basis; record all four")
            }
            Self::EntryTextUnfit { chars_max } => write!(
                out,
                "a text of the watchlist entry is longer than {chars_max} characters or holds control characters; shorten or clean it"
            ),
            Self::ProtectionNotInPolicy { word } => {
                write!(out, "{word:?} is not in the policy's vocabulary of protected people; choose a word that is")
            }
            Self::ImageFromTheFuture { taken } => {
                write!(out, "the image is dated {taken}, which has not come yet; set the date right")
            }
            Self::ImageTooOld { taken, age_max } => {
                let days = age_max.as_hours() / 24;
                write!(out, "the image was taken on {taken}, longer ago than {days} days; use a more recent one")
            }
            Self::ImageNotRetained { status } => write!(
                out,
                "the image is {status:?} and may not be held for the whole deployment; ask its supplier or leave it out"
            ),
            Self::AgesContradict => {
                write!(out, "the ages at the image and now do not fit each other; set them right")
            }
            Self::PersonContradicted => write!(
                out,
                "two images of one person are entered on different grounds or references; enter the person the same way each time"
            ),
            Self::TooManyImages { images, images_max } => {
                write!(
                    out,
                    "one person is listed with {images} images and the policy allows {images_max}; keep the best"
                )
            }
            Self::ApprovalMissing { people } => write!(
                out,
                "{people} people on the list are children, of unknown age or protected, and nobody approved that; ask an authorising officer who did not list them"
            ),
            Self::ApprovalNotNeeded => {
                write!(out, "this person may be listed without a higher approval; nothing was recorded")
            }
            Self::ListerMayNotApprove => {
                write!(out, "whoever listed this person may not approve it; ask another authorising officer")
            }
            Self::LikenessesOpen { pairs } => write!(
                out,
                "{pairs} pairs of entries are alike and nobody has compared them; look at each pair, then acknowledge it or take one off"
            ),
            Self::StopNotRefuted => write!(
                out,
                "the alert was not shown to be about somebody else; suppression is only for people wrongly stopped"
            ),
            Self::ConsentMissing => {
                write!(out, "the person's consent has no reference or no date up to today; record it first")
            }
            Self::ReferenceUnusable => write!(
                out,
                "the reference has fewer than 4 or more than 200 letters and digits, or control characters; give the reference as recorded"
            ),
            Self::TooManyQuestions { per_day_max } => {
                write!(
                    out,
                    "{per_day_max} questions were asked in the last 24 hours, the most there may be; ask tomorrow"
                )
            }
            Self::WatchlistEmpty => {
                write!(out, "the watchlist has no entries; enrol at least one or withdraw the deployment")
            }
            Self::WatchlistTooLarge { people, people_max } => {
                write!(out, "the watchlist has {people} people and the policy allows {people_max}; review it")
            }
            Self::WatchlistFrozenAlready => {
                write!(out, "the watchlist is frozen and takes no more entries; a changed list needs a new deployment")
            }
            Self::WatchlistNotFrozen => write!(out, "the watchlist is not frozen yet; freeze it first"),
            Self::WatchlistTooOld { built, age_max } => {
                write!(out, "the watchlist was frozen at {built}, longer ago than {age_max:#}; build it anew")
            }
            Self::WindowBackwards => write!(out, "the deployment would end before it starts; set the window right"),
            Self::WindowTooLong { length_max } => {
                write!(out, "the deployment would last longer than the policy's {length_max:#}; shorten it")
            }
            Self::NoticeTooLate { published, lead, earliest } => {
                write!(
                    out,
                    "the public notice of {published} must stand for {lead:#} before a start; start at {earliest} or later"
                )
            }
            Self::SignageNotConfirmed => {
                write!(out, "nobody has confirmed the signs and the alternative route; confirm them on the day")
            }
            Self::NoRecordingDeclared => {
                write!(out, "no recording is declared for this exercise; declare the files it reads")
            }
            Self::OutsideWindow { starts, ends } => {
                write!(out, "the authorised window is {starts} to {ends}; this is outside it")
            }
            Self::LeaseExpired { expired } => {
                write!(out, "the authority to run expired at {expired} and was not renewed; nothing is compared")
            }
            Self::ThresholdNotMeasured => {
                write!(out, "the threshold has no measured false-positive rate; run `overt evaluate` and state it")
            }
            Self::ThresholdTooLoose { fpir, fpir_max } => write!(
                out,
                "the threshold was measured at a false-positive rate of {fpir}, above the policy's {fpir_max}; raise it"
            ),
            Self::ScoreOfAnotherModel => write!(
                out,
                "the score was made by another model than the threshold belongs to; use one model throughout"
            ),
            Self::PolicyContradictsItself { faults } => {
                write!(out, "the policy profile contradicts itself ({faults}); mend it and try again")
            }
            Self::ReasonMissing => write!(out, "no reason was given; state one"),
            Self::AlertExpired { expired } => {
                write!(out, "the alert expired at {expired} and its evidence is destroyed")
            }
            Self::ClockWentBack { last } => {
                write!(out, "the clock reads earlier than the last entry ({last}); set it right before going on")
            }
            Self::WrongState { attempted, state } => write!(out, "a deployment that is {state} cannot be {attempted}"),
        }
    }
}

impl std::error::Error for Refusal {}
