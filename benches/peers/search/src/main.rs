//! Exact search through `face::Gallery` beside simsimd's dot product and a plain loop, on the same rows.
//!
//! `cargo run --release --manifest-path benches/peers/search/Cargo.toml -- [ROWS] [DIMENSIONS]`
//! Prints the median of several runs; compare the ratios, not the milliseconds, and only on an idle machine.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use face::{Contract, Gallery, ScoreKind, Template};
use simsimd::SpatialSimilarity;

/// Runs of each kernel; the median is printed.
const RUNS: usize = 15;

/// Probes of the blocked search.
const PROBES: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let rows = arguments.next().unwrap_or(Ok(200_000))?;
    let dimensions = arguments.next().unwrap_or(Ok(512))?;
    let mut numbers = Numbers(7);
    let cosine = contract(ScoreKind::Cosine, dimensions);
    let euclidean = contract(ScoreKind::Euclidean, dimensions);
    let mut unit = Gallery::builder(Arc::clone(&cosine));
    let mut free = Gallery::builder(Arc::clone(&euclidean));
    let mut flat: Vec<f32> = Vec::with_capacity(rows * dimensions);
    for row in 0..u32::try_from(rows)? {
        let template = numbers.template(&cosine);
        flat.extend_from_slice(template.values());
        free.add(row, 0, Template::new(Arc::clone(&euclidean), template.values().into()).ok_or("unsound")?)?;
        unit.add(row, 0, template)?;
    }
    let (unit, free) = (unit.build(), free.build());
    let probes: Vec<Template> = (0..PROBES).map(|_| numbers.template(&cosine)).collect();
    let others: Vec<Template> = (0..PROBES).map(|_| numbers.template(&euclidean)).collect();
    println!("{rows} rows of {dimensions}, {} threads; locked: {:?}", rayon::current_num_threads(), unit.protection());
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let peer = one.install(|| {
        let flat = &flat;
        let peer = median("simsimd dot, 1 probe, 1 thread", None, || best(flat, dimensions, &probes[0], simsimd_dot));
        median("plain loop, 1 probe, 1 thread", Some(peer), || best(flat, dimensions, &probes[0], plain_dot));
        peer
    });
    let many: Vec<&Template> = probes.iter().collect();
    let many_others: Vec<&Template> = others.iter().collect();
    let run = |threads: &str| {
        median(&format!("cosine, 1 probe, {threads}"), Some(peer), || unit.search(&probes[0], 10).is_ok());
        median(&format!("cosine, {PROBES} probes, {threads}"), Some(peer), || unit.search_many(&many, 10).is_ok());
        median(&format!("Euclidean, 1 probe, {threads}"), Some(peer), || free.search(&others[0], 10).is_ok());
        median(&format!("Euclidean, {PROBES} probes, {threads}"), Some(peer), || free.search_many(&many_others, 10).is_ok());
        median(&format!("cosine, 1 probe, best per person, {threads}"), Some(peer), || unit.best_per_person(&probes[0], 10).is_ok());
    };
    one.install(|| run("1 thread"));
    run("all threads");
    Ok(())
}

/// Prints and returns the median time of `work` in milliseconds, beside the time of the peer.
fn median<T>(what: &str, peer_ms: Option<f64>, mut work: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let time = times[RUNS / 2];
    let ratio = peer_ms.map_or(String::new(), |peer| format!("  {:.2} of simsimd's time", time / peer));
    println!("{what:<44} {time:>9.3} ms{ratio}");
    time
}

/// The best row by a dot product, one row after the other.
fn best(rows: &[f32], dimensions: usize, probe: &Template, dot: fn(&[f32], &[f32]) -> f64) -> (f64, usize) {
    let score = |(row, values): (usize, &[f32])| (dot(values, probe.values()), row);
    rows.chunks_exact(dimensions).enumerate().map(score).fold((f64::MIN, 0), |best, next| if next.0 > best.0 { next } else { best })
}

fn simsimd_dot(left: &[f32], right: &[f32]) -> f64 {
    f32::dot(left, right).unwrap_or(f64::NAN)
}

fn plain_dot(left: &[f32], right: &[f32]) -> f64 {
    f64::from(left.iter().zip(right).map(|(left, right)| left * right).sum::<f32>())
}

fn contract(score: ScoreKind, dimensions: usize) -> Arc<Contract> {
    let weights_sha256 = "00".repeat(32);
    Arc::new(Contract { model: "bench".into(), weights_sha256, alignment: "bench".into(), score, dimensions })
}

/// A small generator (xorshift64*), so that every run has the same rows.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1 << 24) as f32 - 0.5
    }

    fn template(&mut self, contract: &Arc<Contract>) -> Template {
        let values = (0..contract.dimensions).map(|_| self.next()).collect();
        Template::new(Arc::clone(contract), values).unwrap_or_else(|| panic!("random values have a direction"))
    }
}
