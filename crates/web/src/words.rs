//! Times, durations, numbers and rates as people read them. Times are UTC everywhere, and say so.

use jiff::{SignedDuration, Timestamp};

/// `22 November 2026, 04:43:36 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M:%S UTC").to_string()
}

/// `22 November 2026`.
pub(crate) fn day(at: Timestamp) -> String {
    at.strftime("%-d %B %Y").to_string()
}

/// `04:43:36 UTC`.
pub(crate) fn clock_time(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}

/// `1 hour 30 minutes`; `0 seconds` for nothing or less.
pub(crate) fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0).unsigned_abs();
    let parts = [
        (seconds / 86_400, "day"),
        (seconds / 3_600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    // A retention of 24 hours is called that, and not a day, because that is how rules are worded.
    let parts = if seconds.is_multiple_of(3_600) && seconds < 3 * 86_400 {
        [(0, ""), (seconds / 3_600, "hour"), (0, ""), (0, "")]
    } else {
        parts
    };
    let said: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, unit)| plural(count, unit)).collect();
    if said.is_empty() { "0 seconds".into() } else { said.join(" ") }
}

/// `1 alert`, `3 alerts`, `3,147,436 alerts`.
pub(crate) fn plural(count: u64, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {one}{ending}", grouped(count))
}

/// `3,147,436`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let first = digits.len() % 3;
    let mut groups: Vec<&str> = if first > 0 { vec![&digits[..first]] } else { Vec::new() };
    groups.extend((first..digits.len()).step_by(3).map(|at| &digits[at..at + 3]));
    groups.join(",")
}

/// `4.9 Mbit/s`.
pub(crate) fn bit_rate(bits_per_second: u64) -> String {
    format!("{:.1} Mbit/s", bits_per_second as f64 / 1e6)
}

/// A rate from 0 to 1 as per cent, with as many digits as it needs and no more than four that mean something.
pub(crate) fn per_cent(rate: f64) -> String {
    let percent = rate * 100.0;
    if percent == 0.0 {
        return "0 %".into();
    }
    let digits = (1 - percent.abs().log10().floor() as i32).clamp(0, 9) as usize;
    let text = format!("{percent:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// The same sentence with a capital letter and a full stop.
pub(crate) fn sentence_case(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if sentence.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_as_people_say_them() {
        for (seconds, said) in [
            (-5, "0 seconds"),
            (0, "0 seconds"),
            (1, "1 second"),
            (90, "1 minute 30 seconds"),
            (3_600, "1 hour"),
            (86_400, "24 hours"),
            (5_400, "1 hour 30 minutes"),
            (31 * 86_400, "31 days"),
        ] {
            assert_eq!(duration(SignedDuration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn numbers_are_grouped_and_rates_keep_what_matters() {
        for (count, said) in [(0, "0"), (999, "999"), (1_000, "1,000"), (3_147_436, "3,147,436"), (12_345, "12,345")] {
            assert_eq!(grouped(count), said);
        }
        for (rate, said) in [
            (0.0, "0 %"),
            (0.001, "0.1 %"),
            (0.0123, "1.2 %"),
            (1.0, "100 %"),
            (0.000_005_8, "0.00058 %"),
            (0.1, "10 %"),
        ] {
            assert_eq!(per_cent(rate), said);
        }
        assert_eq!(plural(1, "alert"), "1 alert");
        assert_eq!(plural(0, "alert"), "0 alerts");
    }

    #[test]
    fn times_say_that_they_are_utc() {
        let at: Timestamp = "2026-03-01T09:05:07.5Z".parse().expect("a time");
        assert_eq!(moment(at), "1 March 2026, 09:05:07 UTC");
        assert_eq!(clock_time(at), "09:05:07 UTC");
        assert_eq!(sentence_case("no reason was given; state one"), "No reason was given; state one.");
        assert_eq!(sentence_case(""), ".");
    }
}
