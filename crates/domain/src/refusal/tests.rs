//! What a refusal tells the person who reads it.

use super::*;

#[test]
fn an_image_that_is_too_old_is_refused_with_its_date_and_the_age_in_days() {
    let age_max = SignedDuration::from_hours(3_653 * 24 + 23);
    let refusal = Refusal::ImageTooOld { taken: jiff::civil::date(2015, 6, 1), age_max };
    assert_eq!(
        refusal.to_string(),
        "the image was taken on 2015-06-01, longer ago than 3653 days; use a more recent one"
    );
}
