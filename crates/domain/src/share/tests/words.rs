//! The words that stand on the public record about shares, and what a refused officer reads.

use super::*;

#[test]
fn the_words_of_directions_stay() {
    let all = [Direction::In, Direction::Out];
    assert_eq!(all.map(Direction::word), ["in", "out"]);
    assert_eq!(["in", "out"].map(Direction::from_word), all.map(Some));
    assert_eq!(Direction::from_word("inwards"), None);
}

#[test]
fn the_words_of_what_passes_stay() {
    let words = ["watchlist images", "alert evidence", "statistics"];
    assert_eq!(Shared::ALL.map(Shared::word), words);
    assert_eq!(words.map(Shared::from_word), Shared::ALL.map(Some));
    assert_eq!(Shared::from_word("templates"), None, "a template never passes");
}

#[test]
fn the_words_of_revocations_stay() {
    let words = ["no longer needed", "agreement ended", "used for something else", "outcome overdue"];
    assert_eq!(Revocation::ALL.map(Revocation::word), words);
    assert_eq!(words.map(Revocation::from_word), Revocation::ALL.map(Some));
    assert_eq!(Revocation::from_word("misused"), None);
}

#[test]
fn each_step_has_its_word_and_names_its_share() {
    let share = || terms().share;
    for (step, word) in [
        (ShareStep::Proposed { terms: terms() }, "share-proposed"),
        (ShareStep::Approved { share: share(), role: Role::AuthorisingOfficer }, "share-approved"),
        (
            ShareStep::Used {
                share: share(),
                counterpart: "a body".into(),
                direction: Direction::Out,
                what: Shared::Statistics,
                items: 1,
            },
            "share-used",
        ),
        (ShareStep::OutcomeReported { share: share() }, "share-outcome-reported"),
        (ShareStep::Revoked { share: share(), reason: Revocation::Misused }, "share-revoked"),
    ] {
        assert_eq!((step.kind(), step.share()), (word, &share()));
    }
}

#[test]
fn every_refusal_says_what_to_do_and_the_rule_it_comes_from() {
    let in_force = "no image or list enters or leaves but under a share that is agreed and in force";
    let accounted = "what came of a shared image is reported, or nothing more is shared";
    let two_people = "separation of roles: a share is approved by another person than proposed it";
    let due_max = SignedDuration::from_hours(24);
    let (agreed, attempted) = ("statistics going out".to_owned(), "statistics coming in".to_owned());
    for (refusal, begins, rule) in [
        (ShareRefusal::TermsMissing, "the share lacks a counterpart, an agreement or a legal basis", in_force),
        (ShareRefusal::LengthWrong { expires_max: at(0) }, "a share proposed now ends between now and 20", in_force),
        (ShareRefusal::OutcomeDueWrong { due_max }, "the outcome of a share is due within 24h of its use", accounted),
        (ShareRefusal::ProposerMayNotApprove, "whoever proposed this share may not approve it", two_people),
        (ShareRefusal::ApprovedAlready, "the share is approved already", in_force),
        (ShareRefusal::NotApproved, "the share is not approved", in_force),
        (ShareRefusal::Revoked { reason: "outcome overdue" }, "the share was revoked (outcome overdue)", in_force),
        (ShareRefusal::Expired { expired: at(0) }, "the share expired at 20", in_force),
        (
            ShareRefusal::OutcomeOverdue { due: at(0) },
            "what came of its earlier use had to be reported by 20",
            accounted,
        ),
        (ShareRefusal::ForOther { agreed, attempted }, "the share is for statistics going out, not for", in_force),
        (ShareRefusal::NothingPassed, "nothing passed under this share", in_force),
        (ShareRefusal::NotOverdue { due: Some(at(0)) }, "its outcome is due by 20", accounted),
        (ShareRefusal::NotOverdue { due: None }, "no outcome is due", accounted),
    ] {
        assert!(refusal.to_string().starts_with(begins), "{refusal}");
        assert_eq!(refusal.rule(), rule, "{refusal}");
        let (sentence, refused) = (refusal.to_string(), Refusal::from(refusal));
        assert_eq!((refused.to_string(), refused.rule()), (sentence, rule));
    }
}
