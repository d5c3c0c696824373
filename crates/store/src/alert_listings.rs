//! What an alert is about, as it was listed: sealed with the alert, because the watchlist ends before the alert does.

use domain::{AlertId, DeploymentId};
use rusqlite::{Connection, OptionalExtension as _, params};
use zeroize::Zeroizing;

use crate::error::{Doing as _, StoreError};
use crate::sealing::{Place, SealingKey};
use crate::store::Store;
use crate::watchlist::SealedFacts;

/// The listing of an alert as it reaches the disk.
pub(crate) struct SealedListing {
    facts: Vec<u8>,
    image: Vec<u8>,
}

impl Store {
    /// The listed image (PNG) that an alert is about, opened; until the alert ends, also after its watchlist did.
    pub fn alert_listed_image(&self, alert: &AlertId) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let d = self.alert(alert)?.raised().deployment.clone();
        self.open_of_alert(&d, alert, "alert_listings.image")
    }

    /// What is known of the person that an alert is about.
    pub(crate) fn alert_listing(&self, d: &DeploymentId, alert: &AlertId) -> Result<SealedFacts, StoreError> {
        let text = self.open_of_alert(d, alert, "alert_listings.facts")?;
        SealedFacts::read(&text).ok_or_else(|| StoreError::SealBroken {
            what: format!("alert_listings.facts {alert}"),
            deployment: d.to_string(),
        })
    }

    /// The template that an alert keeps, as its bytes.
    pub(crate) fn alert_template(&self, d: &DeploymentId, alert: &AlertId) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.open_of_alert(d, alert, "alerts.template")
    }

    /// The entry that an alert reached, taken from the list and sealed for the alert.
    pub(crate) fn listing_for(
        &self,
        key: &SealingKey,
        d: &DeploymentId,
        alert: &AlertId,
        entry: u32,
    ) -> Result<SealedListing, StoreError> {
        let facts = self.listed_facts(&self.watchlist_keys().read(d)?, d, entry)?.write()?;
        let image = self.listed_image(d, entry)?;
        let place = |column| Place { deployment: d, column, row: alert.as_str() };
        Ok(SealedListing {
            facts: key.seal(&place("alert_listings.facts"), &facts)?,
            image: key.seal(&place("alert_listings.image"), &image)?,
        })
    }

    fn open_of_alert(
        &self,
        d: &DeploymentId,
        alert: &AlertId,
        column: &'static str,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let doing = "reading what an alert is about";
        let key = self.key_folder().read(d)?;
        let sql = match column {
            "alert_listings.facts" => "SELECT facts FROM alert_listings WHERE alert = ?1",
            "alert_listings.image" => "SELECT image FROM alert_listings WHERE alert = ?1",
            _ => "SELECT template FROM alerts WHERE alert = ?1",
        };
        let mut statement = self.connection.prepare_cached(sql).doing(doing)?;
        let sealed: Option<Vec<u8>> =
            statement.query_row([alert.as_str()], |row| row.get(0)).optional().doing(doing)?;
        let Some(sealed) = sealed else {
            return Err(StoreError::Damaged {
                what: format!("alert {alert}"),
                found: "what it is about is gone".into(),
            });
        };
        key.open(&Place { deployment: d, column, row: alert.as_str() }, &sealed)
    }
}

impl SealedListing {
    pub(crate) fn insert(&self, connection: &Connection, d: &DeploymentId, alert: &AlertId) -> Result<(), StoreError> {
        connection
            .prepare_cached("INSERT INTO alert_listings (alert, deployment, facts, image) VALUES (?1, ?2, ?3, ?4)")
            .and_then(|mut statement| statement.execute(params![alert.as_str(), d.as_str(), self.facts, self.image]))
            .doing("keeping what an alert is about")
            .map(drop)
    }
}
