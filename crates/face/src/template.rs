//! A template (embedding), the contract it was made under, and the score between two.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::gallery::kernel;
use crate::sealed_memory::{Protection, Sealed};

/// How two templates of a model are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreKind {
    /// Cosine of the angle, -1 to 1; templates are scaled to unit length when made.
    Cosine,
    /// Euclidean distance, shown as such; inside, a [`Score`] is its negative so that larger is always more alike.
    Euclidean,
}

impl ScoreKind {
    /// The score in the model's own unit: the cosine, or the distance (smaller is more alike).
    pub fn shown(self, score: Score) -> f32 {
        match self {
            Self::Cosine => score.0,
            Self::Euclidean => 0.0 - score.0,
        }
    }

    /// What that number is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Euclidean => "Euclidean distance",
        }
    }
}

/// What a template depends on: two templates can be compared only when all of it is equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Catalogue name of the recogniser.
    pub model: String,
    /// SHA-256 of the weights file as published, lower-case hexadecimal.
    pub weights_sha256: String,
    /// Name of the alignment and of the pre-processing, with their version.
    pub alignment: String,
    /// How scores are made.
    pub score: ScoreKind,
    /// Number of values in a template.
    pub dimensions: usize,
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weights = self.weights_sha256.get(..12).unwrap_or(&self.weights_sha256);
        write!(
            f,
            "{} (weights {weights}, {}, {}, {} values)",
            self.model,
            self.alignment,
            self.score.name(),
            self.dimensions
        )
    }
}

/// Two things made under different contracts, which no number can compare.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a template of {left} cannot be compared with one of {right}; make both with the same model")]
pub struct ContractMismatch {
    /// The one side's contract.
    pub left: String,
    /// The other side's.
    pub right: String,
}

impl Contract {
    /// Passes when `other` is equal in everything.
    pub fn check(&self, other: &Contract) -> Result<(), ContractMismatch> {
        match self == other {
            true => Ok(()),
            false => Err(ContractMismatch { left: self.to_string(), right: other.to_string() }),
        }
    }
}

/// A similarity: larger is more alike. Cosine, or the negative Euclidean distance, by the contract's [`ScoreKind`].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Score(pub f32);

/// A face as numbers. Neither `Clone`, `Debug` nor serialisable; wiped when dropped.
pub struct Template {
    contract: Arc<Contract>,
    /// The values, padded with zeros to whole lanes of the search kernel.
    values: Sealed<f32>,
}

/// A squared length this close to one counts as unit length, so that scaling twice changes nothing.
const UNIT_TOLERANCE: f64 = 1e-6;

impl Template {
    /// Wraps a recogniser's output, scaled to unit length where scores are cosines. `None` when its length is not the
    /// contract's, a value is not finite, or a cosine template has no direction.
    pub fn new(contract: Arc<Contract>, values: Box<[f32]>) -> Option<Self> {
        let values = Zeroizing::new(values);
        if values.is_empty() || values.len() != contract.dimensions || !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        let mut sealed = Sealed::zeroed(kernel::padded(values.len()));
        sealed[..values.len()].copy_from_slice(&values);
        if contract.score == ScoreKind::Cosine {
            let squared: f64 = sealed.iter().map(|value| f64::from(*value).powi(2)).sum();
            if squared == 0.0 {
                return None;
            }
            if (squared - 1.0).abs() > UNIT_TOLERANCE {
                let length = squared.sqrt();
                sealed.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
            }
        }
        Some(Self { contract, values: sealed })
    }

    /// What this template depends on.
    pub fn contract(&self) -> &Arc<Contract> {
        &self.contract
    }

    /// The numbers.
    pub fn values(&self) -> &[f32] {
        &self.values[..self.contract.dimensions]
    }

    /// What the system granted to keep this template out of dumps and swap.
    pub fn protection(&self) -> Protection {
        self.values.protection()
    }

    /// How alike two faces are: the very bits that a gallery search gives for the same pair.
    pub fn compare(&self, other: &Template) -> Result<Score, ContractMismatch> {
        self.contract.check(&other.contract)?;
        Ok(Score(kernel::score_pair(self.contract.score, &self.values, &other.values)))
    }

    /// The numbers with their padding, as the search kernel reads them.
    pub(crate) fn padded_values(&self) -> &[f32] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(score: ScoreKind, dimensions: usize) -> Arc<Contract> {
        let weights_sha256 = "00".repeat(32);
        Arc::new(Contract { model: "m".into(), weights_sha256, alignment: "a".into(), score, dimensions })
    }

    fn template(contract: &Arc<Contract>, values: &[f32]) -> Template {
        Template::new(Arc::clone(contract), values.into()).expect("sound values")
    }

    #[test]
    fn unsound_values_make_no_template() {
        let cosine = contract(ScoreKind::Cosine, 2);
        for values in [&[1.0][..], &[1.0, f32::NAN], &[f32::INFINITY, 0.0], &[0.0, 0.0]] {
            assert!(Template::new(Arc::clone(&cosine), values.into()).is_none(), "{values:?}");
        }
        assert!(Template::new(contract(ScoreKind::Euclidean, 2), [0.0, 0.0].into()).is_some());
        assert!(Template::new(contract(ScoreKind::Euclidean, 0), [].into()).is_none());
    }

    #[test]
    fn cosine_templates_have_unit_length_and_scaling_them_again_changes_no_bit() {
        let cosine = contract(ScoreKind::Cosine, 3);
        let made = template(&cosine, &[3.0, 4.0, 12.0]);
        assert_eq!(made.values(), &[3.0 / 13.0, 4.0 / 13.0, 12.0 / 13.0]);
        assert_eq!(template(&cosine, made.values()).values(), made.values());
    }

    #[test]
    fn scores_are_in_the_models_own_unit() {
        let euclidean = contract(ScoreKind::Euclidean, 2);
        let score =
            template(&euclidean, &[0.0, 3.0]).compare(&template(&euclidean, &[4.0, 0.0])).expect("same contract");
        assert_eq!((score, ScoreKind::Euclidean.shown(score)), (Score(-5.0), 5.0));
        let cosine = contract(ScoreKind::Cosine, 2);
        let score = template(&cosine, &[0.0, 3.0]).compare(&template(&cosine, &[0.0, -2.0])).expect("same contract");
        assert_eq!(score, Score(-1.0));
    }

    #[test]
    fn another_contract_is_refused_by_name() {
        let one = contract(ScoreKind::Cosine, 2);
        let two = Arc::new(Contract { weights_sha256: "11".repeat(32), ..Contract::clone(&one) });
        let refusal = template(&one, &[1.0, 0.0]).compare(&template(&two, &[1.0, 0.0])).expect_err("other weights");
        assert!(
            refusal.to_string().contains("weights 000000000000")
                && refusal.to_string().contains("weights 111111111111"),
            "{refusal}"
        );
    }
}
