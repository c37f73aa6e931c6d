//! Decides: one blkdebug node as a value. Rules in, verdicts out.
//!
//! A [`Program`] is what was declared: rules on events, in one of two [`Dialect`]s of QEMU's
//! blkdebug. An [`Engine`] is a program at work: its state, what is armed, who is suspended. It
//! has no clock, no dice and does no I/O; it answers three questions.
//!
//! * [`Engine::announce`]: may the code that reached this point go on?
//! * [`Engine::check`]: what becomes of this access?
//! * [`Engine::resume`]: who goes on now?
//!
//! ```
//! use headcrash_engine::*;
//!
//! let mut rules = ProgramBuilder::new(Dialect::Qemu10, Quirks::Safe);
//! let write = rules.event("write_aio");
//! rules.rule(Rule {
//!     event: write,
//!     state: State::ANY,
//!     action: Action::Inject(Injection {
//!         answer: Answer::Fail(Errno::ENOSPC),
//!         sectors: Sectors::One(8),
//!         ..Injection::default()
//!     }),
//!     once: true,
//! });
//! let mut engine = Engine::new(rules.build()?.into());
//!
//! let request = Requester(1);
//! assert_eq!(engine.announce(write, request, &mut ()), Passage::Pass);
//! let elsewhere = Access::new(IoKind::Write, 0, 4096);
//! assert_eq!(engine.check(elsewhere, &mut ()), Verdict::Pass);
//! let here = Access::new(IoKind::Write, 4096, 512);
//! assert!(matches!(engine.check(here, &mut ()), Verdict::Fail { errno: Errno::ENOSPC, .. }));
//! assert_eq!(engine.check(here, &mut ()), Verdict::Pass, "once");
//! # Ok::<(), RuleError>(())
//! ```
//!
//! # Semantics, and where they come from
//!
//! The reference is `block/blkdebug.c` of QEMU 2.6.0 and of 10.0.2; what both answered to
//! thousands of scripts is replayed by `headcrash conformance`. In words:
//!
//! * **Walk.** Rules of an event are walked newest first: breakpoints, then suspend rules, then
//!   state changes, then injections. A rule matches when its state is [`State::ANY`] or the
//!   engine's at the start of the event.
//! * **State.** Of several matching state changes the *first declared* wins; it takes effect at
//!   the end of the walk, at most once per event.
//! * **Arming.** If any injection of the event matches, the armed list becomes exactly the
//!   matching ones in declaration order. If none does, the list stays as it was: injections stay
//!   armed across later events, other requests and state changes until replaced.
//! * **Check.** The first armed injection that fits the access decides. [`Answer::Mask`] lets the
//!   access pass and hides the injections behind it. A `once` rule is consumed when it injects,
//!   not when it is armed or masks.
//! * **Suspension.** A breakpoint is used up by the first request that meets it. In
//!   [`Dialect::Qemu2_6`] breakpoints hold one after the other and the event's effects wait for
//!   the last resume; in [`Dialect::Qemu10`] effects are committed first, and all breakpoints of
//!   the event hold at once, so that the request needs as many resumes.
//!
//! What was undefined in C has an answer here: a rule that was removed or consumed while a
//! suspended request stood before it is skipped, and the walk goes on with the next that lives.

#![no_std]

extern crate alloc;

mod dialect;
mod engine;
mod errno;
mod event;
mod index;
mod program;
mod rule;
mod trigger;

pub use dialect::{Dialect, Quirks};
pub use engine::{
    Deed, Engine, Passage, Removal, Requester, Resumed, Suspension, Verdict, Witness,
};
pub use errno::Errno;
pub use event::{EventId, Events, StableHasher};
pub use program::{Program, ProgramBuilder, RuleError};
pub use rule::{Access, Action, Answer, Injection, IoKind, Rule, RuleId, Sectors, State, Tag};
pub use trigger::{Ask, Cause, Kinds, Ratio, Trigger, TriggerId, Triggers};
