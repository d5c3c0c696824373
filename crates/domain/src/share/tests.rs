//! A share from its proposal to its end: what may pass under it and until when, and that the record is the share.

mod words;

use evidence::{Entry, Fact};
use jiff::SignedDuration;

use super::*;
use crate::alert::tests::{at, officer, operator, outcomes, raised, seen};
use crate::alert::{Judgement, Origin};
use crate::event::Publication;
use crate::hold::{HoldGround, HoldTerms, hold};
use crate::identifiers::AlertId;
use crate::policy::tests::sound;

fn policy() -> Policy {
    let (share_length_max, outcome_due) = (SignedDuration::from_secs(1_000), SignedDuration::from_secs(100));
    Policy { share_length_max, outcome_due, alert_hold_max: SignedDuration::from_secs(2_000), ..sound() }
}

fn proposer() -> Officer {
    officer("proposer-1", Role::Proposer)
}

fn authoriser() -> Officer {
    officer("authoriser-1", Role::AuthorisingOfficer)
}

/// Terms on which the evidence of alerts goes out until second 900; what came of it is due after 100 seconds.
fn terms() -> Terms {
    Terms {
        share: ShareId::new("s1").unwrap(),
        direction: Direction::Out,
        counterpart: "a body".into(),
        what: Shared::AlertEvidence,
        agreement: "a memorandum".into(),
        basis: "a statute".into(),
        expires: at(900),
        outcome_due: SignedDuration::from_secs(100),
    }
}

fn propose(terms: Terms) -> Result<Decided<Share>, Refusal> {
    Share::propose(terms, &proposer(), &policy(), at(0))
}

fn proposed() -> Share {
    propose(terms()).unwrap().into_parts().0
}

fn approved() -> Share {
    proposed().approve(&authoriser(), at(1)).unwrap().into_parts().0
}

fn pass(share: Share, items: u64, now: i64) -> Result<Decided<Share>, Refusal> {
    share.pass(Direction::Out, Shared::AlertEvidence, items, &authoriser(), at(now))
}

fn used() -> Share {
    pass(approved(), 2, 10).unwrap().into_parts().0
}

#[test]
fn an_outcome_is_due_within_a_second_at_the_least_and_the_policys_time_at_the_most() {
    let wrong = ShareRefusal::OutcomeDueWrong { due_max: SignedDuration::from_secs(100) };
    for (due, lawful) in [
        (SignedDuration::from_secs(-1), false),
        (SignedDuration::ZERO, false),
        (SignedDuration::from_millis(999), false),
        (SignedDuration::from_secs(1), true),
        (SignedDuration::from_secs(100), true),
        (SignedDuration::from_secs(101), false),
    ] {
        let expected = if lawful { Ok(()) } else { Err(wrong.clone().into()) };
        assert_eq!(propose(Terms { outcome_due: due, ..terms() }).map(drop), expected, "{due:#}");
    }
}

#[test]
fn whoever_proposed_a_share_may_not_approve_it_in_any_role() {
    let same_person = officer("proposer-1", Role::AuthorisingOfficer);
    let refused = proposed().approve(&same_person, at(1)).map(drop);
    assert_eq!(refused, Err(ShareRefusal::ProposerMayNotApprove.into()));
    assert!(proposed().approve(&authoriser(), at(1)).is_ok());
}

#[test]
fn nothing_but_what_was_agreed_passes_and_only_the_agreed_way() {
    let permitted = |direction, what| approved().permits(direction, what, at(10));
    for direction in [Direction::In, Direction::Out] {
        for what in Shared::ALL {
            let agreed = (direction, what) == (Direction::Out, Shared::AlertEvidence);
            assert_eq!(permitted(direction, what).is_ok(), agreed, "{direction:?} {what:?}");
        }
    }
    let refused = permitted(Direction::In, Shared::WatchlistImages).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the share is for alert evidence going out, not for watchlist images coming in; propose another for that"
    );
}

#[test]
fn each_use_is_counted_and_a_report_answers_for_all_so_far() {
    let again = pass(used(), 3, 50).unwrap().into_parts().0;
    assert_eq!((again.items(), again.outcome_due()), (5, Some(at(110))), "the first use counts");
    let reported = again.report_outcome(&authoriser(), at(60)).unwrap().into_parts().0;
    assert_eq!((reported.items(), reported.outcome_due()), (5, None));
    let twice = reported.clone().report_outcome(&authoriser(), at(61)).map(drop);
    assert_eq!(twice, Err(ShareRefusal::NothingPassed.into()));
    let later = pass(reported, 1, 500).unwrap().into_parts().0;
    assert_eq!((later.items(), later.outcome_due()), (6, Some(at(600))));
}

/// What the record remembers of each decision.
#[derive(Default)]
struct Record(Vec<Recollection>);

impl Record {
    fn take(&mut self, decided: Decided<Share>) -> Share {
        let (share, event) = decided.into_parts();
        let Publication::Publish(entry) = event.publication() else { unreachable!("all of it is published") };
        self.0.push(Recollection { actor: event.actor, entry: *entry });
        assert_eq!(replayed(&self.0), Ok(Some(share.clone())));
        share
    }
}

fn replayed(history: &[Recollection]) -> Result<Option<Share>, String> {
    Share::replay(&terms().share, history)
}

/// A share that was proposed, approved, used twice, reported, used again and revoked; and its record.
fn whole_life() -> Record {
    let mut record = Record::default();
    let share = record.take(propose(terms()).unwrap());
    assert_eq!(share.state(), "proposed");
    let share = record.take(share.approve(&authoriser(), at(1)).unwrap());
    assert_eq!(share.state(), "approved");
    let share = record.take(pass(share, 2, 10).unwrap());
    let share = record.take(pass(share, 3, 20).unwrap());
    let share = record.take(share.report_outcome(&authoriser(), at(30)).unwrap());
    let share = record.take(pass(share, 4, 40).unwrap());
    let share = record.take(share.revoke(&authoriser(), Revocation::AgreementEnded, at(50)).unwrap());
    assert_eq!((share.state(), share.items()), ("revoked", 9));
    record
}

#[test]
fn the_record_replays_to_the_share_at_every_step() {
    let record = whole_life();
    let (never, gap) = ("it was never proposed", "it was proposed and that allows nothing of the kind");
    let without = |cut: usize| {
        let mut broken = record.0.clone();
        broken.remove(cut);
        replayed(&broken)
    };
    assert_eq!(without(0), Err(never.into()));
    let unapproved = ShareRefusal::NotApproved.to_string();
    assert_eq!(without(1), Err(unapproved));
    let mut twice = record.0[..1].to_vec();
    twice.push(record.0[0].clone());
    assert_eq!(replayed(&twice), Err(gap.into()));
    let reported_unused = [&record.0[..2], &record.0[4..5]].concat();
    assert_eq!(replayed(&reported_unused), Err("it was approved and that allows nothing of the kind".into()));
    let revoked_twice = [&record.0[..], &record.0[6..]].concat();
    assert_eq!(replayed(&revoked_twice), Err("it was revoked and that allows nothing of the kind".into()));
    let used_after_the_end = [&record.0[..], &record.0[5..6]].concat();
    let revoked = ShareRefusal::Revoked { reason: "agreement ended" }.to_string();
    assert_eq!(replayed(&used_after_the_end), Err(revoked));
}

#[test]
fn a_share_on_the_record_was_proposed_and_approved_by_two_people() {
    let record = whole_life();
    let told_by = |place: usize, actor: Actor| {
        let mut told = record.0[..2].to_vec();
        told[place].actor = actor;
        replayed(&told)
    };
    assert_eq!(told_by(0, Actor::System), Err("nobody proposed it".into()));
    for actor in [Actor::Officer(proposer().id), Actor::System] {
        assert_eq!(told_by(1, actor), Err("it was not approved by another person".into()));
    }
    assert_eq!(told_by(1, Actor::Officer(authoriser().id)), Ok(Some(approved())));
}

#[test]
fn nothing_of_another_share_or_of_anything_else_tells_about_a_share() {
    let record = whole_life();
    let other = ShareId::new("s2").unwrap();
    assert_eq!(Share::replay(&other, &record.0), Ok(None));
    let mut mixed = Record::default();
    let elsewhere = propose(Terms { share: other.clone(), ..terms() }).unwrap();
    let Publication::Publish(elsewhere) = elsewhere.event().publication() else { unreachable!("it is published") };
    let foreign = Fact::WatchlistDestroyed { deployment: "s1".into(), images: 1, key_destroyed: true };
    for entry in [*elsewhere, Entry { at: at(0), fact: foreign }] {
        mixed.0.push(Recollection { actor: Actor::Officer(proposer().id), entry });
    }
    assert_eq!(replayed(&mixed.0), Ok(None));
    mixed.0.extend(record.0.iter().cloned());
    assert_eq!(replayed(&mixed.0), replayed(&record.0));
    let last = Share::replay(&other, &mixed.0).unwrap().unwrap();
    assert_eq!((last.terms().share.as_str(), last.state(), last.items()), ("s2", "proposed", 0));
}

#[test]
fn the_evidence_of_an_alert_leaves_while_it_is_there_or_held() {
    let state = AlertState::Raised(raised(Origin::Passage));
    let terms = HoldTerms { ground: HoldGround::LegalProceedings, until: at(1_500) };
    let held = hold(&state, None, &authoriser(), terms, "c".into(), &policy(), at(10)).unwrap().into_parts().0;
    // The same share proposed later, so that it outlasts the alert, which expires at second 1,000.
    let long = Share { terms: Terms { expires: at(5_000), ..approved().terms }, ..approved() };
    let leaves = |hold: Option<&Hold>, now| export(&state, hold, &long, &authoriser(), at(now)).map(drop);
    let gone = Err(Refusal::AlertExpired { expired: at(1_000) });
    assert_eq!(leaves(None, 999), Ok(()));
    assert_eq!(leaves(None, 1_000), gone);
    assert_eq!(leaves(Some(&held), 1_000), Ok(()));
    assert_eq!(leaves(Some(&held), 1_499), Ok(()));
    assert_eq!(leaves(Some(&held), 1_500), gone);
    let mut another = raised(Origin::Passage);
    another.alert = AlertId::new("a2").unwrap();
    let another = AlertState::Raised(another);
    let terms = HoldTerms { ground: HoldGround::LegalProceedings, until: at(1_500) };
    let held = hold(&another, None, &authoriser(), terms, "c".into(), &policy(), at(10)).unwrap().into_parts().0;
    assert_eq!(leaves(Some(&held), 1_000), gone, "what is held is another's");
    assert_eq!(leaves(None, -1), Err(Refusal::ClockWentBack { last: at(0) }));

    let decided = export(&state, None, &long, &authoriser(), at(20)).unwrap();
    let (deployment, alert) = (raised(Origin::Passage).deployment, raised(Origin::Passage).alert);
    let step = AlertStep::Exported { deployment, alert, share: super::ShareId::new("s1").unwrap() };
    let event = Event { at: at(20), actor: Actor::Officer(authoriser().id), happening: step.into() };
    assert_eq!(*decided.event(), event);
}

#[test]
fn evidence_leaves_only_by_an_authorising_officer_under_a_share_for_it_and_never_of_a_seeded_pair() {
    let state = AlertState::Raised(raised(Origin::Passage));
    assert_eq!(
        export(&state, None, &proposed(), &authoriser(), at(20)).map(drop),
        Err(ShareRefusal::NotApproved.into())
    );
    let by_another = export(&state, None, &approved(), &operator(), at(20)).map(drop);
    assert!(matches!(by_another, Err(Refusal::RoleMayNot { .. })));
    let seeded = seen(Origin::Seeded).adjudicate(&operator(), Judgement::SamePerson, &outcomes(), at(20)).unwrap();
    let seeded = AlertState::Adjudicated(seeded.into_parts().0);
    let refused = export(&seeded, None, &approved(), &authoriser(), at(30)).map(drop);
    assert_eq!(refused, Err(crate::AlertRefusal::SeededPair.into()));
}
