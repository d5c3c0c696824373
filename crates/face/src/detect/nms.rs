//! Dropping boxes that show a face already reported (greedy non-maximum suppression), and the order of what remains.

use std::cmp::Ordering;

use crate::detect::Detection;

/// Candidates looked at in one picture, the most certain ones: as many as OpenCV's detector keeps.
const CANDIDATES_MAX: usize = 5000;

/// The order the trait promises: most confident first, then top, then left.
fn order(left: &Detection, right: &Detection) -> Ordering {
    let by_place = || left.face.top.total_cmp(&right.face.top).then(left.face.left.total_cmp(&right.face.left));
    right.confidence.total_cmp(&left.confidence).then_with(by_place)
}

/// Keeps the more certain of any two boxes that share more than `overlap_max`, in the promised order.
pub(super) fn distinct(mut candidates: Vec<Detection>, overlap_max: f32) -> Vec<Detection> {
    candidates.sort_unstable_by(order);
    candidates.truncate(CANDIDATES_MAX);
    let mut kept: Vec<Detection> = Vec::new();
    for candidate in candidates {
        if kept.iter().all(|other| other.face.overlap(&candidate.face) <= overlap_max) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Point, Rect};

    fn face(left: f32, top: f32, confidence: f32) -> Detection {
        Detection {
            face: Rect { left, top, width: 10.0, height: 10.0 },
            confidence,
            points: [Point { x: 0.0, y: 0.0 }; 5],
        }
    }

    #[test]
    fn the_more_certain_of_two_overlapping_boxes_stays() {
        let kept = distinct(vec![face(0.0, 0.0, 0.7), face(2.0, 0.0, 0.9), face(30.0, 0.0, 0.8)], 0.3);
        assert_eq!(kept, [face(2.0, 0.0, 0.9), face(30.0, 0.0, 0.8)]);
    }

    #[test]
    fn an_overlap_at_the_limit_stays_and_equal_confidence_is_ordered_by_place() {
        // Two 10 px boxes moved by 5 share a third.
        let pair = vec![face(5.0, 0.0, 0.8), face(0.0, 0.0, 0.8)];
        assert_eq!(distinct(pair.clone(), 0.34), [face(0.0, 0.0, 0.8), face(5.0, 0.0, 0.8)]);
        assert_eq!(distinct(pair, 0.33), [face(0.0, 0.0, 0.8)]);
        assert_eq!(distinct(vec![face(0.0, 40.0, 0.8), face(0.0, 20.0, 0.8)], 0.3)[0].face.top, 20.0);
    }
}
