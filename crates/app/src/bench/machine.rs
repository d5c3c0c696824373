//! What a figure was measured on: it stands in the JSON of every bench, since a figure without its machine means nothing.

use std::fs;
use std::io::Write as _;

use anyhow::Result;
use domain::Clock as _;
use serde::Serialize;

use crate::clock::SystemClock;

/// The machine, the program and the moment.
#[derive(Serialize)]
struct Machine {
    processor: String,
    cores: usize,
    /// Whole-number instructions that engines use for quantised graphs.
    avx512_vnni: bool,
    avx2: bool,
    memory_mib: Option<u64>,
    system: &'static str,
    architecture: &'static str,
    /// How many processes waited for a processor, on average over the last minute: above the threads measured, other work was in the way.
    load: Option<f64>,
    version: &'static str,
    /// The command as it was given.
    command: String,
    at: String,
}

/// A report with its machine.
#[derive(Serialize)]
struct Told<'a, R> {
    bench: &'static str,
    #[serde(flatten)]
    report: &'a R,
    machine: Machine,
}

/// Prints a report: one JSON object with the machine in it, or lines for people.
pub(super) fn tell<R: Serialize>(
    bench: &'static str,
    report: &R,
    json: bool,
    text: impl FnOnce(&R) -> String,
) -> Result<()> {
    let text = if json {
        serde_json::to_string_pretty(&Told { bench, report, machine: Machine::here() })?
    } else {
        text(report)
    };
    Ok(std::io::stdout().write_all((text + "\n").as_bytes())?)
}

/// How many processes waited for a processor, on average over the last minute.
pub(super) fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

impl Machine {
    fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let (processors, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
        Self {
            processor: field(&processors, "model name").unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            avx512_vnni: has(&processors, "avx512_vnni"),
            avx2: has(&processors, "avx2"),
            memory_mib: field(&memory, "MemTotal")
                .and_then(|text| text.split(' ').next()?.parse::<u64>().ok())
                .map(|kib| kib / 1024),
            system: std::env::consts::OS,
            architecture: std::env::consts::ARCH,
            load: load(),
            version: env!("CARGO_PKG_VERSION"),
            command: std::env::args().collect::<Vec<_>>().join(" "),
            at: SystemClock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

/// The first value of this name in lines of `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim())
    })
}

/// Whether the processor has this flag.
fn has(processors: &str, flag: &str) -> bool {
    field(processors, "flags").is_some_and(|flags| flags.split_whitespace().any(|one| one == flag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_is_read_as_it_writes() {
        let processors = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu avx2 avx512_vnni\n\nprocessor\t: 1\n";
        assert_eq!(field(processors, "model name"), Some("AMD EPYC"));
        assert!(has(processors, "avx512_vnni") && has(processors, "avx2"));
        assert!(!has(processors, "avx512") && !has("", "avx2"));
        assert_eq!(field("MemTotal:       24000 kB\n", "MemTotal"), Some("24000 kB"));
    }

    #[test]
    fn a_report_keeps_its_own_words_beside_the_machine() {
        #[derive(Serialize)]
        struct Report {
            median_ms: f64,
        }
        let told = Told { bench: "detect", report: &Report { median_ms: 2.5 }, machine: Machine::here() };
        let value = serde_json::to_value(&told).expect("it is written");
        assert_eq!((&value["bench"], &value["median_ms"]), (&"detect".into(), &2.5.into()));
        assert!(value["machine"]["cores"].as_u64() >= Some(1) && value["machine"]["command"].is_string());
    }
}
