//! What people read of a profile follows the file: the shipped ones are sound and sourced, and one changed number changes every text.

use std::collections::BTreeSet;

use domain::{Role, SourceKind};
use jiff::SignedDuration;

use super::*;
use crate::scenes::{Scene, exercise_policy, officer};
use crate::{EXERCISE_POLICY, SHIPPED_POLICIES};

const REFERENCE: &str = include_str!("../../../../docs/reference/policy.md");

#[test]
fn every_shipped_profile_is_sound_and_says_where_each_value_comes_from() {
    let measured = parse(EXERCISE_POLICY).unwrap().thresholds;
    for (name, text) in SHIPPED_POLICIES {
        let policy = parse(text).unwrap();
        assert_eq!(policy.profile, name);
        assert_eq!(policy.faults(), vec![], "{name}");
        for threshold in &policy.thresholds {
            assert!(measured.contains(threshold), "{name} has a threshold that was not measured");
        }
        let explanation = explain(text).unwrap();
        assert_eq!(explanation.contradictions, vec![]);
        for sentence in explanation.parts.iter().flat_map(|part| &part.sentences) {
            let Sentence { setting, source, .. } = sentence;
            assert!(source.ends_with('.') || *setting == "threshold", "{name}: {setting}: {source}");
            assert!(!source.contains(['[', ']']), "{name}: {setting}: a mark of the notes is left in {source}");
        }
        let unmeasured = explanation.to_string().contains("so nothing can be compared under it");
        assert_eq!(unmeasured, policy.thresholds.is_empty(), "{name}");
    }
    let thresholds = SHIPPED_POLICIES.map(|(_, text)| parse(text).unwrap().thresholds.len());
    assert_eq!(thresholds, [2, 2, 0, 0, 0], "only what was measured within the profile's maximum");
}

#[test]
fn the_shipped_profiles_differ_where_they_should() {
    let [exercise, laboratory, railway, handheld, strict] = SHIPPED_POLICIES.map(|(_, text)| parse(text).unwrap());
    assert!(railway.urgent_ratification.is_some() && railway.roles.approve_urgent == [Role::UrgentAuthorisingOfficer]);
    assert!(railway.oifr_powers.is_empty() && strict.oifr_powers.is_empty() && !handheld.oifr_powers.is_empty());
    assert_eq!(railway.documents.len(), 5);
    for loose in [&railway, &handheld] {
        assert!(strict.notice_lead > loose.notice_lead && strict.watchlist_people_max < loose.watchlist_people_max);
        assert!(strict.threshold_fpir_max < loose.threshold_fpir_max && strict.alert_hold_max < loose.alert_hold_max);
        assert!(strict.false_alert_rate_max < loose.false_alert_rate_max && strict.lease < loose.lease);
        assert!(strict.differential_ratio_max < loose.differential_ratio_max);
        assert!(strict.alert_retention <= loose.alert_retention && strict.image_age_max < loose.image_age_max);
    }
    let opens_cameras = |policy: &Policy| policy.sources.contains(&SourceKind::Camera);
    assert!([&laboratory, &railway, &strict].into_iter().all(opens_cameras));
    assert!(![&exercise, &handheld].into_iter().any(opens_cameras));
    // Where cameras look at the public, no threshold is looser than the trip-wire; a laboratory shuts the public out.
    assert!([&railway, &strict].iter().all(|policy| policy.threshold_fpir_max <= policy.false_alert_rate_max));
    assert_eq!(laboratory.place_grounds, ["a room that the public does not enter"]);
    assert_eq!(laboratory.thresholds, exercise.thresholds);
    assert!(laboratory.alert_retention < railway.alert_retention && laboratory.oifr_powers.is_empty());
    assert_eq!(strict.second_adjudicator, domain::Adjudicators::Two);
    assert_eq!(strict.outside_authoriser, domain::OutsideAuthoriser::Needed);
}

#[test]
fn every_setting_of_the_file_is_said_with_its_value_and_no_other() {
    for (name, text) in SHIPPED_POLICIES {
        let written: BTreeSet<_> = settings(text).unwrap().into_iter().map(|setting| setting.name).collect();
        let explanation = explain(text).unwrap();
        let said: Vec<_> = explanation.parts.iter().flat_map(|part| &part.sentences).collect();
        let names: BTreeSet<_> = said.iter().map(|sentence| sentence.setting.to_owned()).collect();
        let unwritten: Vec<_> = names.difference(&written).collect();
        assert!(unwritten.is_empty() || unwritten == ["threshold"], "{name}: {unwritten:?}");
        assert_eq!(written.difference(&names).count(), 0, "{name}");
        assert!(said.iter().all(|sentence| sentence.value.is_some() || sentence.setting == "threshold"));
        assert!(said.iter().all(|sentence| !sentence.source.is_empty()));
    }
}

#[test]
fn one_changed_number_changes_the_words_the_schedule_the_expiries_and_the_purge() {
    let changed =
        EXERCISE_POLICY.replacen("[alert_retention]\nvalue = \"24 h\"", "[alert_retention]\nvalue = \"7 h\"", 1);
    let said = |text: &str| explain(text).unwrap();
    for (text, length, other) in [(EXERCISE_POLICY, "24 hours", "7 hours"), (&changed, "7 hours", "24 hours")] {
        let words = said(text).to_string();
        assert!(words.contains(&format!("The evidence of an alert is kept at most {length}, sealed")), "{words}");
        assert!(!words.contains(&format!("The evidence of an alert is kept at most {other}")));
        let kept: Vec<_> =
            said(text).schedule.into_iter().filter(|row| row.setting == Some("alert_retention")).collect();
        assert_eq!(kept.len(), 1, "the evidence of alerts");
        assert!(kept.iter().all(|row| row.kept == format!("at most {length}")));
        let risks = said(text).risks;
        let against = risks.iter().flat_map(|row| &row.against).find(|said| said.setting == "alert_retention").unwrap();
        assert!(against.sentence.contains(length));
    }
    for hours in [24, 7] {
        let text = exercise_policy().replacen(
            "retention]\nvalue = \"24 h\"",
            &format!("retention]\nvalue = \"{hours} h\""),
            1,
        );
        let mut scene = Scene::new();
        scene.operation();
        let now = scene.tick();
        scene.store().adopt_policy(&text, &officer(Role::AuthorisingOfficer), now).unwrap();
        let alert = scene.ended("kx-1");
        let (deployment, policy) = (scene.d(), scene.store().policy().unwrap().unwrap());
        let ended = scene.store().deployment(&deployment).unwrap().expect_ended().unwrap();
        let kept = SignedDuration::from_hours(hours);
        assert_eq!(ended.purge_due(&policy), ended.plan().starts + kept);
        let raised = scene.store().alert(&alert).unwrap().raised().clone();
        assert_eq!(raised.expires, raised.raised + kept);
    }
}

/// The table of settings as the reference page has it: what any profile may say, and what the shipped ones say.
fn table() -> String {
    let profiles = SHIPPED_POLICIES.map(|(_, text)| explain(text).unwrap());
    let of = |profile: usize| profiles[profile].parts.iter().flat_map(|part| &part.sentences);
    let mut lines = vec![
        "| setting | what it is | any profile | exercise | laboratory | railway-pilot | handheld-trial | strict |"
            .to_owned(),
        "| --- | --- | --- | --- | --- | --- | --- | --- |".to_owned(),
    ];
    for sentence in of(0).filter(|sentence| sentence.setting != "threshold") {
        let values = (0..profiles.len()).map(|profile| {
            let same = of(profile).find(|other| other.setting == sentence.setting).unwrap();
            let value = same.value.clone().unwrap_or_default();
            // Whole vocabularies would drown the table; the files have them.
            if value.contains("; ") { format!("{} words", value.split("; ").count()) } else { value }
        });
        let range = sentence.limit.as_ref().map_or("", |limit| limit.range.as_str());
        let values: Vec<_> = values.collect();
        lines.push(format!("| `{}` | {} | {range} | {} |", sentence.setting, sentence.meaning, values.join(" | ")));
    }
    lines.join("\n") + "\n"
}

#[test]
fn the_reference_page_holds_the_settings_and_the_schedule_as_the_code_has_them() {
    let table = table();
    assert!(REFERENCE.contains(&table), "docs/reference/policy.md lacks this table:\n{table}");
    let limits: Vec<_> = ranges().iter().map(|range| format!("| `{}` | {} |\n", range.setting, range.source)).collect();
    let limits = limits.concat();
    assert!(REFERENCE.contains(&limits), "docs/reference/policy.md lacks these rows:\n{limits}");
    let line = |row: &ScheduleRow| {
        let kept = row.setting.map_or_else(|| row.kept.clone(), |setting| format!("`{setting}`"));
        format!("| {} | {kept} | {} | {} |\n", row.data, row.since, row.ending)
    };
    let schedule = explain(EXERCISE_POLICY).unwrap().schedule.iter().map(line).collect::<Vec<_>>().concat();
    assert!(REFERENCE.contains(&schedule), "docs/reference/policy.md lacks this schedule:\n{schedule}");
}
