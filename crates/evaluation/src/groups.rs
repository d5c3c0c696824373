//! Error rates inside each group of people, with intervals that respect that a person's pictures are not independent.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

use crate::comparisons::Comparisons;
use crate::error::EvaluationError;
use crate::index::Index;
use crate::interval;

/// The most groups measured: more is a column of ages or names that should have been put into bands.
pub const GROUPS_MAX: usize = 400;
/// Below this number of people a group's interval is itself unreliable, and that is said. The bootstrap needs some tens of
/// units to resemble the population they come from (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).
pub const RELIABLE_IDENTITIES_MIN: usize = 30;
/// Below this number of people a group has no pair of different people, hence no false match rate.
const IDENTITIES_MIN: usize = 2;

/// A group of people: a value of one column, or two values of two columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The column, or two joined by " & ".
    pub column: String,
    /// The value, or two joined by " & ".
    pub value: String,
    /// Its pictures, by row of the index.
    pub rows: Vec<usize>,
}

/// What was measured inside one group. A rate is nothing where there is no pair to measure it on.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRates {
    /// People in the group.
    pub identities: usize,
    /// Compared pairs of different people, both of the group.
    pub impostor: usize,
    /// Those of them that match.
    pub false_matches: usize,
    /// Pairs of pictures of one person, those without a face among them.
    pub genuine: usize,
    /// Those of them that do not match.
    pub false_non_matches: usize,
    /// False match rate with its 95 % interval.
    pub fmr: Option<Rate>,
    /// False non-match rate with its 95 % interval.
    pub fnmr: Option<Rate>,
}

/// A rate and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// 0 to 1.
    pub rate: f64,
    /// Lower and upper end.
    pub ci95: [f64; 2],
}

/// How often people are drawn anew for an interval, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// The seed.
    pub seed: u64,
    /// Number of resamples.
    pub resamples: u32,
}

/// All groups of an index: every value of every column, then every two columns together.
pub fn groups(index: &Index) -> Result<Vec<Group>, EvaluationError> {
    let columns = index.group_columns.len();
    let single = (0..columns).map(|column| vec![column]);
    let crossed = (0..columns).flat_map(|first| (first + 1..columns).map(move |second| vec![first, second]));
    let mut found = Vec::new();
    for columns in single.chain(crossed) {
        let column = join(columns.iter().map(|&column| index.group_columns[column].as_str()));
        let mut values: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (row, picture) in index.rows.iter().enumerate() {
            let value = join(columns.iter().map(|&column| picture.groups[column].as_str()));
            values.entry(value).or_default().push(row);
        }
        found.extend(values.into_iter().map(|(value, rows)| Group { column: column.clone(), value, rows }));
        if found.len() > GROUPS_MAX {
            return Err(EvaluationError::TooLittle {
                found: format!("more than {GROUPS_MAX} groups, the last of them by `{column}`"),
                next: "put numbers such as ages into bands, or leave the column out",
            });
        }
    }
    Ok(found)
}

/// Measures one group at a threshold.
pub fn measure(comparisons: &Comparisons, group: &Group, threshold: f32, bootstrap: Bootstrap) -> GroupRates {
    let tally = Tally::count(comparisons, &group.rows, threshold);
    let (impostor, false_matches) = tally.impostor(&vec![1; tally.people.len()]);
    let (genuine, false_non_matches) = tally.genuine(&vec![1; tally.people.len()]);
    let resampled: Vec<[Option<f64>; 2]> = (0..u64::from(bootstrap.resamples))
        .into_par_iter()
        .map(|number| tally.resample(bootstrap.seed, number))
        .collect();
    let rate = |events: u64, trials: u64, people: usize, which: usize| {
        let rates = || resampled.iter().filter_map(|rates| rates[which]).collect();
        (trials > 0).then(|| Rate {
            rate: events as f64 / trials as f64,
            ci95: if events == 0 || events == trials {
                without_variation(events, people)
            } else {
                bootstrapped(rates())
            },
        })
    };
    GroupRates {
        identities: tally.people.len(),
        impostor: impostor as usize,
        false_matches: false_matches as usize,
        genuine: genuine as usize,
        false_non_matches: false_non_matches as usize,
        fmr: rate(false_matches, impostor, tally.people.iter().filter(|person| person.pictures > 0).count(), 0),
        fnmr: rate(false_non_matches, genuine, tally.people.iter().filter(|person| person.genuine > 0).count(), 1),
    }
}

impl GroupRates {
    /// What a reader must know before using the rates, or nothing.
    pub fn note(&self) -> Option<String> {
        let mut notes = Vec::new();
        if self.identities < IDENTITIES_MIN {
            notes.push("one person: no pair of different people to compare".to_owned());
        } else if self.identities < RELIABLE_IDENTITIES_MIN {
            notes.push(format!(
                "{} people, fewer than {RELIABLE_IDENTITIES_MIN}: an indication, no proof",
                self.identities
            ));
        }
        if self.genuine == 0 {
            notes.push("nobody has two pictures: misses cannot be measured".to_owned());
        }
        if self.fmr.is_some_and(|rate| rate.rate == 0.0) || self.fnmr.is_some_and(|rate| rate.rate == 0.0) {
            notes.push("where no error was seen the upper end is the exact bound for that many people".to_owned());
        }
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

/// Counts of one group, by person and by pair of people, so that drawing people anew needs no score again.
struct Tally {
    people: Vec<Person>,
    /// Pairs of people with at least one false match, and how many.
    false_matches: Vec<(usize, usize, u64)>,
}

#[derive(Clone, Copy, Default)]
struct Person {
    /// Pictures with a face.
    pictures: u64,
    genuine: u64,
    false_non_matches: u64,
}

impl Tally {
    fn count(comparisons: &Comparisons, rows: &[usize], threshold: f32) -> Self {
        let mut numbers = BTreeMap::new();
        let person_of: Vec<usize> = rows
            .iter()
            .map(|&row| {
                let next = numbers.len();
                *numbers.entry(comparisons.identities()[row]).or_insert(next)
            })
            .collect();
        let mut people = vec![Person::default(); numbers.len()];
        let mut false_matches: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for (at, (&row, &person)) in rows.iter().zip(&person_of).enumerate() {
            people[person].pictures += u64::from(comparisons.is_acquired(row));
            for (&other_row, &other) in rows[..at].iter().zip(&person_of) {
                let matches = comparisons.score(row, other_row).is_some_and(|score| score >= threshold);
                if person == other {
                    people[person].genuine += 1;
                    people[person].false_non_matches += u64::from(!matches);
                } else if matches {
                    *false_matches.entry((person.min(other), person.max(other))).or_default() += 1;
                }
            }
        }
        let false_matches = false_matches.into_iter().map(|((one, other), count)| (one, other, count)).collect();
        Self { people, false_matches }
    }

    /// Impostor pairs and false matches when person `n` is in the sample `weights[n]` times. A person drawn twice is not
    /// compared with themselves: those pairs would be genuine.
    fn impostor(&self, weights: &[u64]) -> (u64, u64) {
        let weighted =
            |power: u32| self.people.iter().zip(weights).map(move |(p, w)| (p.pictures * w).pow(power)).sum::<u64>();
        let pairs = (weighted(1).pow(2) - weighted(2)) / 2;
        let matches = self.false_matches.iter().map(|&(one, other, count)| weights[one] * weights[other] * count).sum();
        (pairs, matches)
    }

    fn genuine(&self, weights: &[u64]) -> (u64, u64) {
        let sum =
            |of: fn(&Person) -> u64| self.people.iter().zip(weights).map(|(person, weight)| of(person) * weight).sum();
        (sum(|person| person.genuine), sum(|person| person.false_non_matches))
    }

    /// False match and false non-match rate of as many people drawn with replacement.
    fn resample(&self, seed: u64, number: u64) -> [Option<f64>; 2] {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(number);
        let mut weights = vec![0; self.people.len()];
        for _ in 0..weights.len() {
            weights[random.random_range(0..self.people.len())] += 1;
        }
        let rate = |(trials, events): (u64, u64)| (trials > 0).then(|| events as f64 / trials as f64);
        [rate(self.impostor(&weights)), rate(self.genuine(&weights))]
    }
}

/// Resampling cannot show an error that did not occur: it would claim certainty. The exact interval for that many people
/// holds instead, because a rate over pairs cannot exceed the share of people who are in an erring pair.
fn without_variation(events: u64, people: usize) -> [f64; 2] {
    interval::exact(if events == 0 { 0 } else { people }, people)
}

fn bootstrapped(rates: Vec<f64>) -> [f64; 2] {
    interval::percentile(rates).unwrap_or([0.0, 1.0])
}

fn join<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<Vec<_>>().join(" & ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparisons::tests::{compared, on_a_line};

    const BOOTSTRAP: Bootstrap = Bootstrap { seed: 3, resamples: 500 };

    fn group(rows: std::ops::Range<usize>) -> Group {
        Group { column: "group".to_owned(), value: "all".to_owned(), rows: rows.collect() }
    }

    #[test]
    fn groups_are_values_of_columns_and_of_two_together() {
        let index = Index::parse(b"path,identity,gender,region\na,1,f,north\nb,2,m,north\nc,3,f,\n").expect("good");
        let found: Vec<_> = groups(&index).expect("few").into_iter().map(|group| (group.value, group.rows)).collect();
        let expected = [
            ("f", vec![0, 2]),
            ("m", vec![1]),
            ("(not stated)", vec![2]),
            ("north", vec![0, 1]),
            ("f & (not stated)", vec![2]),
            ("f & north", vec![0]),
            ("m & north", vec![1]),
        ];
        assert_eq!(found, expected.map(|(value, rows)| (value.to_owned(), rows)));
    }

    #[test]
    fn a_column_that_divides_too_finely_is_refused() {
        let lines: String = (0..=GROUPS_MAX).map(|n| format!("{n}.png,{n},{n}\n")).collect();
        let index = Index::parse(format!("path,identity,age\n{lines}").as_bytes()).expect("good");
        assert!(groups(&index).expect_err("too many").to_string().contains("`age`"));
    }

    #[test]
    fn rates_are_counted_inside_the_group() {
        // Two people 0.5 apart match at a distance of 1; the third, far away, has one picture off and one without a face.
        let positions = [Some(0.0), Some(0.1), Some(0.5), Some(0.6), Some(50.0), Some(52.0), None];
        let comparisons = compared(&on_a_line(&positions), vec![0, 0, 1, 1, 2, 2, 2]);
        let rates = measure(&comparisons, &group(0..7), -1.0, BOOTSTRAP);
        assert_eq!((rates.identities, rates.impostor, rates.false_matches), (3, 12, 4));
        assert_eq!((rates.genuine, rates.false_non_matches), (5, 3));
        let fmr = rates.fmr.expect("pairs");
        assert!(fmr.ci95[0] <= fmr.rate && fmr.rate <= fmr.ci95[1], "{fmr:?}");
        assert!(rates.note().expect("a note").starts_with("3 people"));
    }

    #[test]
    fn one_person_has_no_false_match_rate_but_is_named() {
        let comparisons = compared(&on_a_line(&[Some(0.0), Some(0.1)]), vec![0, 0]);
        let rates = measure(&comparisons, &group(0..2), -1.0, BOOTSTRAP);
        assert_eq!(rates.fmr, None);
        assert_eq!(rates.fnmr.expect("a pair").ci95, interval::exact(0, 1));
        assert!(rates.note().expect("a note").starts_with("one person"));
    }

    #[test]
    fn no_error_seen_is_no_certainty() {
        let positions: Vec<_> = (0..40).map(|n| Some((n / 2) as f32 * 10.0)).collect();
        let comparisons = compared(&on_a_line(&positions), (0..40).map(|n| n / 2).collect());
        let rates = measure(&comparisons, &group(0..40), -1.0, BOOTSTRAP);
        assert_eq!(rates.fmr.expect("pairs"), Rate { rate: 0.0, ci95: interval::exact(0, 20) });
    }

    /// The interval covers the truth as often as it says, and a naive one over pairs does not: half of the people are
    /// alike (a distance below 1 to every other alike person), so that pairs share people and are not independent.
    #[test]
    fn intervals_by_person_cover_the_truth() {
        let (people, sets, truth) = (60, 200, 0.25);
        let (mut covered, mut covered_naively) = (0, 0);
        for set in 0..sets {
            let mut random = ChaCha8Rng::seed_from_u64(set);
            let alike: Vec<bool> = (0..people).map(|_| random.random_bool(0.5)).collect();
            let positions: Vec<_> = alike
                .iter()
                .enumerate()
                .map(|(n, &alike)| Some(if alike { 0.0 } else { 10.0 * (n + 1) as f32 }))
                .collect();
            let comparisons = compared(&on_a_line(&positions), (0..people).collect());
            let bootstrap = Bootstrap { seed: set, resamples: 300 };
            let rates = measure(&comparisons, &group(0..people), -1.0, bootstrap);
            let covers = |ci95: [f64; 2]| u32::from(ci95[0] <= truth && truth <= ci95[1]);
            covered += covers(rates.fmr.expect("pairs").ci95);
            covered_naively += covers(interval::exact(rates.false_matches, rates.impostor));
        }
        assert!((180..=200).contains(&covered), "{covered} of {sets} intervals by person cover");
        assert!(covered_naively < 100, "{covered_naively} of {sets} intervals by pair cover");
    }
}
