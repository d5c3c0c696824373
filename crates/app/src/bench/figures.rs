//! The times of one side's runs, and what is told of them.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use super::peer::Peer;
use super::{TURN_SECONDS_MAX, processor};

/// The times of one side's runs.
#[derive(Default)]
pub(super) struct Times {
    pub(super) runs_ms: Vec<f64>,
    /// Processor time of all runs together.
    pub(super) processor_ms: f64,
}

/// The figures of one side.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) runs: usize,
    pub(super) median_ms: f64,
    pub(super) fastest_ms: f64,
    /// Mean processor time of one run: what is left of other work on the machine is what it does to caches and memory.
    pub(super) processor_ms: f64,
}

/// The figures of the peer.
#[derive(Serialize)]
pub(super) struct PeerFigures {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

/// The peer's time over ours: above 1 ours is quicker.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Ratios {
    pub(super) medians: f64,
    /// Of the fastest runs, in which other work on the machine weighs least.
    pub(super) fastest: f64,
    pub(super) processor_time: f64,
}

impl Times {
    /// Runs `work` for this long, at least once.
    pub(super) fn turn(&mut self, seconds: f64, mut work: impl FnMut() -> Result<()>) -> Result<()> {
        self.rounds(1, seconds, |_| work())
    }

    /// Runs `work` with each number below `count` in turn, in whole rounds, for this long.
    pub(super) fn rounds(
        &mut self,
        count: usize,
        seconds: f64,
        mut work: impl FnMut(usize) -> Result<()>,
    ) -> Result<()> {
        let (begun, processor_before) = (Instant::now(), processor::own_s());
        loop {
            for number in 0..count {
                let before = Instant::now();
                work(number)?;
                self.runs_ms.push(before.elapsed().as_secs_f64() * 1000.0);
            }
            if begun.elapsed() >= Duration::from_secs_f64(seconds) {
                break;
            }
        }
        self.processor_ms += (processor::own_s() - processor_before) * 1000.0;
        Ok(())
    }
}

/// Ours in whole rounds and, in turns, the peer for as long, so that other work on the machine meets both alike.
pub(super) fn in_turns(
    count: usize,
    seconds: f64,
    mut work: impl FnMut(usize) -> Result<()>,
    mut peer: Option<&mut Peer>,
) -> Result<[Times; 2]> {
    let turns = (seconds / TURN_SECONDS_MAX).ceil().max(1.0);
    let [mut ours, mut theirs] = [Times::default(), Times::default()];
    for _ in 0..turns as usize {
        ours.rounds(count, seconds / turns, &mut work)?;
        if let Some(peer) = peer.as_deref_mut() {
            theirs.runs_ms.extend(peer.turn(seconds / turns)?);
            theirs.processor_ms = peer.processor_ms;
        }
    }
    Ok([ours, theirs])
}

impl Figures {
    pub(super) fn of(times: &Times) -> Self {
        let mut sorted = times.runs_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        Self {
            runs: sorted.len(),
            median_ms: at(sorted.len() / 2),
            fastest_ms: at(0),
            processor_ms: times.processor_ms / sorted.len() as f64,
        }
    }

    pub(super) fn text(&self) -> String {
        let Self { runs, median_ms, fastest_ms, processor_ms } = self;
        format!("median {median_ms:.3} ms, fastest {fastest_ms:.3} ms, processor {processor_ms:.3} ms, {runs} runs")
    }
}

impl Ratios {
    pub(super) fn of(ours: &Figures, peer: &Figures) -> Self {
        Self {
            medians: peer.median_ms / ours.median_ms,
            fastest: peer.fastest_ms / ours.fastest_ms,
            processor_time: peer.processor_ms / ours.processor_ms,
        }
    }

    pub(super) fn text(&self) -> String {
        let Self { medians, fastest, processor_time } = self;
        format!("{medians:.3} by medians, {fastest:.3} by the fastest runs, {processor_time:.3} by processor time")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(runs_ms: [f64; 3], processor_ms: f64) -> Figures {
        Figures::of(&Times { runs_ms: runs_ms.to_vec(), processor_ms })
    }

    #[test]
    fn a_quicker_one_has_a_ratio_above_one() {
        let (ours, peer) = (figures([4.0, 2.0, 3.0], 6.0), figures([6.0, 9.0, 5.0], 24.0));
        assert_eq!((ours.median_ms, ours.fastest_ms, ours.processor_ms), (3.0, 2.0, 2.0));
        let ratios = Ratios::of(&ours, &peer);
        assert_eq!((ratios.medians, ratios.fastest, ratios.processor_time), (2.0, 2.5, 4.0));
    }

    #[test]
    fn rounds_are_whole() {
        let (mut times, mut numbers) = (Times::default(), Vec::new());
        times.rounds(3, 0.0, |number| Ok(numbers.push(number))).expect("nothing fails");
        assert_eq!((numbers, times.runs_ms.len()), (vec![0, 1, 2], 3));
    }
}
