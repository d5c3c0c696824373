//! The urgent route: approved by a lower rank, told to the public at once, and ratified by a third person or over.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod scene;

use domain::deployment::Destroyed;
use domain::{
    Actor, Deployment, DeploymentId, Due, Event, Happening, Live, Officer, Overdue, Policy, Refusal, Role, Watched,
    tripped,
};

use scene::stages::*;
use scene::*;

/// When an approval of the first tick lapses: a tick before the window is over.
const LAPSES: i64 = 5;

fn rules() -> Policy {
    Policy { urgent_ratification: Some(ticks(5)), ..policy() }
}

fn lapsed() -> Refusal {
    Refusal::UrgentApprovalLapsed { by: at(LAPSES) }
}

/// Another who may approve: neither the proposer nor the one who approved urgently.
fn third() -> Officer {
    authoriser()
}

fn urgently_live(record: &mut Record) -> Live {
    let approved = urgently_approved(record, &rules());
    live(record, approved, &rules())
}

/// A deployment on an urgent approval in each state in which somebody can ratify it.
fn to_be_ratified() -> Vec<Deployment> {
    let record = &mut Record::default();
    let approved = urgently_approved(record, &rules());
    let announced = announced(record, approved.clone(), &rules());
    let live = urgently_live(&mut Record::default());
    let paused = record.take(live.clone().pause(&operator(), "r", at(4)));
    let ended = record.take(live.clone().end("r", at(4)));
    vec![
        Deployment::Approved(approved),
        Deployment::Announced(announced),
        Deployment::Live(live),
        Deployment::Paused(paused),
        Deployment::Ended(ended),
    ]
}

fn lapses(deployment: &Deployment) -> Option<jiff::Timestamp> {
    let mandate = match deployment {
        Deployment::Approved(state) => state.mandate(),
        Deployment::Announced(state) => state.mandate(),
        Deployment::Live(state) => state.mandate(),
        Deployment::Paused(state) => state.mandate(),
        Deployment::Ended(state) => state.mandate(),
        other => panic!("{} has no mandate", other.state()),
    };
    mandate.lapses()
}

#[test]
fn an_urgent_approval_starts_without_a_notice_period_and_an_ordinary_one_does_not() {
    let lead = ticks(3);
    let rules = Policy { notice_lead: lead, ..rules() };
    for urgent in [true, false] {
        let record = &mut Record::default();
        let approve = if urgent { urgently_approved } else { approved };
        let approved = approve(record, &rules);
        assert_eq!(approved.mandate().is_urgent(), urgent);
        let announced = announced(record, approved, &rules);
        assert_eq!(announced.announced_at(), at(1));
        let prepared = prepared(record, announced, &rules, at(3));
        let started = prepared.start(&operator(), equipment(), &threshold("good"), &rules, at(3)).map(drop);
        let refused = Refusal::NoticeTooLate { published: at(1), lead, earliest: at(4) };
        assert_eq!(started, if urgent { Ok(()) } else { Err(refused) });
    }
}

#[test]
fn what_nobody_ratified_is_not_announced_started_or_resumed_from_the_moment_it_lapses() {
    let announce = |now| {
        let approved = urgently_approved(&mut Record::default(), &rules());
        approved.announce(&authoriser(), "n".into(), &operation(), &rules(), now).map(drop)
    };
    let start = |now| {
        let record = &mut Record::default();
        let approved = urgently_approved(record, &rules());
        let announced = announced(record, approved, &rules());
        let prepared = prepared(record, announced, &rules(), at(4));
        prepared.start(&operator(), equipment(), &threshold("good"), &rules(), now).map(drop)
    };
    let lease = |now| urgently_live(&mut Record::default()).lease(&rules(), now).map(drop);
    let resume = |now| {
        let record = &mut Record::default();
        let paused = urgently_live(record).pause(&operator(), "r", at(4));
        record.take(paused).resume(&operator(), now).map(drop)
    };
    let clear = |now| {
        let moved = Watched { camera_moved: Some("c1".into()), ..Watched::default() };
        let trip = tripped(&moved, &rules()).unwrap();
        let tripped = urgently_live(&mut Record::default()).trip(&trip, at(4)).into_parts().0;
        tripped.clear_trip(&authoriser(), "put back", now).map(drop)
    };
    let just_before = after(LAPSES, -1);
    assert_eq!([announce, start, lease, resume, clear].map(|act| act(just_before)), [const { Ok(()) }; 5]);
    assert_eq!([announce, start, lease, resume, clear].map(|act| act(at(LAPSES))), [(); 5].map(|()| Err(lapsed())));
}

#[test]
fn a_third_person_ratifies_in_time_in_every_state_until_the_purge() {
    let found = to_be_ratified();
    let states: Vec<_> = found.iter().map(Deployment::state).collect();
    assert_eq!(states, ["approved", "announced", "live", "paused", "ended"]);
    for deployment in found {
        let (state, now) = (deployment.state(), after(LAPSES, -1));
        let ratify = |by: &Officer, now| deployment.clone().ratify(by, &rules(), now);
        assert_eq!(lapses(&deployment), Some(at(LAPSES)), "{state}");
        for not_independent in ["officer-1", "officer-3"] {
            let refused = ratify(&officer(not_independent, Role::AuthorisingOfficer), now).unwrap_err();
            assert_eq!(refused, Refusal::RatifierNotIndependent, "{state}: {not_independent}");
        }
        assert_eq!(ratify(&third(), at(LAPSES)).unwrap_err(), lapsed(), "{state}");

        let (ratified, event) = ratify(&third(), now).unwrap().into_parts();
        let deployment = DeploymentId::new("d1").unwrap();
        let happening = Happening::Ratified { deployment, role: Role::AuthorisingOfficer };
        assert_eq!(event, Event { at: now, actor: Actor::Officer(third().id), happening }, "{state}");
        assert_eq!((ratified.state(), lapses(&ratified)), (state, None));
        assert_eq!(ratified.ratify(&third(), &rules(), now).unwrap_err(), Refusal::NothingToRatify, "{state}");
    }
}

#[test]
fn only_an_urgent_approval_is_ratified() {
    let record = &mut Record::default();
    let ordinary = Deployment::Approved(approved(record, &rules()));
    assert_eq!(lapses(&ordinary), None);
    assert_eq!(ordinary.ratify(&third(), &rules(), at(1)).unwrap_err(), Refusal::NothingToRatify);
    let live = urgently_live(record);
    let ended = record.take(live.end("r", at(4)));
    let purged = ended.purge(Destroyed { alerts: 0, watchlist_images: 1 }, at(4)).into_parts().0;
    let proposed = proposed(&mut Record::default(), plan(), &rules());
    let withdrawn = record.take(proposed.clone().withdraw(&proposer(), "r", at(1)));
    for deployment in [Deployment::Proposed(proposed), Deployment::Withdrawn(withdrawn), Deployment::Purged(purged)] {
        let refused = Refusal::WrongState { attempted: "ratified", state: deployment.state() };
        assert_eq!(deployment.ratify(&third(), &rules(), at(1)).unwrap_err(), refused);
    }
}

#[test]
fn the_clock_ends_what_nobody_ratified_and_has_it_purged_at_once() {
    let due: Vec<_> = to_be_ratified()
        .iter()
        .map(|deployment| [after(LAPSES, -1), at(LAPSES)].map(|now| deployment.due(&rules(), now)))
        .collect();
    let lapse = [None, Some(Due::Lapse(Overdue::UrgentApproval))];
    let end = [None, Some(Due::End(Overdue::UrgentApproval))];
    assert_eq!(due, [lapse, lapse, end, end, [None, Some(Due::Purge)]]);
}

#[test]
fn what_was_ratified_lasts_as_long_as_what_was_approved_by_the_ordinary_route() {
    let (closes, retained) = (at(WINDOW.1), at(WINDOW.0 + 4));
    for deployment in to_be_ratified() {
        let ratified = deployment.ratify(&third(), &rules(), at(4)).unwrap().into_parts().0;
        let (over, due) = match ratified.state() {
            "approved" | "announced" => (closes, Due::Lapse(Overdue::Window)),
            "ended" => (retained, Due::Purge),
            _ => (closes, Due::End(Overdue::Window)),
        };
        let just_before = over - jiff::SignedDuration::from_secs(1);
        assert_eq!([just_before, over].map(|now| ratified.due(&rules(), now)), [None, Some(due)], "{ratified:?}");
    }
}

#[test]
fn whoever_looks_late_is_told_of_the_approval_before_the_window() {
    let approved = Deployment::Approved(urgently_approved(&mut Record::default(), &rules()));
    let now = at(WINDOW.1);
    assert_eq!(approved.due(&rules(), now), Some(Due::Lapse(Overdue::UrgentApproval)));
    let (withdrawn, event) = approved.lapse(&rules(), now).unwrap().into_parts();
    assert_eq!(withdrawn.plan(), &plan());
    let reason = "the urgent approval lapsed: nobody ratified it in time".into();
    let happening = Happening::Withdrawn { deployment: plan().deployment, reason };
    assert_eq!(event, Event { at: now, actor: Actor::System, happening });
}

#[test]
fn the_record_of_a_ratified_deployment_replays_to_it() {
    let record = &mut Record::default();
    let approved = urgently_approved(record, &rules());
    assert_eq!(record.state(), Deployment::Approved(approved.clone()));
    let announced = announced(record, approved, &rules());
    assert_eq!(record.state(), Deployment::Announced(announced.clone()));
    let ratified = record.take(Deployment::Announced(announced).ratify(&third(), &rules(), after(LAPSES, -1)));
    assert_eq!(record.state(), ratified);
    assert_eq!(lapses(&record.state()), None);
}

#[test]
fn a_record_of_a_ratification_that_was_none_does_not_replay() {
    let with = |by: Actor, now| {
        let record = &mut Record::default();
        urgently_approved(record, &rules());
        let happening = Happening::Ratified { deployment: plan().deployment, role: Role::AuthorisingOfficer };
        record.remember(&Event { at: now, actor: by, happening });
        Deployment::replay(&record.0).map_err(|inconsistent| inconsistent.to_string()).map(drop)
    };
    let by = |officer: Officer| Actor::Officer(officer.id);
    let just_before = after(LAPSES, -1);
    assert_eq!(with(by(third()), just_before), Ok(()));
    let wrong = |found: &str| Err(format!("entry 3 of the deployment does not follow from those before it: {found}"));
    assert_eq!(with(by(third()), at(LAPSES)), wrong("it was ratified after it had lapsed"));
    assert_eq!(with(Actor::System, just_before), wrong("nobody ratified it"));
    let not_independent = wrong(&Refusal::RatifierNotIndependent.to_string());
    assert_eq!(with(by(proposer()), just_before), not_independent);
    assert_eq!(with(by(urgent_authoriser()), just_before), not_independent);
}

#[test]
fn a_lease_on_an_urgent_approval_never_outlasts_it() {
    let live = urgently_live(&mut Record::default());
    assert_eq!(live.lease(&rules(), at(LAPSES - 1)).unwrap().until(), at(LAPSES));
    assert_eq!(live.lease(&rules(), after(LAPSES, -1)).unwrap().until(), at(LAPSES));
    assert_eq!(live.lease(&rules(), at(LAPSES)), Err(lapsed()));
}
