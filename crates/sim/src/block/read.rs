//! Reads: `bdrv_co_preadv_part`, `bdrv_aligned_preadv`, and what the drivers do.

use headcrash_engine::{Access, IoKind};

use super::Flow;
use crate::disk::LayerKind;
use crate::request::{Buffer, Request, Span, Step, Transfer};
use crate::world::{Cx, World};

impl World {
    pub(super) fn read(&mut self, request: &mut Request, span: Span, cx: &mut Cx<'_>) -> Flow {
        let Span { layer, at, len } = span;
        let disk = &mut self.disks[request.disk.index()];
        if matches!(disk.layers[layer].kind, LayerKind::File) {
            return self.transfer(request, Transfer::Read(span), cx);
        }
        if let Some(flow) = self.read_straight(request, span, cx) {
            return flow;
        }
        let disk = &mut self.disks[request.disk.index()];
        let align = disk.layers[layer].align;
        if len == 0 && at % align != 0 {
            return Flow::Go;
        }
        let start = at - at % align;
        let aligned = Span { layer, at: start, len: span.end().next_multiple_of(align) - start };
        let track = disk.track(layer, request.id, aligned.at, aligned.len);
        request.plan.push(Step::Untrack { layer, track });
        if aligned != span {
            let byte = disk.untouched();
            request.buffers.push(Buffer::blank(aligned.at, aligned.len, byte));
            request.plan.push(Step::Unpad(span));
        }
        request.plan.extend([Step::ReadPieces(aligned), Step::Gate { layer, track }]);
        Flow::Go
    }

    pub(super) fn read_pieces(&self, request: &mut Request, span: Span) -> Flow {
        if request.result.is_err() || request.short.is_some() {
            return Flow::Go;
        }
        let max = self.max_piece(request, span.layer);
        let (piece, rest) = span.split(span.len.min(max));
        if rest.len > 0 {
            request.plan.push(Step::ReadPieces(rest));
        }
        request.plan.push(Step::DriverRead(piece));
        Flow::Go
    }

    /// The longest read or write a layer takes in one piece.
    pub(super) fn max_piece(&self, request: &Request, layer: usize) -> u64 {
        self.disks[request.disk.index()].layers[layer].max_piece()
    }

    pub(super) fn driver_read(
        &mut self,
        request: &mut Request,
        span: Span,
        cx: &mut Cx<'_>,
    ) -> Flow {
        let disk = &self.disks[request.disk.index()];
        request.plan.push(Step::Read(span.below()));
        match disk.layers[span.layer].kind {
            LayerKind::Raw => {
                let event = disk.events.read_aio;
                request.plan.push(Step::Announce { layer: span.layer + 1, event });
                Flow::Go
            }
            LayerKind::Node(_) => {
                let access = Access::new(IoKind::Read, span.at, span.len);
                self.check(request, span.layer, access, cx)
            }
            LayerKind::File => unreachable!("a file transfers"),
        }
    }
}
