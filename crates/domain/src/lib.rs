//! Charter: decides. A state, a command and a time go in; an outcome comes out, or a refusal with its reason.
//!
//! This crate refuses to know disk, network, clock, randomness, log or serialisation: `now` is an argument, an id is
//! given, and nothing here can fail for any reason but a rule. It knows nothing of pictures either: a face is a value
//! that [`settle`] takes by value and drops, unless it becomes a [`settle::PendingAlert`].
//!
//! Reading order: words and numbers, the policy, the life of a deployment, what becomes of a face, what becomes of an
//! alert and of whoever was stopped because of it, what passes between the force and others, what becomes of a key.

pub mod identifiers;
pub mod officer;
pub mod staff;
pub mod refusal;
pub mod threshold;
pub mod threshold_ledger;
pub mod policy;
pub mod event;
pub mod decided;
pub mod operation;
pub mod deployment;
pub mod tripwire;
pub mod watchlist;
pub mod settle;
pub mod alert;
pub mod figures;
pub mod hold;
pub mod receipt;
pub mod complaint;
pub mod share;
pub mod tally;
pub mod custody;
pub mod clock;

pub use alert::{
    Adjudicated, AlertRefusal, AlertState, AlertStep, Closed, Engaged, Engagement, JudgedOnce, Judgement, Outcome,
    Raised, Reclassification, Truth, WhyNot,
};
pub use clock::Clock;
pub use complaint::{Complaint, ComplaintStep, Finding, Occasion};
pub use decided::Decided;
pub use deployment::{
    Announced, Approved, CameraTerms, Cause, Declaration, Deployment, Draft, Due, Ended, Followed, Kind, Lease, Live,
    Mandate, Overdue, Paused, Plan, Proposed, Purged, SourceRefusal, Withdrawn,
};
pub use event::{Actor, Event, Happening, Publication, Withheld, published_plan};
pub use evidence::{Counts, Equipment, Results, Zone};
pub use figures::Figures;
pub use hold::{Hold, HoldGround, HoldTerms};
pub use identifiers::{AlertId, ComplaintId, DeploymentId, OfficerId, OperationId, ShareId, SuppressionId};
pub use officer::{Officer, Role};
pub use operation::Operation;
pub use policy::{Adjudicators, OutsideAuthoriser, Policy, PolicyFault, Roles, SourceKind};
pub use receipt::{AlertReceipt, ReceiptCode};
pub use refusal::Refusal;
pub use settle::{Hit, Nearest, PendingAlert, Settlement, settle, settle_among};
pub use share::{Direction, Revocation, Share, ShareRefusal, ShareStep, Shared, Terms};
pub use staff::{Member, StaffChange, Standing};
pub use tally::Tally;
pub use threshold::{ModelId, Score, Threshold};
pub use threshold_ledger::{ProposedThreshold, ThresholdWish};
pub use tripwire::{Trip, Watched, Wire, tripped};
pub use watchlist::{
    Age, Approval, Consent, EntryFacts, Flag, Likeness, Listing, NearestSuppressed, Origin, Protection, Reference,
    Retention, Roll, Suppression,
};
