//! The alert receipt: what a stopped person is handed, as data and as text, and the code that answers for it.

use std::fmt::{self, Write as _};

use jiff::Timestamp;

/// Random bytes behind a code: 80 bits, which nobody guesses through a service that answers one code at a time.
pub const RECEIPT_CODE_BYTES: usize = 10;

/// Crockford's base 32: no I, L, O or U, so that a code survives being read out and written down.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARS: usize = RECEIPT_CODE_BYTES * 8 / 5;
const GROUP_CHARS: usize = 4;

/// The code on an alert receipt. Whoever holds it may ask what the receipt says; it is neither logged nor kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceiptCode([u8; RECEIPT_CODE_BYTES]);

/// What a receipt says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertReceipt {
    /// Who answers for it.
    pub force: String,
    /// The deployment.
    pub deployment: String,
    /// What kind of use: an exercise, or live.
    pub deployment_kind: String,
    /// Where.
    pub place: String,
    /// Which camera.
    pub camera: String,
    /// When the alert was raised.
    pub raised: Timestamp,
    /// Why the deployment took place.
    pub purpose: String,
    /// The threshold in the model's own units.
    pub threshold: String,
    /// The false-positive identification rate it was measured at.
    pub threshold_fpir: String,
    /// What a person judged.
    pub judgement: String,
    /// What became of speaking to the person.
    pub engagement: String,
    /// What followed, as far as it is known.
    pub outcome: Option<String>,
    /// When the face and everything about it is destroyed at the latest, or was.
    pub deleted_by: Timestamp,
    /// Until when the code answers, and a complaint can name it.
    pub answers_until: Timestamp,
    /// The alert's name on the public record, by which its entries can be found.
    pub alert: String,
}

impl ReceiptCode {
    /// From fresh randomness.
    pub fn from_random(bytes: [u8; RECEIPT_CODE_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads a code as people write it: case, hyphens and spaces do not matter, nor do O for 0 and I or L for 1.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; RECEIPT_CODE_BYTES];
        let mut chars = 0;
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let value = match c.to_ascii_uppercase() {
                'O' => 0,
                'I' | 'L' => 1,
                c => ALPHABET.iter().position(|letter| char::from(*letter) == c)?,
            };
            if chars == CODE_CHARS {
                return None;
            }
            for bit in 0..5 {
                let place = chars * 5 + bit;
                let set = u8::from(value >> (4 - bit) & 1 == 1);
                bytes[place / 8] |= set << (7 - place % 8);
            }
            chars += 1;
        }
        (chars == CODE_CHARS).then_some(Self(bytes))
    }

    /// The random bytes, of which the store keeps a hash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for ReceiptCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for at in 0..CODE_CHARS {
            if at > 0 && at % GROUP_CHARS == 0 {
                out.write_char('-')?;
            }
            let value = (0..5).fold(0, |value, bit| {
                let place = at * 5 + bit;
                value << 1 | self.0[place / 8] >> (7 - place % 8) & 1
            });
            out.write_char(char::from(ALPHABET[usize::from(value)]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for ReceiptCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ReceiptCode(not shown)")
    }
}

impl AlertReceipt {
    /// The receipt as it is printed, with the code it answers to.
    pub fn text(&self, code: &ReceiptCode) -> String {
        let outcome = self.outcome.as_deref().unwrap_or("not recorded yet");
        format!(
            "Alert receipt {code}\n\
             \n\
             You were spoken to because software compared your face with a list of people who are sought.\n\
             \n\
             Who answers for it: {}\n\
             Where: {} (camera {}), deployment {}, {}\n\
             When: {}\n\
             Why: {}\n\
             The software gives a candidate from {} on; measured on other people, it was wrong at a rate of {}.\n\
             What a person judged from the images: {}\n\
             What followed: {}; {outcome}\n\
             \n\
             The image of your face is destroyed by {} at the latest.\n\
             \n\
             You may ask what became of this with the code above until {}, and complain with the same code to the\n\
             data-protection officer of {}. You need not give your name. The public record names this alert {}.\n",
            self.force,
            self.place,
            self.camera,
            self.deployment,
            self.deployment_kind,
            self.raised,
            self.purpose,
            self.threshold,
            self.threshold_fpir,
            self.judgement,
            self.engagement,
            self.deleted_by,
            self.answers_until,
            self.force,
            self.alert,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_back_however_it_is_written() {
        // 80 bits 0x00443214c74254b635cf are the values 0 to 15, five bits each, most significant first.
        let code = ReceiptCode::from_random([0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf]);
        assert_eq!(code.to_string(), "0123-4567-89AB-CDEF");
        for written in ["0123-4567-89AB-CDEF", "o123 4567 89ab cdef", "0L23456789abcdef", "OI2345-6789abcdef"] {
            assert_eq!(ReceiptCode::parse(written), Some(code.clone()), "{written}");
        }
        for wrong in ["", "0123-4567-89AB-CDE", "0123-4567-89AB-CDEFG", "0123-4567-89AB-CDEU", "0123-4567-89AB-CDEé"] {
            assert_eq!(ReceiptCode::parse(wrong), None, "{wrong}");
        }
        let ones = ReceiptCode::from_random([0xff; RECEIPT_CODE_BYTES]);
        assert_eq!(ones.to_string(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert!(!format!("{ones:?}").contains('Z'));
    }

    #[test]
    fn a_code_is_its_random_bytes_and_is_never_shown_by_accident() {
        let bytes = [0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf];
        let code = ReceiptCode::from_random(bytes);
        assert_eq!(code.as_bytes(), bytes);
        assert_eq!(format!("{code:?}"), "ReceiptCode(not shown)");
    }

    fn receipt(outcome: Option<&str>) -> AlertReceipt {
        AlertReceipt {
            force: "Example force".into(),
            deployment: "d1".into(),
            deployment_kind: "live".into(),
            place: "a concourse".into(),
            camera: "gate".into(),
            raised: "2026-03-01T09:00:00Z".parse().unwrap(),
            purpose: "to find missing people".into(),
            threshold: "0.5".into(),
            threshold_fpir: "0.001".into(),
            judgement: "same person".into(),
            engagement: "spoken to".into(),
            outcome: outcome.map(str::to_owned),
            deleted_by: "2026-03-02T09:00:00Z".parse().unwrap(),
            answers_until: "2027-03-01T09:00:00Z".parse().unwrap(),
            alert: "a1".into(),
        }
    }

    #[test]
    fn a_receipt_tells_a_stopped_person_who_answers_what_happened_and_how_to_complain() {
        let code = ReceiptCode::parse("0123-4567-89AB-CDEF").unwrap();
        let told = "\
Alert receipt 0123-4567-89AB-CDEF

You were spoken to because software compared your face with a list of people who are sought.

Who answers for it: Example force
Where: a concourse (camera gate), deployment d1, live
When: 2026-03-01T09:00:00Z
Why: to find missing people
The software gives a candidate from 0.5 on; measured on other people, it was wrong at a rate of 0.001.
What a person judged from the images: same person
What followed: spoken to; identity refuted

The image of your face is destroyed by 2026-03-02T09:00:00Z at the latest.

You may ask what became of this with the code above until 2027-03-01T09:00:00Z, and complain with the same code to the
data-protection officer of Example force. You need not give your name. The public record names this alert a1.
";
        assert_eq!(receipt(Some("identity refuted")).text(&code), told);
        let open = told.replace("spoken to; identity refuted", "spoken to; not recorded yet");
        assert_eq!(receipt(None).text(&code), open);
    }
}
