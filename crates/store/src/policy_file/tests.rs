//! The shipped exercise profile is read as written; what is unknown, missing or unsourced is refused by name.

use domain::{Adjudicators, OutsideAuthoriser, Role, Roles, SourceKind};
use jiff::SignedDuration;

use super::*;

#[test]
fn the_shipped_profile_is_read_as_written_and_has_no_faults() {
    let policy = parse(EXERCISE_POLICY).unwrap();
    assert_eq!(policy.faults(), vec![]);
    assert_eq!((policy.profile.as_str(), policy.version), ("exercise", 3));
    assert_eq!(policy.notice_lead, SignedDuration::from_secs(3));
    assert_eq!(policy.urgent_ratification, None);
    assert_eq!(policy.watchlist_age_max, SignedDuration::from_hours(24));
    assert_eq!(policy.deployment_length_max, SignedDuration::from_hours(2));
    assert_eq!(policy.lease, SignedDuration::from_secs(30));
    assert_eq!(policy.alert_retention, SignedDuration::from_hours(24));
    assert_eq!(policy.alert_hold_max, SignedDuration::from_hours(31 * 24), "31 days");
    assert_eq!((policy.watchlist_people_max, policy.face_side_px_min), (1000, 50));
    assert_eq!((policy.threshold_fpir_max, policy.false_alert_rate_max), (0.01, 0.001));
    assert!(policy.purposes.contains(&"training and demonstration".to_owned()));
    assert!(policy.grounds.contains(&"exercise subject".to_owned()));
    assert_eq!(policy.documents, Vec::<String>::new());
    assert_eq!(policy.sources, vec![SourceKind::Recording]);
    assert_eq!(policy.second_adjudicator, Adjudicators::One);
    assert_eq!(policy.outside_authoriser, OutsideAuthoriser::NotNeeded);
    let (propose, approve) = (vec![Role::Proposer], vec![Role::AuthorisingOfficer]);
    assert_eq!(policy.roles, Roles { propose, approve, approve_urgent: vec![] });
    assert_eq!(policy.digest, digest(EXERCISE_POLICY));
    assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "FIPS 180-2");
}

#[test]
fn every_setting_is_shown_with_its_source() {
    let shown = settings(EXERCISE_POLICY).unwrap();
    let lease = shown.iter().find(|setting| setting.name == "lease").unwrap();
    assert_eq!(lease.value, "30 s");
    let settings_of_the_file = EXERCISE_POLICY.lines().filter(|line| line.starts_with('[')).count();
    assert_eq!(shown.len(), settings_of_the_file);
    assert!(shown.iter().all(|setting| !setting.source.is_empty()));
}

#[test]
fn what_is_unknown_missing_or_unsourced_is_refused_by_name() {
    let with_threshold =
        format!("{EXERCISE_POLICY}\n[[threshold]]\nmodel = \"m\"\nvalue = 0.5\nfpir = 0.001\nevaluation = \"e\"\n");
    assert!(parse(&with_threshold).unwrap().thresholds.iter().any(|threshold| threshold.model().as_str() == "m"));
    for (from, to, names) in [
        ("[lease]", "[leese]", "leese"),
        ("value = \"30 s\"", "value = \"30 parsecs\"", "`lease`: \"30 parsecs\""),
        ("value = \"31 days\"", "value = \"many days\"", "`alert_hold_max`: \"many days\""),
        ("value = \"31 days\"", "value = \"-99999999999999 days\"", "alert_hold_max"),
        ("value = \"30 s\"", "value = 30", "expected a string"),
        ("version = 3", "version = 3\nspeed = 2", "speed"),
        ("version = 3", "", "version"),
        ("evaluation = \"e\"", "evaluation = \"e\"\nwhy = \"?\"", "why"),
        ("evaluation = \"e\"", "evaluation = \" \"", "does not say in which evaluation"),
        ("value = [\"recording\"]", "value = [\"window\"]", "`sources`: \"window\" is none of: recording, camera"),
        ("value = \"one\"", "value = \"three\"", "`second_adjudicator`: \"three\" is none of: one, two"),
        ("value = \"not needed\"", "value = \"perhaps\"", "`outside_authoriser`: \"perhaps\""),
        ("[\"authorising officer\"]", "[\"king\"]", "`roles`: \"king\" is none of: proposer"),
        (", approve_urgent = []", "", "approve_urgent"),
        ("value = \"none\"", "value = \"never\"", "`urgent_ratification`: \"never\""),
    ] {
        let broken = with_threshold.replacen(from, to, 1);
        assert_ne!(broken, with_threshold, "{from}");
        let error = parse(&broken).unwrap_err().to_string();
        assert!(error.contains(names), "{from} -> {to}: {error}");
    }
    for setting in settings(EXERCISE_POLICY).unwrap().iter().filter(|setting| setting.name != "threshold") {
        let header = format!("[{}]\n", setting.name);
        let start = EXERCISE_POLICY.find(&header).unwrap() + header.len();
        let end = start + EXERCISE_POLICY[start..].find("\nsource = ").unwrap();
        let rest = end + 1 + EXERCISE_POLICY[end + 1..].find('\n').unwrap();
        let unsourced = format!("{}\nsource = \" \"{}", &EXERCISE_POLICY[..end], &EXERCISE_POLICY[rest..]);
        let error = parse(&unsourced).unwrap_err().to_string();
        assert!(error.contains(&format!("`{}` does not say where", setting.name)), "{error}");
        let missing = EXERCISE_POLICY.replacen(&header, "[nothing_of_the_kind]\n", 1);
        assert!(parse(&missing).is_err(), "{}", setting.name);
    }
    assert!(parse(&with_threshold.replace("fpir = 0.001", "fpir = 1.5")).is_err());
    assert!(matches!(parse(&"#".repeat(POLICY_BYTES_MAX + 1)), Err(StoreError::TooLarge { .. })));
}
