//! The words that stand on the public record about alerts. They stand there for ever: a changed word is a changed record.

use evidence::SeedFigures;

use super::*;
use crate::event::Publication;
use crate::identifiers::ShareId;

#[test]
fn the_words_of_judgements_stay() {
    let words = ["same person", "not this person", "cannot tell"];
    assert_eq!(Judgement::ALL.map(Judgement::word), words);
    assert_eq!(words.map(Judgement::from_word), Judgement::ALL.map(Some));
    assert_eq!(Judgement::from_word("Same person"), None);
}

#[test]
fn the_words_of_engagements_stay() {
    let words = [
        "spoken to",
        "not found",
        "not engaged: nobody free",
        "not engaged: not safe",
        "not engaged: not proportionate",
        "not engaged: seen on a recording",
    ];
    assert_eq!(Engagement::ALL.map(Engagement::word), words);
    assert_eq!(words.map(Engagement::from_word), Engagement::ALL.map(Some));
    assert_eq!(Engagement::from_word("not engaged"), None);
}

#[test]
fn the_words_of_outcomes_stay() {
    let words = ["identity confirmed", "identity refuted", "no action", "arrest", "other disposal", "safeguarding"];
    assert_eq!(Outcome::ALL.map(Outcome::word), words);
    assert_eq!(words.map(Outcome::from_word), Outcome::ALL.map(Some));
    assert_eq!(Outcome::from_word("disposal"), None);
}

#[test]
fn the_words_of_reclassifications_stay() {
    let words = ["complaint upheld", "later check of identity", "recorded in error"];
    assert_eq!(Reclassification::ALL.map(Reclassification::word), words);
    assert_eq!(words.map(Reclassification::from_word), Reclassification::ALL.map(Some));
    assert_eq!(Reclassification::from_word("error"), None);
}

fn figures() -> SeedFigures {
    SeedFigures {
        deployment: "d1".into(),
        salt: "5a17".into(),
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

/// Every step of the alert `a1` of the deployment `d1`, or of the deployment itself.
fn steps() -> [AlertStep; 12] {
    let (deployment, alert) = (|| DeploymentId::new("d1").unwrap(), || AlertId::new("a1").unwrap());
    let (judgement, seconds_to_decide) = (Judgement::SamePerson, 7);
    let commitment = || "c".to_owned();
    [
        AlertStep::JudgedOnce { deployment: deployment(), alert: alert(), commitment: commitment(), seconds_to_decide },
        AlertStep::JudgedTwice {
            deployment: deployment(),
            alert: alert(),
            first: judgement,
            salt: "5a17".into(),
            second: judgement,
            seconds_to_decide,
        },
        AlertStep::Engaged { deployment: deployment(), alert: alert(), engagement: Engagement::NotFound },
        AlertStep::Reclassified {
            deployment: deployment(),
            alert: alert(),
            outcome: Outcome::NoAction,
            reason: Reclassification::LaterCheck,
        },
        AlertStep::Held {
            deployment: deployment(),
            alert: alert(),
            ground: HoldGround::Complaint,
            until: at(9),
            evidence_commitment: commitment(),
        },
        AlertStep::HoldReleased { deployment: deployment(), alert: alert() },
        AlertStep::HeldEvidenceDestroyed { deployment: deployment(), alert: alert() },
        AlertStep::Exported { deployment: deployment(), alert: alert(), share: ShareId::new("s1").unwrap() },
        AlertStep::SeedsFixed { deployment: deployment(), seeds: 1, commitment: commitment() },
        AlertStep::SeedShown { deployment: deployment(), alert: alert() },
        AlertStep::SeedJudged { deployment: deployment(), alert: alert(), judgement, seconds_to_decide },
        AlertStep::SeedsRevealed { deployment: deployment(), figures: figures() },
    ]
}

#[test]
fn each_step_has_its_word_and_what_would_point_at_a_person_or_tell_reviewers_is_not_published() {
    let expected = [
        ("alert-judged-once", Some("a1"), true),
        ("alert-judged-twice", Some("a1"), true),
        ("alert-engaged", Some("a1"), true),
        ("outcome-reclassified", Some("a1"), true),
        ("alert-held", Some("a1"), true),
        ("hold-released", Some("a1"), true),
        ("held-evidence-destroyed", Some("a1"), true),
        ("alert-exported", Some("a1"), false),
        ("seeds-committed", None, true),
        ("seed-shown", Some("a1"), false),
        ("seed-judged", Some("a1"), false),
        ("seeds-revealed", None, true),
    ];
    for (step, expected) in steps().into_iter().zip(expected) {
        let event = Event { at: at(0), actor: Actor::System, happening: step.clone().into() };
        let published = matches!(event.publication(), Publication::Publish(_));
        assert_eq!((step.kind(), step.alert().map(AlertId::as_str), published), expected);
        assert_eq!(step.deployment().as_str(), "d1");
    }
}
