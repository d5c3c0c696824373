//! Whom a run compares with: the watchlist as a gallery, and the people suppressed against somebody on it.

use std::sync::Arc;

use domain::{Hit, Live, Nearest, NearestSuppressed, Score, Threshold};
use face::template::Contract;
use face::{Gallery, Template};
use jiff::Timestamp;
use store::{Recorded, Store};

use crate::error::PipelineError;

/// The gallery of a deployment, and those who are not to be taken for somebody in it.
pub(crate) struct Sought {
    gallery: Gallery,
    suppressed: Vec<Suppressed>,
}

/// Somebody wrongly stopped before, with the entries of the person they were taken for.
struct Suppressed {
    entries: Vec<u32>,
    template: Template,
    expires: Timestamp,
}

impl Sought {
    /// Opens the watchlist of a live deployment, as a gallery of the model in use.
    pub(crate) fn open(
        store: &Store,
        live: &Recorded<Live>,
        contract: &Arc<Contract>,
        now: Timestamp,
    ) -> Result<Self, PipelineError> {
        let mut builder = Gallery::builder(Arc::clone(contract));
        for listed in store.watchlist(live)? {
            let template = template(&listed.template, contract).ok_or_else(|| {
                PipelineError::TemplateOfAnotherModel { entry: listed.number, model: contract.model.clone() }
            })?;
            builder.add(listed.person, listed.number, template)?;
        }
        let mut sought = Self { gallery: builder.build(), suppressed: Vec::new() };
        sought.renew(store, live, now)?;
        Ok(sought)
    }

    /// Reads again who is suppressed: what was erased since acts no longer.
    pub(crate) fn renew(&mut self, store: &Store, live: &Recorded<Live>, now: Timestamp) -> Result<(), PipelineError> {
        let contract = Arc::clone(self.gallery.contract());
        let suppressed = store.suppressed(live, now)?.into_iter().filter_map(|found| {
            // A template of another model cannot be compared: the person would have to be suppressed anew.
            let template = template(&found.template, &contract)?;
            Some(Suppressed { entries: found.entries, template, expires: found.expires })
        });
        self.suppressed = suppressed.collect();
        Ok(())
    }

    /// The people whom a face is most like, nearest first, each with the nearest suppression against them. As many as it
    /// takes for the rule to reach somebody whom no suppression is against.
    pub(crate) fn hits(&self, face: &Template, threshold: &Threshold) -> Result<Vec<Hit>, PipelineError> {
        let mut hits = Vec::new();
        for found in self.gallery.best_per_person(face, 1 + self.suppressed.len())? {
            let Some(score) = Score::new(threshold.model().clone(), found.score.0) else { continue };
            let nearest = Nearest { entry: found.image, score };
            hits.push(Hit { suppressed: self.nearest_suppressed(found.image, face, threshold)?, nearest });
        }
        Ok(hits)
    }

    fn nearest_suppressed(
        &self,
        entry: u32,
        face: &Template,
        threshold: &Threshold,
    ) -> Result<Option<NearestSuppressed>, PipelineError> {
        let mut nearest: Option<NearestSuppressed> = None;
        for suppressed in self.suppressed.iter().filter(|suppressed| suppressed.entries.contains(&entry)) {
            let score = suppressed.template.compare(face).map_err(face::gallery::GalleryError::Contract)?;
            let Some(score) = Score::new(threshold.model().clone(), score.0) else { continue };
            if nearest.as_ref().is_none_or(|nearest| score.value() > nearest.score.value()) {
                nearest = Some(NearestSuppressed { score, expires: suppressed.expires });
            }
        }
        Ok(nearest)
    }
}

fn template(values: &[f32], contract: &Arc<Contract>) -> Option<Template> {
    Template::new(Arc::clone(contract), values.to_vec().into_boxed_slice())
}
