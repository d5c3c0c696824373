//! Commitments that the record opens itself later: how anybody computes them again from what is told.
//!
//! Each is SHA-256 of lines of text, in lower-case hexadecimal. Until the salt is told they fit anything.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The commitment to a first judgement: a title line, the alert's name, the salt as hexadecimal, the judgement's word.
pub fn judgement(alert: &str, salt: &str, judgement: &str) -> String {
    hexadecimal(&format!("overt judgement 1\n{alert}\n{salt}\n{judgement}\n"))
}

/// The commitment to the seeded pairs of an exercise: a title line, its name, the salt, then each pair's name.
pub fn seeds(deployment: &str, salt: &str, seeds: &[String]) -> String {
    let mut text = format!("overt seeds 1\n{deployment}\n{salt}\n");
    for seed in seeds {
        text.push_str(seed);
        text.push('\n');
    }
    hexadecimal(&text)
}

/// The commitment to where a camera is: a title line, the deployment, the camera's name, the salt, its address without
/// what signs in to it. Who is told salt and address can see that no other camera was opened in its place.
pub fn camera(deployment: &str, camera: &str, salt: &str, address: &str) -> String {
    hexadecimal(&format!("overt camera 1\n{deployment}\n{camera}\n{salt}\n{address}\n"))
}

fn hexadecimal(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commitments_are_those_of_another_implementation() {
        // printf 'overt judgement 1\na1\n00ff\nsame person\n' | sha256sum, and likewise.
        assert_eq!(
            judgement("a1", "00ff", "same person"),
            "f4e3b8153f76957dcd9909bde90a3ff9c897dc382a419e0eddabfd37d0b244b1"
        );
        assert_eq!(
            seeds("d1", "00ff", &["s1".into(), "s2".into()]),
            "9eeb004782cbf30a351a982bbc388fb987e062ea08ef35472e28c9153449a32c"
        );
        assert_eq!(
            camera("d1", "c1", "00ff", "rtsp://192.0.2.1/1"),
            "042c589f079a7aeb7b2a97593f2e9db8d3ba7b76e29ead9db15609599d5b3c00"
        );
        assert_ne!(seeds("d1", "00ff", &["s2".into(), "s1".into()]), seeds("d1", "00ff", &["s1".into(), "s2".into()]));
    }
}
