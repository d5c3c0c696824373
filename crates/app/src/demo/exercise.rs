//! Preparing an exercise as any deployment is prepared: policy, proposal, approval by another, notice, watchlist, signs, start.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use domain::{
    Age, Announced, Clock, DeploymentId, Draft, EntryFacts, Equipment, Kind, Live, Operation, OperationId, Origin,
    Plan, Policy, Reference, Retention, Zone,
};
use face::{EngineKind, Faces, Picture};
use jiff::{SignedDuration, Timestamp};
use pipeline::{Footage, Source};
use store::{NewCamera, NewEntry, Recorded, Store};

use super::officers::Staff;

/// Where an exercise is.
const PLACE: &str = "no place: recorded pictures on this machine";
/// The policy profile for benches and tests: the only one under which an engine may compute on a graphics processor.
const LABORATORY: &str = "laboratory";
/// How long the window of an exercise is.
const WINDOW: SignedDuration = SignedDuration::from_mins(110);

/// One person listed in the exercise.
pub(crate) struct Subject {
    /// `exercise subject N`.
    pub label: String,
    /// Where the image comes from, in words.
    pub image_source: String,
    /// The listed image.
    pub picture: Picture,
}

/// What a deployment that prepares itself is to be.
pub(crate) struct Terms {
    /// Text of the policy profile.
    pub policy: &'static str,
    /// Recordings or cameras.
    pub kind: Kind,
    /// How its name begins; the moment follows.
    pub name: &'static str,
    /// Where it is; there is nothing else to show for that, so that the evidence is this very sentence.
    pub place: &'static str,
    /// Number of recordings or cameras.
    pub cameras: u32,
}

impl Terms {
    /// An exercise on recordings.
    pub(crate) fn exercise(cameras: u32) -> Self {
        Self { policy: store::EXERCISE_POLICY, kind: Kind::Exercise, name: "exercise", place: PLACE, cameras }
    }
}

/// An exercise that has been announced.
pub(crate) struct Prepared {
    /// Its data.
    pub store: Store,
    /// Its policy.
    pub policy: Policy,
    /// Its name on the record.
    pub deployment: DeploymentId,
    announced: Recorded<Announced>,
}

/// Creates the data directory of a new exercise and takes it as far as the public notice.
pub(crate) fn announce(directory: &Path, staff: &Staff, terms: &Terms, clock: &dyn Clock) -> Result<Prepared> {
    let now = clock.now();
    let name = format!("{}-{}", terms.name, now.strftime("%Y%m%d-%H%M%S"));
    let deployment = DeploymentId::new(&name)?;
    let mut store = Store::create(&directory.join(&name), &format!("overt.invalid/{name}"))
        .with_context(|| format!("creating the exercise's data in {}", directory.display()))?;
    let policy = store.adopt_policy(terms.policy, &staff.authoriser, clock.now())?.into_inner();
    let operation = Operation {
        operation: OperationId::new("exercise")?,
        title: "Exercise".into(),
        force: "the operator of this machine".into(),
        purpose: "To show and measure, on recorded pictures only, what a deployment does with the faces it sees."
            .into(),
        outside_authoriser: None,
    };
    let operation = store.commit(operation.open(&staff.authoriser, &policy, clock.now())?)?;
    let place_ground = policy.place_grounds.first().context("the exercise policy names no ground for a place")?.clone();
    let purpose = policy.purposes.first().context("the exercise policy names no purpose")?.clone();
    let plan = Plan {
        deployment: deployment.clone(),
        operation: operation.operation.clone(),
        kind: terms.kind,
        purpose,
        place: terms.place.into(),
        place_ground,
        place_evidence: store::sha256_hex(terms.place.as_bytes()),
        cameras: terms.cameras,
        starts: now,
        ends: now.saturating_add(WINDOW)?,
    };
    let text = notice(&plan, &policy);
    let mut proposed = store.commit(Draft { plan }.propose(&staff.proposer, &policy, clock.now())?)?.into_inner();
    for slot in &policy.documents {
        let digest = store::sha256_hex(terms.place.as_bytes());
        proposed =
            store.commit(proposed.fill_document(&staff.proposer, slot, digest, &policy, clock.now())?)?.into_inner();
    }
    let approved = store.commit(proposed.approve(&staff.authoriser, &policy, clock.now())?)?;
    let announced = store.publish_notice(approved, &staff.authoriser, &text, clock.now())?;
    store.publish(clock.now())?;
    Ok(Prepared { store, policy, deployment, announced })
}

impl Prepared {
    /// Builds and freezes the watchlist, confirms the signs, declares the footage, and starts when the notice has stood long enough.
    pub(crate) fn start(
        self,
        staff: &Staff,
        subjects: &[Subject],
        faces: &mut Faces,
        sources: &[Source],
        clock: &dyn Clock,
    ) -> Result<Started> {
        let Self { mut store, policy, deployment, announced } = self;
        let ground = policy.grounds.first().context("the exercise policy names no ground")?;
        for subject in subjects {
            let enrolled = pipeline::enrol(faces, &subject.label, &subject.picture)?;
            let facts = EntryFacts {
                origin: Origin::Own,
                label: subject.label.clone(),
                ground: ground.clone(),
                image_source: subject.image_source.clone(),
                supplier: "the publisher of the picture".into(),
                legal_basis: "published picture, used for an exercise".into(),
                image_date: clock.now().to_zoned(jiff::tz::TimeZone::UTC).date(),
                retention: Retention::Retained,
                age_at_image: Age::Unknown,
                age: Age::Unknown,
                protected: None,
            };
            let entry = NewEntry {
                facts,
                reference: Reference::new(&subject.label)?,
                image_png: &enrolled.image_png,
                template: enrolled.template.values(),
                alike: &[],
            };
            let number = store.list(&announced, &staff.lister, entry, clock.now())?.into_inner();
            // Nobody knows how old the people in published pictures are, so each may be a child: somebody else approves.
            let reason = "a published picture, and an exercise in which nobody is sought";
            store.approve_listing(&announced, &staff.authoriser, number, reason, clock.now())?;
        }
        let announced = store.freeze_watchlist(announced, &staff.lister, clock.now())?.into_inner();
        let (route, page) = ("close the page: the pictures are recorded", "the public page, on this machine");
        let signs = announced.confirm_signage(&staff.operator, 1, route, page, clock.now())?;
        let mut announced = store.commit(signs)?.into_inner();
        for source in sources {
            announced = declare(&mut store, announced, source, staff, clock.now())?;
        }
        wait_until(announced.announced_at().saturating_add(policy.notice_lead)?, clock);
        let threshold = policy.threshold_for(&pipeline::model_id(faces.recognizer.contract()))?;
        let started = announced.start(&staff.operator, equipment(faces, &policy)?, threshold, &policy, clock.now())?;
        let live = store.commit(started)?;
        store.publish(clock.now())?;
        Ok(Started { store, policy, deployment, live })
    }
}

/// Declares one source by what it is: a recording by its digest, a camera by the commitment to its address.
fn declare(
    store: &mut Store,
    announced: Announced,
    source: &Source,
    staff: &Staff,
    now: Timestamp,
) -> Result<Announced> {
    let camera = &source.camera;
    let Footage::Camera(live) = &source.footage else {
        let digest = source.footage.digest().context("what was recorded has a digest")?;
        let bytes = source.footage.bytes();
        let declared = announced.declare_recording(&staff.operator, camera, digest, bytes, now)?;
        return Ok(store.commit(declared)?.into_inner());
    };
    let recorded = store.deployment(&announced.plan().deployment)?.expect_announced()?;
    let address = &live.declared_address;
    let new = NewCamera { name: camera, address, zone: Zone::whole_view(), face_side_px_min: None };
    Ok(store.declare_camera(&recorded, &staff.operator, new, now)?.into_inner())
}

/// An exercise that is live.
pub(crate) struct Started {
    /// Its data.
    pub store: Store,
    /// Its policy.
    pub policy: Policy,
    /// Its name on the record.
    pub deployment: DeploymentId,
    /// The authority to run.
    pub live: Recorded<Live>,
}

#[allow(clippy::disallowed_methods, reason = "the notice has to stand in real time")]
fn wait_until(moment: Timestamp, clock: &dyn Clock) {
    let left = moment.duration_since(clock.now());
    if left.is_positive() {
        std::thread::sleep(Duration::from_millis(u64::try_from(left.as_millis()).unwrap_or(0) + 1));
    }
}

/// What does the comparing, for the record.
pub(crate) fn equipment(faces: &Faces, policy: &Policy) -> Result<Equipment> {
    let contract = faces.recognizer.contract();
    let threshold = policy.threshold_for(&pipeline::model_id(contract))?;
    // The record says that nothing is kept; of a graphics processor's memory nobody has shown it.
    anyhow::ensure!(
        !faces.engine.is_on_gpu() || policy.profile == LABORATORY,
        "starting a deployment with the engine {}: what stays of a face in a graphics processor's memory is not known, so it is for the \
         policy profile {LABORATORY} only, and this one is {}; choose another engine (docs/reference/engines.md)",
        faces.engine,
        policy.profile
    );
    Ok(Equipment {
        software: format!("overt {}", env!("CARGO_PKG_VERSION")),
        detector: faces.detector.name().to_owned(),
        recogniser: contract.model.clone(),
        weights_sha256: contract.weights_sha256.clone(),
        engine: engine_name(faces.engine).to_owned(),
        threshold: threshold.value().to_string(),
        threshold_fpir: threshold.fpir().to_string(),
        threshold_evaluation: threshold.evaluation().to_owned(),
    })
}

/// The engine's name for people.
pub(crate) fn engine_name(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::OnnxRuntime => "ONNX Runtime",
        EngineKind::Cuda => "ONNX Runtime, CUDA",
        EngineKind::TensorRt => "ONNX Runtime, TensorRT",
        EngineKind::BuiltIn => "built-in (rten)",
    }
}

/// The public notice, from the plan and the policy.
fn notice(plan: &Plan, policy: &Policy) -> String {
    format!(
        "EXERCISE. Recorded or rendered pictures are searched for exercise subjects on this machine from {} to {} (UTC), \
         under the policy profile {} version {}. No camera is opened and nobody is scanned. Faces that match nobody are \
         destroyed at once; alerts are kept sealed for at most {} hours and destroyed with their key when the exercise is purged.\n",
        plan.starts,
        plan.ends,
        policy.profile,
        policy.version,
        policy.alert_retention.as_hours(),
    )
}
