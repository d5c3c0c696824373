//! Names of things on the record. Each is checked when made, and one kind cannot stand where another is meant.

use std::fmt;

/// Most characters in an identifier: it stands in every entry about the thing.
pub const IDENTIFIER_CHARS_MAX: usize = 64;

/// Why a text is not an identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnIdentifier {
    found: String,
}

impl fmt::Display for NotAnIdentifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "an identifier has 1 to {IDENTIFIER_CHARS_MAX} lower-case letters, digits and hyphens; found {:?}; choose another",
            self.found
        )
    }
}

impl std::error::Error for NotAnIdentifier {}

fn checked(text: &str) -> Result<String, NotAnIdentifier> {
    let lawful = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() || text.len() > IDENTIFIER_CHARS_MAX || !text.chars().all(lawful) {
        return Err(NotAnIdentifier { found: text.chars().take(IDENTIFIER_CHARS_MAX).collect() });
    }
    Ok(text.to_owned())
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Checks and takes a text.
            pub fn new(text: &str) -> Result<Self, NotAnIdentifier> {
                checked(text).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// An operation: a named purpose over time.
    OperationId
);
identifier!(
    /// A deployment: one authorised use at one place in one window of time.
    DeploymentId
);
identifier!(
    /// An alert. Random, so that it says nothing about order or person.
    AlertId
);
identifier!(
    /// A suppression. Random, so that it says nothing about order or person. Never published.
    SuppressionId
);
identifier!(
    /// A complaint. Random, so that it says nothing about order or person.
    ComplaintId
);
identifier!(
    /// A share: terms on which something passes between the force and another body.
    ShareId
);
identifier!(
    /// A member of the operator's staff, by staff pseudonym. Never published.
    OfficerId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_short_and_plain() {
        for good in ["a", "kx-2026-11-22", "0"] {
            assert!(DeploymentId::new(good).is_ok(), "{good}");
        }
        let long = "a".repeat(IDENTIFIER_CHARS_MAX + 1);
        for bad in ["", "A", "a b", "a/b", "../x", "é", long.as_str()] {
            assert!(DeploymentId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_identifier_may_be_64_characters_long_and_a_refused_one_is_told_no_longer_than_that() {
        let most = "a".repeat(64);
        assert_eq!(AlertId::new(&most).unwrap().as_str(), most);
        let refused = AlertId::new(&"A".repeat(70)).unwrap_err();
        let told = format!(
            "an identifier has 1 to 64 lower-case letters, digits and hyphens; found \"{}\"; choose another",
            "A".repeat(64)
        );
        assert_eq!(refused.to_string(), told);
    }
}
