//! What the record may say of a deployment in each of its states, what it becomes by that, and why all else is refused.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod scene;

use std::collections::BTreeSet;

use domain::deployment::{Destroyed, Recollection};
use domain::{
    Actor, Counts, Deployment, Draft, Followed, Operation, Policy, Role, SourceKind, Watched, published_plan, tripped,
};
use evidence::authorisation::sign_plan;
use evidence::{Entry, Fact};

use scene::facts::*;
use scene::stages::*;
use scene::*;

/// What a record may be of: any policy will do, and this one allows everything that there is.
fn rules() -> Policy {
    Policy { sources: SourceKind::ALL.to_vec(), ..urgent_policy() }
}

/// The state after another person, who proposed nothing, is on the record with this.
fn then(state: &Deployment, fact: Fact) -> Result<Deployment, String> {
    by(Actor::Officer(authoriser().id), state, fact)
}

fn by(actor: Actor, state: &Deployment, fact: Fact) -> Result<Deployment, String> {
    Deployment::after(Some(state.clone()), &Recollection { actor, entry: Entry { at: at(4), fact } })
}

/// A deployment in each of its states, as far as they differ in what may follow.
fn states() -> Vec<(&'static str, Deployment)> {
    let record = &mut Record::default();
    let proposed = proposed(record, plan(), &rules());
    let withdrawn = record.take(proposed.clone().withdraw(&proposer(), "r", at(0)));
    let approved = approved(record, &rules());
    let announced = announced(record, approved.clone(), &rules());
    let prepared = prepared(record, announced.clone(), &rules(), at(3));
    let live = live(record, approved.clone(), &rules());
    let paused = record.take(live.clone().pause(&operator(), "r", at(3)));
    let tripped = then(&Deployment::Live(live.clone()), tripped_by("camera moved")).unwrap();
    let ended = record.take(live.clone().end("r", at(3)));
    let purged = ended.clone().purge(Destroyed { alerts: 0, watchlist_images: 1 }, at(3)).into_parts().0;
    let accounted = record.take(purged.clone().publish_results(&authoriser(), Followed::default(), at(3)));
    vec![
        ("proposed", Deployment::Proposed(proposed)),
        ("approved", Deployment::Approved(approved)),
        ("announced", Deployment::Announced(announced)),
        ("prepared", Deployment::Announced(prepared)),
        ("live", Deployment::Live(live)),
        ("paused", Deployment::Paused(paused)),
        ("tripped", tripped),
        ("ended", Deployment::Ended(ended)),
        ("purged", Deployment::Purged(purged)),
        ("accounted", Deployment::Purged(accounted)),
        ("withdrawn", Deployment::Withdrawn(withdrawn)),
    ]
}

fn state(name: &str) -> Deployment {
    states().into_iter().find(|(known, _)| *known == name).unwrap().1
}

#[test]
fn each_state_allows_what_its_life_allows_and_nothing_else() {
    let of_alerts = [
        "alert adjudicated",
        "outcome recorded",
        "judged once",
        "judged twice",
        "engaged",
        "outcome reclassified",
        "evidence held",
        "hold released",
        "held evidence destroyed",
    ];
    let after_the_purge = ["outcome reclassified", "hold released", "held evidence destroyed", "commitments destroyed"];
    let running =
        [&["tripped: paused", "alert raised"][..], &of_alerts, &["alerts suppressed", "receipt", "ended: ended"]]
            .concat();
    let prepared = ["signs confirmed", "recording declared", "seeds committed"];
    let allowed = [
        (
            "proposed",
            vec!["approved: approved", "approved urgently: approved", "document filled", "withdrawn: withdrawn"],
        ),
        (
            "approved",
            vec!["outside body signed", "document filled", "notice published: announced", "withdrawn: withdrawn"],
        ),
        ("announced", [&["watchlist frozen"][..], &prepared, &["withdrawn: withdrawn"]].concat()),
        ("prepared", [&prepared[..], &["started: live", "withdrawn: withdrawn"]].concat()),
        ("live", [&["paused: paused"][..], &running].concat()),
        ("paused", [&["resumed: live"][..], &["tripped"], &running[1..]].concat()),
        ("tripped", [&["tripped", "trip cleared: live"][..], &running[1..]].concat()),
        ("ended", [&of_alerts[..], &["watchlist destroyed", "seeds revealed", "purged: purged"]].concat()),
        ("purged", [&after_the_purge[..], &["results published"]].concat()),
        ("accounted", after_the_purge.to_vec()),
        ("withdrawn", vec![]),
    ];
    let (names, allowed): (Vec<_>, Vec<_>) = allowed.into_iter().unzip();
    assert_eq!(states().into_iter().map(|(name, _)| name).collect::<Vec<_>>(), names);
    for ((name, state), allowed) in states().into_iter().zip(allowed) {
        let follow = facts().into_iter().filter_map(|(said, fact)| {
            let next = then(&state, fact).ok()?.state();
            Some(if next == state.state() { said.to_owned() } else { format!("{said}: {next}") })
        });
        let allowed: BTreeSet<_> = allowed.into_iter().map(str::to_owned).collect();
        assert_eq!(follow.collect::<BTreeSet<_>>(), allowed, "{name}");
    }
}

#[test]
fn a_story_that_cannot_be_is_refused_with_a_sentence_that_says_why() {
    let unbalanced = Counts { templates_made: 5, ..COUNTS };
    let gap = "its receipt leaves a gap or does not balance";
    let cleared = "no trip-wire had paused it, or it was not an authorising officer's";
    for (name, fact, why) in [
        ("proposed", fact("notice published"), "it was proposed and that allows nothing of the kind"),
        ("proposed", fact("ratified"), "it was proposed and that allows nothing of the kind"),
        ("approved", fact("started"), "it was approved and that allows nothing of the kind"),
        ("approved", filled(SLOT), "its document \"impact assessment\" was changed after the approval"),
        ("announced", fact("started"), "it started without a frozen watchlist or confirmed signs"),
        ("announced", fact("paused"), "it was announced and that allows nothing of the kind"),
        ("prepared", fact("watchlist frozen"), "its watchlist was frozen already"),
        ("live", fact("started"), "it was live and that allows nothing of the kind"),
        ("live", receipt(after(3, 1), at(4), COUNTS), gap),
        ("live", receipt(after(3, -1), at(4), COUNTS), gap),
        ("live", receipt(at(3), after(3, -1), COUNTS), gap),
        ("live", receipt(at(3), at(4), unbalanced), gap),
        ("live", ended_with(COUNTS), "its receipts do not add up to its total"),
        ("live", tripped_by("weather"), "no trip-wire is called \"weather\""),
        ("paused", fact("paused"), "it was paused already"),
        ("paused", fact("trip cleared"), cleared),
        ("paused", cleared_by(Role::Operator), cleared),
        ("tripped", fact("resumed"), "a trip-wire had paused it, and nobody cleared that"),
        ("tripped", cleared_by(Role::Operator), cleared),
        ("ended", fact("receipt"), "it was ended and that allows nothing of the kind"),
        ("purged", fact("purged"), "it was purged and that allows nothing of the kind"),
        ("accounted", fact("results published"), "it was purged and that allows nothing of the kind"),
        ("withdrawn", fact("approved"), "it was withdrawn and that allows nothing of the kind"),
    ] {
        assert_eq!(then(&state(name), fact), Err(why.into()), "{name}");
    }
}

#[test]
fn a_record_of_an_approval_by_nobody_else_does_not_replay() {
    let why = Err("it was not approved by another person".to_owned());
    for approved in ["approved", "approved urgently"] {
        for actor in [Actor::System, Actor::Officer(proposer().id)] {
            assert_eq!(by(actor, &state("proposed"), fact(approved)), why, "{approved}");
        }
    }
}

#[test]
fn a_record_begins_with_a_proposal_that_somebody_made_and_that_this_version_knows() {
    let begin = |actor, fact| Deployment::after(None, &Recollection { actor, entry: Entry { at: at(0), fact } });
    let somebody = Actor::Officer(proposer().id);
    let proposed = Draft { plan: plan() }.propose(&proposer(), &rules(), at(0)).unwrap().into_parts().0;
    assert_eq!(begin(somebody.clone(), fact("proposed")), Ok(Deployment::Proposed(proposed)));
    assert_eq!(begin(Actor::System, fact("proposed")), Err("nobody proposed it".into()));
    assert_eq!(begin(somebody.clone(), fact("approved")), Err("it was never proposed".into()));
    let drill = evidence::DeploymentPlan { deployment_kind: "drill".into(), ..published_plan(&plan()) };
    let unknown = begin(somebody, Fact::DeploymentProposed(drill));
    assert_eq!(unknown, Err("its kind \"drill\" is unknown to this version".into()));
    assert_eq!(Deployment::replay(&[]), Ok(None));
}

#[test]
fn what_does_not_fit_is_named_with_its_place_in_the_story() {
    let mut record = Record::default();
    proposed(&mut record, plan(), &rules());
    record.0.push(Recollection { actor: Actor::System, entry: Entry { at: at(1), fact: fact("paused") } });
    let inconsistent = Deployment::replay(&record.0).unwrap_err();
    assert_eq!(
        inconsistent.to_string(),
        "entry 2 of the deployment does not follow from those before it: it was proposed and that allows nothing of \
         the kind"
    );
}

#[test]
fn documents_and_an_outside_signature_are_remembered_before_and_after_the_approval() {
    let rules = Policy { documents: vec![SLOT.into(), "equality assessment".into()], ..rules() };
    let keys = outside_keys();
    let operation = Operation { outside_authoriser: Some(keys.verifying.clone()), ..operation() };
    let (first, second) = (digest(), "cd".repeat(32));
    let record = &mut Record::default();
    let state = proposed(record, plan(), &rules);
    assert_eq!(state.documents(), &[(SLOT.to_owned(), first.clone())].into());
    let state = record.take(state.fill_document(&proposer(), SLOT, second.clone(), &rules, at(0)));
    assert_eq!(state.documents(), &[(SLOT.to_owned(), second.clone())].into());
    assert_eq!(record.state(), Deployment::Proposed(state.clone()));

    let state = record.take(state.approve(&authoriser(), &rules, at(0)));
    let state = record.take(state.fill_document(&authoriser(), "equality assessment", first.clone(), &rules, at(0)));
    let both = [(SLOT.to_owned(), second), ("equality assessment".to_owned(), first)];
    assert_eq!(state.documents(), &both.into());
    assert_eq!(record.state(), Deployment::Approved(state.clone()));

    let signature = sign_plan(&keys.signing, &published_plan(&plan())).unwrap();
    let signed = record.take(state.clone().enter_outside_signature(&authoriser(), &operation, &signature, at(0)));
    assert_ne!(signed, state);
    assert_eq!(record.state(), Deployment::Approved(signed));
}

#[test]
fn a_life_with_every_interruption_replays_to_the_state_at_every_step() {
    let record = &mut Record::default();
    let approved = approved(record, &rules());
    let live = live(record, approved, &rules());
    assert_eq!(record.state(), Deployment::Live(live.clone()));
    let live = record.take(live.count(COUNTS, at(4)));
    assert_eq!(record.state(), Deployment::Live(live.clone()));
    let live = record.take(live.count(Counts::default(), at(4)));
    assert_eq!(record.state(), Deployment::Live(live.clone()), "a receipt of no time");
    let paused = record.take(live.pause(&operator(), "r", at(4)));
    let paused = record.take(paused.count(COUNTS, after(4, 1)));
    assert_eq!(record.state(), Deployment::Paused(paused.clone()));
    let moved = Watched { camera_moved: Some("c1".into()), ..Watched::default() };
    let tripped = record.take(Ok(paused.trip(&tripped(&moved, &rules()).unwrap(), after(4, 2))));
    assert_eq!(record.state(), Deployment::Paused(tripped.clone()));
    let live = record.take(tripped.clear_trip(&authoriser(), "put back", after(4, 3)));
    assert_eq!(record.state(), Deployment::Live(live.clone()));
    let ended = record.take(live.end_by(&operator(), "done", at(5)));
    assert_eq!(record.state(), Deployment::Ended(ended.clone()));
    let purged = record.take(Ok(ended.purge(Destroyed { alerts: 2, watchlist_images: 1 }, at(6))));
    assert_eq!(record.state(), Deployment::Purged(purged.clone()));
    let published = record.take(purged.publish_results(&authoriser(), Followed::default(), at(6)));
    assert_eq!(record.state(), Deployment::Purged(published));
}
