//! How alike two entries of different people are: the same image, the same face, or a look-alike that a person must see.

use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::threshold::{Score, Threshold};

/// Why two entries of different people are shown to a person side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// One image stands under two references.
    SameImage,
    /// They reach the threshold: perhaps one person under two references.
    Duplicate,
    /// They come near it: kin, perhaps. Either could be taken for the other.
    LookAlike,
}

/// Two entries that a person must compare before the list is frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flag {
    /// The earlier entry.
    pub first: u32,
    /// The later entry.
    pub second: u32,
    /// Why.
    pub likeness: Likeness,
}

impl Likeness {
    /// Every one, strongest first.
    pub const ALL: [Self; 3] = [Self::SameImage, Self::Duplicate, Self::LookAlike];

    /// How alike two entries of different people are, if enough for a person to look.
    pub fn of(score: &Score, threshold: &Threshold, policy: &Policy) -> Result<Option<Self>, Refusal> {
        if threshold.is_met_by(score)? {
            return Ok(Some(Self::Duplicate));
        }
        let near = f64::from(score.value()) >= policy.look_alike_floor(threshold);
        Ok(near.then_some(Self::LookAlike))
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::SameImage => "same image",
            Self::Duplicate => "duplicate",
            Self::LookAlike => "look-alike",
        }
    }

    /// The likeness for a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|likeness| likeness.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold::ModelId;
    use crate::watchlist::roll::tests::policy;

    fn found(threshold: f32, score: f32) -> Option<Likeness> {
        let threshold = Threshold::new(ModelId::new("m"), threshold, 0.001, "set".into()).unwrap();
        let policy = Policy { look_alike_score: 0.8, ..policy() };
        Likeness::of(&Score::new(ModelId::new("m"), score).unwrap(), &threshold, &policy).unwrap()
    }

    #[test]
    fn what_reaches_the_threshold_is_a_duplicate_and_what_comes_near_a_look_alike() {
        assert_eq!(found(0.5, 0.5), Some(Likeness::Duplicate));
        assert_eq!(found(0.5, 0.49), Some(Likeness::LookAlike));
        assert_eq!(found(0.5, 0.41), Some(Likeness::LookAlike));
        assert_eq!(found(0.5, 0.39), None);
        // Distances: nearer to nothing is more alike, and 0.8 of the threshold lies at -0.4 / 0.8 = -0.5.
        assert_eq!(found(-0.4, -0.3), Some(Likeness::Duplicate));
        assert_eq!(found(-0.4, -0.49), Some(Likeness::LookAlike));
        assert_eq!(found(-0.4, -0.51), None);
    }

    #[test]
    fn a_score_of_another_model_says_nothing() {
        let threshold = Threshold::new(ModelId::new("m"), 0.5, 0.001, "set".into()).unwrap();
        let other = Score::new(ModelId::new("n"), 0.9).unwrap();
        assert_eq!(Likeness::of(&other, &threshold, &policy()), Err(Refusal::ScoreOfAnotherModel));
        for likeness in Likeness::ALL {
            assert_eq!(Likeness::from_word(likeness.word()), Some(likeness));
        }
    }
}
