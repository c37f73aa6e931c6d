//! Flushes: `bdrv_co_flush`, and the drivers.

use headcrash_engine::{Access, Dialect};

use super::Flow;
use crate::disk::LayerKind;
use crate::io::Verb;
use crate::request::{Life, Request, Step, Transfer};
use crate::trace::What;
use crate::world::{Cx, World};

impl World {
    pub(super) fn flush(&mut self, request: &mut Request, layer: usize, cx: &mut Cx<'_>) -> Flow {
        if let Some(flow) = self.flush_straight(request, layer, cx) {
            return flow;
        }
        let disk = &self.disks[request.disk.index()];
        if !disk.read_only {
            let written = disk.layers[layer].written;
            request.plan.push(Step::FlushStart { layer, written });
        }
        Flow::Go
    }

    pub(super) fn flush_start(
        &mut self,
        request: &mut Request,
        layer: usize,
        written: u64,
        cx: &mut Cx<'_>,
    ) -> Flow {
        let disk = &mut self.disks[request.disk.index()];
        let events = disk.events;
        // One at a time, and each covers what was written when it was asked for (since 2.7).
        if disk.dialect == Dialect::Qemu10 {
            let layer_ref = &mut disk.layers[layer];
            if let Some(on) = layer_ref.flush_active {
                layer_ref.flush_queue.push_back(request.id);
                request.plan.push(Step::FlushStart { layer, written });
                let (client, request) = (request.client, request.id);
                cx.tell(self.now, What::Waiting { client, request, on });
                return Flow::Wait(Life::Waiting);
            }
            layer_ref.flush_active = Some(request.id);
        }
        request.plan.extend([
            Step::Flushed { layer, written },
            Step::FlushToDisk { layer, written },
            Step::Announce { layer: layer + 1, event: events.flush_to_os },
        ]);
        Flow::Go
    }

    pub(super) fn flush_to_disk(&self, request: &mut Request, layer: usize, written: u64) -> Flow {
        let disk = &self.disks[request.disk.index()];
        request.plan.push(Step::FlushBelow { layer });
        if !disk.no_flush && !self.is_clean(request, layer, written) {
            let event = disk.events.flush_to_disk;
            request
                .plan
                .extend([Step::DriverFlush { layer }, Step::Announce { layer: layer + 1, event }]);
        }
        Flow::Go
    }

    /// Whether a layer has nothing to flush to what is below it.
    pub(super) fn is_clean(&self, request: &Request, layer: usize, written: u64) -> bool {
        let disk = &self.disks[request.disk.index()];
        // The medium has a word in it: what completed while a flush was under way is not covered
        // by that flush, whatever the layers have counted since.
        let medium = &disk.medium;
        let covered = layer + 1 < disk.layers.len()
            || request.flushed
            || (medium.is_covered(self.flush_scope(request)) && !medium.owes(request.client));
        disk.dialect == Dialect::Qemu10 && disk.layers[layer].flushed == written && covered
    }

    pub(super) fn driver_flush(
        &mut self,
        request: &mut Request,
        layer: usize,
        cx: &mut Cx<'_>,
    ) -> Flow {
        match self.disks[request.disk.index()].layers[layer].kind {
            LayerKind::Raw => Flow::Go,
            LayerKind::Node(_) => {
                request.plan.push(Step::Flush { layer: layer + 1 });
                self.check(request, layer, Access::FLUSH, cx)
            }
            LayerKind::File => self.flush_medium(request, cx),
        }
    }

    pub(super) fn flush_medium(&mut self, request: &mut Request, cx: &mut Cx<'_>) -> Flow {
        let scope = self.flush_scope(request);
        request.flushed = true;
        self.transfer(request, Transfer::Flush { scope }, cx)
    }

    /// What a flush that reaches the medium covers: what had completed when the client asked for
    /// it. A node flushes what is below it more than once, and what completes in between is not
    /// part of the promise. A flush that stands in for force unit access covers the write itself.
    fn flush_scope(&self, request: &Request) -> u64 {
        match request.shape.verb {
            Verb::Flush => request.since,
            _ => self.disks[request.disk.index()].medium.seq(),
        }
    }

    pub(super) fn flush_below(&self, request: &mut Request, layer: usize) -> Flow {
        if request.result.is_ok() && !self.is_file(request, layer) {
            request.plan.push(Step::Flush { layer: layer + 1 });
        }
        Flow::Go
    }

    pub(super) fn flushed(&mut self, request: &Request, layer: usize, written: u64) -> Flow {
        let disk = &mut self.disks[request.disk.index()];
        let layer = &mut disk.layers[layer];
        if request.result.is_ok() {
            layer.flushed = written;
        }
        layer.flush_active = None;
        self.woken.extend(layer.flush_queue.pop_front());
        Flow::Go
    }
}
