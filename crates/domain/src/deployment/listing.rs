//! Building the watchlist of an announced deployment: entered, compared, approved where it must be, taken off, frozen.

use jiff::Timestamp;

use super::before::{Announced, FrozenWatchlist};
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::officer::{Officer, Role};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::watchlist::{EntryFacts, Flag, Listing, Roll};

impl Announced {
    /// Enters one image on the watchlist, as number `number`. The event is withheld: it would point at one person.
    pub fn list(
        &self,
        officer: &Officer,
        entry: &EntryFacts,
        number: u32,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<u32>, Refusal> {
        let by = officer.act_as(&[Role::WatchlistOfficer], "enter anybody on a watchlist", now)?;
        self.refuse_frozen()?;
        entry.check(policy, &self.plan, now)?;
        let happening = Happening::WatchlistEntryAdded { deployment: self.plan.deployment.clone(), number };
        Ok(Decided::new(number, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Takes an entry off again.
    pub fn unlist(&self, officer: &Officer, number: u32, now: Timestamp) -> Result<Decided<u32>, Refusal> {
        let by = officer.act_as(&[Role::WatchlistOfficer], "take anybody off a watchlist", now)?;
        self.refuse_frozen()?;
        let happening = Happening::WatchlistEntryRemoved { deployment: self.plan.deployment.clone(), number };
        Ok(Decided::new(number, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Gives the higher approval that a child or somebody protected needs: by an authorising officer who listed none of
    /// their images, for a stated reason. Withheld; the frozen list's composition counts those approved.
    pub fn approve_listing(
        &self,
        officer: &Officer,
        listing: &Listing<'_>,
        reason: &str,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<u32>, Refusal> {
        let by = officer.act_as(&[Role::AuthorisingOfficer], "give a higher approval", now)?;
        self.refuse_frozen()?;
        listing.check_approval(&by, reason, policy)?;
        let number = listing.number;
        let happening = Happening::HigherApprovalGiven { deployment: self.plan.deployment.clone(), number };
        Ok(Decided::new(number, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Says that somebody compared two entries that are alike, and that they are different people.
    pub fn acknowledge(&self, officer: &Officer, flag: Flag, now: Timestamp) -> Result<Decided<Flag>, Refusal> {
        let by = officer.act_as(&[Role::WatchlistOfficer], "acknowledge a likeness", now)?;
        self.refuse_frozen()?;
        let Flag { first, second, .. } = flag;
        let happening = Happening::LikenessAcknowledged { deployment: self.plan.deployment.clone(), first, second };
        Ok(Decided::new(flag, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    /// Fixes the watchlist; `commitment` is salted and made by the store over what is sealed.
    pub fn freeze_watchlist(
        mut self,
        officer: &Officer,
        roll: &Roll,
        commitment: String,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Decided<Self>, Refusal> {
        let by = officer.act_as(&[Role::WatchlistOfficer], "freeze a watchlist", now)?;
        self.refuse_frozen()?;
        let checked = roll.check(policy, &self.plan, now)?;
        self.preparation.watchlist = Some(FrozenWatchlist { at: now, people: checked.people });
        let happening = Happening::WatchlistFrozen {
            deployment: self.plan.deployment.clone(),
            people: checked.people,
            images: checked.images,
            by_ground: checked.by_ground,
            commitment,
            by_approval: checked.by_approval,
        };
        Ok(Decided::new(self, Event { at: now, actor: Actor::Officer(by), happening }))
    }

    fn refuse_frozen(&self) -> Result<(), Refusal> {
        if self.preparation.watchlist.is_some() { Err(Refusal::WatchlistFrozenAlready) } else { Ok(()) }
    }
}
