//! One state of the search and its steps: every call of the life cycle, by everybody of a small cast.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod told;

use std::cell::Cell;
use std::fmt::Write;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use domain::deployment::{Destroyed, Recollection};
use domain::{
    Adjudicated, AlertId, Announced, Decided, Deployment, Draft, Due, Followed, Judgement, Kind, Lease, ModelId,
    Nearest, Officer, Operation, Outcome, Plan, Policy, Raised, Refusal, Role, Score, Settlement, SourceKind, Tally,
    Watched, alert, published_plan, settle, tripped,
};
use evidence::authorisation::sign_plan;
use jiff::Timestamp;

use super::scene::*;
use told::{Named, Told};

/// The last tick that is looked at: the window and the retention of an alert are over by then.
const LAST_TICK: i64 = 8;

/// What is explored: a policy, an operation under it, and a cast.
pub struct Life {
    policy: Policy,
    operation: Operation,
    cast: Vec<Officer>,
    signatures: Vec<String>,
}

/// Somebody of the cast, by number.
pub type Who = usize;

/// One call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    Tick,
    /// Time passes while the machine is off: nothing that the clock demands is done.
    Sleep,
    /// Of either kind; the policy allows one of the two.
    Propose(Who, Kind),
    FillDocument(Who),
    Approve(Who),
    ApproveUrgently(Who),
    Ratify(Who),
    EnterSignature(Who, usize),
    Announce(Who),
    List(Who),
    Freeze(Who, u64),
    ConfirmSigns(Who),
    Declare(Who, Source),
    Start(Who, &'static str),
    TakeLease,
    Compare(&'static str),
    Count,
    Pause(Who),
    Resume(Who),
    Trip,
    ClearTrip(Who),
    End(Who),
    RunOut,
    Purge,
    Publish(Who, u64),
    Withdraw(Who),
    View(Who),
    Judge(Who),
    RecordOutcome(Who),
}

/// What is declared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    Recording,
    Camera(&'static str),
}

/// What is kept of the one alert that a story may have.
#[derive(Clone, Debug)]
enum Alert {
    Raised(Raised),
    Judged(Adjudicated),
    Closed,
}

/// Whether the machine was off. Once in a story is enough: what is refused then does not depend on what was before.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slept {
    NotYet,
    /// It is on again, and the clock has not ticked since.
    JustNow,
    Before,
}

/// A state of the search.
#[derive(Clone, Debug)]
pub struct World {
    tick: i64,
    deployment: Option<Deployment>,
    lease: Option<Lease>,
    tally: Tally,
    alert: Option<Alert>,
    alerts_raised: u32,
    slept: Slept,
    /// What the events have told so far, as far as the promises need it.
    pub told: Told,
    /// The promise that the last step broke.
    pub broken: Option<&'static str>,
    /// One way in which this state is reached; states that differ in nothing else are one.
    record: Vec<Recollection>,
}

impl World {
    pub fn beginning() -> Self {
        Self {
            tick: 0,
            deployment: None,
            lease: None,
            tally: Tally::new(),
            alert: None,
            alerts_raised: 0,
            slept: Slept::NotYet,
            told: Told::default(),
            broken: None,
            record: Vec::new(),
        }
    }

    pub fn state(&self) -> &'static str {
        self.deployment.as_ref().map_or("nothing", Deployment::state)
    }

    pub fn accounted(&self) -> bool {
        matches!(&self.deployment, Some(Deployment::Purged(purged)) if purged.results().is_some())
    }

    pub fn alert_is_closed(&self) -> bool {
        matches!(self.alert, Some(Alert::Closed))
    }

    /// All that a state is told apart by.
    fn write_key(&self, out: &mut impl Write) {
        let Self { tick, deployment, lease, tally, alert, alerts_raised, slept, told, broken, record: _ } = self;
        write!(
            out,
            "{tick} {deployment:?} {lease:?} {tally:?} {alert:?} {alerts_raised} {slept:?} {told:?} {broken:?}"
        )
        .unwrap();
    }

    fn breaks(&mut self, promise: &'static str) {
        self.broken.get_or_insert(promise);
    }

    fn break_unless(&mut self, kept: bool, promise: &'static str) {
        if !kept {
            self.breaks(promise);
        }
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        let (mut one, mut two) = (String::new(), String::new());
        self.write_key(&mut one);
        other.write_key(&mut two);
        one == two
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.write_key(&mut Fed(state));
    }
}

/// A hasher that is written to, so that a key needs no text of its own.
struct Fed<'a, H>(&'a mut H);

impl<H: Hasher> Write for Fed<'_, H> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

/// A face that says when it is gone.
struct Face(Rc<Cell<u32>>);

impl Drop for Face {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Life {
    pub fn ordinary() -> Self {
        let keys = outside_keys();
        let operation = Operation { outside_authoriser: Some(keys.verifying.clone()), ..operation() };
        let other = domain::Plan { cameras: 2, ..plan() };
        let sign = |plan| sign_plan(&keys.signing, &published_plan(plan)).unwrap();
        let signatures = vec![sign(&other), sign(&plan())];
        Self { policy: policy(), operation, cast: cast(), signatures }
    }

    /// On the urgent route, and with cameras.
    pub fn urgent() -> Self {
        let policy = Policy { sources: vec![SourceKind::Camera], ..urgent_policy() };
        Self { policy, operation: operation(), cast: cast(), signatures: Vec::new() }
    }

    /// Every call that is worth trying; the rules refuse most of them.
    pub fn steps(&self, world: &World) -> Vec<Step> {
        use Step as S;
        let everybody = 0..self.cast.len();
        let by = |step: fn(Who) -> Step| everybody.clone().map(step).collect::<Vec<_>>();
        let mut steps = match &world.deployment {
            None => everybody.clone().flat_map(|who| Kind::ALL.map(|kind| S::Propose(who, kind))).collect(),
            Some(Deployment::Proposed(_)) => {
                // The two stories have one route each, so that neither is explored twice.
                let approve = if self.policy.urgent_ratification.is_some() { S::ApproveUrgently } else { S::Approve };
                [by(S::FillDocument), by(approve), by(S::Withdraw)].concat()
            }
            Some(Deployment::Approved(_)) => {
                let mut steps = [by(S::FillDocument), by(S::Announce), by(S::Ratify)].concat();
                let signed = everybody.clone().flat_map(|who| (0..self.signatures.len()).map(move |n| (who, n)));
                steps.extend(signed.map(|(who, n)| S::EnterSignature(who, n)));
                steps
            }
            Some(Deployment::Announced(_)) => {
                let mut steps = [by(S::List), by(S::ConfirmSigns), by(S::Ratify)].concat();
                let sources = [Source::Recording, Source::Camera("c1"), Source::Camera("c2")];
                steps.extend(everybody.clone().flat_map(|who| sources.map(|source| S::Declare(who, source))));
                let people = everybody.clone().flat_map(|who| [0, 1, 3].map(|people| S::Freeze(who, people)));
                let models = ["good", "loose", "claimed", "unknown"];
                let starts = everybody.clone().flat_map(|who| models.map(|model| S::Start(who, model)));
                steps.extend(people.chain(starts));
                steps
            }
            Some(Deployment::Live(_)) => {
                [vec![S::TakeLease, S::Count, S::Trip, S::RunOut], by(S::Pause), by(S::End), by(S::Ratify)].concat()
            }
            Some(Deployment::Paused(_)) => {
                [vec![S::Count, S::Trip, S::RunOut], by(S::Resume), by(S::ClearTrip), by(S::End), by(S::Ratify)]
                    .concat()
            }
            Some(Deployment::Ended(_)) => [vec![S::Purge], by(S::Ratify)].concat(),
            Some(Deployment::Purged(_)) => {
                everybody.clone().flat_map(|who| [0, 2].map(|positive| S::Publish(who, positive))).collect()
            }
            Some(Deployment::Withdrawn(_)) => vec![],
        };
        if world.lease.is_some() && world.tally.total().templates_made < 1 {
            steps.extend([S::Compare("alike"), S::Compare("unlike"), S::Compare("of another model")]);
        }
        steps.extend(match &world.alert {
            Some(Alert::Raised(_)) => [by(S::View), by(S::Judge)].concat(),
            Some(Alert::Judged(_)) => by(S::RecordOutcome),
            Some(Alert::Closed) | None => vec![],
        });
        let over = matches!(world.deployment, Some(Deployment::Withdrawn(_)) | None) && world.tick > 0;
        if world.tick < LAST_TICK && !over {
            steps.push(S::Tick);
            let next = at(world.tick + 1);
            let ends = [Some(at(WINDOW.1)), world.told.lapses, world.told.alert_expires];
            let may_matter = ends.into_iter().flatten().any(|end| end == next);
            if world.slept == Slept::NotYet && may_matter {
                steps.push(S::Sleep);
            }
        }
        steps
    }

    /// The state that a step leads to; none where it is refused.
    pub fn take(&self, mut world: World, step: Step) -> Option<World> {
        match step {
            Step::Tick => self.tick(world),
            Step::Sleep => {
                world.tick += 1;
                world.slept = Slept::JustNow;
                Some(world)
            }
            Step::TakeLease => self.take_lease(world),
            Step::Compare(likeness) => self.compare(world, likeness),
            Step::View(who) | Step::Judge(who) | Step::RecordOutcome(who) => {
                let alert = world.alert.take()?;
                self.follow_alert(world, alert, &self.cast[who], step)
            }
            Step::Propose(who, kind) => {
                let decided =
                    Draft { plan: Plan { kind, ..plan() } }.propose(&self.cast[who], &self.policy, at(world.tick));
                self.keep(world, decided.map(|decided| map(decided, Deployment::Proposed)))
            }
            step => {
                let deployment = world.deployment.take()?;
                let decided = self.ask(deployment, &world, step);
                if matches!(step, Step::Count) {
                    world.tally.mark_reported();
                }
                let world = self.keep(world, decided);
                world.map(|mut world| {
                    let passing = !matches!(step, Step::Start(_, model) if model != "good");
                    world.break_unless(passing, "never live without a passing evaluation for the model and threshold");
                    world
                })
            }
        }
    }

    /// The call itself.
    fn ask(&self, d: Deployment, world: &World, step: Step) -> Result<(Deployment, domain::Event), Refusal> {
        use Deployment as D;
        let (policy, now) = (&self.policy, at(world.tick));
        let who = |who: Who| &self.cast[who];
        let refused = Err(Refusal::ReasonMissing);
        match (step, d) {
            (Step::FillDocument(by), D::Proposed(d)) => {
                d.fill_document(who(by), "impact assessment", digest(), policy, now).map(|x| map(x, D::Proposed))
            }
            (Step::FillDocument(by), D::Approved(d)) => {
                let other = "cd".repeat(32);
                d.fill_document(who(by), "impact assessment", other, policy, now).map(|x| map(x, D::Approved))
            }
            (Step::Approve(by), D::Proposed(d)) => d.approve(who(by), policy, now).map(|x| map(x, D::Approved)),
            (Step::ApproveUrgently(by), D::Proposed(d)) => {
                d.approve_urgently(who(by), "threat to life", policy, now).map(|x| map(x, D::Approved))
            }
            (Step::Ratify(by), d) => d.ratify(who(by), policy, now).map(|x| map(x, |d| d)),
            (Step::EnterSignature(by, n), D::Approved(d)) => d
                .enter_outside_signature(who(by), &self.operation, &self.signatures[n], now)
                .map(|x| map(x, D::Approved)),
            (Step::Announce(by), D::Approved(d)) => {
                d.announce(who(by), "n".into(), &self.operation, policy, now).map(|x| map(x, D::Announced))
            }
            (Step::Withdraw(by), D::Proposed(d)) => d.withdraw(who(by), "rain", now).map(|x| map(x, D::Withdrawn)),
            (Step::List(by), D::Announced(d)) => {
                let listed = d.list(who(by), &entry(), 1, policy, now);
                listed.map(|x| map(x, |_| D::Announced(d)))
            }
            (Step::Freeze(by, people), D::Announced(d)) => {
                d.freeze_watchlist(who(by), &roll(people), "c".into(), policy, now).map(|x| map(x, D::Announced))
            }
            (Step::ConfirmSigns(by), D::Announced(d)) => {
                d.confirm_signage(who(by), 2, "round", "https://page", now).map(|x| map(x, D::Announced))
            }
            (Step::Declare(by, source), D::Announced(d)) => {
                declare(d, who(by), source, policy, now).map(|x| map(x, D::Announced))
            }
            (Step::Start(by, model), D::Announced(d)) => {
                d.start(who(by), equipment(), &threshold(model), policy, now).map(|x| map(x, D::Live))
            }
            (Step::Count, D::Live(d)) => d.count(world.tally.unreported(), now).map(|x| map(x, D::Live)),
            (Step::Count, D::Paused(d)) => d.count(world.tally.unreported(), now).map(|x| map(x, D::Paused)),
            (Step::Pause(by), D::Live(d)) => d.pause(who(by), "crowding", now).map(|x| map(x, D::Paused)),
            (Step::Resume(by), D::Paused(d)) => d.resume(who(by), now).map(|x| map(x, D::Live)),
            (Step::ClearTrip(by), D::Paused(d)) => d.clear_trip(who(by), "set up", now).map(|x| map(x, D::Live)),
            (Step::Trip, d) => {
                let moved = Watched { camera_moved: Some("c1".into()), ..Watched::default() };
                let trip = tripped(&moved, policy).unwrap();
                match d {
                    D::Live(d) => Ok(map(d.trip(&trip, now), D::Paused)),
                    D::Paused(d) if world.told.tripped.is_none() => Ok(map(d.trip(&trip, now), D::Paused)),
                    _ => refused,
                }
            }
            // A run seals its last receipt before it ends.
            (Step::End(_) | Step::RunOut, _) if world.tally.unreported() != domain::Counts::default() => refused,
            (Step::End(by), D::Live(d)) => d.end_by(who(by), "done", now).map(|x| map(x, D::Ended)),
            (Step::End(by), D::Paused(d)) => d.end_by(who(by), "done", now).map(|x| map(x, D::Ended)),
            (Step::RunOut, D::Live(d)) => d.end("done", now).map(|x| map(x, D::Ended)),
            (Step::RunOut, D::Paused(d)) => d.end("done", now).map(|x| map(x, D::Ended)),
            (Step::Purge, D::Ended(d)) => {
                let destroyed = Destroyed { alerts: u64::from(world.alerts_raised), watchlist_images: 1 };
                Ok(map(d.purge(destroyed, now), D::Purged))
            }
            (Step::Publish(by, positive_alerts), D::Purged(d)) => {
                let followed = Followed { positive_alerts, ..Followed::default() };
                d.publish_results(who(by), followed, now).map(|x| map(x, D::Purged))
            }
            _ => refused,
        }
    }

    /// Time passes; then the clock demands what is due, until nothing is.
    fn tick(&self, mut world: World) -> Option<World> {
        world.tick += 1;
        // Until the clock is through with its demands, it is as if the machine were still off.
        let slept = std::mem::replace(&mut world.slept, Slept::JustNow);
        let now = at(world.tick);
        while let Some(due) = world.deployment.as_ref().and_then(|d| d.due(&self.policy, now)) {
            let unreported = world.tally.unreported() != domain::Counts::default();
            if unreported && matches!(due, Due::End(_)) {
                world = self.take(world, Step::Count)?;
            }
            let d = world.deployment.take()?;
            let decided = match (due, d) {
                (Due::Lapse(_), d) => d.lapse(&self.policy, now).map(|x| map(x, Deployment::Withdrawn)),
                (Due::End(why), Deployment::Live(d)) => d.end(why.reason(), now).map(|x| map(x, Deployment::Ended)),
                (Due::End(why), Deployment::Paused(d)) => d.end(why.reason(), now).map(|x| map(x, Deployment::Ended)),
                (_, d) => self.ask(d, &world, Step::Purge),
            };
            world = self.keep(world, decided)?;
        }
        world.slept = if slept == Slept::JustNow { Slept::Before } else { slept };
        let held = world.deployment.as_ref().is_some_and(|d| !matches!(d, Deployment::Purged(_)));
        let late = world.told.clock(&self.policy).is_some_and(|clock| now >= clock);
        world.break_unless(!(held && late), "nothing biometric outlives its clock");
        self.look(&mut world);
        Some(world)
    }

    fn take_lease(&self, mut world: World) -> Option<World> {
        let Some(Deployment::Live(live)) = &world.deployment else { return None };
        world.lease = Some(live.lease(&self.policy, at(world.tick)).ok()?);
        world.told.leased = Some(at(world.tick));
        Some(world)
    }

    /// One face is compared by whoever holds the lease, whatever became of the deployment meanwhile.
    fn compare(&self, mut world: World, likeness: &'static str) -> Option<World> {
        let now = at(world.tick);
        let (model, value) = match likeness {
            "alike" => ("good", 0.9),
            "unlike" => ("good", 0.1),
            _ => ("other", 0.9),
        };
        let nearest = Nearest { entry: 1, score: Score::new(ModelId::new(model), value)? };
        let alive = Rc::new(Cell::new(1));
        let lease = world.lease.clone()?;
        let face = Face(Rc::clone(&alive));
        match settle(face, Some(nearest), &threshold("good"), &lease, now, &mut world.tally) {
            Settlement::Candidate(pending) => {
                let kept = world.told.may_compare(&self.policy, now);
                let passing = likeness == "alike";
                world.break_unless(passing, "never live without a passing evaluation for the model and threshold");
                let id = AlertId::new("a1").unwrap();
                let raised = alert::raise(&pending, &plan().deployment, id, "c1", "e".into(), now);
                let (raised, event) = raised.into_parts();
                if world.alert.is_some() || !matches!(world.state(), "live" | "paused") {
                    // The store refuses it, and the candidate is dropped.
                    world.tally.keeping_failed();
                } else {
                    world.alert = Some(Alert::Raised(raised));
                    world.alerts_raised += 1;
                    self.record(&mut world, &event);
                }
                world.break_unless(kept, "no candidate without a live lease");
            }
            Settlement::Nobody | Settlement::Suppressed | Settlement::Unusable(_) => {
                world.break_unless(alive.get() == 0, "a face that is no candidate is gone");
            }
        }
        world.break_unless(world.tally.total().balanced(), "a face that is no candidate is gone");
        self.look(&mut world);
        Some(world)
    }

    fn follow_alert(&self, mut world: World, kept: Alert, by: &Officer, step: Step) -> Option<World> {
        let now = at(world.tick);
        let (alert, event) = match (step, kept) {
            (Step::View(_), Alert::Raised(raised)) => {
                let (seen, event) = alert::view(&raised, by, now).ok()?.into_parts();
                (Alert::Raised(seen), event)
            }
            (Step::Judge(_), Alert::Raised(raised)) => {
                let (judged, event) =
                    raised.adjudicate(by, Judgement::SamePerson, &self.policy, now).ok()?.into_parts();
                (Alert::Judged(judged), event)
            }
            (Step::RecordOutcome(_), Alert::Judged(judged)) => {
                let outcome = Outcome::IdentityConfirmed;
                let (_, event) = judged.record_outcome(by, outcome, &self.policy, now).ok()?.into_parts();
                (Alert::Closed, event)
            }
            _ => return None,
        };
        world.alert = Some(alert);
        let in_time = world.told.alert_expires.is_some_and(|expires| now < expires);
        world.break_unless(in_time, "an alert is seen and judged only until it expires");
        self.record(&mut world, &event);
        Some(world)
    }

    /// Puts a decision on the record, as the store does, and judges it.
    fn keep(&self, mut world: World, decided: Result<(Deployment, domain::Event), Refusal>) -> Option<World> {
        let (deployment, event) = decided.ok()?;
        let before = world.record.len();
        world.deployment = Some(deployment);
        self.record(&mut world, &event);
        let entries = world.record.len() - before;
        let listed = matches!(event.happening, domain::Happening::WatchlistEntryAdded { .. });
        world.break_unless(entries == usize::from(!listed), "every transition has exactly one entry");
        if matches!(world.deployment, Some(Deployment::Purged(_) | Deployment::Withdrawn(_))) {
            world.alert = None;
        }
        self.look(&mut world);
        Some(world)
    }

    fn record(&self, world: &mut World, event: &domain::Event) {
        if let domain::Publication::Publish(entry) = event.publication() {
            world.record.push(Recollection { actor: event.actor.clone(), entry: *entry });
        }
        let named = Named { policy: &self.policy, operation: &self.operation, cast: &self.cast };
        if let Err(broken) = world.told.take(event, &named) {
            world.breaks(broken);
        }
    }

    /// What must hold of every state, whatever led to it.
    fn look(&self, world: &mut World) {
        let replayed = Deployment::replay(&world.record);
        let same = replayed.is_ok_and(|replayed| replayed == world.deployment);
        world.break_unless(same, "the record is the state");
        let now = at(world.tick);
        world.break_unless(
            world.state() != "live" || world.told.tripped.is_none(),
            "a trip-wire is cleared by an authorising officer alone",
        );
        // While the machine was off, time was over without anybody to say so: then only what is done is judged.
        if world.state() == "live" && world.slept != Slept::JustNow {
            let open = at(WINDOW.0) <= now && now < at(WINDOW.1);
            world.break_unless(open, "never live outside the window");
            let lapsed = world.told.lapses.is_some_and(|lapses| now >= lapses);
            world.break_unless(!lapsed, "never live on an urgent approval that lapsed");
        }
    }
}

fn declare(
    d: Announced,
    by: &Officer,
    source: Source,
    policy: &Policy,
    now: Timestamp,
) -> Result<Decided<Announced>, Refusal> {
    match source {
        Source::Recording => d.declare_recording(by, "c1", "d".into(), 1, now),
        Source::Camera(name) => d.declare_camera(by, camera(name), policy, now),
    }
}

/// A state and its event, of whichever kind.
fn map<T>(decided: Decided<T>, wrap: impl FnOnce(T) -> Deployment) -> (Deployment, domain::Event) {
    let (state, event) = decided.into_parts();
    (wrap(state), event)
}

/// One person in each role, the proposer and the urgent approver in further roles, and people whose training expired.
fn cast() -> Vec<Officer> {
    let trained = [
        ("a", Role::Proposer),
        ("a", Role::AuthorisingOfficer),
        ("a", Role::UrgentAuthorisingOfficer),
        ("b", Role::AuthorisingOfficer),
        ("c", Role::UrgentAuthorisingOfficer),
        ("c", Role::AuthorisingOfficer),
        ("d", Role::WatchlistOfficer),
        ("e", Role::Operator),
        ("f", Role::Administrator),
        ("g", Role::Auditor),
    ];
    let expired = [
        ("u", Role::Proposer),
        ("v", Role::AuthorisingOfficer),
        ("w", Role::UrgentAuthorisingOfficer),
        ("x", Role::WatchlistOfficer),
        ("y", Role::Operator),
    ];
    let trained = trained.iter().map(|(name, role)| officer(name, *role));
    trained.chain(expired.iter().map(|(name, role)| untrained(name, *role))).collect()
}
