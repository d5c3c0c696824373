//! The same cameras for hours of stream, as fast as the machine takes them: what is made is destroyed or kept, and memory is flat.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::cost::{Meter, own_kib};
use super::{Bench, watch};

/// Turns until caches and pools are as large as they get.
const WARM_TURNS: usize = 2;

/// What came of it.
#[derive(Serialize)]
pub(super) struct Soak {
    stream_hours: f64,
    seconds: f64,
    deployments: usize,
    faces_seen: u64,
    templates_made: u64,
    templates_destroyed: u64,
    alerts_kept: u64,
    /// Memory of all processes at most, shared pages once.
    resident_mib_max: f64,
    /// Memory of this process after each deployment, MiB.
    resident_mib_after: Vec<f64>,
    /// By which it grew from the third deployment on, MiB for each hour of stream: a line of least squares.
    grows_mib_per_stream_hour: f64,
}

/// Deployment after deployment, until `hours` of stream have passed.
pub(super) fn run(bench: &mut Bench<'_>, hours: f64) -> Result<Soak> {
    let wanted = Duration::try_from_secs_f64(3_600.0 * hours)?;
    let each: Duration = bench.clips.iter().map(|clip| clip.lasts).sum();
    ensure!(!each.is_zero(), "the clips are empty: nothing would ever pass");
    let cost = Meter::start();
    let (mut passed, mut after) = (Duration::ZERO, Vec::new());
    let mut soak = Soak {
        stream_hours: 0.0,
        seconds: 0.0,
        deployments: 0,
        faces_seen: 0,
        templates_made: 0,
        templates_destroyed: 0,
        alerts_kept: 0,
        resident_mib_max: 0.0,
        resident_mib_after: Vec::new(),
        grows_mib_per_stream_hour: 0.0,
    };
    while passed < wanted {
        let run = bench.deploy()?.start()?;
        watch(&run.running, None, &cost);
        let status = run.running.status();
        ensure!(status.counts.balanced(), "a deployment does not account for each template: {:?}", status.counts);
        drop(run);
        passed += each;
        soak.deployments += 1;
        soak.faces_seen += status.counts.faces_seen;
        soak.templates_made += status.counts.templates_made;
        soak.templates_destroyed += status.counts.templates_destroyed;
        soak.alerts_kept += status.counts.alerts_kept;
        let resident_mib = own_kib() as f64 / 1024.0;
        after.push((passed.as_secs_f64() / 3_600.0, resident_mib));
        soak.resident_mib_after.push(resident_mib);
        eprintln!("overt: {:.2} of {hours} hours of stream; {resident_mib:.1} MiB", passed.as_secs_f64() / 3_600.0);
    }
    soak.stream_hours = passed.as_secs_f64() / 3_600.0;
    soak.seconds = cost.seconds();
    soak.resident_mib_max = cost.cost().resident_mib_max;
    soak.grows_mib_per_stream_hour = slope(after.get(WARM_TURNS..).unwrap_or_default());
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
    pub(super) fn print(&self, json: bool) -> Result<ExitCode> {
        use std::io::Write as _;
        let mut out = std::io::stdout();
        if json {
            writeln!(out, "{}", serde_json::to_string_pretty(self)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        writeln!(
            out,
            "{:.2} hours of stream in {:.0} s, {} deployments; {} templates made, {} destroyed, {} kept as alerts",
            self.stream_hours,
            self.seconds,
            self.deployments,
            self.templates_made,
            self.templates_destroyed,
            self.alerts_kept
        )?;
        writeln!(
            out,
            "at most {:.0} MiB; grows by {:.2} MiB an hour of stream",
            self.resident_mib_max, self.grows_mib_per_stream_hour
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::slope;

    #[test]
    fn growth_is_told_from_noise() {
        assert_eq!(slope(&[]), 0.0);
        assert_eq!(slope(&[(1.0, 5.0)]), 0.0);
        assert!((slope(&[(0.0, 100.0), (1.0, 102.0), (2.0, 104.0)]) - 2.0).abs() < 1e-9);
        assert!(slope(&[(0.0, 100.0), (1.0, 101.0), (2.0, 101.0), (3.0, 100.0)]).abs() < 1e-9);
    }
}
