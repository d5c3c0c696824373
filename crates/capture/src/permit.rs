//! The right to show frames of a live source for a short while: what is not renewed ends by itself.
//!
//! A camera is opened with a [`Permit`] only, and looks at it before every frame and many times a second in between.
//! Whoever holds the [`PermitKeeper`] renews it out of an authority of their own; when they stop, whatever the reason - a
//! cut connection, a hang, a crash - the camera's process is killed and no frame is handed out any more. There is no
//! permit without a keeper, and none that lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::stamp::now;

/// Longest that one renewal holds.
pub const PERMIT_MAX: Duration = Duration::from_secs(60);

/// The keeper's end of a permit. Dropping it revokes the permit.
pub struct PermitKeeper(Arc<Shared>);

/// The camera's end: it can be asked, not renewed.
#[derive(Clone)]
pub struct Permit(Arc<Shared>);

struct Shared {
    origin: Instant,
    /// Milliseconds after `origin` until which it holds; [`REVOKED`] for ever.
    until_ms: AtomicU64,
}

/// Nothing holds until the origin itself.
const REVOKED: u64 = 0;

impl PermitKeeper {
    /// A permit that holds from now for `period`, at most [`PERMIT_MAX`].
    pub fn new(period: Duration) -> Self {
        let keeper = Self(Arc::new(Shared { origin: now(), until_ms: AtomicU64::new(1) }));
        keeper.renew(period);
        keeper
    }

    /// Lets it hold from now for `period`, at most [`PERMIT_MAX`]: also shorter than before. What was revoked, or has
    /// lapsed and was seen to, stays so.
    pub fn renew(&self, period: Duration) {
        // No time at all from the origin is [`REVOKED`] itself: it never held.
        let until = self.0.now_ms().saturating_add(period.min(PERMIT_MAX).as_millis() as u64);
        // Fails only where it was revoked: then nothing is to be renewed.
        let _ = self
            .0
            .until_ms
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| (held != REVOKED).then_some(until));
    }

    /// Ends it now and for good.
    pub fn revoke(&self) {
        self.0.until_ms.store(REVOKED, Ordering::Release);
    }

    /// What a camera is opened with.
    pub fn permit(&self) -> Permit {
        Permit(Arc::clone(&self.0))
    }
}

impl Drop for PermitKeeper {
    fn drop(&mut self) {
        self.revoke();
    }
}

impl Permit {
    /// Whether frames may be shown now. Once it says no, it says no for ever: a new permit needs a new opening.
    pub fn holds(&self) -> bool {
        let now_ms = self.0.now_ms();
        let until = self.0.until_ms.load(Ordering::Acquire);
        if until != REVOKED && now_ms < until {
            return true;
        }
        // It lapsed: a late renewal must not bring it back, or nobody could tell that it had ended.
        until != REVOKED
            && self.0.until_ms.compare_exchange(until, REVOKED, Ordering::AcqRel, Ordering::Acquire).is_err()
            && self.0.now_ms() < self.0.until_ms.load(Ordering::Acquire)
    }
}

impl Shared {
    fn now_ms(&self) -> u64 {
        now().saturating_duration_since(self.origin).as_millis() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_until_it_is_revoked_or_its_keeper_is_gone() {
        let keeper = PermitKeeper::new(PERMIT_MAX);
        let permit = keeper.permit();
        assert!(permit.holds());
        keeper.revoke();
        assert!(!permit.holds());
        keeper.renew(PERMIT_MAX);
        assert!(!permit.holds(), "what was revoked stays revoked");

        let keeper = PermitKeeper::new(PERMIT_MAX);
        let permit = keeper.permit();
        drop(keeper);
        assert!(!permit.holds());
    }

    #[test]
    fn one_of_no_time_never_holds() {
        assert!(!PermitKeeper::new(Duration::ZERO).permit().holds());
    }

    #[test]
    fn what_has_lapsed_is_not_brought_back() {
        let keeper = PermitKeeper::new(Duration::from_millis(2));
        let permit = keeper.permit();
        while permit.holds() {
            std::thread::yield_now();
        }
        keeper.renew(PERMIT_MAX);
        assert!(!permit.holds());
    }

    #[test]
    fn no_renewal_is_longer_than_the_limit() {
        let keeper = PermitKeeper::new(Duration::MAX);
        assert!(keeper.0.until_ms.load(Ordering::Acquire) <= keeper.0.now_ms() + PERMIT_MAX.as_millis() as u64);
    }
}
