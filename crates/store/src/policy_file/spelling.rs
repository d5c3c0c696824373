//! How each kind of value is spelt in a profile: lengths of time, numbers, lists of words, choices and roles.

use std::fmt::Display;
use std::marker::PhantomData;

use domain::{Adjudicators, OutsideAuthoriser, Role, Roles, SourceKind};
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// One kind of value: what stands in the file, what it means, and how it is shown.
pub(super) trait Spelling {
    /// As TOML holds it.
    type Text: DeserializeOwned;
    /// As `domain` holds it.
    type Value;

    /// What it means, or what is wrong with it.
    fn read(text: Self::Text) -> Result<Self::Value, String>;
    /// The value as people read it.
    fn shown(text: &Self::Text) -> String;
}

/// Where there may be none of something, it is spelt so that nothing is left out by accident.
const NONE: &str = "none";

/// `30 s`, `90 min`, `24 h`, `31 days`; a day is 24 hours.
pub(super) struct Length;

/// A length, or `none`.
pub(super) struct LengthOrNone;

/// A whole number.
pub(super) struct Count<T>(PhantomData<T>);

/// A number with a point.
pub(super) struct Share;

/// A list of words.
pub(super) struct Words;

/// What frames may come from.
pub(super) struct Sources;

/// One word of a few.
pub(super) struct Choice<T>(PhantomData<T>);

/// Who may propose and approve.
pub(super) struct RoleLists;

impl Spelling for Length {
    type Text = String;
    type Value = SignedDuration;

    fn read(text: String) -> Result<SignedDuration, String> {
        let days = text.strip_suffix(" days").or_else(|| text.strip_suffix(" day"));
        let length = match days {
            Some(count) => {
                count.parse().ok().and_then(|count: i32| SignedDuration::from_hours(24).checked_mul(count)).ok_or(None)
            }
            None => text.parse().map_err(|error: jiff::Error| Some(error.to_string())),
        };
        length.map_err(|error| {
            let why = error.map_or_else(String::new, |error| format!(" ({error})"));
            format!("{text:?} is not a length of time such as \"30 s\", \"24 h\" or \"31 days\"{why}")
        })
    }

    fn shown(text: &String) -> String {
        text.clone()
    }
}

impl Spelling for LengthOrNone {
    type Text = String;
    type Value = Option<SignedDuration>;

    fn read(text: String) -> Result<Option<SignedDuration>, String> {
        if text == NONE { Ok(None) } else { Length::read(text).map(Some) }
    }

    fn shown(text: &String) -> String {
        text.clone()
    }
}

impl<T: DeserializeOwned + Display> Spelling for Count<T> {
    type Text = T;
    type Value = T;

    fn read(count: T) -> Result<T, String> {
        Ok(count)
    }

    fn shown(count: &T) -> String {
        count.to_string()
    }
}

impl Spelling for Share {
    type Text = f64;
    type Value = f64;

    fn read(share: f64) -> Result<f64, String> {
        Ok(share)
    }

    fn shown(share: &f64) -> String {
        share.to_string()
    }
}

impl Spelling for Words {
    type Text = Vec<String>;
    type Value = Vec<String>;

    fn read(words: Vec<String>) -> Result<Vec<String>, String> {
        Ok(words)
    }

    fn shown(words: &Vec<String>) -> String {
        if words.is_empty() { NONE.into() } else { words.join("; ") }
    }
}

impl Spelling for Sources {
    type Text = Vec<String>;
    type Value = Vec<SourceKind>;

    fn read(words: Vec<String>) -> Result<Vec<SourceKind>, String> {
        let kind = |word: &String| {
            SourceKind::from_word(word).ok_or_else(|| no_choice(word, &SourceKind::ALL.map(SourceKind::word)))
        };
        words.iter().map(kind).collect()
    }

    fn shown(words: &Vec<String>) -> String {
        if words.is_empty() { NONE.into() } else { words.join(", ") }
    }
}

impl Spelling for Choice<Adjudicators> {
    type Text = String;
    type Value = Adjudicators;

    fn read(word: String) -> Result<Adjudicators, String> {
        Adjudicators::from_word(&word).ok_or_else(|| no_choice(&word, &Adjudicators::ALL.map(Adjudicators::word)))
    }

    fn shown(word: &String) -> String {
        word.clone()
    }
}

impl Spelling for Choice<OutsideAuthoriser> {
    type Text = String;
    type Value = OutsideAuthoriser;

    fn read(word: String) -> Result<OutsideAuthoriser, String> {
        let words = OutsideAuthoriser::ALL.map(OutsideAuthoriser::word);
        OutsideAuthoriser::from_word(&word).ok_or_else(|| no_choice(&word, &words))
    }

    fn shown(word: &String) -> String {
        word.clone()
    }
}

/// The lists of roles, as words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleWords {
    propose: Vec<String>,
    approve: Vec<String>,
    approve_urgent: Vec<String>,
}

impl Spelling for RoleLists {
    type Text = RoleWords;
    type Value = Roles;

    fn read(words: RoleWords) -> Result<Roles, String> {
        let RoleWords { propose, approve, approve_urgent } = words;
        Ok(Roles { propose: roles(&propose)?, approve: roles(&approve)?, approve_urgent: roles(&approve_urgent)? })
    }

    fn shown(words: &RoleWords) -> String {
        let RoleWords { propose, approve, approve_urgent } = words;
        format!(
            "propose: {}. approve: {}. approve in urgency: {}",
            Words::shown(propose),
            Words::shown(approve),
            Words::shown(approve_urgent)
        )
    }
}

fn roles(words: &[String]) -> Result<Vec<Role>, String> {
    let named = |word: &String| Role::from_word(word).ok_or_else(|| no_choice(word, &Role::ALL.map(Role::word)));
    words.iter().map(named).collect()
}

fn no_choice(word: &str, choices: &[&str]) -> String {
    format!("{word:?} is none of: {}", choices.join(", "))
}
