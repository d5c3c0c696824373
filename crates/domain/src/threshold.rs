//! Scores and thresholds: a threshold belongs to one model, and states the false-positive rate it was measured to give.

use crate::refusal::Refusal;

/// A recogniser, named by the digest of all that its scores depend on (weights, alignment, pre-processing).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelId(String);

impl ModelId {
    /// Takes a name that changes whenever scores could.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How alike two faces are by one model; larger is more. It has a meaning only beside a threshold of the same model.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    model: ModelId,
    value: f32,
}

impl Score {
    /// A finite score of a model; `None` for anything else.
    pub fn new(model: ModelId, value: f32) -> Option<Self> {
        value.is_finite().then_some(Self { model, value })
    }

    /// The number, in the model's own units.
    pub fn value(&self) -> f32 {
        self.value
    }
}

/// The least score that makes a candidate, and where that number comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    model: ModelId,
    value: f32,
    fpir: f64,
    evaluation: String,
}

impl Threshold {
    /// `fpir` is the measured false-positive identification rate (0 to 1) and `evaluation` names the measurement.
    pub fn new(model: ModelId, value: f32, fpir: f64, evaluation: String) -> Result<Self, Refusal> {
        let measured = value.is_finite() && fpir > 0.0 && fpir < 1.0 && !evaluation.is_empty();
        if measured { Ok(Self { model, value, fpir, evaluation }) } else { Err(Refusal::ThresholdNotMeasured) }
    }

    /// Whether a score reaches the threshold (reaching it exactly counts). A score of another model is refused.
    pub fn is_met_by(&self, score: &Score) -> Result<bool, Refusal> {
        if score.model != self.model {
            return Err(Refusal::ScoreOfAnotherModel);
        }
        Ok(score.value >= self.value)
    }

    /// The model it belongs to.
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// The number, in the model's own units.
    pub fn value(&self) -> f32 {
        self.value
    }

    /// The measured false-positive identification rate.
    pub fn fpir(&self) -> f64 {
        self.fpir
    }

    /// The evaluation it was measured in.
    pub fn evaluation(&self) -> &str {
        &self.evaluation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_inclusive_and_knows_only_its_own_model() {
        let model = ModelId::new("a");
        let threshold = Threshold::new(model.clone(), 0.5, 0.001, "set".into()).unwrap();
        let score = |model: &ModelId, value| Score::new(model.clone(), value).unwrap();
        assert_eq!(threshold.is_met_by(&score(&model, 0.5)), Ok(true));
        assert_eq!(threshold.is_met_by(&score(&model, 0.499)), Ok(false));
        assert_eq!(threshold.is_met_by(&score(&ModelId::new("b"), 0.9)), Err(Refusal::ScoreOfAnotherModel));
        assert!(Score::new(model, f32::NAN).is_none());
    }

    #[test]
    fn a_threshold_needs_a_measurement() {
        for (value, fpir, evaluation) in [(f32::NAN, 0.1, "set"), (0.5, 0.0, "set"), (0.5, 1.0, "set"), (0.5, 0.1, "")]
        {
            let made = Threshold::new(ModelId::new("a"), value, fpir, evaluation.into());
            assert_eq!(made, Err(Refusal::ThresholdNotMeasured));
        }
    }

    #[test]
    fn a_threshold_says_its_model_its_value_and_where_its_rate_was_measured() {
        let threshold = Threshold::new(ModelId::new("a"), 0.5, 0.001, "set of March".into()).unwrap();
        assert_eq!((threshold.model().as_str(), threshold.evaluation()), ("a", "set of March"));
        assert_eq!((threshold.value(), threshold.fpir()), (0.5, 0.001));
    }
}
