//! The entries so far, so that a new one can be compared with those of other people.

use std::sync::Arc;

use domain::{Announced, Likeness, Policy, Score, Threshold};
use face::Template;
use face::template::Contract;
use store::{Recorded, Store};

use crate::error::PipelineError;

/// The entries of a list that is being built, with their templates, in sealed memory.
pub(super) struct Listing {
    entries: Vec<(u32, String, Template)>,
}

impl Listing {
    /// Opens what was entered before.
    pub(super) fn open(
        store: &Store,
        announced: &Recorded<Announced>,
        contract: &Arc<Contract>,
    ) -> Result<Self, PipelineError> {
        let mut entries = Vec::new();
        for listed in store.listed_so_far(announced)? {
            let values = listed.template.to_vec().into_boxed_slice();
            let template = Template::new(Arc::clone(contract), values).ok_or_else(|| {
                PipelineError::TemplateOfAnotherModel { entry: listed.number, model: contract.model.clone() }
            })?;
            entries.push((listed.number, listed.facts.label, template));
        }
        Ok(Self { entries })
    }

    /// Takes in what was entered.
    pub(super) fn add(&mut self, number: u32, label: String, template: Template) {
        self.entries.push((number, label, template));
    }

    /// The entry of the same person with the very same image: one file makes one template, bit for bit.
    pub(super) fn same_image(&self, label: &str, template: &Template) -> Option<u32> {
        let same = |(_, other, theirs): &&(u32, String, Template)| *other == label && equal(theirs, template);
        self.entries.iter().find(same).map(|(number, ..)| *number)
    }

    /// The entries of other people that this one is like.
    pub(super) fn alike(
        &self,
        label: &str,
        template: &Template,
        threshold: &Threshold,
        policy: &Policy,
    ) -> Result<Vec<(u32, Likeness)>, PipelineError> {
        let mut alike = Vec::new();
        for (number, other, theirs) in &self.entries {
            if other == label {
                continue;
            }
            if equal(theirs, template) {
                alike.push((*number, Likeness::SameImage));
                continue;
            }
            let score = theirs.compare(template).map_err(face::gallery::GalleryError::Contract)?;
            let Some(score) = Score::new(threshold.model().clone(), score.0) else { continue };
            alike.extend(Likeness::of(&score, threshold, policy)?.map(|likeness| (*number, likeness)));
        }
        Ok(alike)
    }
}

fn equal(one: &Template, other: &Template) -> bool {
    let pairs = one.values().iter().zip(other.values());
    one.values().len() == other.values().len() && pairs.fold(true, |same, (a, b)| same & (a.to_bits() == b.to_bits()))
}
