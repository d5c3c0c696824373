//! What is published of who stands on a list: counts by group, none of which singles out a person.
//!
//! A group of one to four people is never shown by itself. It is merged with the next smallest until the merged group has
//! five, because the total is public and a single hidden group could be subtracted out of it. Where the whole list has
//! fewer than five people nothing but the total is said. Each breakdown stands alone: there are no tables of one by the
//! other, from which somebody could be found whose two groups are both known.

use std::collections::BTreeMap;

/// Fewest people of a group that is shown by itself: the usual limit of official statistics about people.
pub const GROUP_PEOPLE_MIN: u64 = 5;
/// What stands in place of a breakdown of fewer than [`GROUP_PEOPLE_MIN`] people.
pub const NOT_BROKEN_DOWN: &str = "not broken down";
/// Between the names of merged groups.
const OR: &str = " or ";

/// The groups as they may be published; they add up to the same total. `possible` is how many groups there could be: where
/// there is only one, its name tells nothing that is not known of everybody.
pub fn published(groups: &BTreeMap<String, u64>, possible: usize) -> BTreeMap<String, u64> {
    let mut groups: Vec<(u64, &str)> =
        groups.iter().filter(|(_, people)| **people > 0).map(|(name, people)| (*people, name.as_str())).collect();
    if possible <= 1 {
        return groups.into_iter().map(|(people, name)| (name.to_owned(), people)).collect();
    }
    groups.sort_unstable();
    let (mut merged, mut names, mut shown) = (0, Vec::new(), BTreeMap::new());
    for (people, name) in groups {
        if people < GROUP_PEOPLE_MIN || (1..GROUP_PEOPLE_MIN).contains(&merged) {
            merged += people;
            names.push(name);
        } else {
            shown.insert(name.to_owned(), people);
        }
    }
    names.sort_unstable();
    match merged {
        0 => {}
        1..GROUP_PEOPLE_MIN => drop(shown.insert(NOT_BROKEN_DOWN.to_owned(), merged)),
        _ => drop(shown.insert(names.join(OR), merged)),
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter().map(|(name, people)| ((*name).to_owned(), *people)).collect()
    }

    #[test]
    fn small_groups_are_merged_until_nobody_is_singled_out() {
        for (given, shown) in [
            (&[("a", 90), ("b", 5)][..], &[("a", 90), ("b", 5)][..]),
            (&[("a", 90), ("b", 4)], &[("a or b", 94)]),
            (&[("a", 90), ("b", 4), ("c", 1)], &[("a", 90), ("b or c", 5)]),
            (&[("a", 90), ("b", 20), ("c", 1)], &[("a", 90), ("b or c", 21)]),
            (&[("a", 90), ("b", 0)], &[("a", 90)]),
            (&[("a", 2), ("b", 1)], &[("not broken down", 3)]),
            (&[("a", 4)], &[("not broken down", 4)]),
            (&[("a", 2), ("b", 3)], &[("a or b", 5)]),
            (&[], &[]),
        ] {
            assert_eq!(published(&groups(given), 3), groups(shown), "{given:?}");
        }
        assert_eq!(published(&groups(&[("only", 1)]), 1), groups(&[("only", 1)]));
    }

    #[test]
    fn of_every_small_list_the_total_stays_and_no_small_group_is_left() {
        for a in 0..12_u64 {
            for b in 0..12 {
                for c in 0..12 {
                    let shown = published(&groups(&[("a", a), ("b", b), ("c", c)]), 3);
                    assert_eq!(shown.values().sum::<u64>(), a + b + c);
                    let small = shown.iter().filter(|(_, people)| **people < GROUP_PEOPLE_MIN);
                    assert!(small.clone().all(|(name, _)| name == NOT_BROKEN_DOWN), "{shown:?}");
                    assert!(small.count() == 0 || shown.len() == 1, "{shown:?}");
                }
            }
        }
    }

    #[test]
    fn a_group_of_nobody_is_not_named_and_one_of_five_stands_by_itself() {
        assert_eq!(published(&groups(&[("a", 90), ("b", 0), ("c", 4)]), 3), groups(&[("a or c", 94)]));
        assert_eq!(published(&groups(&[("only", 0)]), 1), groups(&[]));
        assert_eq!(published(&groups(&[("a", 5), ("b", 5)]), 2), groups(&[("a", 5), ("b", 5)]));
        assert_eq!(published(&groups(&[("a", 5), ("b", 4)]), 2), groups(&[("a or b", 9)]));
    }
}
