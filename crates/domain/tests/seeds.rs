//! Pairs seeded into an exercise to measure reviewers: fixed before the start, shown like any alert, told at the end.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod scene;

use domain::alert::{AlertStep, SeedJudgement};
use domain::deployment::SeedPair;
use domain::{
    Actor, AlertId, AlertRefusal, Announced, EntryFacts, Event, Judgement, Live, OfficerId, Policy, Refusal, SourceKind,
};
use evidence::SeedFigures;

use scene::stages::*;
use scene::*;

fn called(label: &str) -> EntryFacts {
    EntryFacts { label: label.into(), ..entry() }
}

/// Announced, for recordings or for cameras.
fn told(plan: domain::Plan) -> Announced {
    let rules = Policy { sources: SourceKind::ALL.to_vec(), ..policy() };
    let record = &mut Record::default();
    let proposed = proposed(record, plan, &rules);
    let approved = record.take(proposed.approve(&authoriser(), &rules, at(0)));
    announced(record, approved, &rules)
}

fn frozen(plan: domain::Plan) -> Announced {
    let listed = told(plan).freeze_watchlist(&lister(), &roll(2), "c".into(), &policy(), at(3));
    listed.unwrap().into_parts().0
}

fn running() -> Live {
    let record = &mut Record::default();
    let approved = approved(record, &policy());
    live(record, approved, &policy())
}

/// With a camera instead of recordings.
fn running_on_camera() -> Live {
    let rules = Policy { sources: SourceKind::ALL.to_vec(), ..policy() };
    let state = frozen(live_plan()).confirm_signage(&operator(), 2, "round", "https://page", at(3));
    let state = state.unwrap().into_parts().0.declare_camera(&operator(), camera("c1"), &rules, at(3));
    let state = state.unwrap().into_parts().0;
    state.start(&operator(), equipment(), &threshold("good"), &rules, at(3)).unwrap().into_parts().0
}

fn judged(judgement: Judgement, seconds_to_decide: u64) -> SeedJudgement {
    SeedJudgement { judge: OfficerId::new("officer-9").unwrap(), judgement, salt: String::new(), seconds_to_decide }
}

#[test]
fn a_seeded_pair_shows_two_people() {
    let pair = SeedPair { shown: 1, listed: 2 };
    assert_eq!(pair.check(&called("one"), &called("another")), Ok(()));
    let one_person = |shown, listed| Err(AlertRefusal::SeedShowsOnePerson { shown, listed }.into());
    assert_eq!(pair.check(&called("one"), &called("one")), one_person(1, 2), "two images of one person");
    let itself = SeedPair { shown: 1, listed: 1 };
    assert_eq!(itself.check(&called("one"), &called("another")), one_person(1, 1), "one entry twice");
}

#[test]
fn seeds_are_fixed_once_for_an_exercise_whose_list_is_frozen() {
    let fix = |state: &Announced, seeds, standing| state.fix_seeds(&lister(), seeds, "c".into(), standing, at(3));
    let event = fix(&frozen(plan()), 2, 0).unwrap().into_parts().1;
    let step = AlertStep::SeedsFixed { deployment: plan().deployment, seeds: 2, commitment: "c".into() };
    assert_eq!(event, Event { at: at(3), actor: Actor::Officer(lister().id), happening: step.into() });

    let refused = |state: &Announced, seeds, standing| fix(state, seeds, standing).unwrap_err();
    assert_eq!(refused(&told(plan()), 2, 0), Refusal::WatchlistNotFrozen);
    assert_eq!(refused(&frozen(plan()), 2, 1), AlertRefusal::SeedsFixedAlready.into());
    assert_eq!(refused(&frozen(plan()), 0, 0), AlertRefusal::SeedsNone.into());
    assert_eq!(refused(&frozen(live_plan()), 2, 0), AlertRefusal::SeedsOutsideExercise.into());
}

#[test]
fn a_seed_is_shown_while_the_exercise_runs_and_expires_like_an_alert() {
    let alert = || AlertId::new("a1").unwrap();
    let show = |now| running().show_seed(alert(), &policy(), now);
    for now in [at(3), at(4)] {
        let (raised, event) = show(now).unwrap().into_parts();
        assert_eq!((raised.alert, raised.deployment), (alert(), plan().deployment));
        assert_eq!((raised.raised, raised.expires), (now, now + policy().alert_retention));
        let step = AlertStep::SeedShown { deployment: plan().deployment, alert: alert() };
        assert_eq!(event, Event { at: now, actor: Actor::System, happening: step.into() });
    }
    assert_eq!(show(after(3, -1)).unwrap_err(), Refusal::ClockWentBack { last: at(3) });
    let refused = running_on_camera().show_seed(alert(), &policy(), at(3)).unwrap_err();
    assert_eq!(refused, AlertRefusal::SeedsOutsideExercise.into());
}

#[test]
fn the_end_tells_how_the_seeds_were_judged() {
    use Judgement::{CannotTell, NotThisPerson, SamePerson};
    let seen = [
        vec![],
        vec![judged(SamePerson, 9)],
        vec![judged(NotThisPerson, 2), judged(NotThisPerson, 1)],
        vec![judged(CannotTell, 4), judged(SamePerson, 30)],
        vec![judged(SamePerson, 3), judged(NotThisPerson, 5)],
    ];
    let ended = running().end("done", at(4)).unwrap().into_parts().0;
    let seeds = vec!["a1".to_owned(), "a2".to_owned()];
    let (figures, event) = ended.reveal_seeds("salt".into(), seeds.clone(), 5, &seen, at(5)).unwrap().into_parts();
    let expected = SeedFigures {
        deployment: "d1".into(),
        salt: "salt".into(),
        seeds,
        shown: 5,
        judgements: 7,
        false_accepts: 3,
        cannot_tell: 1,
        judged_twice: 3,
        agreed: 1,
        seconds_to_decide_p50: 4,
        seconds_to_decide_p90: 30,
    };
    assert_eq!(figures, expected);
    let step = AlertStep::SeedsRevealed { deployment: plan().deployment, figures: expected };
    assert_eq!(event, Event { at: at(5), actor: Actor::System, happening: step.into() });

    let on_camera = running_on_camera().end("done", at(4)).unwrap().into_parts().0;
    let refused = on_camera.reveal_seeds("salt".into(), vec![], 0, &[], at(5)).unwrap_err();
    assert_eq!(refused, AlertRefusal::SeedsOutsideExercise.into());
}
