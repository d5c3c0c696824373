//! Role by action by state, in one table that a person can review: `matrix.txt`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod scene;

use std::fmt::Write as _;

use domain::alert::{Engagement, Reclassification};
use domain::deployment::Destroyed;
use domain::{
    AlertId, AlertState, Announced, Approved, Decided, Deployment, Draft, Followed, Judgement, Live, Member, ModelId,
    Nearest, Officer, OfficerId, Outcome, Plan, Policy, Proposed, Refusal, Role, Score, Settlement, SourceKind, Tally,
    Watched, alert, published_plan, settle, staff, tripped,
};
use evidence::authorisation::sign_plan;

use scene::*;

/// What is acted on.
#[derive(Clone)]
enum Subject {
    Nothing,
    Deployment(Box<Deployment>),
    Alert(Box<AlertState>),
    Member(Member),
}

type Answer = Option<Result<(), Refusal>>;
type Action = (&'static str, fn(Subject, &Officer) -> Answer);

fn rules() -> Policy {
    Policy { sources: SourceKind::ALL.to_vec(), ..urgent_policy() }
}

fn done<T>(decided: Decided<T>) -> T {
    decided.into_parts().0
}

fn who(name: &str, role: Role) -> Officer {
    officer(name, role)
}

fn proposed() -> Proposed {
    proposed_as(plan())
}

fn proposed_as(plan: Plan) -> Proposed {
    done(Draft { plan }.propose(&who("a", Role::Proposer), &rules(), at(0)).unwrap())
}

fn documented() -> Proposed {
    documented_as(plan())
}

fn documented_as(plan: Plan) -> Proposed {
    let by = who("a", Role::Proposer);
    done(proposed_as(plan).fill_document(&by, "impact assessment", digest(), &rules(), at(0)).unwrap())
}

fn approved() -> Approved {
    done(documented().approve(&who("b", Role::AuthorisingOfficer), &rules(), at(0)).unwrap())
}

fn urgently_approved() -> Approved {
    let by = who("u", Role::UrgentAuthorisingOfficer);
    done(documented().approve_urgently(&by, "threat to life", &rules(), at(0)).unwrap())
}

fn announced() -> Announced {
    let by = who("b", Role::AuthorisingOfficer);
    done(approved().announce(&by, "n".into(), &operation(), &rules(), at(1)).unwrap())
}

fn prepared() -> Announced {
    let operator = who("o", Role::Operator);
    let lister = who("w", Role::WatchlistOfficer);
    let state = done(announced().freeze_watchlist(&lister, &roll(1), "c".into(), &rules(), at(2)).unwrap());
    let state = done(state.confirm_signage(&operator, 2, "round", "https://page", at(3)).unwrap());
    done(state.declare_recording(&operator, "c1", "d".into(), 1, at(3)).unwrap())
}

/// A live deployment for which one of two planned cameras is declared.
fn for_cameras() -> Announced {
    let by = who("b", Role::AuthorisingOfficer);
    let two = Plan { cameras: 2, ..live_plan() };
    let approved = done(documented_as(two).approve(&by, &rules(), at(0)).unwrap());
    let announced = done(approved.announce(&by, "n".into(), &operation(), &rules(), at(1)).unwrap());
    done(announced.declare_camera(&who("o", Role::Operator), camera("c1"), &rules(), at(3)).unwrap())
}

fn live() -> Live {
    let operator = who("o", Role::Operator);
    done(prepared().start(&operator, equipment(), &threshold("good"), &rules(), at(3)).unwrap())
}

fn raised() -> alert::Raised {
    let lease = live().lease(&rules(), at(3)).unwrap();
    let nearest = Nearest { entry: 1, score: Score::new(ModelId::new("good"), 0.9).unwrap() };
    let settled = settle((), Some(nearest), &threshold("good"), &lease, at(3), &mut Tally::new());
    let Settlement::Candidate(pending) = settled else { panic!("it reaches the threshold") };
    let id = AlertId::new("a1").unwrap();
    let raised = done(alert::raise(&pending, &plan().deployment, id, "c1", "e".into(), at(3)));
    // Everybody who may look has looked: officer "z" in either role.
    done(alert::view(&raised, &who("z", Role::Operator), at(3)).unwrap())
}

fn alerts() -> Vec<(&'static str, Subject)> {
    let judged = done(raised().adjudicate(&who("z", Role::Operator), Judgement::SamePerson, &rules(), at(3)).unwrap());
    let engaged = judged.clone().engage(&who("z", Role::EngagementOfficer), Engagement::SpokenTo, at(3)).unwrap();
    let engaged = done(engaged);
    let by = who("z", Role::EngagementOfficer);
    let closed = done(engaged.clone().record_outcome(&by, Outcome::IdentityConfirmed, &rules(), at(3)).unwrap());
    let alert = |state| Subject::Alert(Box::new(state));
    vec![
        ("an alert", alert(AlertState::Raised(raised()))),
        ("judged", alert(AlertState::Adjudicated(judged))),
        ("engaged", alert(AlertState::Engaged(engaged))),
        ("closed", alert(AlertState::Closed(closed))),
    ]
}

/// Everything that can be acted on, in every state it can be in.
fn subjects() -> Vec<(&'static str, Subject)> {
    let operator = who("o", Role::Operator);
    let deployment = |state| Subject::Deployment(Box::new(state));
    let paused = done(live().pause(&operator, "r", at(3)).unwrap());
    let moved = Watched { camera_moved: Some("c1".into()), ..Watched::default() };
    let trip = tripped(&moved, &rules()).unwrap();
    let ended = done(live().end("r", at(3)).unwrap());
    let purged = done(ended.clone().purge(Destroyed { alerts: 0, watchlist_images: 1 }, at(3)));
    let withdrawn = done(proposed().withdraw(&who("a", Role::Proposer), "r", at(0)).unwrap());
    let mut subjects = vec![
        ("anything", Subject::Nothing),
        ("proposed", deployment(Deployment::Proposed(documented()))),
        ("approved", deployment(Deployment::Approved(approved()))),
        ("urgent", deployment(Deployment::Approved(urgently_approved()))),
        ("announced", deployment(Deployment::Announced(announced()))),
        ("prepared", deployment(Deployment::Announced(prepared()))),
        ("on camera", deployment(Deployment::Announced(for_cameras()))),
        ("live", deployment(Deployment::Live(live()))),
        ("paused", deployment(Deployment::Paused(paused))),
        ("tripped", deployment(Deployment::Paused(done(live().trip(&trip, at(3)))))),
        ("ended", deployment(Deployment::Ended(ended))),
        ("purged", deployment(Deployment::Purged(purged))),
        ("withdrawn", deployment(Deployment::Withdrawn(withdrawn))),
    ];
    subjects.extend(alerts());
    let member = who("m", Role::Operator);
    let standing = domain::Standing::Active;
    subjects.push(("staff", Subject::Member(Member::remembered(member.id, member.role, at(9), standing))));
    subjects
}

/// When the matrix is asked: before the urgent approval lapses for what precedes a start, else during the window.
const EARLY: i64 = 1;
const ON_THE_DAY: i64 = 3;

/// An action on a deployment.
macro_rules! on_deployment {
    ($d:ident, $who:ident, $action:expr) => {
        |subject, $who| {
            let Subject::Deployment($d) = subject else { return None };
            let $d = *$d;
            let attempt = || -> Result<(), Refusal> { $action.map(drop) };
            Some(attempt())
        }
    };
}

/// An action on an alert in one state of it.
macro_rules! on_alert {
    ($state:ident, $a:ident, $who:ident, $action:expr) => {
        |subject, $who| {
            let Subject::Alert(alert) = subject else { return None };
            let AlertState::$state($a) = *alert else { return None };
            Some($action.map(drop))
        }
    };
}

/// An action on the staff register, or on nothing yet.
macro_rules! on_nothing {
    ($who:ident, $action:expr) => {
        |subject, $who| matches!(subject, Subject::Nothing).then(|| $action.map(drop))
    };
}

macro_rules! on_member {
    ($m:ident, $who:ident, $action:expr) => {
        |subject, $who| {
            let Subject::Member($m) = subject else { return None };
            Some($action.map(drop))
        }
    };
}

/// Everything that somebody can do.
const ACTIONS: &[Action] = &[
    ("adopt a policy", on_nothing!(who, adoptable().adopt(who, at(0)))),
    ("open operation", on_nothing!(who, operation().open(who, &rules(), at(0)))),
    ("propose", on_nothing!(who, Draft { plan: plan() }.propose(who, &rules(), at(0)))),
    (
        "enrol staff",
        on_nothing!(who, {
            Member::enrol(OfficerId::new("n").unwrap(), Role::Operator, at(9), None, who, &rules(), at(0))
        }),
    ),
    ("count staff", on_nothing!(who, staff::count(&[], who, at(0)))),
    ("renew training", on_member!(m, who, m.renew_training(at(20), who, &rules(), at(0)))),
    ("assign role", on_member!(m, who, m.assign(Role::Proposer, who, at(0)))),
    ("suspend", on_member!(m, who, m.suspend(who, "r", at(0)))),
    ("reinstate", on_member!(m, who, m.reinstate(who, "r", at(0)))),
    ("fill document", on_deployment!(d, who, fill(d, who))),
    ("approve", on_deployment!(d, who, d.expect_proposed()?.approve(who, &rules(), at(EARLY)))),
    (
        "approve urgently",
        on_deployment!(d, who, { d.expect_proposed()?.approve_urgently(who, "threat to life", &rules(), at(EARLY)) }),
    ),
    ("ratify", on_deployment!(d, who, d.ratify(who, &rules(), at(EARLY)))),
    (
        "enter signature",
        on_deployment!(d, who, {
            let keys = outside_keys();
            let signature = sign_plan(&keys.signing, &published_plan(&plan())).unwrap();
            let named = domain::Operation { outside_authoriser: Some(keys.verifying), ..operation() };
            d.expect_approved()?.enter_outside_signature(who, &named, &signature, at(EARLY))
        }),
    ),
    (
        "announce",
        on_deployment!(d, who, { d.expect_approved()?.announce(who, "n".into(), &operation(), &rules(), at(EARLY)) }),
    ),
    ("list", on_deployment!(d, who, d.expect_announced()?.list(who, &entry(), 1, &rules(), at(ON_THE_DAY)))),
    (
        "freeze watchlist",
        on_deployment!(d, who, {
            d.expect_announced()?.freeze_watchlist(who, &roll(1), "c".into(), &rules(), at(ON_THE_DAY))
        }),
    ),
    (
        "confirm signage",
        on_deployment!(d, who, {
            d.expect_announced()?.confirm_signage(who, 2, "round", "https://page", at(ON_THE_DAY))
        }),
    ),
    (
        "declare recording",
        on_deployment!(d, who, { d.expect_announced()?.declare_recording(who, "c", "d".into(), 1, at(ON_THE_DAY)) }),
    ),
    (
        "declare camera",
        on_deployment!(d, who, { d.expect_announced()?.declare_camera(who, camera("c2"), &rules(), at(ON_THE_DAY)) }),
    ),
    (
        "start",
        on_deployment!(d, who, {
            d.expect_announced()?.start(who, equipment(), &threshold("good"), &rules(), at(ON_THE_DAY))
        }),
    ),
    ("pause", on_deployment!(d, who, d.expect_live()?.pause(who, "r", at(ON_THE_DAY)))),
    ("resume", on_deployment!(d, who, d.expect_paused()?.resume(who, at(ON_THE_DAY)))),
    ("clear trip-wire", on_deployment!(d, who, d.expect_paused()?.clear_trip(who, "r", at(ON_THE_DAY)))),
    ("end", on_deployment!(d, who, end(d, who))),
    ("withdraw", on_deployment!(d, who, withdraw(d, who))),
    (
        "publish results",
        on_deployment!(d, who, { d.expect_purged()?.publish_results(who, Followed::default(), at(ON_THE_DAY)) }),
    ),
    ("view", on_alert!(Raised, a, who, alert::view(&a, who, at(ON_THE_DAY)))),
    ("adjudicate", on_alert!(Raised, a, who, { a.adjudicate(who, Judgement::SamePerson, &rules(), at(ON_THE_DAY)) })),
    ("engage", on_alert!(Adjudicated, a, who, a.engage(who, Engagement::SpokenTo, at(ON_THE_DAY)))),
    (
        "record outcome",
        on_alert!(Engaged, a, who, { a.record_outcome(who, Outcome::IdentityConfirmed, &rules(), at(ON_THE_DAY)) }),
    ),
    (
        "reclassify",
        on_alert!(Closed, a, who, {
            a.reclassify(who, Outcome::IdentityRefuted, Reclassification::LaterCheck, &rules(), at(ON_THE_DAY))
        }),
    ),
];

/// The small policy without the model that no policy may state, so that it can be adopted or refused for its role alone.
fn adoptable() -> Policy {
    Policy { thresholds: vec![threshold("good")], ..rules() }
}

fn fill(d: Deployment, who: &Officer) -> Result<(), Refusal> {
    let (slot, now) = ("impact assessment", at(EARLY));
    match d {
        Deployment::Proposed(d) => d.fill_document(who, slot, digest(), &rules(), now).map(drop),
        Deployment::Approved(d) => d.fill_document(who, slot, digest(), &rules(), now).map(drop),
        other => other.expect_proposed().map(drop),
    }
}

fn end(d: Deployment, who: &Officer) -> Result<(), Refusal> {
    match d {
        Deployment::Paused(d) => d.end_by(who, "r", at(ON_THE_DAY)).map(drop),
        other => other.expect_live()?.end_by(who, "r", at(ON_THE_DAY)).map(drop),
    }
}

fn withdraw(d: Deployment, who: &Officer) -> Result<(), Refusal> {
    match d {
        Deployment::Proposed(d) => d.withdraw(who, "r", at(EARLY)).map(drop),
        Deployment::Approved(d) => d.withdraw(who, "r", at(EARLY)).map(drop),
        other => other.expect_announced()?.withdraw(who, "r", at(EARLY)).map(drop),
    }
}

#[test]
fn role_by_action_by_state_is_the_table_that_was_reviewed() {
    let heads = ["propos", "author", "urgent", "list", "operat", "engage", "audit", "regul", "dpo", "admin"];
    let mut table =
        heads.iter().fold(format!("{:<9} {:<17}", "state", "action"), |row, head| format!("{row} {head:<6}"));
    table = format!("{}\n", table.trim_end());
    for (state, subject) in subjects() {
        for (action, attempt) in ACTIONS {
            let cells = Role::ALL.map(|role| match attempt(subject.clone(), &officer("z", role)) {
                Some(Ok(())) => "yes",
                None | Some(Err(Refusal::WrongState { .. })) => "-",
                Some(Err(Refusal::RoleMayNot { .. })) => "role",
                Some(Err(_)) => "rule",
            });
            // What is wrong in a state for everybody is left out, so that the rest fits one screen.
            if cells.iter().any(|cell| *cell != "-") {
                let row = cells.iter().fold(format!("{state:<9} {action:<17}"), |row, cell| format!("{row} {cell:<6}"));
                writeln!(table, "{}", row.trim_end()).unwrap();
            }
        }
    }
    assert!(table == include_str!("matrix.txt"), "the table changed: review it, then update matrix.txt with\n{table}");
}

#[test]
fn training_that_expired_turns_every_yes_into_a_no_but_a_pause() {
    for (state, subject) in subjects() {
        for (action, attempt) in ACTIONS {
            for role in Role::ALL {
                if !matches!(attempt(subject.clone(), &officer("z", role)), Some(Ok(()))) {
                    continue;
                }
                let expired = attempt(subject.clone(), &untrained("z", role));
                let refused = matches!(expired, Some(Err(Refusal::TrainingExpired { .. })));
                assert_eq!(refused, *action != "pause", "{state}: {action} as {}", role.word());
            }
        }
    }
}
