//! What may not follow an alert, each refusal by name; and every closed vocabulary there and back.

mod replay;
mod states;
mod words;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::hold::{Hold, HoldGround, HoldTerms, hold};
use crate::policy::tests::sound;
use crate::policy::{Adjudicators, Policy};
use crate::{Direction, Finding, Revocation, Share, ShareRefusal, Shared, Terms};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub(crate) fn officer(name: &str, role: Role) -> Officer {
    Officer { id: OfficerId::new(name).unwrap(), role, trained_until: Timestamp::MAX }
}

pub(crate) fn operator() -> Officer {
    officer("operator-1", Role::Operator)
}

pub(crate) fn raised(origin: Origin) -> Raised {
    let (alert, deployment) = (AlertId::new("a1").unwrap(), DeploymentId::new("d1").unwrap());
    Raised::new(alert, deployment, at(0), at(1_000), origin)
}

pub(crate) fn seen(origin: Origin) -> Raised {
    view(&raised(origin), &operator(), at(10)).unwrap().into_parts().0
}

pub(crate) fn judged(judgement: Judgement) -> Adjudicated {
    seen(Origin::Passage).adjudicate(&operator(), judgement, &sound(), at(20)).unwrap().into_parts().0
}

pub(crate) fn outcomes() -> Policy {
    let outcomes = Outcome::ALL.iter().map(|outcome| outcome.word().to_owned()).collect();
    Policy { outcomes, ..sound() }
}

pub(crate) fn two() -> Policy {
    Policy { second_adjudicator: Adjudicators::Two, ..sound() }
}

#[test]
fn an_alert_is_judged_by_an_operator_who_looked_in_time() {
    let by = |alert: Raised, who: &Officer, policy: &Policy, now| {
        alert.adjudicate(who, Judgement::CannotTell, policy, now).map(drop)
    };
    assert_eq!(by(seen(Origin::Passage), &operator(), &sound(), at(20)), Ok(()));
    let unseen = by(raised(Origin::Passage), &operator(), &sound(), at(20));
    assert_eq!(unseen, Err(AlertRefusal::EvidenceNotSeen.into()));
    let late = by(seen(Origin::Passage), &operator(), &sound(), at(1_000));
    assert_eq!(late, Err(Refusal::AlertExpired { expired: at(1_000) }));
    let back = by(seen(Origin::Passage), &operator(), &sound(), at(-1));
    assert_eq!(back, Err(Refusal::ClockWentBack { last: at(0) }));
    let lister = by(seen(Origin::Passage), &officer("x", Role::WatchlistOfficer), &sound(), at(20));
    assert!(matches!(lister, Err(Refusal::RoleMayNot { .. })));
    let alone = by(seen(Origin::Passage), &operator(), &two(), at(20));
    assert_eq!(alone, Err(AlertRefusal::SecondJudgeNeeded.into()));
    let first = FirstJudgement { judgement: Judgement::SamePerson, salt: "00".into() };
    let pair = seen(Origin::Passage).judge_first(&operator(), &first, &sound(), at(20)).map(drop);
    assert_eq!(pair, Err(AlertRefusal::OneJudgeSuffices.into()));
    let once = seen(Origin::Passage).judge_first(&operator(), &first, &two(), at(20)).unwrap().into_parts().0;
    let again = once.judge_second(&operator(), &first, Judgement::SamePerson, at(30)).map(drop);
    assert_eq!(again, Err(AlertRefusal::SameJudge.into()));
}

#[test]
fn nobody_is_spoken_to_but_after_the_same_person_was_seen() {
    let engage =
        |judgement, role| judged(judgement).engage(&officer("e", role), Engagement::SpokenTo, at(30)).map(drop);
    assert_eq!(engage(Judgement::SamePerson, Role::EngagementOfficer), Ok(()));
    assert!(matches!(engage(Judgement::SamePerson, Role::Operator), Err(Refusal::RoleMayNot { .. })));
    for other in [Judgement::NotThisPerson, Judgement::CannotTell] {
        let refused = AlertRefusal::NotToBeEngaged { judgement: other.word() };
        assert_eq!(engage(other, Role::EngagementOfficer), Err(refused.into()));
    }
    let seeded = seen(Origin::Seeded).adjudicate(&operator(), Judgement::SamePerson, &sound(), at(20)).unwrap();
    let seeded = seeded.into_parts().0;
    let refused = seeded.clone().engage(&officer("e", Role::EngagementOfficer), Engagement::SpokenTo, at(30));
    assert_eq!(refused.map(drop), Err(AlertRefusal::SeededPair.into()));
    let refused = seeded.record_outcome(&operator(), Outcome::NoAction, &outcomes(), at(30));
    assert_eq!(refused.map(drop), Err(AlertRefusal::SeededPair.into()));
}

#[test]
fn outcomes_say_whether_an_alert_was_true_and_are_of_the_policy() {
    let table = [
        (Judgement::SamePerson, Outcome::IdentityConfirmed, Truth::True),
        (Judgement::SamePerson, Outcome::Arrest, Truth::True),
        (Judgement::SamePerson, Outcome::IdentityRefuted, Truth::False),
        (Judgement::SamePerson, Outcome::NoAction, Truth::Unconfirmed),
        (Judgement::CannotTell, Outcome::NoAction, Truth::Unconfirmed),
        (Judgement::NotThisPerson, Outcome::NoAction, Truth::False),
        (Judgement::NotThisPerson, Outcome::IdentityConfirmed, Truth::True),
    ];
    for (judgement, outcome, truth) in table {
        let closed = judged(judgement).record_outcome(&operator(), outcome, &outcomes(), at(30)).unwrap();
        assert_eq!(AlertState::Closed(closed.into_parts().0).truth(), Some(truth), "{judgement:?} {outcome:?}");
    }
    assert_eq!(AlertState::Raised(raised(Origin::Passage)).truth(), None);
    let few = Policy { outcomes: vec!["no action".into()], ..sound() };
    let refused = judged(Judgement::SamePerson).record_outcome(&operator(), Outcome::Arrest, &few, at(30));
    assert_eq!(refused.map(drop), Err(AlertRefusal::OutcomeNotInPolicy { outcome: "arrest" }.into()));
}

#[test]
fn a_hold_is_limited_counted_from_raising_and_ends_once() {
    let policy = Policy { alert_hold_max: SignedDuration::from_secs(5_000), ..sound() };
    let state = AlertState::Raised(raised(Origin::Passage));
    let ask = |standing: Option<&Hold>, role, until, now| {
        let terms = HoldTerms { ground: HoldGround::SubjectsRequest, until: at(until) };
        hold(&state, standing, &officer("a", role), terms, String::new(), &policy, at(now))
    };
    let standing = ask(None, Role::AuthorisingOfficer, 5_000, 10).unwrap().into_parts().0;
    let refused = |until, now| ask(None, Role::AuthorisingOfficer, until, now).map(drop).unwrap_err();
    assert_eq!(refused(5_001, 10), AlertRefusal::HoldTooLong { until_max: at(5_000) }.into());
    assert_eq!(refused(10, 10), AlertRefusal::HoldOver { until: at(10) }.into());
    assert_eq!(refused(2_000, 1_000), Refusal::AlertExpired { expired: at(1_000) });
    let again = ask(Some(&standing), Role::AuthorisingOfficer, 4_000, 20).map(drop).unwrap_err();
    assert_eq!(again, AlertRefusal::HeldAlready { until: at(5_000) }.into());
    for role in [Role::Operator, Role::DataProtectionOfficer, Role::Administrator] {
        assert!(matches!(ask(None, role, 4_000, 20), Err(Refusal::RoleMayNot { .. })));
    }
    let early = standing.destroy(at(4_999)).map(drop);
    assert_eq!(early, Err(AlertRefusal::HoldNotOver { until: at(5_000) }.into()));
    assert!(standing.destroy(at(5_000)).is_ok());
    let lifted = standing.clone().release(&officer("a", Role::AuthorisingOfficer), at(30)).unwrap().into_parts().0;
    assert!(lifted.destroy(at(30)).is_ok() && lifted.release(&officer("a", Role::AuthorisingOfficer), at(31)).is_err());
}

#[test]
fn a_share_has_terms_an_end_and_a_duty() {
    let policy = Policy {
        share_length_max: SignedDuration::from_secs(1_000),
        outcome_due: SignedDuration::from_secs(100),
        ..sound()
    };
    let terms = || Terms {
        share: crate::ShareId::new("s1").unwrap(),
        direction: Direction::Out,
        counterpart: "a body".into(),
        what: Shared::Statistics,
        agreement: "a memorandum".into(),
        basis: "a statute".into(),
        expires: at(1_000),
        outcome_due: SignedDuration::from_secs(100),
    };
    let authoriser = officer("a", Role::AuthorisingOfficer);
    let propose = |terms: Terms| Share::propose(terms, &officer("p", Role::Proposer), &policy, at(0));
    let refused = |change: fn(&mut Terms)| {
        let mut changed = terms();
        change(&mut changed);
        propose(changed).map(drop).unwrap_err()
    };
    assert_eq!(refused(|terms| terms.basis = " ".into()), ShareRefusal::TermsMissing.into());
    let length = Refusal::from(ShareRefusal::LengthWrong { expires_max: at(1_000) });
    assert_eq!(
        (refused(|terms| terms.expires = at(1_001)), refused(|terms| terms.expires = at(0))),
        (length.clone(), length)
    );
    let due = ShareRefusal::OutcomeDueWrong { due_max: SignedDuration::from_secs(100) };
    assert_eq!(refused(|terms| terms.outcome_due = SignedDuration::from_secs(101)), due.into());
    let proposed = propose(terms()).unwrap().into_parts().0;
    let pass =
        |share: &Share, items, now| share.clone().pass(Direction::Out, Shared::Statistics, items, &authoriser, at(now));
    assert_eq!(pass(&proposed, 1, 5).map(drop), Err(ShareRefusal::NotApproved.into()));
    let share = proposed.clone().approve(&authoriser, at(1)).unwrap().into_parts().0;
    assert_eq!(share.clone().approve(&authoriser, at(2)).map(drop), Err(ShareRefusal::ApprovedAlready.into()));
    assert_eq!(pass(&share, 0, 5).map(drop), Err(ShareRefusal::NothingPassed.into()));
    assert_eq!(pass(&share, 1, 1_000).map(drop), Err(ShareRefusal::Expired { expired: at(1_000) }.into()));
    let late = proposed.approve(&authoriser, at(1_000)).map(drop);
    assert_eq!(late, Err(ShareRefusal::Expired { expired: at(1_000) }.into()));
    assert_eq!(share.clone().report_outcome(&authoriser, at(5)).map(drop), Err(ShareRefusal::NothingPassed.into()));
    assert_eq!(share.clone().revoke_overdue(at(5)).map(drop), Err(ShareRefusal::NotOverdue { due: None }.into()));
    let used = pass(&share, 2, 5).unwrap().into_parts().0;
    assert_eq!((used.items(), used.outcome_due()), (2, Some(at(105))));
    let early = used.clone().revoke(&authoriser, Revocation::OutcomeOverdue, at(104)).map(drop);
    assert_eq!(early, Err(ShareRefusal::NotOverdue { due: Some(at(105)) }.into()));
    assert!(pass(&used, 1, 104).is_ok());
    assert_eq!(pass(&used, 1, 105).map(drop), Err(ShareRefusal::OutcomeOverdue { due: at(105) }.into()));
    let gone = used.revoke_overdue(at(105)).unwrap().into_parts().0;
    let reason = ShareRefusal::Revoked { reason: "outcome overdue" };
    assert_eq!(gone.clone().revoke(&authoriser, Revocation::Misused, at(106)).map(drop), Err(reason.clone().into()));
    assert_eq!(pass(&gone, 1, 106).map(drop), Err(reason.into()));
}

#[test]
fn every_word_is_read_back_and_stands_once() {
    fn there_and_back<T: Copy + PartialEq + std::fmt::Debug>(
        all: &[T],
        word: fn(T) -> &'static str,
        from: fn(&str) -> Option<T>,
    ) {
        for value in all {
            assert_eq!(from(word(*value)), Some(*value));
        }
        let words: std::collections::BTreeSet<_> = all.iter().map(|value| word(*value)).collect();
        assert_eq!(words.len(), all.len());
        assert_eq!(from("unheard of"), None);
    }
    there_and_back(&Judgement::ALL, Judgement::word, Judgement::from_word);
    there_and_back(&Engagement::ALL, Engagement::word, Engagement::from_word);
    there_and_back(&Outcome::ALL, Outcome::word, Outcome::from_word);
    there_and_back(&Reclassification::ALL, Reclassification::word, Reclassification::from_word);
    there_and_back(&HoldGround::ALL, HoldGround::word, HoldGround::from_word);
    there_and_back(&Finding::ALL, Finding::word, Finding::from_word);
    there_and_back(&Shared::ALL, Shared::word, Shared::from_word);
    there_and_back(&Revocation::ALL, Revocation::word, Revocation::from_word);
    there_and_back(&[Direction::In, Direction::Out], Direction::word, Direction::from_word);
}

#[test]
fn every_refusal_has_a_sentence_of_its_own_and_a_rule() {
    let until = at(0);
    let refusals = [
        AlertRefusal::EvidenceNotSeen,
        AlertRefusal::NotJudged { state: "raised" },
        AlertRefusal::SecondJudgeNeeded,
        AlertRefusal::OneJudgeSuffices,
        AlertRefusal::SameJudge,
        AlertRefusal::FirstJudgementAltered,
        AlertRefusal::Disputed,
        AlertRefusal::NotToBeEngaged { judgement: "cannot tell" },
        AlertRefusal::NobodySpokenTo,
        AlertRefusal::OutcomeNotInPolicy { outcome: "arrest" },
        AlertRefusal::OutcomeUnchanged { outcome: "arrest" },
        AlertRefusal::HeldAlready { until },
        AlertRefusal::HoldTooLong { until_max: until },
        AlertRefusal::HoldOver { until },
        AlertRefusal::HoldNotOver { until },
        AlertRefusal::NotHeld,
        AlertRefusal::SeededPair,
        AlertRefusal::SeedsOutsideExercise,
        AlertRefusal::SeedsFixedAlready,
        AlertRefusal::SeedsNone,
        AlertRefusal::SeedShowsOnePerson { shown: 1, listed: 2 },
        AlertRefusal::ReceiptUnknown,
        AlertRefusal::ComplaintEmpty,
        AlertRefusal::ComplaintAnswered,
        AlertRefusal::ComplaintNotDue { until },
    ];
    let sentences: std::collections::BTreeSet<_> = refusals.iter().map(ToString::to_string).collect();
    assert_eq!(sentences.len(), refusals.len());
    for refusal in refusals {
        assert_ne!(refusal.to_string(), refusal.rule());
        assert_eq!(Refusal::from(refusal.clone()).to_string(), refusal.to_string());
        assert_eq!(Refusal::from(refusal.clone()).rule(), refusal.rule());
    }
}
