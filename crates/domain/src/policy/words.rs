//! Lengths of time, rates and lists as people say them.

use jiff::SignedDuration;

/// `24 hours`, `31 days`, `90 minutes`, `1 second`: in the largest unit that leaves nothing over, days from three on.
pub(crate) fn length(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    let (count, unit) = match seconds {
        s if s % 86_400 == 0 && s.abs() >= 3 * 86_400 => (s / 86_400, "day"),
        s if s % 3_600 == 0 && s != 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 && s != 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    let (sign, ending) = (if count < 0 { "-" } else { "" }, if count == 1 { "" } else { "s" });
    format!("{sign}{} {unit}{ending}", grouped(count.unsigned_abs()))
}

/// `20,000`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.001 (1 in 1,000)`, `0.0038 (about 1 in 263)`.
pub(crate) fn rate(rate: f64) -> String {
    let one_in = (1.0 / rate).round();
    if !(rate > 0.0 && one_in < 1e15) {
        return rate.to_string();
    }
    let about = if (one_in * rate - 1.0).abs() < 1e-9 { "" } else { "about " };
    format!("{rate} ({about}1 in {})", grouped(one_in as u64))
}

/// Words of a vocabulary in a row; they may hold commas, so semicolons part them.
pub(crate) fn list(words: &[String]) -> String {
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_said_in_the_largest_unit_that_fits() {
        for (seconds, said) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "90 seconds"),
            (60, "1 minute"),
            (5_400, "90 minutes"),
            (3_600, "1 hour"),
            (86_400, "24 hours"),
            (172_800, "48 hours"),
            (259_200, "3 days"),
            (2_192 * 86_400, "2,192 days"),
            (-60, "-1 minutes"),
        ] {
            assert_eq!(length(SignedDuration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn numbers_and_rates_are_said_so_that_they_can_be_compared() {
        assert_eq!([grouped(7), grouped(999), grouped(1_000), grouped(1_234_567)], ["7", "999", "1,000", "1,234,567"]);
        assert_eq!(rate(0.001), "0.001 (1 in 1,000)");
        assert_eq!(rate(0.0038), "0.0038 (about 1 in 263)");
        assert_eq!(rate(0.0), "0");
    }

    #[test]
    fn what_is_no_rate_or_too_rare_to_be_counted_out_is_said_as_the_number_it_is() {
        for (value, said) in [
            (1.0, "1 (1 in 1)"),
            (1e-14, "0.00000000000001 (1 in 100,000,000,000,000)"),
            (1e-15, "0.000000000000001"),
            (1e-16, "0.0000000000000001"),
            (-0.001, "-0.001"),
            (-0.0, "-0"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(rate(value), said);
        }
    }

    #[test]
    fn words_stand_in_a_row_in_their_order() {
        assert_eq!(list(&["theft, or worse".to_owned(), "arson".to_owned()]), "theft, or worse; arson");
        assert_eq!(list(&["arson".to_owned()]), "arson");
    }
}
