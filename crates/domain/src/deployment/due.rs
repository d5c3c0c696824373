//! What the clock demands: a deployment whose time is over does not go on because nobody was there to end it.

use jiff::Timestamp;

use super::Deployment;
use super::before::Withdrawn;
use super::mandate::Mandate;
use crate::decided::Decided;
use crate::event::{Actor, Event, Happening};
use crate::policy::Policy;
use crate::refusal::Refusal;

/// What has to be done now, without anybody deciding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It never began and no longer may: it lapses, and what was sealed for it is destroyed.
    Lapse(Overdue),
    /// It may no longer run: it ends.
    End(Overdue),
    /// Everything sealed for it is destroyed.
    Purge,
}

/// Whose time is over: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// The authorised window.
    Window,
    /// The urgent approval, which nobody ratified.
    UrgentApproval,
}

impl Overdue {
    /// The words on the record.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Window => "the authorised window closed",
            Self::UrgentApproval => "the urgent approval lapsed: nobody ratified it in time",
        }
    }
}

impl Deployment {
    /// What has to be done now, if anything; asked again until the answer is nothing.
    pub fn due(&self, policy: &Policy, now: Timestamp) -> Option<Due> {
        let overdue = |mandate: Option<&Mandate>| {
            let lapsed = mandate.and_then(Mandate::lapses).is_some_and(|lapses| now >= lapses);
            let closed = (now >= self.plan().ends).then_some(Overdue::Window);
            if lapsed { Some(Overdue::UrgentApproval) } else { closed }
        };
        match self {
            Self::Proposed(_) => overdue(None).map(Due::Lapse),
            Self::Approved(state) => overdue(Some(&state.mandate)).map(Due::Lapse),
            Self::Announced(state) => overdue(Some(&state.mandate)).map(Due::Lapse),
            Self::Live(state) => overdue(Some(&state.mandate)).map(Due::End),
            Self::Paused(state) => overdue(Some(&state.live.mandate)).map(Due::End),
            Self::Ended(state) => (now >= state.purge_due(policy)).then_some(Due::Purge),
            Self::Purged(_) | Self::Withdrawn(_) => None,
        }
    }

    /// Gives up a deployment that never began and no longer may.
    pub fn lapse(self, policy: &Policy, now: Timestamp) -> Result<Decided<Withdrawn>, Refusal> {
        let Some(Due::Lapse(overdue)) = self.due(policy, now) else {
            return Err(Refusal::WrongState { attempted: "given up by the clock", state: self.state() });
        };
        let plan = self.plan().clone();
        let happening =
            Happening::Withdrawn { deployment: plan.deployment.clone(), reason: overdue.reason().to_owned() };
        Ok(Decided::new(Withdrawn { plan }, Event { at: now, actor: Actor::System, happening }))
    }
}
