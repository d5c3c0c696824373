//! The table that a public body publishes of each deployment, with exactly the columns that the Home Office uses.

use jiff::Timestamp;

use super::record::Record;
use crate::words;

/// What stands where this version records nothing.
pub(super) const NOT_RECORDED: &str = "not recorded";

/// The columns, in their order (Home Office, deployments of November 2025).
pub(super) const COLUMNS: [&str; 15] = [
    "Deployment",
    "Date",
    "Deployment type",
    "Duration of deployment",
    "Number of cameras",
    "Watchlist number",
    "Threshold settings",
    "Total alerts",
    "Positive alerts",
    "Positive interventions",
    "Incorrect alerts",
    "Incorrect interventions",
    "Arrests or disposals",
    "Faces seen",
    "Incorrect alert rate",
];

/// The deployment's values under those columns. `now` ends the duration of one that is still running.
pub(super) fn values(deployment: &str, record: &Record, now: Timestamp) -> [String; 15] {
    let unknown = || NOT_RECORDED.to_owned();
    let plan = record.plan.as_ref();
    let started = record.started.as_ref();
    let (alerts, faces) = (record.alert_totals(), record.counted().faces_seen);
    let count = |count: u64| if started.is_some() { words::grouped(count) } else { unknown() };
    [
        deployment.to_owned(),
        plan.map_or_else(unknown, |plan| words::day(plan.starts)),
        plan.map_or_else(unknown, |plan| plan.deployment_kind.clone()),
        duration(record, now),
        plan.map_or_else(unknown, |plan| words::grouped(plan.cameras.into())),
        record.watchlist.as_ref().map_or_else(unknown, |list| words::grouped(list.people)),
        started.map_or_else(unknown, |(_, equipment)| {
            format!("{} (measured FPIR {})", equipment.threshold, equipment.threshold_fpir)
        }),
        count(alerts.total),
        count(alerts.positive),
        unknown(),
        count(alerts.incorrect),
        unknown(),
        unknown(),
        count(faces),
        rate(alerts.incorrect, faces).unwrap_or_else(unknown),
    ]
}

/// The columns and one row as comma-separated values (RFC 4180).
pub(super) fn csv(values: &[String; 15]) -> String {
    let line = |cells: Vec<String>| format!("{}\r\n", cells.join(","));
    let columns = COLUMNS.iter().map(|column| quoted(column)).collect();
    line(columns) + &line(values.iter().map(|value| quoted(value)).collect())
}

/// How far the rate can be trusted: the exact 95 % interval, in words. Nothing while no face has been seen.
pub(super) fn rate_interval(incorrect: u64, faces: u64) -> Option<String> {
    let (events, trials) = (usize::try_from(incorrect).ok()?, usize::try_from(faces).ok()?);
    if trials == 0 || events > trials {
        return None;
    }
    let [low, high] = evaluation::interval::exact(events, trials);
    Some(format!("{} to {}", words::per_cent(low), words::per_cent(high)))
}

fn rate(incorrect: u64, faces: u64) -> Option<String> {
    let of = format!("{} of {}", words::grouped(incorrect), words::grouped(faces));
    (faces > 0 && incorrect <= faces).then(|| format!("{} ({of})", words::per_cent(incorrect as f64 / faces as f64)))
}

fn duration(record: &Record, now: Timestamp) -> String {
    match (&record.started, &record.ended) {
        (Some((started, _)), Some((ended, _))) => words::duration(ended.duration_since(*started)),
        (Some((started, _)), None) => format!("{} so far", words::duration(now.duration_since(*started))),
        (None, _) => NOT_RECORDED.into(),
    }
}

/// A cell in quotes. One that a spreadsheet would take for a formula is given as text.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("\"{guard}{}\"", cell.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_known_is_said_to_be_not_recorded() {
        let values = values("kx-1", &Record::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(values[0], "kx-1");
        assert!(values[1..].iter().all(|value| value == NOT_RECORDED), "{values:?}");
    }

    #[test]
    fn the_rate_carries_its_exact_interval() {
        // Ten false alerts in a year's 3,147,436 faces of one force: between 1 in 656,000 and 1 in 171,000.
        assert_eq!(rate_interval(10, 3_147_436).as_deref(), Some("0.00015 % to 0.00058 %"));
        assert_eq!(rate(1, 1_000).as_deref(), Some("0.1 % (1 of 1,000)"));
        assert_eq!(rate(0, 0), None);
        assert_eq!(rate_interval(0, 0), None);
        assert_eq!(rate_interval(2, 1), None);
    }

    #[test]
    fn cells_are_quoted() {
        let mut cells = COLUMNS.map(|_| "a".to_owned());
        cells[0] = "say \"x\", =y".into();
        cells[1] = "=1+1".into();
        let text = csv(&cells);
        assert!(text.starts_with("\"Deployment\",\"Date\","));
        assert!(text.contains("\r\n\"say \"\"x\"\", =y\",\"'=1+1\",\"a\""), "{text}");
    }
}
