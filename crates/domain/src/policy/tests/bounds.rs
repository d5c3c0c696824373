//! What a profile may just say: each limit reached and not passed; the words it may choose from; and how a fault is said.

use super::*;

/// The faults of a sound profile that was changed so, as they are read.
fn faults(change: fn(&mut Policy)) -> Vec<String> {
    let mut policy = sound();
    change(&mut policy);
    policy.faults().iter().map(ToString::to_string).collect()
}

#[test]
fn a_length_may_be_as_long_as_the_one_it_must_not_undercut() {
    let lawful: [fn(&mut Policy); 5] = [
        |p| p.alert_retention = p.deployment_length_max,
        |p| p.alert_hold_max = p.alert_retention,
        |p| p.complaint_retention = p.alert_hold_max,
        |p| p.commitment_retention = p.alert_retention,
        |p| p.share_length_max = p.outcome_due,
    ];
    for (number, change) in lawful.into_iter().enumerate() {
        assert_eq!(faults(change), Vec::<String>::new(), "pair {number}");
    }
    assert_eq!(
        faults(|p| p.share_length_max = p.outcome_due - SignedDuration::from_hours(1)),
        ["share_length_max: a share would end before its outcome is overdue, so nothing could be revoked for it; \
          make it at least as long as outcome_due (7 days), found 167 hours"]
    );
}

#[test]
fn a_threshold_may_have_been_measured_at_the_very_limit() {
    let measured_at = |fpir| Threshold::new(ModelId::new("m"), 0.5, fpir, "set".into()).unwrap();
    let mut policy = sound();
    policy.thresholds = vec![measured_at(policy.threshold_fpir_max)];
    assert_eq!(policy.faults(), vec![]);
    policy.thresholds = vec![measured_at(0.010_000_1)];
    assert_eq!(policy.faults()[0].to_string(), "thresholds: m was measured at 0.0100001, above threshold_fpir_max");
}

#[test]
fn a_vocabulary_may_have_64_words_and_a_word_120_characters() {
    assert_eq!(faults(|p| p.documents = (0..64).map(|number| number.to_string()).collect()), Vec::<String>::new());
    assert_eq!(
        faults(|p| p.documents = (0..65).map(|number| number.to_string()).collect()),
        ["documents: it has 65 words; at most 64 still constrain anybody"]
    );
    assert_eq!(faults(|p| p.documents = vec!["ü".repeat(120)]), Vec::<String>::new());
    assert_eq!(faults(|p| p.documents = vec!["ü".repeat(121)]).len(), 1);
}

#[test]
fn a_number_outside_its_range_is_said_with_the_range() {
    assert_eq!(
        faults(|p| p.watchlist_people_max = 20_001),
        ["watchlist_people_max: found 20,001; it must be at least 1 and at most 20,000"]
    );
    assert_eq!(
        faults(|p| p.look_alike_score = 1.25),
        ["look_alike_score: found 1.25; it must be at least 0.5 and at most 1"]
    );
    let range = |setting| ranges().into_iter().find(|range| range.setting == setting).unwrap().range;
    assert_eq!(range("watchlist_people_max"), "1 to 20,000");
    assert_eq!(range("false_alert_rate_max"), "0.000000001 to 0.001");
    assert_eq!(range("notice_lead"), "0 seconds to 365 days");
}

#[test]
fn an_urgent_route_that_no_role_may_take_is_said_as_such() {
    let mut policy = urgent();
    policy.roles.approve_urgent.clear();
    assert_eq!(
        policy.faults().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["roles: there is an urgent route (urgent_ratification) and no role may take it; name one or close it"]
    );
    policy.roles.approve_urgent = policy.roles.approve.clone();
    assert_eq!(
        policy.faults().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["roles: whoever approves in urgency may approve anyway, so nothing would be ratified; name another role"]
    );
}

#[test]
fn the_words_of_choices_stay() {
    assert_eq!(SourceKind::ALL.map(SourceKind::word), ["recording", "camera"]);
    assert_eq!(["recording", "camera"].map(SourceKind::from_word), SourceKind::ALL.map(Some));
    assert_eq!(SourceKind::from_word("telephone"), None);
    assert_eq!(Adjudicators::ALL.map(Adjudicators::word), ["one", "two"]);
    assert_eq!(["one", "two"].map(Adjudicators::from_word), Adjudicators::ALL.map(Some));
    assert_eq!(Adjudicators::from_word("none"), None);
    assert_eq!(OutsideAuthoriser::ALL.map(OutsideAuthoriser::word), ["not needed", "needed"]);
    assert_eq!(["not needed", "needed"].map(OutsideAuthoriser::from_word), OutsideAuthoriser::ALL.map(Some));
    assert_eq!(OutsideAuthoriser::from_word("perhaps"), None);
}
