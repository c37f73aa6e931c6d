//! The block layer above and around a node, as QEMU has it: what a request announces, checks and
//! transfers on its way down. One file per function of `block/io.c`'s family.
//!
//! A request runs its plan step by step. A step does one thing, or puts other steps on top of
//! itself; it never waits inside.

mod discard;
mod flush;
mod read;
mod straight;
mod transfer;
mod write;
mod zero;

pub(crate) use transfer::{strikes, transferring};

use alloc::vec::Vec;

use headcrash_engine::{Access, Deed, Engine, EventId, Passage, Requester, Verdict, Witness};

use crate::agenda::Due;
use crate::disk::{LayerKind, NodeId, TrackId};
use crate::io::RequestId;
use crate::request::{Life, Request, Step};
use crate::trace::{RuleList, What};
use crate::world::{Cx, World};

/// Whether a request goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Go,
    Wait(Life),
}

impl World {
    #[inline]
    pub(crate) fn perform(&mut self, request: &mut Request, step: Step, cx: &mut Cx<'_>) -> Flow {
        match step {
            Step::Announce { layer, event } => self.announce(request, layer, event, cx),
            Step::Gate { layer, track } => self.gate(request, layer, track, cx),
            Step::Serialise { layer, track } => {
                let layer_ref = &mut self.disks[request.disk.index()].layers[layer];
                let align = layer_ref.align;
                let tracked = layer_ref.tracked_mut(track);
                let end = (tracked.at + tracked.len).next_multiple_of(align);
                tracked.serialising = true;
                tracked.at -= tracked.at % align;
                tracked.len = end - tracked.at;
                self.gate(request, layer, track, cx)
            }
            Step::Untrack { layer, track } => {
                let tracked = &mut self.disks[request.disk.index()].layers[layer].tracked;
                let place = tracked.iter().position(|tracked| tracked.id == track);
                let ended = tracked.remove(place.expect("a request is tracked until it ends"));
                self.woken.extend(ended.waiters);
                Flow::Go
            }
            Step::Bail { depth } => {
                if request.result.is_err() {
                    request.plan.truncate(depth);
                }
                Flow::Go
            }

            Step::Read(span) => self.read(request, span, cx),
            Step::ReadPieces(span) => self.read_pieces(request, span),
            Step::DriverRead(span) => self.driver_read(request, span, cx),
            Step::Unpad(span) => {
                let mut padded = request.buffers.pop().expect("a padded read has its buffer");
                if request.result.is_ok() {
                    request.bytes_mut(span).copy_from_slice(padded.part(span.at, span.len));
                }
                Flow::Go
            }

            Step::Write { span, content, fua } => self.write(request, span, content, fua, cx),
            Step::WriteAligned { span, content, fua, track } => {
                self.write_aligned(request, span, content, fua, track)
            }
            Step::WritePieces { span, source, fua } => {
                self.write_pieces(request, span, source, fua)
            }
            Step::DriverWrite { span, source, fua } => {
                self.driver_write(request, span, source, fua, cx)
            }
            Step::Written { layer } => {
                self.written(request, layer);
                Flow::Go
            }
            Step::FlushIfOk { layer } => {
                if request.result.is_ok() {
                    request.plan.push(Step::Flush { layer });
                }
                Flow::Go
            }
            Step::RmwRead { depth } => self.rmw_read(request, depth, cx),
            Step::Merge { span, content, count } => {
                Self::merge(request, span, content, count);
                Flow::Go
            }
            Step::DropBuffers { count } => {
                let left = request.buffers.len() - count;
                request.buffers.truncate(left);
                Flow::Go
            }

            Step::ZeroPieces { span, head, tail, fua, flush } => {
                self.zero_pieces(request, span, head, tail, fua, flush)
            }
            Step::ZeroTried { rest } => self.zero_tried(request, rest),
            Step::DriverZero(span) => self.driver_zero(request, span, cx),

            Step::Discard(span) => self.discard(request, span, cx),
            Step::DiscardPieces { span, head, tail } => {
                self.discard_pieces(request, span, head, tail)
            }
            Step::Discarded => Self::discarded(request),
            Step::DriverDiscard(span) => self.driver_discard(request, span, cx),

            Step::Erase(span) => self.erase(request, span, cx),

            Step::Flush { layer } => self.flush(request, layer, cx),
            Step::FlushStart { layer, written } => self.flush_start(request, layer, written, cx),
            Step::FlushToDisk { layer, written } => self.flush_to_disk(request, layer, written),
            Step::DriverFlush { layer } => self.driver_flush(request, layer, cx),
            Step::FlushBelow { layer } => self.flush_below(request, layer),
            Step::Flushed { layer, written } => self.flushed(request, layer, written),

            Step::Applied(transfer) => {
                self.apply(request, transfer, cx);
                Flow::Go
            }
        }
    }

    pub(crate) fn is_file(&self, request: &Request, layer: usize) -> bool {
        matches!(self.disks[request.disk.index()].layers[layer].kind, LayerKind::File)
    }

    fn announce(
        &mut self,
        request: &mut Request,
        layer: usize,
        event: EventId,
        cx: &mut Cx<'_>,
    ) -> Flow {
        let disk = &mut self.disks[request.disk.index()];
        // Only nodes listen; a file, and what lies below it, does not.
        if !matches!(disk.layers.get(layer), Some(layer) if matches!(layer.kind, LayerKind::Node(_)))
        {
            return Flow::Go;
        }
        let node = NodeId { disk: request.disk, depth: disk.depth(layer) };
        cx.tell(self.now, What::Announced { request: request.id, node, event });
        // Most nodes of most scenarios have nothing to say.
        if disk.triggers.is_empty() && disk.engine(layer).is_some_and(Engine::is_idle) {
            return Flow::Go;
        }
        let who = Requester(request.id.number());
        let mut deeds =
            Deeds { node, request: request.id, whats: core::mem::take(&mut self.deeds) };
        let cause = disk.cause(request);
        let engine = disk.engine_mut(layer).expect("the layer was just seen to be a node");
        let passage = engine.announce(event, who, &mut deeds);
        let strikes = layer == disk.first_node && !disk.triggers.is_empty();
        self.deeds = self.settle_deeds(deeds, layer, cx);
        if strikes
            && let Some(flow) = self.struck_at_once(request, event, cause, cx)
            && passage == Passage::Pass
        {
            return flow;
        }
        match passage {
            Passage::Pass => Flow::Go,
            Passage::Suspend => {
                self.hold(request, node);
                Flow::Wait(Life::Suspended)
            }
        }
    }

    /// Tells what the engine did, and gives the emptied list back.
    pub(crate) fn settle_deeds(&self, deeds: Deeds, layer: usize, cx: &mut Cx<'_>) -> Vec<What> {
        let Deeds { node, mut whats, .. } = deeds;
        for mut what in whats.drain(..) {
            if let What::Armed { rules, .. } = &mut what {
                let engine = self.disks[node.disk.index()].engine(layer);
                let engine = engine.expect("only nodes arm");
                *rules = RuleList::new(engine.armed(), rules.count as usize);
            }
            cx.tell(self.now, what);
        }
        whats
    }

    /// Asks the node about an access; what is to follow if it passes must be on the plan already,
    /// as its last step.
    fn check(
        &mut self,
        request: &mut Request,
        layer: usize,
        access: Access,
        cx: &mut Cx<'_>,
    ) -> Flow {
        let disk = &mut self.disks[request.disk.index()];
        let node = NodeId { disk: request.disk, depth: disk.depth(layer) };
        let engine = disk.engine_mut(layer).expect("only nodes are asked");
        if engine.is_idle() {
            return Flow::Go;
        }
        let mut spent = None;
        let mut masked = None;
        let verdict =
            engine.check(access, &mut CheckDeeds { spent: &mut spent, masked: &mut masked });
        let (immediately, rule, result) = match verdict {
            Verdict::Pass => {
                if let Some(rule) = masked {
                    cx.tell(self.now, What::Masked { request: request.id, node, rule });
                }
                return Flow::Go;
            }
            Verdict::Fail { errno, immediately, rule } => (immediately, rule, Err(errno)),
            Verdict::Pretend { immediately, rule } => (immediately, rule, Ok(())),
        };
        let errno = result.err();
        cx.tell(self.now, What::Injected { request: request.id, node, rule, errno, immediately });
        if let Some(rule) = spent {
            cx.tell(self.now, What::Consumed { node, rule });
        }
        request.plan.pop().expect("what a check guards is on the plan");
        request.result = result;
        request.pretended = result.is_ok();
        if immediately {
            return Flow::Go;
        }
        // One turn later, at the same instant.
        self.due_at(request, self.now, Due::Answer(request.id));
        Flow::Wait(Life::InFlight)
    }

    fn gate(
        &mut self,
        request: &mut Request,
        layer: usize,
        track: TrackId,
        cx: &mut Cx<'_>,
    ) -> Flow {
        let layer_ref = &mut self.disks[request.disk.index()].layers[layer];
        layer_ref.tracked_mut(track).waits = false;
        let Some((on, other)) = layer_ref.conflict(track).map(|other| (other.request, other.id))
        else {
            return Flow::Go;
        };
        layer_ref.tracked_mut(other).waiters.push(request.id);
        layer_ref.tracked_mut(track).waits = true;
        request.plan.push(Step::Gate { layer, track });
        cx.tell(self.now, What::Waiting { client: request.client, request: request.id, on });
        Flow::Wait(Life::Waiting)
    }
}

/// Collects what an announcement does; armed lists are filled in afterwards.
pub(crate) struct Deeds {
    pub(crate) node: NodeId,
    /// Who announces, or goes on.
    pub(crate) request: RequestId,
    pub(crate) whats: Vec<What>,
}

impl Witness for Deeds {
    fn saw(&mut self, deed: Deed<'_>) {
        let node = self.node;
        let request = self.request;
        self.whats.push(match deed {
            Deed::Armed(count) => What::Armed { node, rules: RuleList::new([].into_iter(), count) },
            Deed::Moved { from, to, rule } => What::Moved { node, from, to, rule },
            Deed::Suspended { tag, rule } => {
                What::Suspended { request, node, tag: tag.clone(), rule }
            }
            Deed::Resumed { who, tag } => {
                self.request = RequestId(who.0);
                What::Resumed { request: self.request, node, tag: tag.clone() }
            }
            Deed::Consumed(rule) => What::Consumed { node, rule },
            Deed::Masked(_) | Deed::Injected(_) => return,
        });
    }
}

/// What a check does besides its verdict.
struct CheckDeeds<'a> {
    spent: &'a mut Option<headcrash_engine::RuleId>,
    masked: &'a mut Option<headcrash_engine::RuleId>,
}

impl Witness for CheckDeeds<'_> {
    fn saw(&mut self, deed: Deed<'_>) {
        match deed {
            Deed::Consumed(rule) => *self.spent = Some(rule),
            Deed::Masked(rule) => *self.masked = Some(rule),
            Deed::Injected(_)
            | Deed::Armed(_)
            | Deed::Moved { .. }
            | Deed::Suspended { .. }
            | Deed::Resumed { .. } => {}
        }
    }
}
