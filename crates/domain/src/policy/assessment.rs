//! The risks that an impact assessment must answer, each with the settings that limit it, so that the table is made from the profile.

/// What may go wrong, and what in a profile stands against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    /// What may go wrong, as a sentence.
    pub risk: &'static str,
    /// The settings that limit it, by their names in the file.
    pub settings: &'static [&'static str],
}

/// Every risk; every setting stands against at least one.
pub const RISKS: [Risk; 11] = [
    Risk {
        risk: "It is used in secret.",
        settings: &["sources", "notice_lead", "urgent_ratification", "urgent_grounds", "checkpoint_interval"],
    },
    Risk {
        risk: "It is used for something else than was said, or somewhere else.",
        settings: &["purposes", "place_grounds", "documents", "deployment_length_max", "lease"],
    },
    Risk {
        risk: "Nobody answers for it, or whoever wants it also allows it.",
        settings: &["roles", "outside_authoriser", "training_validity"],
    },
    Risk {
        risk: "People are listed who should not be.",
        settings: &["grounds", "watchlist_people_max", "watchlist_age_max"],
    },
    Risk {
        risk: "Children and other protected people are listed.",
        settings: &["protected_grounds", "adult_age_years"],
    },
    Risk {
        risk: "Somebody is taken for somebody else because of a poor image or a likeness.",
        settings: &[
            "image_age_max",
            "images_per_person_max",
            "eye_distance_px_min",
            "sharpness_min",
            "look_alike_score",
            "face_side_px_min",
        ],
    },
    Risk {
        risk: "Somebody is stopped because the software is wrong.",
        settings: &[
            "threshold_fpir_max",
            "threshold",
            "false_alert_rate_max",
            "false_alert_faces_min",
            "second_adjudicator",
            "outcomes",
        ],
    },
    Risk { risk: "It is wrong more often about one group than about another.", settings: &["differential_ratio_max"] },
    Risk {
        risk: "Data are kept for longer than they are needed.",
        settings: &["alert_retention", "alert_hold_max", "suppression_length_max"],
    },
    Risk {
        risk: "Whoever was listed or stopped cannot find out, or is not heard.",
        settings: &["commitment_retention", "complaint_retention"],
    },
    Risk {
        risk: "Images come or go without anybody knowing, or somebody is photographed without a lawful power.",
        settings: &["share_length_max", "outcome_due", "oifr_powers", "oifr_place_classes"],
    },
];
