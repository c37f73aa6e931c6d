//! The straight way down: what a request does that nothing pads, splits, holds or strikes, without
//! laying out a plan for it.
//!
//! Most requests of most runs meet nobody. Of them this does in one go what the steps of their plan
//! would do one by one, tells the same, and counts the same; where the medium takes time, it leaves
//! the plan that the steps would have left. Whatever it does not know how to do goes step by step.
//! The law `straight` compares the two.

use headcrash_engine::{Dialect, Engine, EventId};

use super::Flow;
use crate::disk::{Disk, LayerKind, NodeId};
use crate::io::Verb;
use crate::request::{Content, Request, Source, Span, Step, Transfer};
use crate::trace::What;
use crate::world::{Cx, World};

impl Disk {
    /// Whether nothing can come of an announcement to a node, nor of a check.
    fn is_quiet(&self) -> bool {
        let is_idle = |layer: usize| self.engine(layer).is_none_or(Engine::is_idle);
        self.triggers.is_empty() && (self.first_node..self.layers.len()).all(is_idle)
    }

    /// Whether no layer from this one on pads or splits a stretch, and nobody is in its way.
    fn is_straight(&self, span: Span) -> bool {
        let Span { layer, at, len } = span;
        self.is_quiet()
            && len > 0
            && self.layers[layer..].iter().all(|layer| {
                (at | len) & (layer.align - 1) == 0
                    && (layer.is_file() || len <= layer.max_piece())
                    && !layer.tracked.iter().any(|tracked| tracked.serialising)
            })
    }
}

impl World {
    /// The request reaches an event on a layer where nobody has anything to say to that.
    fn pass(&self, request: &Request, layer: usize, event: EventId, cx: &mut Cx<'_>) {
        let disk = &self.disks[request.disk.index()];
        if let LayerKind::Node(_) = disk.layers[layer].kind {
            let node = NodeId { disk: request.disk, depth: disk.depth(layer) };
            cx.tell(self.now, What::Announced { request: request.id, node, event });
        }
    }

    /// Whether a request may go straight down over a stretch.
    fn goes_straight(&self, request: &Request, span: Span) -> bool {
        let disk = &self.disks[request.disk.index()];
        !self.step_by_step
            && request.result.is_ok()
            && request.short.is_none()
            && disk.is_straight(span)
    }

    /// [`Self::read`], if nothing is in the way.
    pub(super) fn read_straight(
        &mut self,
        request: &mut Request,
        span: Span,
        cx: &mut Cx<'_>,
    ) -> Option<Flow> {
        if !self.goes_straight(request, span) {
            return None;
        }
        let disk = &self.disks[request.disk.index()];
        let (file, event) = (disk.layers.len() - 1, disk.events.read_aio);
        for layer in span.layer..file {
            // Gate, pieces, driver, and the same one layer below.
            self.work += 4;
            if let LayerKind::Raw = self.disks[request.disk.index()].layers[layer].kind {
                self.work += 1;
                self.pass(request, layer + 1, event, cx);
            }
        }
        let below = Span { layer: file, ..span };
        let flow = self.transfer(request, Transfer::Read(below), cx);
        if let Flow::Wait(_) = flow {
            let applied = request.plan.pop();
            for layer in span.layer..file {
                self.track_until_done(request, Span { layer, ..span });
            }
            request.plan.extend(applied);
        } else {
            self.work += (file - span.layer) as u64;
        }
        Some(flow)
    }

    fn track_until_done(&mut self, request: &mut Request, span: Span) {
        let Span { layer, at, len } = span;
        let track = self.disks[request.disk.index()].track(layer, request.id, at, len);
        request.plan.push(Step::Untrack { layer, track });
    }

    /// [`Self::write`], if nothing is in the way.
    pub(super) fn write_straight(
        &mut self,
        request: &mut Request,
        span: Span,
        source: Source,
        fua: bool,
        cx: &mut Cx<'_>,
    ) -> Option<Flow> {
        let disk = &self.disks[request.disk.index()];
        // Somebody flushes behind it, then.
        let flushes = fua && disk.dialect == Dialect::Qemu2_6;
        if flushes || !self.goes_straight(request, span) {
            return None;
        }
        let (file, events) = (disk.layers.len() - 1, disk.events);
        for layer in span.layer..file {
            // Aligned, gate, event, pieces, driver, and the same one layer below.
            self.work += 6;
            self.pass(request, layer, events.pwritev, cx);
            if let LayerKind::Raw = self.disks[request.disk.index()].layers[layer].kind {
                self.work += 1;
                self.pass(request, layer + 1, events.write_aio, cx);
            }
        }
        let below = Span { layer: file, ..span };
        let content = Content::Data(source);
        let flow = self.transfer(request, Transfer::Write { span: below, content, fua }, cx);
        if let Flow::Wait(_) = flow {
            let applied = request.plan.pop();
            for layer in span.layer..file {
                self.track_until_done(request, Span { layer, ..span });
                let event = events.pwritev_done;
                request.plan.extend([Step::Written { layer }, Step::Announce { layer, event }]);
            }
            request.plan.extend(applied);
            return Some(flow);
        }
        for layer in (span.layer..file).rev() {
            // Event, count, untrack.
            self.work += 3;
            self.pass(request, layer, events.pwritev_done, cx);
            self.written(request, layer);
        }
        Some(flow)
    }

    /// [`Self::flush`], if nothing is in the way.
    pub(super) fn flush_straight(
        &mut self,
        request: &mut Request,
        layer: usize,
        cx: &mut Cx<'_>,
    ) -> Option<Flow> {
        let disk = &self.disks[request.disk.index()];
        let is_taken = disk.layers[layer..].iter().any(|layer| layer.flush_active.is_some());
        // In 2.6 layers flush beside one another, and whose turn it was is not undone.
        if self.step_by_step
            || disk.dialect != Dialect::Qemu10
            || disk.read_only
            || is_taken
            || request.result.is_err()
            || !disk.is_quiet()
        {
            return None;
        }
        Some(self.flush_layer(request, layer, cx))
    }

    /// A layer's flush. What is left to do when it waits is on the plan, and nothing otherwise.
    fn flush_layer(&mut self, request: &mut Request, layer: usize, cx: &mut Cx<'_>) -> Flow {
        let disk = &mut self.disks[request.disk.index()];
        let (file, events, no_flush) = (disk.layers.len() - 1, disk.events, disk.no_flush);
        let written = disk.layers[layer].written;
        disk.layers[layer].flush_active = Some(request.id);
        request.plan.push(Step::Flushed { layer, written });
        // Start, event, and to the disk.
        self.work += 3;
        if layer < file {
            self.pass(request, layer + 1, events.flush_to_os, cx);
        }
        if !no_flush && !self.is_clean(request, layer, written) {
            // Event, and the driver.
            self.work += 2;
            if layer < file {
                self.pass(request, layer + 1, events.flush_to_disk, cx);
            }
            request.plan.push(Step::FlushBelow { layer });
            let flow = match self.disks[request.disk.index()].layers[layer].kind {
                LayerKind::Raw => Flow::Go,
                LayerKind::Node(_) => {
                    self.work += 1;
                    self.flush_layer(request, layer + 1, cx)
                }
                LayerKind::File => self.flush_medium(request, cx),
            };
            if let Flow::Wait(_) = flow {
                return flow;
            }
            request.plan.pop();
        }
        self.work += 1;
        if request.result.is_ok() && layer < file {
            self.work += 1;
            if let flow @ Flow::Wait(_) = self.flush_layer(request, layer + 1, cx) {
                return flow;
            }
        }
        request.plan.pop();
        self.work += 1;
        self.flushed(request, layer, written)
    }

    /// One write has ended at a layer.
    pub(super) fn written(&mut self, request: &mut Request, layer: usize) {
        self.disks[request.disk.index()].layers[layer].written += 1;
        request.pretended &= request.shape.verb == Verb::Discard;
    }
}
