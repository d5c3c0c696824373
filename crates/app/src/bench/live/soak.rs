//! The same cameras for hours of stream, as fast as the machine takes them: what is made is destroyed or kept, and memory is flat.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Serialize;

use super::cost::{Meter, own_kib};
use super::{Bench, watch};

/// Turns until caches and pools are as large as they get.
const WARM_TURNS: usize = 2;

/// What came of it.
#[derive(Default, Serialize)]
pub(super) struct Soak {
    cameras: usize,
    size: String,
    stream_hours: f64,
    seconds: f64,
    /// Seconds of stream for each second that passed, preparing the deployments (lists, notices, the record) included.
    speed_up: f64,
    /// The same while cameras were watched.
    speed_up_watching: f64,
    /// Seconds of stream for each second of processor time, decoders and preparing included: what one idle core would reach.
    speed_up_of_processor_time: f64,
    deployments: usize,
    faces_seen: u64,
    templates_made: u64,
    templates_destroyed: u64,
    alerts_kept: u64,
    /// Whether each deployment's templates made are those destroyed and those kept.
    accounted: bool,
    /// Memory of all processes at most, shared pages once.
    resident_mib_max: f64,
    /// Memory of each deployment, in turn.
    memory: Vec<Memory>,
    /// By which what is left after a deployment grew from the third on, MiB for each hour of stream: a line of least squares.
    grows_mib_per_stream_hour: f64,
    /// The same for what all processes hold late in a deployment.
    late_grows_mib_per_stream_hour: f64,
    /// By how much more all processes hold late in a deployment than early in it, mean of all from the third on, MiB.
    grows_mib_within: f64,
}

/// Memory of one deployment, MiB.
#[derive(Clone, Copy, Debug, Serialize)]
struct Memory {
    /// Of all processes: the median of what was seen in the second quarter of the deployment.
    early_mib: f64,
    /// Of all processes: the same of the last quarter.
    late_mib: f64,
    /// Of this process when the deployment is over.
    after_mib: f64,
}

impl Memory {
    fn of(looks: &[f64], after_mib: f64) -> Self {
        let quarter = looks.len() / 4;
        let median = |looks: &[f64]| {
            let mut looks = looks.to_vec();
            looks.sort_by(f64::total_cmp);
            looks.get(looks.len() / 2).copied().unwrap_or(0.0)
        };
        Self { early_mib: median(&looks[quarter..2 * quarter]), late_mib: median(&looks[3 * quarter..]), after_mib }
    }
}

/// Deployment after deployment, until `hours` of stream have passed.
pub(super) fn run(bench: &mut Bench<'_>, hours: f64) -> Result<Soak> {
    let wanted = Duration::try_from_secs_f64(3_600.0 * hours)?;
    let each: Duration = bench.clips.iter().map(|clip| clip.lasts).sum();
    ensure!(!each.is_zero(), "the clips are empty: nothing would ever pass");
    let cost = Meter::start();
    let (mut passed, mut watching, mut hours_passed) = (Duration::ZERO, Duration::ZERO, Vec::new());
    let mut soak =
        Soak { cameras: bench.clips.len(), size: bench.args.size.to_string(), accounted: true, ..Soak::default() };
    while passed < wanted {
        let deployed = bench.deploy()?;
        let (begun, looks) = (Instant::now(), cost.looks());
        let run = deployed.start()?;
        watch(&run.running, None, &cost);
        watching += begun.elapsed();
        let status = run.running.status();
        ensure!(status.counts.balanced(), "a deployment does not account for each template: {:?}", status.counts);
        drop(run);
        passed += each;
        soak.deployments += 1;
        soak.faces_seen += status.counts.faces_seen;
        soak.templates_made += status.counts.templates_made;
        soak.templates_destroyed += status.counts.templates_destroyed;
        soak.alerts_kept += status.counts.alerts_kept;
        let stage = &status.stage;
        ensure!(*stage == pipeline::Stage::Ended, "a deployment did not end with its recordings: {stage:?}");
        let memory = Memory::of(&cost.looks_since(looks), own_kib() as f64 / 1024.0);
        soak.memory.push(memory);
        let (now, speed_up) = (passed.as_secs_f64() / 3_600.0, passed.as_secs_f64() / cost.seconds());
        hours_passed.push(now);
        let Memory { early_mib, late_mib, after_mib } = memory;
        eprintln!(
            "overt: {now:.2} of {hours} hours of stream, {speed_up:.1} times real time; {early_mib:.1} MiB early, {late_mib:.1} late, \
             {after_mib:.1} after"
        );
    }
    soak.stream_hours = passed.as_secs_f64() / 3_600.0;
    soak.seconds = cost.seconds();
    soak.speed_up = passed.as_secs_f64() / soak.seconds;
    soak.speed_up_watching = passed.as_secs_f64() / watching.as_secs_f64();
    soak.speed_up_of_processor_time = passed.as_secs_f64() / cost.processor_seconds().iter().sum::<f64>();
    soak.resident_mib_max = cost.cost().resident_mib_max;
    let warm: Vec<(f64, Memory)> = hours_passed.into_iter().zip(soak.memory.iter().copied()).skip(WARM_TURNS).collect();
    let grows =
        |of: fn(&Memory) -> f64| slope(&warm.iter().map(|(hour, memory)| (*hour, of(memory))).collect::<Vec<_>>());
    soak.grows_mib_per_stream_hour = grows(|memory| memory.after_mib);
    soak.late_grows_mib_per_stream_hour = grows(|memory| memory.late_mib);
    let within: f64 = warm.iter().map(|(_, memory)| memory.late_mib - memory.early_mib).sum();
    soak.grows_mib_within = within / warm.len().max(1) as f64;
    Ok(soak)
}

/// The slope of the line of least squares; 0 of fewer than two places.
fn slope(places: &[(f64, f64)]) -> f64 {
    let count = places.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| places.iter().map(of).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|place| place.0), mean(|place| place.1));
    let (mut both, mut spread) = (0.0, 0.0);
    for (x, y) in places {
        both += (x - x_mean) * (y - y_mean);
        spread += (x - x_mean).powi(2);
    }
    if spread > 0.0 { both / spread } else { 0.0 }
}

impl Soak {
    pub(super) fn text(&self) -> String {
        let Self { cameras, size, stream_hours, seconds, deployments, .. } = self;
        format!(
            "{cameras} cameras of {size}: {stream_hours:.2} hours of stream in {seconds:.0} s, {:.1} times real time ({:.1} while watching, {:.1} by processor time)\n\
             {deployments} deployments: {} templates made = {} destroyed + {} kept as alerts\n\
             at most {:.0} MiB; grows by {:.2} MiB an hour of stream (late in deployments {:.2}), within one by {:.2} MiB",
            self.speed_up,
            self.speed_up_watching,
            self.speed_up_of_processor_time,
            self.templates_made,
            self.templates_destroyed,
            self.alerts_kept,
            self.resident_mib_max,
            self.grows_mib_per_stream_hour,
            self.late_grows_mib_per_stream_hour,
            self.grows_mib_within
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, slope};

    #[test]
    fn memory_of_a_deployment_is_looked_at_when_it_is_under_way_and_near_its_end() {
        let looks = [1.0, 9.0, 10.0, 10.0, 500.0, 10.0, 11.0, 12.0, 12.0];
        let memory = Memory::of(&looks, 3.0);
        assert_eq!((memory.early_mib, memory.late_mib, memory.after_mib), (10.0, 12.0, 3.0));
        assert_eq!(Memory::of(&[], 3.0).late_mib, 0.0);
    }

    #[test]
    fn growth_is_told_from_noise() {
        assert_eq!(slope(&[]), 0.0);
        assert_eq!(slope(&[(1.0, 5.0)]), 0.0);
        assert!((slope(&[(0.0, 100.0), (1.0, 102.0), (2.0, 104.0)]) - 2.0).abs() < 1e-9);
        assert!(slope(&[(0.0, 100.0), (1.0, 101.0), (2.0, 101.0), (3.0, 100.0)]).abs() < 1e-9);
    }
}
