//! The life cycle explored from end to end at small bounds, on the real types: what may never be, never is.
//!
//! A state of the search is a deployment with a small clock; a step is a call of this crate by somebody of a small cast,
//! or a tick of the clock followed by what the clock demands. What must hold is judged from the events alone, by
//! bookkeeping that shares nothing with the rules. `xtask mutants` takes each check out and expects this to find it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and says what it found"
)]

mod explored;
mod scene;

use stateright::{Checker, HasDiscoveries, Model, Property};

use explored::{Life, Step, World};

/// Declares the properties once: each holds while no step was found to break it.
macro_rules! properties {
    ($($name:literal,)*) => {
        fn promises() -> Vec<Property<Life>> {
            vec![$(Property::always($name, |_: &Life, world: &World| world.broken != Some($name)),)*]
        }

        /// A rule may only break a promise that is on the list.
        fn is_promised(broken: &str) -> bool {
            [$($name,)*].contains(&broken)
        }
    };
}

properties! {
    "never live without approval by another person",
    "never live before the notice stood its time, unless approved urgently",
    "never live on an urgent approval that lapsed",
    "ratified only in time, and by a third person",
    "never live without a frozen watchlist that is fresh and within its limit",
    "nobody is listed after the freeze",
    "never live without signs confirmed on the day",
    "never live without a declared recording",
    "never live without a declared camera",
    "never live from a source that the policy does not allow",
    "never live with more cameras than were approved",
    "an exercise reads no camera, and a live deployment no recording",
    "a camera stays as it was declared",
    "never live outside the window",
    "never live without a passing evaluation for the model and threshold",
    "no candidate without a live lease",
    "a face that is no candidate is gone",
    "nothing biometric outlives its clock",
    "an alert is seen and judged only until it expires",
    "announced only with every document, and what was approved stays",
    "announced only with the outside body's signature, where one is named",
    "a trip-wire is cleared by an authorising officer alone",
    "nobody acts whose training has expired, but to pause",
    "those who only read, and administrators, change nothing",
    "every transition has exactly one entry",
    "the record is the state",
    "results are published once, and add up",
}

fn reached() -> Vec<Property<Life>> {
    vec![
        Property::sometimes("it goes live", |_: &Life, world: &World| world.state() == "live"),
        Property::sometimes("it is purged and accounted for", |_: &Life, world: &World| world.accounted()),
        Property::sometimes("an alert is closed", |_: &Life, world: &World| world.alert_is_closed()),
        Property::sometimes("a trip-wire is cleared", |_: &Life, world: &World| world.told.cleared),
        Property::sometimes("it lapses before it began", |_: &Life, world: &World| world.state() == "withdrawn"),
    ]
}

impl Model for Life {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::beginning()]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.broken.is_none() {
            steps.extend(self.steps(world));
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let next = self.take(world.clone(), step)?;
        assert!(next.broken.is_none_or(is_promised), "{:?} is no promise", next.broken);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Life>> {
        promises().into_iter().chain(reached()).collect()
    }
}

fn explore(life: Life) {
    // A broken promise ends the search: it is the nearest to the beginning.
    let checker = life.checker().finish_when(HasDiscoveries::AnyFailures).threads(2).spawn_bfs().join();
    println!("{} states, {} of them different", checker.state_count(), checker.unique_state_count());
    for (name, _) in checker.discoveries().iter().filter(|(name, _)| is_promised(name)) {
        println!("broken: {name}");
    }
    checker.assert_properties();
}

#[test]
fn ordinary_life_with_an_outside_body_keeps_every_promise() {
    explore(Life::ordinary());
}

#[test]
fn life_on_the_urgent_route_with_cameras_keeps_every_promise() {
    explore(Life::urgent());
}
