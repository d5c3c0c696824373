//! Everything that an entry of the record can say of one deployment.

use domain::published_plan;
use evidence::{CameraDeclaration, Counts, Fact, Results, SeedFigures};

use super::*;

pub const COUNTS: Counts = Counts { faces_seen: 3, templates_made: 4, templates_destroyed: 3, alerts_kept: 1 };

fn results() -> Results {
    Results {
        started: at(3),
        duration_seconds: 60,
        cameras: 1,
        watchlist: 1,
        threshold: "0.5".into(),
        total_alerts: 0,
        positive_alerts: 0,
        positive_interventions: 0,
        incorrect_alerts: 0,
        incorrect_interventions: 0,
        arrests_or_disposals: 0,
        faces_seen: 0,
    }
}

fn seed_figures() -> SeedFigures {
    SeedFigures {
        deployment: "d1".into(),
        salt: "s".into(),
        seeds: vec![],
        shown: 0,
        judgements: 0,
        false_accepts: 0,
        cannot_tell: 0,
        judged_twice: 0,
        agreed: 0,
        seconds_to_decide_p50: 0,
        seconds_to_decide_p90: 0,
    }
}

/// Everything that an entry can say of a deployment, in words that fit one that started at the third tick.
pub fn facts() -> Vec<(&'static str, Fact)> {
    [before_the_start(), from_the_start_on(), of_an_alert()].concat()
}

fn before_the_start() -> Vec<(&'static str, Fact)> {
    let word = || "x".to_owned();
    let deployment = || "d1".to_owned();
    let by_ground = || [("exercise subject".to_owned(), 1)].into();
    vec![
        ("proposed", Fact::DeploymentProposed(published_plan(&plan()))),
        ("approved", Fact::DeploymentApproved { deployment: deployment(), role: word() }),
        (
            "approved urgently",
            Fact::DeploymentApprovedUrgently {
                deployment: deployment(),
                role: word(),
                ground: word(),
                ratify_by: at(9),
            },
        ),
        ("ratified", Fact::DeploymentRatified { deployment: deployment(), role: word() }),
        ("outside body signed", Fact::OutsideAuthorised { deployment: deployment(), signature: word() }),
        (
            "document filled",
            Fact::DocumentFilled { deployment: deployment(), slot: "another".into(), digest: digest() },
        ),
        ("notice published", Fact::NoticePublished { deployment: deployment(), notice_digest: word() }),
        (
            "watchlist frozen",
            Fact::WatchlistFrozen {
                deployment: deployment(),
                people: 1,
                images: 1,
                by_ground: by_ground(),
                commitment: word(),
                by_approval: by_ground(),
            },
        ),
        (
            "signs confirmed",
            Fact::SignageConfirmed {
                deployment: deployment(),
                signs: 1,
                alternative_route: word(),
                page: word(),
                role: word(),
            },
        ),
        (
            "recording declared",
            Fact::RecordingDeclared { deployment: deployment(), camera: "c1".into(), digest: digest(), bytes: 1 },
        ),
        (
            "camera declared",
            Fact::CameraDeclared(CameraDeclaration {
                deployment: deployment(),
                camera: "c1".into(),
                source_commitment: digest(),
                zone: Zone::whole_view(),
                face_side_px_min: None,
            }),
        ),
        ("seeds committed", Fact::SeedsCommitted { deployment: deployment(), seeds: 1, commitment: word() }),
    ]
}

fn from_the_start_on() -> Vec<(&'static str, Fact)> {
    let word = || "x".to_owned();
    let deployment = || "d1".to_owned();
    vec![
        ("started", Fact::DeploymentStarted { deployment: deployment(), equipment: equipment() }),
        ("paused", Fact::DeploymentPaused { deployment: deployment(), reason: word() }),
        ("resumed", Fact::DeploymentResumed { deployment: deployment() }),
        ("tripped", tripped_by("camera moved")),
        ("trip cleared", cleared_by(Role::AuthorisingOfficer)),
        ("alerts suppressed", Fact::AlertsSuppressed { deployment: deployment(), up_to: 5 }),
        ("receipt", receipt(at(3), at(4), COUNTS)),
        ("ended", ended_with(Counts::default())),
        ("watchlist destroyed", Fact::WatchlistDestroyed { deployment: deployment(), images: 1, key_destroyed: true }),
        ("seeds revealed", Fact::SeedsRevealed(seed_figures())),
        (
            "purged",
            Fact::DeploymentPurged {
                deployment: deployment(),
                alerts_destroyed: 0,
                watchlist_images_destroyed: 1,
                key_destroyed: true,
            },
        ),
        ("commitments destroyed", Fact::CommitmentsDestroyed { deployment: deployment(), questions: 0 }),
        ("results published", Fact::ResultsPublished { deployment: deployment(), results: results() }),
        ("withdrawn", Fact::DeploymentWithdrawn { deployment: deployment(), reason: word() }),
    ]
}

fn of_an_alert() -> Vec<(&'static str, Fact)> {
    let word = || "x".to_owned();
    let deployment = || "d1".to_owned();
    let alert = || "a1".to_owned();
    vec![
        (
            "alert raised",
            Fact::AlertRaised {
                deployment: deployment(),
                alert: alert(),
                camera: "c1".into(),
                evidence_commitment: word(),
                expires: at(7),
            },
        ),
        (
            "alert adjudicated",
            Fact::AlertAdjudicated {
                deployment: deployment(),
                alert: alert(),
                judgement: word(),
                seconds_to_decide: 1,
            },
        ),
        ("outcome recorded", Fact::OutcomeRecorded { deployment: deployment(), alert: alert(), outcome: word() }),
        (
            "judged once",
            Fact::AlertJudgedOnce {
                deployment: deployment(),
                alert: alert(),
                judgement_commitment: word(),
                seconds_to_decide: 1,
            },
        ),
        (
            "judged twice",
            Fact::AlertJudgedTwice {
                deployment: deployment(),
                alert: alert(),
                first: word(),
                salt: word(),
                second: word(),
                seconds_to_decide: 1,
            },
        ),
        ("engaged", Fact::AlertEngaged { deployment: deployment(), alert: alert(), engagement: word() }),
        (
            "outcome reclassified",
            Fact::OutcomeReclassified { deployment: deployment(), alert: alert(), outcome: word(), reason: word() },
        ),
        (
            "evidence held",
            Fact::AlertHeld {
                deployment: deployment(),
                alert: alert(),
                ground: word(),
                until: at(9),
                evidence_commitment: word(),
            },
        ),
        ("hold released", Fact::HoldReleased { deployment: deployment(), alert: alert() }),
        ("held evidence destroyed", Fact::HeldEvidenceDestroyed { deployment: deployment(), alert: alert() }),
    ]
}

pub fn fact(name: &str) -> Fact {
    facts().into_iter().find(|(known, _)| *known == name).unwrap().1
}

pub fn tripped_by(wire: &str) -> Fact {
    Fact::DeploymentTripped { deployment: "d1".into(), wire: wire.into(), found: "c1 was moved".into() }
}

pub fn cleared_by(role: Role) -> Fact {
    Fact::TripCleared { deployment: "d1".into(), role: role.word().into(), reason: "put back".into() }
}

pub fn receipt(from: Timestamp, to: Timestamp, counts: Counts) -> Fact {
    Fact::DeletionReceipt { deployment: "d1".into(), from, to, counts }
}

pub fn ended_with(counts: Counts) -> Fact {
    Fact::DeploymentEnded { deployment: "d1".into(), reason: "done".into(), counts }
}

pub fn filled(slot: &str) -> Fact {
    Fact::DocumentFilled { deployment: "d1".into(), slot: slot.into(), digest: digest() }
}
