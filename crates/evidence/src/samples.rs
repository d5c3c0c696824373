//! What the tests of this crate share: a lawful record, and randomness that repeats.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use crate::{
    CameraDeclaration, Counts, DeploymentPlan, Entry, Equipment, Fact, Results, SeedFigures, ShareTerms, commitment,
};

/// A folder of the shared test material; prints that the test is skipped where it is missing.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if !folder.is_dir() {
        println!("skipped: {path} (shared/ not found)");
        return None;
    }
    Some(folder)
}

/// Randomness that is the same in every run (xorshift).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// `seconds` after 2026-03-01T09:00:00Z.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-03-01T09:00:00Z".parse().expect("a timestamp");
    start + SignedDuration::from_secs(seconds)
}

pub(crate) fn counts(made: u64, kept: u64) -> Counts {
    Counts { faces_seen: made, templates_made: made, templates_destroyed: made - kept, alerts_kept: kept }
}

/// A lawful record of one deployment, from policy to purge; the fact at index 0 is a policy, all kinds of
/// an ordinary life are in it.
pub(crate) fn lawful() -> Vec<Entry> {
    let facts = before_start()
        .into_iter()
        .chain([(600, Fact::DeploymentStarted { deployment: d(), equipment: equipment() })])
        .chain(running())
        .chain(after_end());
    facts.map(|(seconds, fact)| Entry { at: at(seconds), fact }).collect()
}

/// One entry of every kind.
pub(crate) fn one_of_each() -> Vec<Entry> {
    let mut entries = lawful();
    let d = d();
    let urgently = Fact::DeploymentApprovedUrgently {
        deployment: d.clone(),
        role: "urgent authorising officer".into(),
        ground: "threat to life".into(),
        ratify_by: at(9_000),
    };
    let ratified = Fact::DeploymentRatified { deployment: d.clone(), role: "authorising officer".into() };
    let outside = Fact::OutsideAuthorised { deployment: d, signature: "— panel abc".into() };
    let counted = Fact::StaffCounted { by_role: BTreeMap::from([("operator".into(), 2)]) };
    entries.extend([urgently, ratified, outside, counted].map(|fact| Entry { at: at(2_000), fact }));
    let change = threshold_change();
    let role = "proposer".to_owned();
    let proposed = Fact::ThresholdProposed { change: change.clone(), role: role.clone() };
    let set = Fact::ThresholdSet { change, proposed_by: role, approved_by: "authorising officer".into() };
    entries.extend([proposed, set].map(|fact| Entry { at: at(2_000), fact }));
    let fact = Fact::DeploymentWithdrawn { deployment: self::d(), reason: "rain \u{2028} \n \"quoted\" é".into() };
    entries.push(Entry { at: at(9000), fact });
    let figures = seed_figures();
    let committed = commitment::seeds(&figures.deployment, &figures.salt, &figures.seeds);
    let seeds =
        [Fact::SeedsCommitted { deployment: self::d(), seeds: 2, commitment: committed }, Fact::SeedsRevealed(figures)];
    let camera = Fact::CameraDeclared(camera("c1"));
    let rest = redress().into_iter().chain([camera]).chain(seeds).chain(complaint()).chain(share());
    entries.extend(rest.map(|fact| Entry { at: at(9000), fact }));
    entries
}

/// An alert judged by two, engaged, closed, reclassified, held, let go and destroyed.
pub(crate) fn redress() -> Vec<Fact> {
    let alert = || "a1".to_owned();
    let first = "same person";
    vec![
        Fact::AlertJudgedOnce {
            deployment: d(),
            alert: alert(),
            judgement_commitment: commitment::judgement("a1", "00ff", first),
            seconds_to_decide: 9,
        },
        Fact::AlertJudgedTwice {
            deployment: d(),
            alert: alert(),
            first: first.into(),
            salt: "00ff".into(),
            second: first.into(),
            seconds_to_decide: 7,
        },
        Fact::AlertEngaged { deployment: d(), alert: alert(), engagement: "spoken to".into() },
        Fact::OutcomeRecorded { deployment: d(), alert: alert(), outcome: "identity confirmed".into() },
        Fact::OutcomeReclassified {
            deployment: d(),
            alert: alert(),
            outcome: "identity refuted".into(),
            reason: "complaint upheld".into(),
        },
        Fact::AlertHeld {
            deployment: d(),
            alert: alert(),
            ground: "complaint".into(),
            until: at(90_000),
            evidence_commitment: "hh".into(),
        },
        Fact::HoldReleased { deployment: d(), alert: alert() },
        Fact::HeldEvidenceDestroyed { deployment: d(), alert: alert() },
    ]
}

/// Two pairs, both judged, one by two people.
pub(crate) fn seed_figures() -> SeedFigures {
    SeedFigures {
        deployment: d(),
        salt: "00ff".into(),
        seeds: vec!["s1".into(), "s2".into()],
        shown: 2,
        judgements: 3,
        false_accepts: 1,
        cannot_tell: 1,
        judged_twice: 1,
        agreed: 1,
        seconds_to_decide_p50: 5,
        seconds_to_decide_p90: 12,
    }
}

/// A complaint, answered and forgotten.
pub(crate) fn complaint() -> Vec<Fact> {
    let complaint = || "c1".to_owned();
    vec![
        Fact::ComplaintReceived { complaint: complaint(), about: "place and time".into(), about_deployment: None },
        Fact::ComplaintAnswered { complaint: complaint(), finding: "upheld".into() },
        Fact::ComplaintForgotten { complaint: complaint() },
    ]
}

/// A share, used once.
pub(crate) fn share() -> Vec<Fact> {
    let share = || "s1".to_owned();
    let terms = ShareTerms {
        share: share(),
        direction: "out".into(),
        counterpart: "Example prosecutor".into(),
        what: "alert evidence".into(),
        agreement: "memorandum 7".into(),
        basis: "statute".into(),
        expires: at(90_000),
        outcome_due_seconds: 3_600,
    };
    vec![
        Fact::ShareProposed(terms.clone()),
        Fact::ShareApproved { share: share(), role: "authorising officer".into() },
        Fact::ShareUsed {
            share: share(),
            counterpart: terms.counterpart,
            direction: terms.direction,
            what: terms.what,
            items: 1,
        },
        Fact::ShareOutcomeReported { share: share() },
        Fact::ShareRevoked { share: share(), reason: "no longer needed".into() },
    ]
}

/// A threshold of the model that the tests of the ledger know.
pub(crate) fn threshold_change() -> crate::ThresholdChange {
    crate::ThresholdChange {
        model: "rec/0123456789abcdef/aligned".into(),
        value: "0.5".into(),
        fpir: "0.001".into(),
        evaluation: "set of 2026".into(),
        evaluation_digest: "ab".repeat(32),
        reason: "the evaluation of March".into(),
        forecast: BTreeMap::from([("women".into(), "false alerts from 2 to 1 in 10,000".into())]),
        previous: None,
    }
}

fn d() -> String {
    "d1".into()
}

fn before_start() -> Vec<(i64, Fact)> {
    let deployment = d;
    vec![
        (0, Fact::PolicyAdopted { profile: "standard".into(), version: 1, digest: "aa".into() }),
        (
            1,
            Fact::OperationOpened {
                operation: "o1".into(),
                title: "Trial".into(),
                force: "Example force".into(),
                purpose: "To try".into(),
                policy_digest: "aa".into(),
                outside_authoriser: None,
            },
        ),
        (2, Fact::DeploymentProposed(plan())),
        (2, Fact::DocumentFilled { deployment: d(), slot: "impact assessment".into(), digest: "d1".into() }),
        (3, Fact::DeploymentApproved { deployment: d(), role: "authorising officer".into() }),
        (4, Fact::NoticePublished { deployment: d(), notice_digest: "bb".into() }),
        (
            5,
            Fact::WatchlistFrozen {
                deployment: d(),
                people: 3,
                images: 4,
                by_ground: BTreeMap::from([("wanted".into(), 2), ("missing".into(), 1)]),
                commitment: "cc".into(),
                by_approval: BTreeMap::from([("not needed".into(), 3)]),
            },
        ),
        (
            6,
            Fact::SignageConfirmed {
                deployment: d(),
                signs: 2,
                alternative_route: "north stairs".into(),
                page: "https://example.org/d1".into(),
                role: "operator".into(),
            },
        ),
        (
            7,
            Fact::RecordingDeclared {
                deployment: deployment(),
                camera: "c1".into(),
                digest: "dd".into(),
                bytes: 1_000,
            },
        ),
    ]
}

/// A camera of the live deployment, its lower half the zone.
pub(crate) fn camera(name: &str) -> CameraDeclaration {
    CameraDeclaration {
        deployment: d(),
        camera: name.into(),
        source_commitment: commitment::camera("d1", name, "00ff", "rtsp://192.0.2.1/1"),
        zone: "0,400 1000,400 1000,1000 0,1000".parse().expect("a zone"),
        face_side_px_min: None,
    }
}

pub(crate) fn plan() -> DeploymentPlan {
    DeploymentPlan {
        deployment: d(),
        operation: "o1".into(),
        deployment_kind: "exercise".into(),
        purpose: "test".into(),
        place: "concourse".into(),
        place_ground: "crime hotspot".into(),
        place_evidence: "ab".into(),
        cameras: 1,
        starts: at(600),
        ends: at(4_200),
    }
}

fn equipment() -> Equipment {
    Equipment {
        software: "overt 0.1.0".into(),
        detector: "det".into(),
        recogniser: "rec".into(),
        weights_sha256: "ee".into(),
        engine: "eng".into(),
        threshold: "0.5".into(),
        threshold_fpir: "0.001".into(),
        threshold_evaluation: "ff".into(),
    }
}

fn results() -> Results {
    Results {
        started: at(600),
        duration_seconds: 370,
        cameras: 1,
        watchlist: 3,
        threshold: "0.5".into(),
        total_alerts: 1,
        positive_alerts: 1,
        positive_interventions: 1,
        incorrect_alerts: 0,
        incorrect_interventions: 0,
        arrests_or_disposals: 0,
        faces_seen: 24,
    }
}

fn running() -> Vec<(i64, Fact)> {
    let receipt = |from, to, made, kept| Fact::DeletionReceipt {
        deployment: d(),
        from: at(from),
        to: at(to),
        counts: counts(made, kept),
    };
    vec![
        (
            650,
            Fact::AlertRaised {
                deployment: d(),
                alert: "a1".into(),
                camera: "c1".into(),
                evidence_commitment: "gg".into(),
                expires: at(90_000),
            },
        ),
        (660, receipt(600, 660, 10, 1)),
        (
            661,
            Fact::AlertAdjudicated {
                deployment: d(),
                alert: "a1".into(),
                judgement: "same".into(),
                seconds_to_decide: 11,
            },
        ),
        (720, receipt(660, 720, 5, 0)),
        (730, Fact::DeploymentPaused { deployment: d(), reason: "crowding".into() }),
        (731, receipt(720, 730, 2, 0)),
        (900, Fact::DeploymentResumed { deployment: d() }),
        (960, receipt(900, 960, 7, 0)),
        (961, Fact::DeploymentTripped { deployment: d(), wire: "camera moved".into(), found: "c1 moved".into() }),
        (965, Fact::TripCleared { deployment: d(), role: "authorising officer".into(), reason: "set up again".into() }),
        (966, Fact::AlertsSuppressed { deployment: d(), up_to: 5 }),
    ]
}

fn after_end() -> Vec<(i64, Fact)> {
    vec![
        (970, Fact::DeploymentEnded { deployment: d(), reason: "time".into(), counts: counts(24, 1) }),
        (971, Fact::WatchlistDestroyed { deployment: d(), images: 4, key_destroyed: true }),
        (980, Fact::OutcomeRecorded { deployment: d(), alert: "a1".into(), outcome: "none".into() }),
        (
            990,
            Fact::DeploymentPurged {
                deployment: d(),
                alerts_destroyed: 1,
                watchlist_images_destroyed: 0,
                key_destroyed: true,
            },
        ),
        (1_000, Fact::ResultsPublished { deployment: d(), results: results() }),
        (1_990, Fact::CommitmentsDestroyed { deployment: d(), questions: 2 }),
    ]
}
