//! What a run costs, with the processes that decode for it: processor time and memory, as the system counts them.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use serde::Serialize;

use crate::bench::processor;

/// What was used.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Cost {
    /// Processor time of this process and those it started, in cores.
    pub(super) cores: f64,
    /// Of that, the decoders' share.
    pub(super) decoding_cores: f64,
    /// Most memory of all of them together, each shared page counted once, MiB.
    pub(super) resident_mib_max: f64,
}

/// Runs from its making.
pub(super) struct Meter {
    begun: Instant,
    own_seconds: f64,
    children_seconds: f64,
    /// Memory of all processes at each look, KiB.
    resident_kib: RefCell<Vec<u64>>,
    /// What looking at the memory took: the measurement is not what is measured.
    looking_seconds: Cell<f64>,
}

impl Meter {
    pub(super) fn start() -> Self {
        let [own_seconds, children_seconds] = processor::seconds();
        Self {
            begun: Instant::now(),
            own_seconds,
            children_seconds,
            resident_kib: RefCell::default(),
            looking_seconds: Cell::new(0.0),
        }
    }

    /// Looks at the memory in use now.
    pub(super) fn look(&self) {
        let before = thread_seconds();
        self.resident_kib.borrow_mut().push(resident_kib());
        self.looking_seconds.set(self.looking_seconds.get() + thread_seconds() - before);
    }

    /// Memory of all processes at each look but the first `count`, MiB.
    pub(super) fn looks_since(&self, count: usize) -> Vec<f64> {
        self.resident_kib.borrow().iter().skip(count).map(|kib| *kib as f64 / 1024.0).collect()
    }

    pub(super) fn looks(&self) -> usize {
        self.resident_kib.borrow().len()
    }

    pub(super) fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Processor time so far: of this process, and of its children that have ended.
    pub(super) fn processor_seconds(&self) -> [f64; 2] {
        let [own, children] = processor::seconds();
        [own - self.own_seconds - self.looking_seconds.get(), children - self.children_seconds]
    }

    /// What was used so far. Children count once they have ended.
    pub(super) fn cost(&self) -> Cost {
        let [own, children] = self.processor_seconds();
        let seconds = self.seconds();
        Cost {
            cores: (own + children) / seconds,
            decoding_cores: children / seconds,
            resident_mib_max: self.looks_since(0).into_iter().fold(0.0, f64::max),
        }
    }
}

/// Processor time of this thread so far: the first field of its `schedstat`, in nanoseconds.
fn thread_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split_whitespace().next().and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// Proportional memory of this process and its children.
fn resident_kib() -> u64 {
    let own = std::process::id();
    let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
    // Decoders are started by the threads that watch them.
    let threads = std::fs::read_dir(format!("/proc/{own}/task")).into_iter().flatten().flatten();
    let others = threads.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let all: String = others.chain([children]).collect::<Vec<_>>().join(" ");
    let mut processes: Vec<u32> = all.split_whitespace().filter_map(|id| id.parse().ok()).chain([own]).collect();
    processes.sort_unstable();
    processes.dedup();
    processes.into_iter().map(proportional_kib).sum()
}

/// Proportional memory of this process alone.
pub(super) fn own_kib() -> u64 {
    proportional_kib(std::process::id())
}

fn proportional_kib(process: u32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
