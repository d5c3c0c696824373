//! The steps of a deployment that take one moment: each asks the rules, and records what they answer.

use std::path::Path;

use anyhow::{Context as _, Result};
use capture::Recording;
use domain::{Deployment, DeploymentId, Draft, Figures, Followed, Kind, OperationId, Plan};
use evidence::Fact;
use evidence::authorisation::plan_text;
use pipeline::Footage;
use serde_json::json;

use super::super::{Said, Session, digest_of, text_of};
use super::{Proposal, Recorded, data, said};

pub(super) fn list(session: &Session) -> Result<Said> {
    let names = session.store.deployments()?;
    let deployments = names.iter().map(|name| session.store.deployment(name)).collect::<Result<Vec<_>, _>>()?;
    let text = deployments.iter().map(|deployment| said(deployment).text).collect::<Vec<_>>().join("\n");
    Ok(Said::new(text, deployments.iter().map(|deployment| data(deployment)).collect()))
}

pub(super) fn propose(session: &mut Session, proposal: Proposal) -> Result<Said> {
    let plan = Plan {
        deployment: DeploymentId::new(&proposal.deployment)?,
        operation: OperationId::new(&proposal.operation)?,
        kind: Kind::from_word(&proposal.kind).context("the kind is none of those there are")?,
        purpose: proposal.purpose,
        place: proposal.place,
        place_ground: proposal.place_ground,
        place_evidence: digest_of(&session.file(&proposal.place_evidence)?)?,
        cameras: proposal.cameras,
        starts: proposal.starts,
        ends: proposal.ends,
    };
    let name = proposal.deployment;
    let proposed = Draft { plan }.propose(&session.officer()?, &session.policy()?, session.now)?;
    session.store.commit(proposed)?;
    now_is(session, &name)
}

pub(super) fn document(session: &mut Session, name: &str, slot: &str, file: &Path) -> Result<Said> {
    let (officer, policy, digest, now) =
        (session.officer()?, session.policy()?, digest_of(&session.file(file)?)?, session.now);
    match session.deployment(name)?.into_inner() {
        Deployment::Approved(approved) => {
            let filled = approved.fill_document(&officer, slot, digest.clone(), &policy, now)?;
            session.store.commit(filled).map(drop)?;
        }
        other => {
            let filled = other.expect_proposed()?.fill_document(&officer, slot, digest.clone(), &policy, now)?;
            session.store.commit(filled).map(drop)?;
        }
    }
    let text = format!("{name}: the {slot} is on the record with SHA-256 {digest}");
    Ok(Said::new(text, json!({ "deployment": name, "slot": slot, "digest": digest })))
}

pub(super) fn approve(session: &mut Session, name: &str) -> Result<Said> {
    let proposed = session.deployment(name)?.expect_proposed()?.into_inner();
    let approved = proposed.approve(&session.officer()?, &session.policy()?, session.now)?;
    session.store.commit(approved)?;
    now_is(session, name)
}

pub(super) fn approve_urgently(session: &mut Session, name: &str, ground: &str) -> Result<Said> {
    let proposed = session.deployment(name)?.expect_proposed()?.into_inner();
    let approved = proposed.approve_urgently(&session.officer()?, ground, &session.policy()?, session.now)?;
    session.store.commit(approved)?;
    now_is(session, name)
}

pub(super) fn ratify(session: &mut Session, name: &str) -> Result<Said> {
    let deployment = session.deployment(name)?.into_inner();
    let ratified = deployment.ratify(&session.officer()?, &session.policy()?, session.now)?;
    session.store.commit(ratified)?;
    now_is(session, name)
}

pub(super) fn outside_text(session: &Session, name: &str) -> Result<Said> {
    let entries = session.store.entries(Some(&DeploymentId::new(name)?))?;
    let plan = entries.iter().find_map(|(_, entry)| match &entry.fact {
        Fact::DeploymentProposed(plan) => Some(plan_text(plan)),
        _ => None,
    });
    let text = plan.with_context(|| format!("deployment {name} was never proposed"))?;
    Ok(Said::new(text.clone(), json!({ "deployment": name, "text": text })))
}

pub(super) fn outside_sign(session: &mut Session, name: &str, signature: &Path) -> Result<Said> {
    let note = text_of(&session.file(signature)?)?;
    // A whole signed note, or its signature's line alone.
    let line = note.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let approved = session.deployment(name)?.expect_approved()?.into_inner();
    let operation = session.store.operation(&approved.plan().operation)?;
    let signed = approved.enter_outside_signature(&session.officer()?, &operation, line, session.now)?;
    session.store.commit(signed)?;
    now_is(session, name)
}

pub(super) fn announce(session: &mut Session, name: &str, notice: &Path) -> Result<Said> {
    let approved = session.deployment(name)?.expect_approved()?;
    let officer = session.officer()?;
    let notice = text_of(&session.file(notice)?)?;
    session.store.publish_notice(approved, &officer, &notice, session.now)?;
    now_is(session, name)
}

pub(super) fn confirm_signs(session: &mut Session, name: &str, signs: u32, route: &str, page: &str) -> Result<Said> {
    let announced = session.deployment(name)?.expect_announced()?.into_inner();
    let confirmed = announced.confirm_signage(&session.officer()?, signs, route, page, session.now)?;
    session.store.commit(confirmed)?;
    now_is(session, name)
}

pub(super) fn declare(session: &mut Session, declared: &Recorded) -> Result<Said> {
    let footage = Footage::Recording(Recording::open(session.place(&declared.recording))?);
    let digest = footage.digest().context("a recording has a digest")?;
    let bytes = footage.bytes();
    let announced = session.deployment(&declared.deployment)?.expect_announced()?.into_inner();
    let officer = session.officer()?;
    let decided = announced.declare_recording(&officer, &declared.camera, digest.clone(), bytes, session.now)?;
    session.store.commit(decided)?;
    let text = format!("{}: {} is declared, {bytes} bytes, SHA-256 {digest}", declared.deployment, declared.camera);
    let json =
        json!({ "deployment": declared.deployment, "camera": declared.camera, "digest": digest, "bytes": bytes });
    Ok(Said::new(text, json))
}

pub(super) fn pause(session: &mut Session, name: &str, reason: &str) -> Result<Said> {
    let live = session.deployment(name)?.expect_live()?.into_inner();
    let paused = live.pause(&session.officer()?, reason, session.now)?;
    session.store.commit(paused)?;
    now_is(session, name)
}

pub(super) fn resume(session: &mut Session, name: &str) -> Result<Said> {
    let paused = session.deployment(name)?.expect_paused()?.into_inner();
    let live = paused.resume(&session.officer()?, session.now)?;
    session.store.commit(live)?;
    now_is(session, name)
}

pub(super) fn clear_trip(session: &mut Session, name: &str, reason: &str) -> Result<Said> {
    let paused = session.deployment(name)?.expect_paused()?.into_inner();
    let live = paused.clear_trip(&session.officer()?, reason, session.now)?;
    session.store.commit(live)?;
    now_is(session, name)
}

pub(super) fn end(session: &mut Session, name: &str, reason: &str) -> Result<Said> {
    let officer = session.officer()?;
    let ended = match session.deployment(name)?.into_inner() {
        Deployment::Paused(paused) => paused.end_by(&officer, reason, session.now)?,
        other => other.expect_live()?.end_by(&officer, reason, session.now)?,
    };
    if session.runs(name) {
        // The rules would let them. The run ends itself, so that its last receipt comes first.
        session.stop_run(reason);
        return Ok(Said::default());
    }
    session.store.commit(ended)?;
    now_is(session, name)
}

pub(super) fn withdraw(session: &mut Session, name: &str, reason: &str) -> Result<Said> {
    let (officer, now) = (session.officer()?, session.now);
    let withdrawn = match session.deployment(name)?.into_inner() {
        Deployment::Proposed(state) => state.withdraw(&officer, reason, now)?,
        Deployment::Approved(state) => state.withdraw(&officer, reason, now)?,
        other => other.expect_announced()?.withdraw(&officer, reason, now)?,
    };
    session.store.commit(withdrawn)?;
    now_is(session, name)
}

pub(super) fn purge(session: &mut Session, name: &str) -> Result<Said> {
    let ended = session.deployment(name)?.expect_ended()?;
    session.store.purge(ended, session.now)?;
    now_is(session, name)
}

pub(super) fn publish_results(session: &mut Session, name: &str) -> Result<Said> {
    let Deployment::Purged(purged) = session.deployment(name)?.into_inner() else {
        anyhow::bail!("publishing the results of {name}: it is not purged yet; results come after the purge");
    };
    let figures = session.store.alert_figures(&DeploymentId::new(name)?)?;
    let published = purged.publish_results(&session.officer()?, followed(&figures), session.now)?;
    let published = session.store.commit(published)?;
    let results = published.results().context("the results are published, but not to be read")?;
    let json = serde_json::to_value(results)?;
    Ok(Said::new(format!("{name}: {}", serde_json::to_string_pretty(&json)?), json))
}

/// The columns of the published table that people's outcomes give.
fn followed(figures: &Figures) -> Followed {
    Followed {
        positive_alerts: figures.true_alerts,
        positive_interventions: figures.spoken_to.min(figures.true_alerts),
        incorrect_alerts: figures.false_alerts,
        incorrect_interventions: figures.spoken_to.saturating_sub(figures.true_alerts).min(figures.false_alerts),
        arrests_or_disposals: figures.disposals,
    }
}

fn now_is(session: &Session, name: &str) -> Result<Said> {
    Ok(said(&*session.deployment(name)?))
}
