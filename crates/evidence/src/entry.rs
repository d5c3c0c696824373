//! One line of the public record: a dated fact about a deployment, holding nothing about any person.
//!
//! An entry can never be removed from the log, so it holds only facts about the operator's conduct, counts, and
//! salted commitments. `line` says how it is written down.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::terms::{CameraDeclaration, DeploymentPlan, Equipment, Results, SeedFigures, ShareTerms};

/// Most bytes an entry may have (C2SP tlog-tiles: a length is 16 bits).
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// Suppressed alerts are published rounded up to a multiple of this.
pub const SUPPRESSED_STEP: u64 = 5;

/// A dated fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When it became true, UTC.
    pub at: Timestamp,
    /// What became true.
    pub fact: Fact,
}

/// Everything the public record can say. A new variant is a change to the public format: see docs/reference/record.md.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fact {
    /// A policy profile became the one in force.
    PolicyAdopted {
        /// The profile's name.
        profile: String,
        /// Its version, counted from 1.
        version: u32,
        /// SHA-256 of the profile's file, hexadecimal.
        digest: String,
    },
    /// An operation was opened under a policy.
    OperationOpened {
        /// Its name on the record.
        operation: String,
        /// What it is called in public.
        title: String,
        /// The organisation that answers for it.
        force: String,
        /// What it is for, in words.
        purpose: String,
        /// Digest of the policy profile that governs it, as adopted.
        policy_digest: String,
        /// Verifying key of the outside body whose signature each of its deployments needs, if there is one.
        outside_authoriser: Option<String>,
    },
    /// How many members of staff could act, by role: no names, and nothing of who came or went.
    StaffCounted {
        /// Number of people by role.
        by_role: BTreeMap<String, u64>,
    },
    /// A threshold was proposed, with its reason and what is expected of it.
    ThresholdProposed {
        /// What is to be used.
        change: crate::ThresholdChange,
        /// The role of who proposed.
        role: String,
    },
    /// Somebody else approved it: from now on it is the one in use for its model.
    ThresholdSet {
        /// What is used from now on, as proposed.
        change: crate::ThresholdChange,
        /// The role of who proposed.
        proposed_by: String,
        /// The role of who approved.
        approved_by: String,
    },
    /// A deployment was proposed.
    DeploymentProposed(DeploymentPlan),
    /// Somebody other than the proposer approved it.
    DeploymentApproved {
        /// The deployment.
        deployment: String,
        /// The role, never the name, of who approved.
        role: String,
    },
    /// Somebody of lower rank approved it, because waiting would cost too much; it lapses unless ratified.
    DeploymentApprovedUrgently {
        /// The deployment.
        deployment: String,
        /// The role, never the name, of who approved.
        role: String,
        /// Why it could not wait, from the policy's closed vocabulary.
        ground: String,
        /// When it lapses unless it has been ratified, UTC.
        ratify_by: Timestamp,
    },
    /// An authorising officer, neither its proposer nor its urgent approver, ratified the urgent approval.
    DeploymentRatified {
        /// The deployment.
        deployment: String,
        /// The role of who ratified.
        role: String,
    },
    /// A body outside the force signed the plan.
    OutsideAuthorised {
        /// The deployment.
        deployment: String,
        /// Signature line over the plan's canonical text, by the key that the operation names (see `authorisation`).
        signature: String,
    },
    /// A document that must exist before the public is told, such as an impact assessment, was completed.
    DocumentFilled {
        /// The deployment.
        deployment: String,
        /// Which document, from the policy profile.
        slot: String,
        /// SHA-256 of the document, hexadecimal.
        digest: String,
    },
    /// The public was told.
    NoticePublished {
        /// The deployment.
        deployment: String,
        /// SHA-256 of the notice as published, hexadecimal.
        notice_digest: String,
    },
    /// The watchlist was fixed; the composition is by ground, the commitment is salted.
    WatchlistFrozen {
        /// The deployment.
        deployment: String,
        /// Number of people on the list.
        people: u64,
        /// Number of images on the list.
        images: u64,
        /// People by the ground on which they are sought; adds up to `people`.
        by_ground: BTreeMap<String, u64>,
        /// Salted commitment to the list, hexadecimal.
        commitment: String,
        /// People by whether listing them needed a higher approval, and why; adds up to `people`. Left out of records
        /// that were made before it was counted.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        by_approval: BTreeMap<String, u64>,
    },
    /// Signs and the alternative route were confirmed in place.
    SignageConfirmed {
        /// The deployment.
        deployment: String,
        /// Number of signs in place.
        signs: u32,
        /// The way round the recognition zone, in words.
        alternative_route: String,
        /// Address of the public page, as printed on the signs in words and as a QR code.
        page: String,
        /// The role of who confirmed them in place.
        role: String,
    },
    /// A recording that an exercise will read (an exercise never opens a camera).
    RecordingDeclared {
        /// The deployment.
        deployment: String,
        /// The camera whose place the recording takes.
        camera: String,
        /// SHA-256 of the recording, hexadecimal.
        digest: String,
        /// Its length in bytes.
        bytes: u64,
    },
    /// A camera that a live deployment will open, and where in its view faces are compared.
    CameraDeclared(CameraDeclaration),
    /// Comparison began.
    DeploymentStarted {
        /// The deployment.
        deployment: String,
        /// What does the comparing.
        equipment: Equipment,
    },
    /// Comparison stopped for the time being.
    DeploymentPaused {
        /// The deployment.
        deployment: String,
        /// Why, in words.
        reason: String,
    },
    /// Comparison began again.
    DeploymentResumed {
        /// The deployment.
        deployment: String,
    },
    /// Comparison stopped by itself: a trip-wire of the policy was touched.
    DeploymentTripped {
        /// The deployment.
        deployment: String,
        /// Which wire, from a closed list.
        wire: String,
        /// What was found, in words.
        found: String,
    },
    /// Comparison began again after a trip-wire, by decision of an authorising officer.
    TripCleared {
        /// The deployment.
        deployment: String,
        /// The role of who decided.
        role: String,
        /// Why it may go on, in words.
        reason: String,
    },
    /// A candidate was kept to be shown to a person.
    AlertRaised {
        /// The deployment.
        deployment: String,
        /// The alert's name within the deployment.
        alert: String,
        /// The camera that saw it.
        camera: String,
        /// Salted commitment to the sealed evidence, hexadecimal.
        evidence_commitment: String,
        /// When the evidence is destroyed at the latest, UTC.
        expires: Timestamp,
    },
    /// A person judged it.
    AlertAdjudicated {
        /// The deployment.
        deployment: String,
        /// The alert.
        alert: String,
        /// The judgement, from the policy's closed vocabulary.
        judgement: String,
        /// Seconds from showing to judgement.
        seconds_to_decide: u64,
    },
    /// What followed.
    OutcomeRecorded {
        /// The deployment.
        deployment: String,
        /// The alert.
        alert: String,
        /// The outcome, from the policy's closed vocabulary.
        outcome: String,
    },
    /// The first of two people judged an alert; what they saw in it is told only with the second judgement.
    AlertJudgedOnce {
        /// The deployment.
        deployment: String,
        /// The alert.
        alert: String,
        /// Salted commitment to the judgement, hexadecimal; see `commitment`.
        judgement_commitment: String,
        /// Seconds from the first look to the judgement.
        seconds_to_decide: u64,
    },
    /// Another person judged it too, without knowing the first judgement, which is told now.
    AlertJudgedTwice {
        /// The deployment.
        deployment: String,
        /// The alert.
        alert: String,
        /// The first judgement.
        first: String,
        /// The salt of its commitment, hexadecimal.
        salt: String,
        /// The second judgement. Where the two differ, nobody is spoken to.
        second: String,
        /// Seconds from this person's first look to the judgement.
        seconds_to_decide: u64,
    },
    /// Somebody spoke to the person, did not find them, or did not try.
    AlertEngaged {
        /// The deployment.
        deployment: String,
        /// The alert.
        alert: String,
        /// Which of these, from a closed vocabulary.
        engagement: String,
    },
    /// An outcome on the record turned out to be another.
    OutcomeReclassified {
        /// The deployment.
        deployment: String,
        /// The alert.
        alert: String,
        /// The outcome that stands from now on.
        outcome: String,
        /// Why, from a closed vocabulary.
        reason: String,
    },
    /// The evidence of an alert is kept beyond its expiry, sealed under a key of its own.
    AlertHeld {
        /// The deployment.
        deployment: String,
        /// The alert.
        alert: String,
        /// On what ground, from a closed vocabulary.
        ground: String,
        /// When the held evidence is destroyed at the latest, UTC.
        until: Timestamp,
        /// Salted commitment to the held evidence, hexadecimal.
        evidence_commitment: String,
    },
    /// A hold was lifted before its time.
    HoldReleased {
        /// The deployment.
        deployment: String,
        /// The alert.
        alert: String,
    },
    /// Held evidence was destroyed, its key too.
    HeldEvidenceDestroyed {
        /// The deployment.
        deployment: String,
        /// The alert.
        alert: String,
    },
    /// An exercise fixed which pairs of listed images, known to show different people, its reviewers will be shown.
    SeedsCommitted {
        /// The deployment.
        deployment: String,
        /// Number of pairs.
        seeds: u64,
        /// Salted commitment to their names, hexadecimal; see `commitment`.
        commitment: String,
    },
    /// Which they were, and how the reviewers judged them. They are no alerts and count as none.
    SeedsRevealed(SeedFigures),
    /// Somebody complained.
    ComplaintReceived {
        /// The complaint's random name.
        complaint: String,
        /// `alert receipt` or `place and time`: how the complainant named the occasion.
        about: String,
        /// The deployment it is about, where it is known.
        about_deployment: Option<String>,
    },
    /// It was answered.
    ComplaintAnswered {
        /// The complaint.
        complaint: String,
        /// `upheld` or `not upheld`.
        finding: String,
    },
    /// Its text and the answer were destroyed.
    ComplaintForgotten {
        /// The complaint.
        complaint: String,
    },
    /// It was proposed that something may pass between the force and another body.
    ShareProposed(ShareTerms),
    /// Somebody other than the proposer approved it.
    ShareApproved {
        /// The share.
        share: String,
        /// The role, never the name, of who approved.
        role: String,
    },
    /// Something passed under it.
    ShareUsed {
        /// The share.
        share: String,
        /// The other body.
        counterpart: String,
        /// `in` or `out`.
        direction: String,
        /// What kind of thing.
        what: String,
        /// How many.
        items: u64,
    },
    /// What came of it was reported, as the share demands.
    ShareOutcomeReported {
        /// The share.
        share: String,
    },
    /// It ended before its time.
    ShareRevoked {
        /// The share.
        share: String,
        /// Why, from a closed vocabulary.
        reason: String,
    },
    /// One minute's count of templates made and destroyed.
    DeletionReceipt {
        /// The deployment.
        deployment: String,
        /// Beginning of the period, UTC, inclusive.
        from: Timestamp,
        /// End of the period, UTC, exclusive.
        to: Timestamp,
        /// What was made in the period and what became of it.
        counts: Counts,
    },
    /// The deployment was over; the counts are of its whole length.
    DeploymentEnded {
        /// The deployment.
        deployment: String,
        /// Why, in words.
        reason: String,
        /// The sum of all its deletion receipts.
        counts: Counts,
    },
    /// Passages that reached somebody listed, and were nearer to somebody wrongly stopped before for looking like them:
    /// no alert was raised.
    AlertsSuppressed {
        /// The deployment.
        deployment: String,
        /// Their number, rounded up to a multiple of [`SUPPRESSED_STEP`], so that no one passage can be read from it.
        up_to: u64,
    },
    /// The watchlist was destroyed, the key that sealed it too; alerts keep a copy of the image they are about.
    WatchlistDestroyed {
        /// The deployment.
        deployment: String,
        /// Number of watchlist images destroyed.
        images: u64,
        /// Whether the key that sealed them was destroyed.
        key_destroyed: bool,
    },
    /// Everything sealed for the deployment was destroyed, its key too.
    DeploymentPurged {
        /// The deployment.
        deployment: String,
        /// Number of alerts whose evidence was destroyed.
        alerts_destroyed: u64,
        /// Number of watchlist images destroyed.
        watchlist_images_destroyed: u64,
        /// Whether the key that sealed them was destroyed.
        key_destroyed: bool,
    },
    /// "Was I on a list?" can no longer be answered: the commitments to who was listed were destroyed with their key.
    CommitmentsDestroyed {
        /// The deployment.
        deployment: String,
        /// How often the question was asked while it could be answered; never what was answered.
        questions: u64,
    },
    /// It was given up before it began.
    DeploymentWithdrawn {
        /// The deployment.
        deployment: String,
        /// Why, in words.
        reason: String,
    },
    /// What came of it, in the columns of the table that public bodies publish.
    ResultsPublished {
        /// The deployment.
        deployment: String,
        /// The row.
        results: Results,
    },
}

/// What was made and what became of it. `templates_made == templates_destroyed + alerts_kept` always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Faces tracked in the zone.
    pub faces_seen: u64,
    /// Templates made.
    pub templates_made: u64,
    /// Templates destroyed.
    pub templates_destroyed: u64,
    /// Templates kept, sealed, as evidence of an alert.
    pub alerts_kept: u64,
}

impl Counts {
    /// Whether every template is accounted for.
    pub fn balanced(&self) -> bool {
        self.templates_destroyed.checked_add(self.alerts_kept) == Some(self.templates_made)
    }

    /// The sum, or nothing where a count would not fit 64 bits: for counts that somebody else wrote.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        Some(Self {
            faces_seen: self.faces_seen.checked_add(other.faces_seen)?,
            templates_made: self.templates_made.checked_add(other.templates_made)?,
            templates_destroyed: self.templates_destroyed.checked_add(other.templates_destroyed)?,
            alerts_kept: self.alerts_kept.checked_add(other.alerts_kept)?,
        })
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.faces_seen += other.faces_seen;
        self.templates_made += other.templates_made;
        self.templates_destroyed += other.templates_destroyed;
        self.alerts_kept += other.alerts_kept;
    }
}

impl Fact {
    /// The deployment this fact is about, if it is about one.
    pub fn deployment(&self) -> Option<&str> {
        match self {
            Self::PolicyAdopted { .. }
            | Self::OperationOpened { .. }
            | Self::StaffCounted { .. }
            | Self::ThresholdProposed { .. }
            | Self::ThresholdSet { .. } => None,
            Self::ComplaintReceived { .. } | Self::ComplaintAnswered { .. } | Self::ComplaintForgotten { .. } => None,
            Self::ShareProposed(_)
            | Self::ShareApproved { .. }
            | Self::ShareUsed { .. }
            | Self::ShareOutcomeReported { .. }
            | Self::ShareRevoked { .. } => None,
            Self::SeedsRevealed(figures) => Some(&figures.deployment),
            Self::DeploymentProposed(plan) => Some(&plan.deployment),
            Self::CameraDeclared(camera) => Some(&camera.deployment),
            Self::DeploymentApproved { deployment, .. }
            | Self::DeploymentApprovedUrgently { deployment, .. }
            | Self::DeploymentRatified { deployment, .. }
            | Self::OutsideAuthorised { deployment, .. }
            | Self::DocumentFilled { deployment, .. }
            | Self::DeploymentTripped { deployment, .. }
            | Self::TripCleared { deployment, .. }
            | Self::ResultsPublished { deployment, .. }
            | Self::NoticePublished { deployment, .. }
            | Self::WatchlistFrozen { deployment, .. }
            | Self::SignageConfirmed { deployment, .. }
            | Self::RecordingDeclared { deployment, .. }
            | Self::DeploymentStarted { deployment, .. }
            | Self::DeploymentPaused { deployment, .. }
            | Self::DeploymentResumed { deployment }
            | Self::AlertRaised { deployment, .. }
            | Self::AlertAdjudicated { deployment, .. }
            | Self::OutcomeRecorded { deployment, .. }
            | Self::AlertJudgedOnce { deployment, .. }
            | Self::AlertJudgedTwice { deployment, .. }
            | Self::AlertEngaged { deployment, .. }
            | Self::OutcomeReclassified { deployment, .. }
            | Self::AlertHeld { deployment, .. }
            | Self::HoldReleased { deployment, .. }
            | Self::HeldEvidenceDestroyed { deployment, .. }
            | Self::SeedsCommitted { deployment, .. }
            | Self::DeletionReceipt { deployment, .. }
            | Self::DeploymentEnded { deployment, .. }
            | Self::AlertsSuppressed { deployment, .. }
            | Self::WatchlistDestroyed { deployment, .. }
            | Self::CommitmentsDestroyed { deployment, .. }
            | Self::DeploymentPurged { deployment, .. }
            | Self::DeploymentWithdrawn { deployment, .. } => Some(deployment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(made: u64, destroyed: u64, kept: u64) -> Counts {
        Counts { faces_seen: made, templates_made: made, templates_destroyed: destroyed, alerts_kept: kept }
    }

    #[test]
    fn a_balance_accounts_for_every_template() {
        for (made, destroyed, kept, balanced) in
            [(0, 0, 0, true), (5, 4, 1, true), (5, 5, 1, false), (5, 4, 0, false), (0, u64::MAX, 1, false)]
        {
            assert_eq!(counts(made, destroyed, kept).balanced(), balanced, "{made} {destroyed} {kept}");
        }
    }

    #[test]
    fn a_sum_that_does_not_fit_is_nothing() {
        let mut sum = counts(5, 4, 1);
        assert_eq!(sum.checked_add(&counts(3, 3, 0)), Some(counts(8, 7, 1)));
        assert_eq!(sum.checked_add(&counts(u64::MAX, 0, 0)), None);
        sum += counts(3, 3, 0);
        assert_eq!(sum, counts(8, 7, 1));
    }
}
