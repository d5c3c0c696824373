//! Who receives, reads and answers complaints, when their words go, and what the record says of each.

use evidence::Entry;
use jiff::SignedDuration;

use super::*;
use crate::event::Publication;
use crate::identifiers::OfficerId;
use crate::policy::tests::sound;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn officer(role: Role) -> Officer {
    Officer { id: OfficerId::new("dana").unwrap(), role, trained_until: Timestamp::MAX }
}

fn dana() -> Officer {
    officer(Role::DataProtectionOfficer)
}

fn by_dana(second: i64, step: ComplaintStep) -> Event {
    Event { at: at(second), actor: Actor::Officer(dana().id), happening: step.into() }
}

fn name(text: &str) -> ComplaintId {
    ComplaintId::new(text).unwrap()
}

fn receive(text: &str, by: &Officer) -> Result<(Complaint, Event), Refusal> {
    let about = Some(DeploymentId::new("d1").unwrap());
    Complaint::receive(name("c1"), Occasion::PlaceAndTime, about, text, by, at(10)).map(Decided::into_parts)
}

fn received() -> Complaint {
    receive("I was stopped", &dana()).unwrap().0
}

fn answered() -> Complaint {
    received().answer(&dana(), Finding::Upheld, "you are right", at(20)).unwrap().into_parts().0
}

fn recorded(at: Timestamp, step: ComplaintStep) -> Recollection {
    let event = Event { at, actor: Actor::System, happening: step.into() };
    let Publication::Publish(entry) = event.publication() else { panic!("it is public") };
    Recollection { actor: event.actor, entry: *entry }
}

fn receipt(of: &str, second: i64) -> Recollection {
    let occasion = Occasion::AlertReceipt;
    recorded(at(second), ComplaintStep::Received { complaint: name(of), occasion, about_deployment: None })
}

fn answer(of: &str, finding: Finding) -> Recollection {
    recorded(at(20), ComplaintStep::Answered { complaint: name(of), finding })
}

fn end(of: &str) -> Recollection {
    recorded(at(30), ComplaintStep::Forgotten { complaint: name(of) })
}

#[test]
fn a_complaint_is_received_with_its_occasion_and_not_empty() {
    let (complaint, event) = receive("I was stopped", &dana()).unwrap();
    assert_eq!(complaint.complaint(), &name("c1"));
    assert_eq!((complaint.received(), complaint.finding()), (at(10), None));
    let (occasion, about_deployment) = (Occasion::PlaceAndTime, Some(DeploymentId::new("d1").unwrap()));
    let step = ComplaintStep::Received { complaint: name("c1"), occasion, about_deployment };
    assert_eq!(event, by_dana(10, step));
    assert_eq!(receive(" \n", &dana()), Err(AlertRefusal::ComplaintEmpty.into()));
}

#[test]
fn a_complaint_is_answered_once_in_words_and_never_before_it_was_received() {
    let reply = |complaint: Complaint, text, second| {
        complaint.answer(&dana(), Finding::NotUpheld, text, at(second)).map(Decided::into_parts)
    };
    let (complaint, event) = reply(received(), "it was lawful", 10).unwrap();
    assert_eq!(complaint, Complaint { finding: Some(Finding::NotUpheld), ..received() });
    assert_eq!(complaint.finding(), Some(Finding::NotUpheld));
    let step = ComplaintStep::Answered { complaint: name("c1"), finding: Finding::NotUpheld };
    assert_eq!(event, by_dana(10, step));
    assert_eq!(reply(received(), "it was lawful", 9), Err(Refusal::ClockWentBack { last: at(10) }));
    assert_eq!(reply(received(), "it was lawful", 11).map(drop), Ok(()));
    assert_eq!(reply(received(), " ", 11), Err(AlertRefusal::ComplaintEmpty.into()));
    assert_eq!(reply(complaint, "it was lawful", 12), Err(AlertRefusal::ComplaintAnswered.into()));
}

#[test]
fn only_the_data_protection_officer_receives_reads_and_answers_complaints() {
    assert_eq!(received().may_read(&dana(), at(20)), Ok(()));
    for role in Role::ALL.into_iter().filter(|role| *role != Role::DataProtectionOfficer) {
        let refused = |attempted| Err(Refusal::RoleMayNot { role: role.word(), attempted });
        let by = officer(role);
        assert_eq!(receive("I was stopped", &by).map(drop), refused("receive a complaint"));
        assert_eq!(received().may_read(&by, at(20)), refused("read a complaint"));
        let answered = received().answer(&by, Finding::Upheld, "you are right", at(20));
        assert_eq!(answered.map(drop), refused("answer a complaint"));
    }
    let untrained = Officer { trained_until: at(20), ..dana() };
    assert_eq!(received().may_read(&untrained, at(19)), Ok(()));
    assert!(matches!(received().may_read(&untrained, at(20)), Err(Refusal::TrainingExpired { .. })));
}

#[test]
fn the_words_of_a_complaint_go_when_their_time_is_over_and_not_before() {
    let policy = Policy { complaint_retention: SignedDuration::from_secs(500), ..sound() };
    assert_eq!(answered().until(&policy), at(510), "counted from when it was received");
    let forget = |second| answered().forget(at(510), at(second)).map(Decided::into_parts);
    assert_eq!(forget(509), Err(AlertRefusal::ComplaintNotDue { until: at(510) }.into()));
    for second in [510, 511] {
        let happening = ComplaintStep::Forgotten { complaint: name("c1") }.into();
        assert_eq!(forget(second), Ok(((), Event { at: at(second), actor: Actor::System, happening })));
    }
}

#[test]
fn the_record_says_what_became_of_each_complaint() {
    let history = [
        receipt("c2", 5),
        receipt("c1", 10),
        answer("c2", Finding::NotUpheld),
        answer("c1", Finding::Upheld),
        receipt("c3", 25),
        end("c2"),
        end("c1"),
        end("c3"),
    ];
    let first = [
        None,
        None,
        Some(received()),
        Some(received()),
        Some(answered()),
        Some(answered()),
        Some(answered()),
        None,
        None,
    ];
    for (entries, known) in first.into_iter().enumerate() {
        assert_eq!(Complaint::replay(&name("c1"), &history[..entries]), Ok(known), "after {entries} entries");
    }
    let second = Complaint { complaint: name("c2"), received: at(5), finding: Some(Finding::NotUpheld) };
    assert_eq!(Complaint::replay(&name("c2"), &history[..4]), Ok(Some(second)));
    assert_eq!(Complaint::replay(&name("c4"), &history), Ok(None));
}

#[test]
fn a_record_that_answers_twice_or_without_a_complaint_does_not_replay() {
    let disordered = [
        vec![answer("c1", Finding::Upheld)],
        vec![end("c1")],
        vec![receipt("c1", 10), receipt("c1", 11)],
        vec![receipt("c1", 10), answer("c1", Finding::Upheld), answer("c1", Finding::NotUpheld)],
        vec![receipt("c1", 10), end("c1"), end("c1")],
    ];
    for history in disordered {
        let wrong = Err("it was received, answered or forgotten out of order".into());
        assert_eq!(Complaint::replay(&name("c1"), &history), wrong, "{history:?}");
    }
    let fact = Fact::ComplaintAnswered { complaint: "c1".into(), finding: "perhaps".into() };
    let unheard_of = Recollection { actor: Actor::System, entry: Entry { at: at(20), fact } };
    let found = Complaint::replay(&name("c1"), &[receipt("c1", 10), unheard_of]);
    assert_eq!(found, Err("\"perhaps\" is no finding".into()));
}

#[test]
fn the_words_of_complaints_stand_on_the_record() {
    let steps = [receipt("c1", 10), answer("c1", Finding::Upheld), end("c1")].map(|step| step.entry.fact);
    let (complaint, finding) = (|| "c1".to_owned(), "upheld".to_owned());
    let about = "alert receipt".to_owned();
    let facts = [
        Fact::ComplaintReceived { complaint: complaint(), about, about_deployment: None },
        Fact::ComplaintAnswered { complaint: complaint(), finding },
        Fact::ComplaintForgotten { complaint: complaint() },
    ];
    assert_eq!(steps, facts);
    let kinds = [
        ComplaintStep::Received { complaint: name("c1"), occasion: Occasion::AlertReceipt, about_deployment: None },
        ComplaintStep::Answered { complaint: name("c1"), finding: Finding::Upheld },
        ComplaintStep::Forgotten { complaint: name("c1") },
    ];
    let words = kinds.each_ref().map(ComplaintStep::kind);
    assert_eq!(words, ["complaint-received", "complaint-answered", "complaint-forgotten"]);
    assert_eq!(
        [Occasion::AlertReceipt, Occasion::PlaceAndTime].map(Occasion::word),
        ["alert receipt", "place and time"]
    );
    assert_eq!(Finding::ALL.map(Finding::word), ["upheld", "not upheld"]);
    assert_eq!(["upheld", "not upheld"].map(Finding::from_word), Finding::ALL.map(Some));
    assert_eq!(Finding::from_word("perhaps"), None);
}
