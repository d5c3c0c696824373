//! A lawful no: what was asked, why it may not be, and the rule it comes from.

use std::fmt;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::alert::AlertRefusal;
use crate::deployment::SourceRefusal;
use crate::share::ShareRefusal;

/// Why a rule said no. `Display` is the sentence a person reads; [`Refusal::rule`] is where it comes from.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the sentence of each variant is its documentation")]
pub enum Refusal {
    RoleMayNot { role: &'static str, attempted: &'static str },
    TrainingExpired { role: &'static str, expired: Timestamp, attempted: &'static str },
    StaffEnrolledAlready,
    StaffSuspended,
    OwnStaffEntry,
    AdministratorExists,
    AdministratorHoldsNoOtherRole,
    TrainingOver { until: Timestamp },
    TrainingTooLong { validity: SignedDuration },
    ProposerMayNotApprove,
    NoUrgentRoute,
    UrgentGroundNotInPolicy { ground: String },
    UrgentApprovalLapsed { by: Timestamp },
    NothingToRatify,
    RatifierNotIndependent,
    OutsideAuthoriserMissing,
    OutsideKeyMalformed,
    OutsideSignatureMissing,
    OutsideSignatureWrong,
    OfAnotherOperation { operation: String },
    DocumentSlotUnknown { slot: String },
    DocumentMissing { slot: String },
    DocumentApprovedAlready { slot: String },
    DigestMalformed { what: &'static str },
    PlaceGroundNotInPolicy { ground: String },
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
    SignageTooOld { confirmed: Timestamp, age_max: SignedDuration },
    OutsideWindow { starts: Timestamp, ends: Timestamp },
    LeaseExpired { expired: Timestamp },
    ThresholdNotMeasured,
    ThresholdNotInPolicy,
    ThresholdTooLoose { fpir: f64, fpir_max: f64 },
    ThresholdUnexplained { missing: &'static str },
    ThresholdNotInUse { set: String },
    ScoreOfAnotherModel,
    ReasonMissing,
    PolicyContradictsItself { faults: String },
    AlertExpired { expired: Timestamp },
    Alert(AlertRefusal),
    Share(ShareRefusal),
    Source(SourceRefusal),
    ClockWentBack { last: Timestamp },
    TripNotCleared,
    NothingTripped,
    ResultsPublishedAlready,
    ResultsDoNotAddUp { alerts: u64 },
    WrongState { attempted: &'static str, state: &'static str },
}

impl Refusal {
    /// The rule it comes from.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::RoleMayNot { .. } | Self::ProposerMayNotApprove | Self::RatifierNotIndependent => {
                "separation of roles: a deployment is approved by another person than proposed it"
            }
            Self::TrainingExpired { .. } | Self::TrainingOver { .. } | Self::TrainingTooLong { .. } => {
                "training: who acts in a role has been trained for it, and not too long ago"
            }
            Self::StaffEnrolledAlready
            | Self::StaffSuspended
            | Self::OwnStaffEntry
            | Self::AdministratorExists
            | Self::AdministratorHoldsNoOtherRole => {
                "the staff register: one person has one role, given by an administrator who has no other"
            }
            Self::NoUrgentRoute | Self::UrgentApprovalLapsed { .. } | Self::NothingToRatify => {
                "an urgent approval is ratified in time by somebody else, or everything from it is purged"
            }
            Self::OutsideAuthoriserMissing
            | Self::OutsideKeyMalformed
            | Self::OutsideSignatureMissing
            | Self::OutsideSignatureWrong
            | Self::OfAnotherOperation { .. } => {
                "a body outside the force signs each deployment of an operation that names one"
            }
            Self::DocumentSlotUnknown { .. }
            | Self::DocumentMissing { .. }
            | Self::DocumentApprovedAlready { .. }
            | Self::DigestMalformed { .. } => {
                "the assessments are completed, and their digests published, before the public is told"
            }
            Self::PurposeNotInPolicy { .. }
            | Self::GroundNotInPolicy { .. }
            | Self::PlaceGroundNotInPolicy { .. }
            | Self::UrgentGroundNotInPolicy { .. } => {
                "closed vocabularies: why, who, where and what is urgent are chosen from the policy profile"
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
            Self::SignageNotConfirmed | Self::SignageTooOld { .. } => {
                "signs and another route are confirmed on the day"
            }
            Self::LeaseExpired { .. } => "authority is a lease: it ends by itself",
            Self::ThresholdUnexplained { .. } => {
                "a threshold is set by two people, for a stated reason, with its effect foretold by group"
            }
            Self::ThresholdNotMeasured
            | Self::ThresholdNotInPolicy
            | Self::ThresholdTooLoose { .. }
            | Self::ThresholdNotInUse { .. }
            | Self::ScoreOfAnotherModel => "a threshold belongs to one model and states a measured rate",
            Self::PolicyContradictsItself { .. } => {
                "a policy profile is adopted only when it does not contradict itself"
            }
            Self::ReasonMissing => "what is stopped or given up is given up for a stated reason",
            Self::Alert(refusal) => refusal.rule(),
            Self::Share(refusal) => refusal.rule(),
            Self::Source(refusal) => refusal.rule(),
            Self::AlertExpired { .. } => "retention: an alert is gone at its expiry",
            Self::ClockWentBack { .. } => "the record never goes back in time",
            Self::TripNotCleared | Self::NothingTripped => {
                "a trip-wire stops comparison by itself, and an authorising officer decides whether it goes on"
            }
            Self::ResultsPublishedAlready | Self::ResultsDoNotAddUp { .. } => {
                "results are published once, and add up with what was counted"
            }
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
            Self::StaffEnrolledAlready => {
                write!(out, "somebody of that name is in the staff register already; change their entry instead")
            }
            Self::StaffSuspended => write!(out, "this member of staff is suspended; ask an administrator"),
            Self::OwnStaffEntry => {
                write!(out, "administrators may not change their own entry in the staff register; ask another one")
            }
            Self::AdministratorExists => {
                write!(out, "the staff register has an administrator who can act; ask that person")
            }
            Self::AdministratorHoldsNoOtherRole => {
                write!(out, "an administrator holds no other role, before or after; enrol another person")
            }
            Self::TrainingOver { until } => {
                write!(out, "training until {until} is over already; state when the new training expires")
            }
            Self::TrainingTooLong { validity } => {
                write!(out, "training counts for at most {validity:#} from now; state an earlier day")
            }
            Self::NoUrgentRoute => {
                write!(out, "the policy has no urgent route; ask an authorising officer for an ordinary approval")
            }
            Self::UrgentGroundNotInPolicy { ground } => {
                write!(out, "the urgent ground {ground:?} is not in the policy's vocabulary; choose one that is")
            }
            Self::UrgentApprovalLapsed { by } => {
                write!(out, "the urgent approval lapsed at {by}, ratified by nobody; propose the deployment anew")
            }
            Self::NothingToRatify => {
                write!(out, "there is no urgent approval that waits to be ratified; nothing needs to be done")
            }
            Self::RatifierNotIndependent => write!(
                out,
                "whoever proposed or urgently approved this deployment may not ratify it; ask another authorising officer"
            ),
            Self::OutsideAuthoriserMissing => {
                write!(out, "the operation names no outside body, and the policy needs one; give its verifying key")
            }
            Self::OutsideKeyMalformed => {
                write!(
                    out,
                    "the outside body's key is no verifying key; it reads <name>+<8 hexadecimal digits>+<base64>"
                )
            }
            Self::OutsideSignatureMissing => {
                write!(
                    out,
                    "the outside body has not signed this plan; send it the plan's text and enter its signature"
                )
            }
            Self::OutsideSignatureWrong => {
                write!(out, "this is not the outside body's signature over this plan; send it the plan's text as it is")
            }
            Self::OfAnotherOperation { operation } => {
                write!(out, "the deployment belongs to the operation {operation}; name that one")
            }
            Self::DocumentSlotUnknown { slot } => {
                write!(out, "the policy has no document slot {slot:?}; choose one that it has")
            }
            Self::DocumentMissing { slot } => {
                write!(out, "the document {slot:?} is missing; complete it and fill its slot before the public is told")
            }
            Self::DocumentApprovedAlready { slot } => write!(
                out,
                "the document {slot:?} was there when the deployment was approved and stays; propose anew to change it"
            ),
            Self::DigestMalformed { what } => {
                write!(
                    out,
                    "the digest of {what} is not a SHA-256 in 64 lower-case hexadecimal digits; compute it anew"
                )
            }
            Self::PlaceGroundNotInPolicy { ground } => {
                write!(out, "the ground for the place {ground:?} is not in the policy's vocabulary; choose one that is")
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
            Self::SignageTooOld { confirmed, age_max } => write!(
                out,
                "the signs were confirmed at {confirmed}, longer ago than {age_max:#}; confirm them again on the spot"
            ),
            Self::OutsideWindow { starts, ends } => {
                write!(out, "the authorised window is {starts} to {ends}; this is outside it")
            }
            Self::LeaseExpired { expired } => {
                write!(out, "the authority to run expired at {expired} and was not renewed; nothing is compared")
            }
            Self::ThresholdNotMeasured => {
                write!(out, "the threshold has no measured false-positive rate; run `overt evaluate` and state it")
            }
            Self::ThresholdNotInPolicy => {
                write!(out, "the threshold is not the one that the policy states for this model; use that one")
            }
            Self::ThresholdTooLoose { fpir, fpir_max } => write!(
                out,
                "the threshold was measured at a false-positive rate of {fpir}, above the policy's {fpir_max}; raise it"
            ),
            Self::ThresholdUnexplained { missing } => {
                write!(out, "a threshold is proposed together with {missing}; state it")
            }
            Self::ThresholdNotInUse { set } => {
                write!(out, "the threshold that two officers set for this model is {set}; start with it or set another")
            }
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
            Self::Alert(refusal) => refusal.fmt(out),
            Self::Share(refusal) => refusal.fmt(out),
            Self::Source(refusal) => refusal.fmt(out),
            Self::ClockWentBack { last } => {
                write!(out, "the clock reads earlier than the last entry ({last}); set it right before going on")
            }
            Self::TripNotCleared => {
                write!(out, "a trip-wire paused this deployment; an authorising officer may clear it and say why")
            }
            Self::NothingTripped => {
                write!(out, "no trip-wire paused this deployment; an operator may resume it")
            }
            Self::ResultsPublishedAlready => write!(out, "the results are published already and stay as they are"),
            Self::ResultsDoNotAddUp { alerts } => {
                write!(out, "these results do not fit {alerts} alerts, or one another; count them again")
            }
            Self::WrongState { attempted, state } => write!(out, "a deployment that is {state} cannot be {attempted}"),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests;
