//! What a search must answer: the same as scoring every row, whatever the rows, the instructions and the threads.

use std::cmp::Ordering;

use super::best::order;
use super::*;
use crate::template::ScoreKind;

/// A small generator (xorshift64*), so that the rows are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as f32 / (1 << 24) as f32 - 0.5
    }
}

fn contract(score: ScoreKind, dimensions: usize) -> Arc<Contract> {
    let weights_sha256 = "00".repeat(32);
    Arc::new(Contract { model: "m".into(), weights_sha256, alignment: "a".into(), score, dimensions })
}

fn random(contract: &Arc<Contract>, numbers: &mut Numbers) -> Template {
    let values = (0..contract.dimensions).map(|_| numbers.next()).collect();
    Template::new(Arc::clone(contract), values).expect("sound values")
}

fn copy(template: &Template) -> Template {
    Template::new(Arc::clone(template.contract()), template.values().into()).expect("sound values")
}

/// The same score in double precision, written as plainly as possible.
fn reference(left: &Template, right: &Template) -> f64 {
    let pairs = left.values().iter().zip(right.values()).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    match left.contract().score {
        ScoreKind::Cosine => pairs.map(|(a, b)| a * b).sum(),
        ScoreKind::Euclidean => -pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt(),
    }
}

#[test]
fn agrees_with_double_precision_and_with_one_to_one() {
    let mut numbers = Numbers(7);
    for (kind, dimensions, rows, probes) in [
        (ScoreKind::Cosine, 512, 3000, 8),
        (ScoreKind::Cosine, 256, 1, 1),
        (ScoreKind::Cosine, 100, 1025, 2),
        (ScoreKind::Euclidean, 128, 2500, 5),
        (ScoreKind::Euclidean, 1, 7, 3),
    ] {
        let contract = contract(kind, dimensions);
        let templates: Vec<Template> = (0..rows).map(|_| random(&contract, &mut numbers)).collect();
        let mut builder = Gallery::builder(Arc::clone(&contract));
        for (row, template) in templates.iter().enumerate() {
            builder.add(row as u32 / 3, row as u32 % 3, copy(template)).expect("a new row");
        }
        let gallery = builder.build();
        let probes: Vec<Template> = (0..probes).map(|_| random(&contract, &mut numbers)).collect();
        let answers = gallery.search_many(&probes.iter().collect::<Vec<_>>(), rows).expect("an answer");
        for (probe, answer) in probes.iter().zip(&answers) {
            assert_eq!(answer.len(), rows);
            assert!(answer.windows(2).all(|pair| order(&pair[0], &pair[1]) == Ordering::Less), "sorted, no row twice");
            for hit in answer {
                let template = &templates[(3 * hit.person + hit.image) as usize];
                assert!((f64::from(hit.score.0) - reference(probe, template)).abs() < 2e-6, "{hit:?}");
                assert_eq!(probe.compare(template).map(|score| score.0.to_bits()), Ok(hit.score.0.to_bits()));
            }
            assert_eq!(gallery.search(probe, 10).expect("an answer"), answer[..rows.min(10)]);
        }
    }
}

#[test]
fn best_per_person_is_the_row_search_without_repeats() {
    let mut numbers = Numbers(3);
    let contract = contract(ScoreKind::Cosine, 128);
    let mut builder = Gallery::builder(Arc::clone(&contract));
    for row in 0..5000u32 {
        builder.add(row.wrapping_mul(2_654_435_761) % 700, row, random(&contract, &mut numbers)).expect("a new row");
    }
    let gallery = builder.build();
    let probe = random(&contract, &mut numbers);
    let mut seen = HashSet::new();
    let rows = gallery.search(&probe, 5000).expect("an answer");
    let people: Vec<Hit> = rows.into_iter().filter(|hit| seen.insert(hit.person)).collect();
    for top in [1, 10, 700, 5000] {
        assert_eq!(gallery.best_per_person(&probe, top).expect("an answer"), people[..people.len().min(top)]);
    }
    assert_eq!(gallery.best_per_person_many(&[&probe, &probe], 3).expect("an answer"), vec![people[..3].to_vec(); 2]);
}

#[test]
fn ties_are_ordered_by_person_then_image_whatever_the_order_of_enrolment() {
    let contract = contract(ScoreKind::Cosine, 16);
    let one = random(&contract, &mut Numbers(1));
    let mut builder = Gallery::builder(Arc::clone(&contract));
    for (person, image) in [(5, 0), (2, 9), (2, 1), (9, 0), (0, 4)] {
        builder.add(person, image, copy(&one)).expect("a new row");
    }
    let gallery = builder.build();
    let keys = |hits: Vec<Hit>| hits.iter().map(|hit| (hit.person, hit.image)).collect::<Vec<_>>();
    assert_eq!(keys(gallery.search(&one, 4).expect("an answer")), [(0, 4), (2, 1), (2, 9), (5, 0)]);
    assert_eq!(keys(gallery.best_per_person(&one, 3).expect("an answer")), [(0, 4), (2, 1), (5, 0)]);
}

#[test]
fn the_answer_does_not_depend_on_the_number_of_threads() {
    let mut numbers = Numbers(11);
    let contract = contract(ScoreKind::Euclidean, 128);
    let mut builder = Gallery::builder(Arc::clone(&contract));
    for row in 0..20_000 {
        builder.add(row, 0, random(&contract, &mut numbers)).expect("a new row");
    }
    let gallery = builder.build();
    let probes: Vec<Template> = (0..4).map(|_| random(&contract, &mut numbers)).collect();
    let probes: Vec<&Template> = probes.iter().collect();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| gallery.search_many(&probes, 50)).expect("an answer")
    };
    let alone = with(1);
    assert_eq!(alone, with(2));
    assert_eq!(alone, with(7));
}

#[test]
fn what_cannot_be_answered_is_an_error() {
    let cosine = contract(ScoreKind::Cosine, 128);
    let probe = random(&cosine, &mut Numbers(2));
    let empty = Gallery::builder(Arc::clone(&cosine)).build();
    assert!(matches!(empty.search(&probe, 1), Err(GalleryError::NotReady { .. })));
    let mut builder = Gallery::builder(Arc::clone(&cosine));
    builder.add(1, 2, copy(&probe)).expect("a new row");
    assert_eq!(builder.add(1, 2, copy(&probe)), Err(GalleryError::Duplicate { person: 1, image: 2 }));
    let other = random(&contract(ScoreKind::Euclidean, 128), &mut Numbers(2));
    assert!(matches!(builder.add(1, 3, copy(&other)), Err(GalleryError::Contract(_))));
    let gallery = builder.build();
    assert_eq!(gallery.search(&probe, 0), Err(GalleryError::NothingAsked));
    assert!(matches!(gallery.search(&other, 1), Err(GalleryError::Contract(_))));
    assert_eq!(
        gallery.search_many(&[&probe; PROBES_MAX + 1], 1),
        Err(GalleryError::TooManyProbes { asked: PROBES_MAX + 1 })
    );
    assert_eq!(gallery.search(&probe, 5).map(|hits| hits.len()), Ok(1));
}
