//! The closed vocabularies of a profile: which may be empty, what a word may look like, and what must be among them.

use super::{Policy, PolicyFault};
use crate::alert::Outcome;

/// Most words of one vocabulary: a longer list constrains nobody.
pub const VOCABULARY_WORDS_MAX: usize = 64;
/// Most characters of a word: it stands in entries of the public record.
pub const WORD_CHARS_MAX: usize = 120;

/// A vocabulary of a profile.
struct Vocabulary<'policy> {
    setting: &'static str,
    words: &'policy [String],
    /// Why it may not be empty, when it may not.
    needed: Option<&'static str>,
}

/// Contradictions of the vocabularies, each by itself and between them.
pub(super) fn faults(policy: &Policy) -> Vec<PolicyFault> {
    let mut faults: Vec<_> = vocabularies(policy).iter().flat_map(faults_of).collect();
    let mut fault = |setting, wrong: &str| faults.push(PolicyFault { setting, wrong: wrong.into() });
    match (policy.urgent_ratification, policy.urgent_grounds.is_empty()) {
        (Some(_), true) => {
            fault("urgent_grounds", "there is an urgent route (urgent_ratification) and no ground for it")
        }
        (None, false) => {
            fault("urgent_grounds", "there are grounds for an urgent route that urgent_ratification closes")
        }
        _ => {}
    }
    if policy.oifr_powers.is_empty() != policy.oifr_place_classes.is_empty() {
        let wrong = "handheld use needs both lawful powers and classes of places; name both, or neither to forbid it";
        fault("oifr_place_classes", wrong);
    }
    for word in policy.outcomes.iter().filter(|word| Outcome::from_word(word).is_none()) {
        let known = Outcome::ALL.map(Outcome::word).join(", ");
        faults.push(PolicyFault { setting: "outcomes", wrong: format!("{word:?} is none of: {known}") });
    }
    for outcome in [Outcome::IdentityConfirmed, Outcome::IdentityRefuted, Outcome::NoAction] {
        if !policy.outcomes.iter().any(|word| word == outcome.word()) {
            let wrong =
                format!("{:?} is missing; without it true and false alerts could not be told apart", outcome.word());
            faults.push(PolicyFault { setting: "outcomes", wrong });
        }
    }
    faults
}

fn vocabularies(policy: &Policy) -> [Vocabulary<'_>; 9] {
    let needed = |setting, words, why| Vocabulary { setting, words, needed: Some(why) };
    let free = |setting, words| Vocabulary { setting, words, needed: None };
    [
        needed("purposes", &policy.purposes, "no deployment could have a purpose"),
        needed("grounds", &policy.grounds, "nobody could be listed"),
        free("documents", &policy.documents),
        needed("place_grounds", &policy.place_grounds, "no place could be chosen"),
        free("urgent_grounds", &policy.urgent_grounds),
        needed(
            "protected_grounds",
            &policy.protected_grounds,
            "children, protected people and the dead would not be protected",
        ),
        needed("outcomes", &policy.outcomes, "nothing could follow an alert"),
        free("oifr_powers", &policy.oifr_powers),
        free("oifr_place_classes", &policy.oifr_place_classes),
    ]
}

fn faults_of(vocabulary: &Vocabulary<'_>) -> Option<PolicyFault> {
    let Vocabulary { setting, words, needed } = vocabulary;
    let wrong = if let (Some(why), true) = (needed, words.is_empty()) {
        format!("the vocabulary is empty, so {why}")
    } else if words.len() > VOCABULARY_WORDS_MAX {
        format!("it has {} words; at most {VOCABULARY_WORDS_MAX} still constrain anybody", words.len())
    } else if let Some(word) = words.iter().find(|word| !is_word(word)) {
        format!(
            "{word:?} is no word: it needs 1 to {WORD_CHARS_MAX} characters on one line, without space at either end"
        )
    } else if let Some((_, word)) = words.iter().enumerate().find(|(place, word)| words[..*place].contains(word)) {
        format!("{word:?} stands in it twice")
    } else {
        return None;
    };
    Some(PolicyFault { setting, wrong })
}

fn is_word(word: &str) -> bool {
    let length = word.chars().count();
    (1..=WORD_CHARS_MAX).contains(&length) && word.trim() == word && !word.chars().any(char::is_control)
}
