//! Head pose from five points: which way a mean face must be turned to be seen like this.

use crate::geometry::Point;

/// A direction or place of the mean face: x to the right and y down in a frontal picture, z away from the viewer.
type Vector = [f32; 3];

/// The mean face in distances between the eyes, its middle between them.
///
/// Across and down: the mean of YuNet's and SCRFD's points on frontal portraits (Face Research Lab London Set). Depth: points of 434
/// faces looking all ways (AT&T/ORL, dlib's group pictures) factored into one shape and many turns (Tomasi and Kanade, 1992).
const MEAN_FACE: [Vector; 5] =
    [[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.562, -0.476], [-0.43, 1.036, 0.192], [0.43, 1.036, 0.192]];

/// Angles in degrees; signs as in [`super::Quality`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// Turned to a side.
    pub yaw_deg: f32,
    /// Nodded.
    pub pitch_deg: f32,
    /// Tilted.
    pub roll_deg: f32,
}

/// Fits the mean face to the points by least squares under weak perspective (an affine map, then the nearest turn); all angles are 0
/// when the points have no sense.
///
/// The tilt is taken out first. What remains is read as a nod about the line between the eyes, then a turn about the upright axis.
pub fn estimate(points: &[Point; 5]) -> Pose {
    let [right_eye, left_eye, ..] = points;
    let tilt = (left_eye.y - right_eye.y).atan2(left_eye.x - right_eye.x);
    let none = Pose { yaw_deg: 0.0, pitch_deg: 0.0, roll_deg: 0.0 };
    let (sin, cos) = tilt.sin_cos();
    let upright = points.map(|point| {
        let (x, y) = (point.x - right_eye.x, point.y - right_eye.y);
        Point { x: cos * x + sin * y, y: cos * y - sin * x }
    });
    let Some([across, down]) = affine(&upright).and_then(nearest_turn) else { return none };
    let ahead = cross(across, down);
    let yaw_deg = (-across[2]).atan2(ahead[2]).to_degrees();
    let pitch_deg = down[2].clamp(-1.0, 1.0).asin().to_degrees();
    let pose = Pose { yaw_deg, pitch_deg, roll_deg: tilt.to_degrees() };
    let numbers = pose.yaw_deg.is_finite() && pose.pitch_deg.is_finite() && pose.roll_deg.is_finite();
    if numbers { pose } else { none }
}

/// The two rows of the affine map that brings the mean face, moved and scaled freely, nearest to the points.
fn affine(points: &[Point; 5]) -> Option<[Vector; 2]> {
    let middle = |axis: usize| MEAN_FACE.iter().map(|point| point[axis]).sum::<f32>() / 5.0;
    let middle: Vector = std::array::from_fn(middle);
    let face = MEAN_FACE.map(|point| -> Vector { std::array::from_fn(|axis| point[axis] - middle[axis]) });
    // Normal equations: the sum of outer products, the same for every picture, times the unknown row.
    let mut products = [[0.0f32; 3]; 3];
    let mut with_x: Vector = [0.0; 3];
    let mut with_y: Vector = [0.0; 3];
    for (point, seen) in face.iter().zip(points) {
        for axis in 0..3 {
            for other in 0..3 {
                products[axis][other] += point[axis] * point[other];
            }
            // The face is centred, so the points' own middle drops out of these sums.
            with_x[axis] += point[axis] * seen.x;
            with_y[axis] += point[axis] * seen.y;
        }
    }
    let [a, b, c] = products;
    let (bc, ca, ab) = (cross(b, c), cross(c, a), cross(a, b));
    let volume = dot(a, bc);
    // Cramer's rule for a symmetric matrix.
    let solve = |right: Vector| -> Vector {
        std::array::from_fn(|axis| (right[0] * bc[axis] + right[1] * ca[axis] + right[2] * ab[axis]) / volume)
    };
    (volume.abs() > 1e-9).then(|| [solve(with_x), solve(with_y)])
}

/// The two first rows of the turn nearest to an affine map: both are turned by the same angle until they are at right angles.
fn nearest_turn([x, y]: [Vector; 2]) -> Option<[Vector; 2]> {
    let (x, y) = (unit(x)?, unit(y)?);
    let sum = unit(std::array::from_fn(|axis| x[axis] + y[axis]))?;
    let difference = unit(std::array::from_fn(|axis| x[axis] - y[axis]))?;
    let half = std::f32::consts::FRAC_1_SQRT_2;
    let row = |sign: f32| -> Vector { std::array::from_fn(|axis| half * (sum[axis] + sign * difference[axis])) };
    Some([row(1.0), row(-1.0)])
}

fn dot(a: Vector, b: Vector) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Vector, b: Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn unit(vector: Vector) -> Option<Vector> {
    let length = dot(vector, vector).sqrt();
    (length > 0.0 && length.is_finite()).then(|| vector.map(|value| value / length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean face nodded, turned and then tilted by these angles, `size` pixels between the eyes, seen from far away.
    fn seen(yaw_deg: f32, pitch_deg: f32, roll_deg: f32, size: f32) -> [Point; 5] {
        let (sin_yaw, cos_yaw) = yaw_deg.to_radians().sin_cos();
        let (sin_pitch, cos_pitch) = pitch_deg.to_radians().sin_cos();
        let (sin_roll, cos_roll) = roll_deg.to_radians().sin_cos();
        MEAN_FACE.map(|[x, y, z]| {
            // Up, the nose (z < 0) goes to smaller y.
            let (y, z) = (cos_pitch * y + sin_pitch * z, cos_pitch * z - sin_pitch * y);
            // To the person's left, the nose goes to the right of the picture.
            let x = cos_yaw * x - sin_yaw * z;
            Point { x: 300.0 + size * (cos_roll * x - sin_roll * y), y: 200.0 + size * (sin_roll * x + cos_roll * y) }
        })
    }

    #[test]
    fn known_turns_are_found() {
        for yaw in [-40.0, -10.0, 0.0, 25.0] {
            for pitch in [-30.0, 0.0, 15.0] {
                for (roll, size) in [(0.0, 12.0), (0.0, 200.0), (-35.0, 60.0)] {
                    let pose = estimate(&seen(yaw, pitch, roll, size));
                    assert!(
                        (pose.yaw_deg - yaw).abs() < 0.5 && (pose.pitch_deg - pitch).abs() < 0.5,
                        "{yaw} {pitch}: {pose:?}"
                    );
                    assert!((pose.roll_deg - roll).abs() < 0.1, "{yaw} {pitch} {roll}: {pose:?}");
                }
            }
        }
    }

    #[test]
    fn tilt_is_clockwise_and_leaves_a_frontal_face_frontal() {
        for roll in [-30.0, 12.0, 90.0] {
            let pose = estimate(&seen(0.0, 0.0, roll, 50.0));
            assert!(
                (pose.roll_deg - roll).abs() < 0.01 && pose.yaw_deg.abs() < 0.5 && pose.pitch_deg.abs() < 0.5,
                "{pose:?}"
            );
        }
    }

    #[test]
    fn a_nose_moved_to_the_right_of_the_picture_is_a_turn_to_the_persons_left() {
        let mut points = seen(0.0, 0.0, 0.0, 60.0);
        points[2].x += 10.0;
        assert!(estimate(&points).yaw_deg > 5.0);
        points[2] = seen(0.0, 0.0, 0.0, 60.0)[2];
        points[2].y -= 10.0;
        assert!(estimate(&points).pitch_deg > 5.0);
    }

    #[test]
    fn points_without_sense_have_no_angles() {
        for value in [0.0, f32::NAN, f32::INFINITY] {
            let pose = estimate(&[Point { x: value, y: value }; 5]);
            assert_eq!(pose, Pose { yaw_deg: 0.0, pitch_deg: 0.0, roll_deg: 0.0 });
        }
    }
}
