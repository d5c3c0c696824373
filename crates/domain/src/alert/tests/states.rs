//! Each state of an alert: its word, whether anything is to follow, who may judge it, and what two people make of it.

use super::*;

fn engager() -> Officer {
    officer("engager-1", Role::EngagementOfficer)
}

fn second() -> Officer {
    officer("operator-2", Role::Operator)
}

fn first_judgement(judgement: Judgement) -> FirstJudgement {
    FirstJudgement { judgement, salt: "5a17".into() }
}

/// Both operators have looked, and the first has judged.
fn judged_once(judgement: Judgement) -> JudgedOnce {
    let seen_by_both = view(&seen(Origin::Passage), &second(), at(15)).unwrap().into_parts().0;
    seen_by_both.judge_first(&operator(), &first_judgement(judgement), &two(), at(20)).unwrap().into_parts().0
}

fn judged_by_two(first: Judgement, then: Judgement) -> Adjudicated {
    judged_once(first).judge_second(&second(), &first_judgement(first), then, at(27)).unwrap().into_parts().0
}

fn engaged(engagement: Engagement) -> Engaged {
    judged(Judgement::SamePerson).engage(&engager(), engagement, at(30)).unwrap().into_parts().0
}

fn closed(outcome: Outcome) -> Closed {
    judged(Judgement::SamePerson).record_outcome(&operator(), outcome, &outcomes(), at(30)).unwrap().into_parts().0
}

#[test]
fn each_state_has_its_word_and_something_follows_until_it_is_over() {
    let seeded = seen(Origin::Seeded).adjudicate(&operator(), Judgement::CannotTell, &sound(), at(20)).unwrap();
    for (state, word, over) in [
        (AlertState::Raised(raised(Origin::Passage)), "raised", false),
        (AlertState::Raised(raised(Origin::Seeded)), "raised", false),
        (AlertState::JudgedOnce(judged_once(Judgement::SamePerson)), "judged once", false),
        (AlertState::Adjudicated(judged(Judgement::SamePerson)), "adjudicated", false),
        (AlertState::Adjudicated(seeded.into_parts().0), "adjudicated", true),
        (AlertState::Engaged(engaged(Engagement::NotFound)), "engaged", false),
        (AlertState::Closed(closed(Outcome::NoAction)), "closed", true),
    ] {
        assert_eq!((state.state(), state.is_over()), (word, over), "{state:?}");
        assert_eq!(state.adjudicated().is_some(), !["raised", "judged once"].contains(&word), "{word}");
        let told = state.clone().expect_adjudicated().map(|alert| alert.judgement);
        match state.adjudicated() {
            Some(alert) => assert_eq!(told, Ok(alert.judgement)),
            None => assert_eq!(told, Err(AlertRefusal::NotJudged { state: word }.into())),
        }
    }
}

#[test]
fn what_two_people_see_alike_stands_and_what_they_see_differently_cannot_be_told() {
    for first in Judgement::ALL {
        for then in Judgement::ALL {
            let alert = judged_by_two(first, then);
            let stands = if first == then { first } else { Judgement::CannotTell };
            assert_eq!((alert.judgement, alert.is_disputed()), (stands, first != then), "{first:?} {then:?}");
            assert_eq!(alert.opinions(), Opinions::Two { first, second: then });
        }
    }
    assert!(!judged(Judgement::SamePerson).is_disputed(), "one person cannot differ");
}

#[test]
fn the_second_judgement_tells_the_first_and_its_salt_and_counts_from_the_second_look() {
    let first = first_judgement(Judgement::SamePerson);
    let decided = judged_once(first.judgement).judge_second(&second(), &first, Judgement::CannotTell, at(27)).unwrap();
    let step = AlertStep::JudgedTwice {
        deployment: raised(Origin::Passage).deployment,
        alert: raised(Origin::Passage).alert,
        first: Judgement::SamePerson,
        salt: "5a17".into(),
        second: Judgement::CannotTell,
        seconds_to_decide: 12,
    };
    let event = Event { at: at(27), actor: Actor::Officer(second().id), happening: step.into() };
    assert_eq!(*decided.event(), event);
}

#[test]
fn a_first_judgement_that_was_changed_since_is_not_gone_on_with() {
    let ask = |first: &FirstJudgement| {
        judged_once(Judgement::SamePerson).judge_second(&second(), first, Judgement::SamePerson, at(27)).map(drop)
    };
    let altered = Err(AlertRefusal::FirstJudgementAltered.into());
    assert_eq!(ask(&first_judgement(Judgement::SamePerson)), Ok(()));
    assert_eq!(ask(&first_judgement(Judgement::NotThisPerson)), altered);
    assert_eq!(ask(&FirstJudgement { salt: "5a18".into(), ..first_judgement(Judgement::SamePerson) }), altered);
}

#[test]
fn nobody_is_stopped_or_checked_because_of_what_two_people_saw_differently() {
    let disputed = || judged_by_two(Judgement::SamePerson, Judgement::NotThisPerson);
    let refused = AlertRefusal::Disputed;
    let engaged = disputed().engage(&engager(), Engagement::SpokenTo, at(30)).map(drop);
    assert_eq!(engaged, Err(refused.clone().into()));
    for outcome in Outcome::ALL {
        let recorded = disputed().record_outcome(&operator(), outcome, &outcomes(), at(30)).map(drop);
        let lawful = if outcome == Outcome::NoAction { Ok(()) } else { Err(refused.clone().into()) };
        assert_eq!(recorded, lawful, "{outcome:?}");
    }
    let agreed = judged_by_two(Judgement::SamePerson, Judgement::SamePerson);
    assert!(agreed.engage(&engager(), Engagement::SpokenTo, at(30)).is_ok());
}

#[test]
fn an_identity_is_checked_by_speaking_to_the_person_or_not_at_all() {
    for engagement in Engagement::ALL {
        for outcome in Outcome::ALL {
            let recorded = engaged(engagement).record_outcome(&operator(), outcome, &outcomes(), at(40));
            if engagement == Engagement::SpokenTo || outcome == Outcome::NoAction {
                let alert = judged(Judgement::SamePerson);
                let expected = Closed { alert, engagement: Some(engagement), outcome };
                assert_eq!(*recorded.unwrap().state(), expected);
            } else {
                let refused = Err(AlertRefusal::NobodySpokenTo.into());
                assert_eq!(recorded.map(drop), refused, "{engagement:?} {outcome:?}");
            }
        }
    }
}

#[test]
fn an_outcome_that_was_wrong_is_put_right_even_after_the_evidence_is_gone() {
    let officer = officer("dpo-1", Role::DataProtectionOfficer);
    let reason = Reclassification::ComplaintUpheld;
    let put_right =
        |outcome, now| closed(Outcome::IdentityConfirmed).reclassify(&officer, outcome, reason, &outcomes(), at(now));
    let (right, event) = put_right(Outcome::IdentityRefuted, 5_000).unwrap().into_parts();
    assert_eq!(right, Closed { outcome: Outcome::IdentityRefuted, ..closed(Outcome::IdentityConfirmed) });
    assert_eq!(AlertState::Closed(right).truth(), Some(Truth::False));
    let step = AlertStep::Reclassified {
        deployment: raised(Origin::Passage).deployment,
        alert: raised(Origin::Passage).alert,
        outcome: Outcome::IdentityRefuted,
        reason,
    };
    assert_eq!(event, Event { at: at(5_000), actor: Actor::Officer(officer.id.clone()), happening: step.into() });
    let unchanged = AlertRefusal::OutcomeUnchanged { outcome: "identity confirmed" };
    assert_eq!(put_right(Outcome::IdentityConfirmed, 5_000).map(drop), Err(unchanged.into()));
    assert_eq!(put_right(Outcome::NoAction, -1).map(drop), Err(Refusal::ClockWentBack { last: at(0) }));
}

#[test]
fn a_refusal_names_the_rule_it_comes_from() {
    let until = at(0);
    for (refusal, rule) in [
        (AlertRefusal::EvidenceNotSeen, "a person judges what they have seen, before the score"),
        (
            AlertRefusal::SameJudge,
            "where the policy asks for two, two people judge without knowing each other's judgement",
        ),
        (AlertRefusal::Disputed, "somebody is spoken to only where everybody who judged saw the same person"),
        (AlertRefusal::NobodySpokenTo, "an identity is checked by speaking to the person"),
        (
            AlertRefusal::HoldTooLong { until_max: until },
            "retention: evidence is held for a stated ground, for a time, and never beyond the policy's limit",
        ),
        (
            AlertRefusal::SeedsNone,
            "reviewers are measured in exercises, with listed images of different people fixed beforehand",
        ),
        (
            AlertRefusal::ComplaintNotDue { until },
            "a complaint is received, answered once, and forgotten when its time is over",
        ),
    ] {
        assert_eq!(refusal.rule(), rule);
    }
}
