//! What a body outside the force signs: the plan of one deployment, in one canonical text, as a C2SP signed note.
//!
//! The key is trusted for one thing: without its signature no deployment of the operation can be announced. Who holds it
//! can let a deployment happen; they cannot make one happen, and see nothing of it that is not public.

use std::fmt::Write as _;

use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};

use crate::{DeploymentPlan, EvidenceError};

/// Most bytes of a signature line: a name of ordinary length and 100 characters of base64.
const SIGNATURE_BYTES_MAX: usize = 1_000;

/// The text that is signed: one line for each field of the plan, in the record's order. Control characters and line
/// separators in a field are written as `?`, so that no field can pretend to be another.
pub fn plan_text(plan: &DeploymentPlan) -> String {
    let mut text = String::from("overt deployment plan v1\n");
    let cameras = plan.cameras.to_string();
    let (starts, ends) = (plan.starts.to_string(), plan.ends.to_string());
    let fields: [(&str, &str); 10] = [
        ("deployment", &plan.deployment),
        ("operation", &plan.operation),
        ("kind", &plan.deployment_kind),
        ("purpose", &plan.purpose),
        ("place", &plan.place),
        ("place ground", &plan.place_ground),
        ("place evidence", &plan.place_evidence),
        ("cameras", &cameras),
        ("starts", &starts),
        ("ends", &ends),
    ];
    for (name, value) in fields {
        let plain = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { '?' } else { c };
        let value: String = value.chars().map(plain).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}: {value}");
    }
    text
}

/// Signs a plan: for the outside body, with the text of its signing key. Returns the signature's line.
pub fn sign_plan(signing: &str, plan: &DeploymentPlan) -> Result<String, EvidenceError> {
    let bad = |reason: String| EvidenceError::Key { reason };
    let signer = StandardSigner::new(signing).map_err(|error| bad(error.to_string()))?;
    let text = plan_text(plan);
    let mut note = Note::new(text.as_bytes(), &[]).map_err(|error| bad(error.to_string()))?;
    note.add_sigs(&[&signer]).map_err(|error| bad(error.to_string()))?;
    let bytes = note.to_bytes();
    let signature = bytes.get(text.len()..).map(|rest| String::from_utf8_lossy(rest).trim().to_owned());
    signature.ok_or_else(|| bad("the signed note does not begin with its text".into()))
}

/// Whether this line is the outside body's signature over exactly this plan.
pub fn plan_is_signed(verifying: &str, plan: &DeploymentPlan, signature: &str) -> bool {
    if signature.len() > SIGNATURE_BYTES_MAX || signature.contains('\n') {
        return false;
    }
    let Ok(verifier) = StandardVerifier::new(verifying) else { return false };
    let note = format!("{}\n{signature}\n", plan_text(plan));
    let Ok(note) = Note::from_bytes(note.as_bytes()) else { return false };
    let known = VerifierList::new(vec![Box::new(verifier)]);
    note.verify(&known).is_ok()
}

/// Whether a text is a verifying key, `<name>+<8 hexadecimal digits>+<base64>`.
pub fn is_verifying_key(text: &str) -> bool {
    StandardVerifier::new(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyPair;
    use crate::samples::plan;

    #[test]
    fn a_signature_holds_for_its_plan_and_key_alone() {
        let keys = KeyPair::from_seed("panel.example", [7; 32]).expect("keys");
        let other = KeyPair::from_seed("panel.example", [8; 32]).expect("keys");
        let signature = sign_plan(&keys.signing, &plan()).expect("signs");
        assert!(plan_is_signed(&keys.verifying, &plan(), &signature));
        assert!(!plan_is_signed(&other.verifying, &plan(), &signature));
        assert!(!plan_is_signed(&keys.verifying, &plan(), ""));
        assert!(!plan_is_signed(&keys.verifying, &plan(), &format!("{signature}\n{signature}")));
        assert!(is_verifying_key(&keys.verifying) && !is_verifying_key(&keys.signing) && !is_verifying_key(""));
        type Change = fn(&mut DeploymentPlan);
        let changes: [Change; 10] = [
            |plan| plan.deployment.push('x'),
            |plan| plan.operation.push('x'),
            |plan| plan.deployment_kind.push('x'),
            |plan| plan.purpose.push('x'),
            |plan| plan.place.push('x'),
            |plan| plan.place_ground.push('x'),
            |plan| plan.place_evidence.push('x'),
            |plan| plan.cameras += 1,
            |plan| plan.starts = plan.ends,
            |plan| plan.ends = plan.starts,
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = plan();
            change(&mut changed);
            assert!(!plan_is_signed(&keys.verifying, &changed, &signature), "field {number}");
        }
    }

    #[test]
    fn no_field_can_pretend_to_be_another() {
        let mut sly = plan();
        sly.purpose = "test\nplace: elsewhere".into();
        assert_eq!(plan_text(&sly).lines().count(), plan_text(&plan()).lines().count());
        assert!(plan_text(&sly).contains("purpose: test?place: elsewhere\n"));
    }
}
