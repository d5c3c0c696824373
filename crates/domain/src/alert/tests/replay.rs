//! The record is the state: an alert rebuilt from its entries is the alert as it was, and a story that cannot be is refused.

use evidence::{Entry, Fact};

use super::*;
use crate::deployment::Recollection;
use crate::event::Publication;

fn looks() -> Looks {
    Looks::from([(operator().id, at(10))])
}

fn entry(actor: Actor, second: i64, fact: Fact) -> Recollection {
    Recollection { actor, entry: Entry { at: at(second), fact } }
}

fn was_raised() -> Recollection {
    let fact = Fact::AlertRaised {
        deployment: "d1".into(),
        alert: "a1".into(),
        camera: "gate".into(),
        evidence_commitment: "c".into(),
        expires: at(1_000),
    };
    entry(Actor::System, 0, fact)
}

/// The state decided, and what the record remembers of the decision.
fn remembered<T>(decided: Decided<T>) -> (T, Recollection) {
    let (state, event) = decided.into_parts();
    let Publication::Publish(entry) = event.publication() else { unreachable!("it is published") };
    (state, Recollection { actor: event.actor, entry: *entry })
}

fn replayed(history: &[&Recollection]) -> Result<AlertState, String> {
    let history: Vec<_> = history.iter().map(|recollection| (*recollection).clone()).collect();
    AlertState::replay(&history, looks())
}

#[test]
fn an_alert_that_one_person_judged_is_what_its_entries_say_at_every_step() {
    let raised = was_raised();
    assert_eq!(replayed(&[&raised]), Ok(AlertState::Raised(seen(Origin::Passage))));
    let judged = seen(Origin::Passage).adjudicate(&operator(), Judgement::SamePerson, &sound(), at(20)).unwrap();
    let (alert, judged) = remembered(judged);
    assert_eq!(replayed(&[&raised, &judged]), Ok(AlertState::Adjudicated(alert.clone())));
    let (unengaged, without) =
        remembered(alert.clone().record_outcome(&operator(), Outcome::NoAction, &outcomes(), at(30)).unwrap());
    assert_eq!(replayed(&[&raised, &judged, &without]), Ok(AlertState::Closed(unengaged)));
    let engager = officer("e", Role::EngagementOfficer);
    let (alert, engaged) = remembered(alert.engage(&engager, Engagement::SpokenTo, at(30)).unwrap());
    assert_eq!(replayed(&[&raised, &judged, &engaged]), Ok(AlertState::Engaged(alert.clone())));
    let (alert, closed) =
        remembered(alert.record_outcome(&engager, Outcome::IdentityConfirmed, &outcomes(), at(40)).unwrap());
    assert_eq!(replayed(&[&raised, &judged, &engaged, &closed]), Ok(AlertState::Closed(alert.clone())));
    let (dpo, reason) = (officer("p", Role::DataProtectionOfficer), Reclassification::LaterCheck);
    let (alert, put_right) =
        remembered(alert.reclassify(&dpo, Outcome::IdentityRefuted, reason, &outcomes(), at(50)).unwrap());
    let whole = [&raised, &judged, &engaged, &closed, &put_right];
    assert_eq!(replayed(&whole), Ok(AlertState::Closed(alert)));
}

#[test]
fn a_second_judgement_on_the_record_is_another_persons() {
    let first = FirstJudgement { judgement: Judgement::NotThisPerson, salt: "00".into() };
    let second = officer("operator-2", Role::Operator);
    let seen_by_both = view(&seen(Origin::Passage), &second, at(15)).unwrap().into_parts().0;
    let looks = seen_by_both.looks.clone();
    let (once, judged_once) = remembered(seen_by_both.judge_first(&operator(), &first, &two(), at(20)).unwrap());
    let (alert, judged_twice) =
        remembered(once.clone().judge_second(&second, &first, Judgement::SamePerson, at(30)).unwrap());
    let replayed = |history: &[Recollection]| AlertState::replay(history, looks.clone());
    let history = [was_raised(), judged_once, judged_twice];
    assert_eq!(replayed(&history[..2]), Ok(AlertState::JudgedOnce(once)));
    assert_eq!(replayed(&history), Ok(AlertState::Adjudicated(alert)));
    for actor in [Actor::Officer(operator().id), Actor::System] {
        let mut told = history.clone();
        told[2].actor = actor;
        assert_eq!(replayed(&told), Err("it was not judged by another person".into()));
    }
    let mut told = history[..2].to_vec();
    told[1].actor = Actor::System;
    assert_eq!(replayed(&told), Err("no person judged it".into()));
}

#[test]
fn a_story_that_cannot_be_is_refused_with_what_does_not_fit() {
    let by = || Actor::Officer(operator().id);
    let (deployment, alert) = (|| "d1".to_owned(), || "a1".to_owned());
    let judged = |word: &str| {
        let (judgement, seconds_to_decide) = (word.to_owned(), 10);
        entry(
            by(),
            20,
            Fact::AlertAdjudicated { deployment: deployment(), alert: alert(), judgement, seconds_to_decide },
        )
    };
    let engaged = |word: &str| {
        entry(by(), 30, Fact::AlertEngaged { deployment: deployment(), alert: alert(), engagement: word.into() })
    };
    let closed = |word: &str| {
        entry(by(), 40, Fact::OutcomeRecorded { deployment: deployment(), alert: alert(), outcome: word.into() })
    };
    for (history, wrong) in [
        (&[][..], "it was never raised"),
        (&[judged("same person")], "it was never raised"),
        (&[was_raised(), was_raised()], "it was raised and that allows nothing of the kind"),
        (&[was_raised(), closed("no action")], "it was raised and that allows nothing of the kind"),
        (&[was_raised(), judged("perhaps")], "\"perhaps\" is no judgement"),
        (&[was_raised(), judged("same person"), engaged("waved at")], "\"waved at\" is no engagement"),
        (&[was_raised(), judged("same person"), closed("let go")], "\"let go\" is no outcome"),
        (
            &[was_raised(), judged("cannot tell"), engaged("spoken to")],
            "it led to an engagement, but was not judged to show the same person",
        ),
        (
            &[was_raised(), judged("same person"), judged("cannot tell")],
            "it was adjudicated and that allows nothing of the kind",
        ),
        (
            &[was_raised(), judged("same person"), closed("no action"), closed("arrest")],
            "it was closed and that allows nothing of the kind",
        ),
    ] {
        assert_eq!(AlertState::replay(history, looks()), Err(wrong.into()));
    }
}

#[test]
fn a_hold_changes_nothing_of_what_an_alert_has_come_to() {
    let (deployment, alert) = (|| "d1".to_owned(), || "a1".to_owned());
    let held = Fact::AlertHeld {
        deployment: deployment(),
        alert: alert(),
        ground: "complaint".into(),
        until: at(2_000),
        evidence_commitment: "c".into(),
    };
    let released = Fact::HoldReleased { deployment: deployment(), alert: alert() };
    let destroyed = Fact::HeldEvidenceDestroyed { deployment: deployment(), alert: alert() };
    let mut history = vec![was_raised()];
    for fact in [held, released, destroyed] {
        history.push(entry(Actor::System, 50, fact));
        assert_eq!(AlertState::replay(&history, looks()), Ok(AlertState::Raised(seen(Origin::Passage))));
    }
}

#[test]
fn a_seeded_pair_is_judged_by_as_many_people_as_the_policy_asked_for() {
    let names = seen(Origin::Seeded);
    let shown = || Raised::remembered_seed(names.alert.clone(), names.deployment.clone(), at(0), at(1_000), looks());
    assert_eq!(shown(), names);
    let judgement = |name: &str, judgement| {
        let judge = OfficerId::new(name).unwrap();
        SeedJudgement { judge, judgement, salt: "00".into(), seconds_to_decide: 10 }
    };
    let replayed = |judgements: &[SeedJudgement], people| AlertState::replay_seed(shown(), judgements, people);
    let (one, another) =
        (judgement("operator-1", Judgement::NotThisPerson), judgement("operator-2", Judgement::SamePerson));
    for people in [Adjudicators::One, Adjudicators::Two] {
        assert_eq!(replayed(&[], people), Ok(AlertState::Raised(names.clone())));
    }
    let alone = names.clone().adjudicate(&operator(), Judgement::NotThisPerson, &sound(), at(20)).unwrap();
    assert_eq!(
        replayed(std::slice::from_ref(&one), Adjudicators::One),
        Ok(AlertState::Adjudicated(alone.into_parts().0))
    );
    let first = FirstJudgement { judgement: Judgement::NotThisPerson, salt: "00".into() };
    let once = names.clone().judge_first(&operator(), &first, &two(), at(20)).unwrap().into_parts().0;
    assert_eq!(replayed(std::slice::from_ref(&one), Adjudicators::Two), Ok(AlertState::JudgedOnce(once)));
    let both = Adjudicated::by_two(names.clone(), Judgement::NotThisPerson, Judgement::SamePerson);
    let (twice, wrong) =
        ([one.clone(), another.clone()], |people| format!("{people} people judged it, or one of them twice"));
    assert_eq!(replayed(&twice, Adjudicators::Two), Ok(AlertState::Adjudicated(both)));
    assert_eq!(replayed(&[one.clone(), one.clone()], Adjudicators::Two), Err(wrong(2)));
    assert_eq!(replayed(&[one.clone(), another, one], Adjudicators::Two), Err(wrong(3)));
}
