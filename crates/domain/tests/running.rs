//! From the start to the published results: what is counted, who goes on after a pause, and what is left when it is over.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod scene;

use domain::deployment::Destroyed;
use domain::{Actor, Counts, Deployment, Event, Followed, Happening, Live, Refusal, Results, Watched, tripped};

use scene::stages::*;
use scene::*;

const FIRST: Counts = Counts { faces_seen: 5, templates_made: 4, templates_destroyed: 3, alerts_kept: 1 };
const SECOND: Counts = Counts { faces_seen: 7, templates_made: 6, templates_destroyed: 4, alerts_kept: 2 };
const BOTH: Counts = Counts { faces_seen: 12, templates_made: 10, templates_destroyed: 7, alerts_kept: 3 };

fn running() -> Live {
    let record = &mut Record::default();
    let approved = approved(record, &policy());
    live(record, approved, &policy())
}

#[test]
fn each_receipt_begins_where_the_last_one_ended_and_is_added_to_it() {
    let live = running();
    assert_eq!((live.started(), live.counted_until(), live.counted()), (at(3), at(3), Counts::default()));
    let (live, event) = live.count(FIRST, after(3, 60)).unwrap().into_parts();
    let deployment = plan().deployment;
    let happening = Happening::MinuteCounted { deployment, from: at(3), to: after(3, 60), counts: FIRST };
    assert_eq!(event, Event { at: after(3, 60), actor: Actor::System, happening });
    assert_eq!((live.started(), live.counted_until(), live.counted()), (at(3), after(3, 60), FIRST));

    // What was made before a pause took effect is counted in the pause.
    let paused = live.pause(&operator(), "r", after(3, 61)).unwrap().into_parts().0;
    assert_eq!((paused.counted_until(), paused.counted()), (after(3, 60), FIRST));
    let paused = paused.count(SECOND, after(3, 61)).unwrap().into_parts().0;
    assert_eq!((paused.counted_until(), paused.counted()), (after(3, 61), BOTH));
}

#[test]
fn a_receipt_may_be_of_no_time_and_never_of_time_that_ran_backwards() {
    let live = running().count(FIRST, after(3, 60)).unwrap().into_parts().0;
    let empty = live.clone().count(Counts::default(), after(3, 60)).unwrap().into_parts().0;
    assert_eq!(empty, live);
    let refused = live.count(Counts::default(), after(3, 59)).unwrap_err();
    assert_eq!(refused, Refusal::ClockWentBack { last: after(3, 60) });
}

#[test]
fn a_paused_deployment_goes_on_until_its_window_is_over_and_no_longer() {
    let moved = Watched { camera_moved: Some("c1".into()), ..Watched::default() };
    let trip = tripped(&moved, &policy()).unwrap();
    let resume = |now| {
        let paused = running().pause(&operator(), "r", at(4)).unwrap().into_parts().0;
        paused.resume(&operator(), now).map(|decided| decided.into_parts().0)
    };
    let clear = |now| {
        let tripped = running().trip(&trip, at(4)).into_parts().0;
        tripped.clear_trip(&authoriser(), "put back", now).map(|decided| decided.into_parts().0)
    };
    let (last, over) = (after(WINDOW.1, -1), at(WINDOW.1));
    assert_eq!((resume(last), clear(last)), (Ok(running()), Ok(running())));
    let outside = Err(Refusal::OutsideWindow { starts: at(WINDOW.0), ends: over });
    assert_eq!((resume(over), clear(over)), (outside.clone(), outside));
}

#[test]
fn what_was_counted_outlives_the_end_and_the_purge() {
    let live = running().count(BOTH, at(4)).unwrap().into_parts().0;
    let ended = live.end_by(&authoriser(), "done", after(4, 30)).unwrap().into_parts().0;
    assert_eq!((ended.ended(), ended.counts()), (after(4, 30), BOTH));
    assert_eq!(ended.purge_due(&policy()), at(WINDOW.0) + policy().alert_retention);
    let purged = ended.purge(Destroyed { alerts: 3, watchlist_images: 1 }, at(5)).into_parts().0;
    assert_eq!((purged.counts(), purged.results()), (BOTH, None));
    assert_eq!(Deployment::Purged(purged).due(&policy(), at(100)), None);
}

#[test]
fn the_published_results_are_what_was_counted_and_what_people_recorded() {
    let live = running().count(BOTH, at(4)).unwrap().into_parts().0;
    let ended = live.end("done", after(4, 30)).unwrap().into_parts().0;
    let purged = ended.purge(Destroyed { alerts: 3, watchlist_images: 1 }, at(5)).into_parts().0;
    let followed = Followed {
        positive_alerts: 2,
        positive_interventions: 2,
        incorrect_alerts: 1,
        incorrect_interventions: 0,
        arrests_or_disposals: 1,
    };
    let (purged, event) = purged.publish_results(&authoriser(), followed, at(6)).unwrap().into_parts();
    let results = Results {
        started: at(3),
        duration_seconds: TICK.as_secs().cast_unsigned() + 30,
        cameras: 1,
        watchlist: 1,
        threshold: "0.5".into(),
        total_alerts: 3,
        positive_alerts: 2,
        positive_interventions: 2,
        incorrect_alerts: 1,
        incorrect_interventions: 0,
        arrests_or_disposals: 1,
        faces_seen: 12,
    };
    assert_eq!(purged.results(), Some(&results));
    let happening = Happening::ResultsPublished { deployment: plan().deployment, results };
    assert_eq!(event, Event { at: at(6), actor: Actor::Officer(authoriser().id), happening });
}
