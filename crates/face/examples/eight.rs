use face::{Contract, Gallery, ScoreKind, Template};
use std::{hint::black_box, sync::Arc, time::Instant};
fn median(what: &str, runs: usize, mut work: impl FnMut()) -> f64 {
    let mut t: Vec<f64> = (0..runs)
        .map(|_| {
            let s = Instant::now();
            work();
            s.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    t.sort_by(f64::total_cmp);
    println!("  {what:<30} median {:.3} min {:.3} ms", t[runs / 2], t[0]);
    t[0]
}
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
fn main() {
    let a: Vec<usize> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let (rows, dims) = (a[0], a[1]);
    for kind in [ScoreKind::Cosine, ScoreKind::Euclidean] {
        if a.len() > 2 && (a[2] == 0) != (kind == ScoreKind::Cosine) {
            continue;
        }
        let c = Arc::new(Contract {
            model: "b".into(),
            weights_sha256: "00".repeat(32),
            alignment: "b".into(),
            score: kind,
            dimensions: dims,
        });
        let make = |row: usize| {
            let v: Vec<f64> = (0..dims)
                .map(|d| {
                    let z = mix(((row * dims + d) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
                    ((z & 65535) + (z >> 16 & 65535) + (z >> 32 & 65535) + (z >> 48)) as f64 - 131070.0
                })
                .collect();
            let l = v.iter().map(|x| x * x).sum::<f64>().sqrt();
            Template::new(Arc::clone(&c), v.iter().map(|x| (x / l) as f32).collect()).unwrap()
        };
        let s = Instant::now();
        let mut b = Gallery::builder(Arc::clone(&c));
        for r in 0..rows {
            b.add(r as u32, 0, make(r)).unwrap();
        }
        let g = b.build();
        println!(
            "{kind:?} {rows}x{dims} built {:.1} s {} {:?}",
            s.elapsed().as_secs_f64(),
            g.instructions(),
            g.protection()
        );
        let probes: Vec<Template> = (rows..rows + 8).map(make).collect();
        let many: Vec<&Template> = probes.iter().collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| {
            let p: usize = a[3];
            for _ in 0..5 {
                let t = median("probes", 200, || {
                    black_box(g.search_many(&many[..p], a[4]).unwrap());
                });
                println!("{:.2} ns a pair", t * 1e6 / (rows * p) as f64);
            }
        });
    }
}
