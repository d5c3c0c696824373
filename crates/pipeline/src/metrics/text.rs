//! The text that a monitor reads: what was measured, and what the run has counted, under one name each.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::{Metrics, OfCamera};
use crate::running::{CameraStatus, Status};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fate {
    camera: String,
    fate: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Usable {
    camera: String,
    usable: &'static str,
}

impl Metrics {
    /// The text that a monitor reads.
    pub(crate) fn told(&self, status: &Status) -> String {
        let mut registry = Registry::with_prefix("overt");
        registry.register_with_unit("stage", "Time that a stage takes", Unit::Seconds, self.stages.clone());
        let help = "From the arrival of the last frame that was needed to the alert being durably on the record";
        registry.register_with_unit("alert_latency", help, Unit::Seconds, self.to_alert.clone());
        let help = "Time from the arrival of a frame to the beginning of its examination";
        registry.register_with_unit("frame_age", help, Unit::Seconds, self.ages.clone());
        let help = "Views of a passage that were large, frontal and sure enough to be compared early, were they sharp";
        registry.register("passage_promising_views", help, self.promising.clone());
        tell_faces(&mut registry, status);
        tell_streams(&mut registry, &status.cameras);
        tell_people(&mut registry, &status.cameras);
        let mut told = String::new();
        // A string takes whatever is written.
        let _ = text::encode(&mut told, &registry);
        told
    }
}

/// What the receipts count, for the whole run.
fn tell_faces(registry: &mut Registry, status: &Status) {
    let counts = status.counts;
    for (name, help, value) in [
        ("faces_seen", "Faces seen", counts.faces_seen),
        ("templates_made", "Templates made", counts.templates_made),
        ("templates_destroyed", "Templates destroyed", counts.templates_destroyed),
        ("alerts_kept", "Templates kept as sealed evidence of an alert", counts.alerts_kept),
        ("passages", "Passages that are over", status.passages),
    ] {
        let counter: Counter<u64, AtomicU64> = Counter::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    }
    let running: Gauge = Gauge::default();
    running.set(i64::from(!status.stage.is_over()));
    registry.register("running", "1 while the run lasts, paused or not", running);
}

/// What became of frames, and how the cameras do.
fn tell_streams(registry: &mut Registry, cameras: &[CameraStatus]) {
    let frames: Family<Fate, Counter> = Family::default();
    let faults: Family<Fate, Counter> = Family::default();
    let per_second: Family<OfCamera, Gauge<f64, AtomicU64>> = Family::default();
    for status in cameras {
        for (fate, value) in status.frame_fates() {
            frames.get_or_create(&Fate { camera: status.camera.clone(), fate }).inc_by(value);
        }
        for (fate, value) in status.faults() {
            faults.get_or_create(&Fate { camera: status.camera.clone(), fate }).inc_by(value);
        }
        per_second.get_or_create(&OfCamera::of(status)).set(status.health.frames_per_second);
    }
    registry.register("camera_frames", "Frames by what became of them", frames);
    registry.register("camera_faults", "What went wrong between the camera and the first picture", faults);
    registry.register("camera_frames_per_second", "Frames that arrived in the last whole second", per_second);
    let mut tell = |name, help, value: fn(&CameraStatus) -> u64| {
        registry.register(name, help, gauges(cameras, value));
    };
    tell("camera_bits_per_second", "Bits of video received in the last whole second", |of| of.health.bits_per_second);
    tell("camera_frames_waiting", "Frames that wait to be looked at", |of| of.health.frames_waiting);
    tell("camera_frames_held", "Frames that are being looked at", |of| of.health.frames_held);
    let help = "What is given up so that frames are examined in time: 0 nothing, 3 most";
    tell("camera_load", help, |of| of.load as u64);
    tell("camera_faces_in_view", "Faces followed now", |of| of.faces_in_view);
}

/// What was counted of the people before each camera. The sums over all cameras are what the receipts count.
fn tell_people(registry: &mut Registry, cameras: &[CameraStatus]) {
    let passages: Family<Usable, Counter> = Family::default();
    for status in cameras {
        let with = |usable| Usable { camera: status.camera.clone(), usable };
        passages.get_or_create(&with("yes")).inc_by(status.passages_usable);
        passages.get_or_create(&with("no")).inc_by(status.passages - status.passages_usable);
    }
    let help = "Passages that are over, by whether any view was good enough to be compared early";
    registry.register("camera_passages", help, passages);
    let mut tell = |name, help, value: fn(&CameraStatus) -> u64| {
        registry.register(name, help, counters(cameras, value));
    };
    tell("camera_faces_seen", "Faces seen", |of| of.counts.faces_seen);
    tell("camera_templates_made", "Templates made", |of| of.counts.templates_made);
    tell("camera_templates_destroyed", "Templates destroyed", |of| of.counts.templates_destroyed);
    let help = "Templates kept as sealed evidence of an alert";
    tell("camera_alerts_kept", help, |of| of.counts.alerts_kept);
}

impl OfCamera {
    fn of(status: &CameraStatus) -> Self {
        Self { camera: status.camera.clone() }
    }
}

fn gauges(cameras: &[CameraStatus], value: fn(&CameraStatus) -> u64) -> Family<OfCamera, Gauge> {
    let family: Family<OfCamera, Gauge> = Family::default();
    for status in cameras {
        family.get_or_create(&OfCamera::of(status)).set(i64::try_from(value(status)).unwrap_or(i64::MAX));
    }
    family
}

fn counters(cameras: &[CameraStatus], value: fn(&CameraStatus) -> u64) -> Family<OfCamera, Counter> {
    let family: Family<OfCamera, Counter> = Family::default();
    for status in cameras {
        family.get_or_create(&OfCamera::of(status)).inc_by(value(status));
    }
    family
}
