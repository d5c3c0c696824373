//! Every pair of pictures of a set, compared once.

use face::Template;
use face::template::ContractMismatch;
use rayon::prelude::*;

use crate::curve::RateCurve;

/// The scores of all pairs of pictures; larger is more alike.
pub struct Comparisons {
    identities: Vec<usize>,
    acquired: Vec<bool>,
    /// Row by row above the diagonal; not a number where a picture of the pair yielded no face.
    scores: Vec<f32>,
}

/// One pair of pictures, by their rows in the index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The earlier row, from 0.
    pub first: usize,
    /// The later row.
    pub second: usize,
    /// Whether both show one person.
    pub genuine: bool,
    /// How alike, or nothing where one of the two yielded no face.
    pub score: Option<f32>,
}

impl Comparisons {
    /// Compares all pictures with each other. `identities` holds the person of each template.
    pub fn all_pairs(templates: &[Option<Template>], identities: Vec<usize>) -> Result<Self, ContractMismatch> {
        debug_assert_eq!(templates.len(), identities.len());
        let mut scores = vec![f32::NAN; pairs(templates.len())];
        rows_of(&mut scores, templates.len()).into_par_iter().enumerate().try_for_each(|(first, row)| {
            let Some(template) = &templates[first] else { return Ok(()) };
            for (score, other) in row.iter_mut().zip(&templates[first + 1..]) {
                if let Some(other) = other {
                    *score = template.compare(other)?.0;
                }
            }
            Ok(())
        })?;
        Ok(Self { identities, acquired: templates.iter().map(Option::is_some).collect(), scores })
    }

    /// Number of pictures.
    pub fn pictures(&self) -> usize {
        self.identities.len()
    }

    /// The person in each picture.
    pub fn identities(&self) -> &[usize] {
        &self.identities
    }

    /// Whether a picture yielded a face.
    pub fn is_acquired(&self, row: usize) -> bool {
        self.acquired[row]
    }

    /// How alike two different pictures are; nothing where one of them yielded no face.
    pub fn score(&self, one: usize, other: usize) -> Option<f32> {
        let (first, second) = (one.min(other), one.max(other));
        let score = self.scores[row_start(first, self.pictures()) + second - first - 1];
        (!score.is_nan()).then_some(score)
    }

    /// All pairs, by row.
    pub fn iter(&self) -> impl Iterator<Item = Comparison> {
        (0..self.pictures()).flat_map(move |first| {
            (first + 1..self.pictures()).map(move |second| {
                let genuine = self.identities[first] == self.identities[second];
                Comparison { first, second, genuine, score: self.score(first, second) }
            })
        })
    }

    /// The error rates of one-to-one comparison; `None` when no genuine or no impostor pair has a score.
    pub fn curve(&self) -> Option<RateCurve> {
        let (mut genuine, mut missed, mut impostor) = (Vec::new(), 0, Vec::new());
        for pair in self.iter() {
            match (pair.genuine, pair.score) {
                (true, Some(score)) => genuine.push(score),
                (true, None) => missed += 1,
                (false, Some(score)) => impostor.push(score),
                (false, None) => {}
            }
        }
        RateCurve::new(genuine, missed, impostor)
    }
}

fn pairs(pictures: usize) -> usize {
    pictures * pictures.saturating_sub(1) / 2
}

fn row_start(first: usize, pictures: usize) -> usize {
    first * (2 * pictures - first - 1) / 2
}

fn rows_of(mut scores: &mut [f32], pictures: usize) -> Vec<&mut [f32]> {
    (0..pictures)
        .map(|first| {
            let (row, rest) = std::mem::take(&mut scores).split_at_mut(pictures - first - 1);
            scores = rest;
            row
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use face::{Contract, ScoreKind};

    use super::*;

    /// Templates of one number each, compared by distance; `None` is a failure to acquire.
    pub(crate) fn on_a_line(positions: &[Option<f32>]) -> Vec<Option<Template>> {
        let contract = Arc::new(Contract {
            model: "line".to_owned(),
            weights_sha256: "0".repeat(64),
            alignment: "none".to_owned(),
            score: ScoreKind::Euclidean,
            dimensions: 1,
        });
        positions.iter().map(|value| Template::new(contract.clone(), Box::new([(*value)?]))).collect()
    }

    /// All pairs of templates of one contract.
    pub(crate) fn compared(templates: &[Option<Template>], identities: Vec<usize>) -> Comparisons {
        Comparisons::all_pairs(templates, identities).expect("one contract")
    }

    #[test]
    fn every_pair_is_compared_once() {
        let templates = on_a_line(&[Some(0.0), Some(1.0), None, Some(5.0)]);
        let comparisons = compared(&templates, vec![0, 0, 1, 1]);
        let seen: Vec<_> = comparisons.iter().map(|pair| (pair.first, pair.second, pair.genuine, pair.score)).collect();
        let expected = [
            (0, 1, true, Some(-1.0)),
            (0, 2, false, None),
            (0, 3, false, Some(-5.0)),
            (1, 2, false, None),
            (1, 3, false, Some(-4.0)),
            (2, 3, true, None),
        ];
        assert_eq!(seen, expected);
        assert_eq!(comparisons.score(3, 1), Some(-4.0));
        let curve = comparisons.curve().expect("scores");
        assert_eq!((curve.genuine_pairs(), curve.impostor()), (2, &[-5.0, -4.0][..]));
        assert_eq!(curve.equal_error().rate, 0.5);
    }

    #[test]
    fn a_set_without_pairs_has_no_curve() {
        assert!(compared(&[], Vec::new()).curve().is_none());
        assert!(compared(&on_a_line(&[Some(0.0)]), vec![0]).curve().is_none());
    }
}
