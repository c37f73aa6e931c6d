//! Discards: `bdrv_co_pdiscard`, and the drivers.

use headcrash_engine::{Access, Dialect, Errno, IoKind};

use super::Flow;
use crate::disk::LayerKind;
use crate::request::{Request, Span, Step, Transfer};
use crate::world::{Cx, World};

impl World {
    pub(super) fn discard(&mut self, request: &mut Request, span: Span, cx: &mut Cx<'_>) -> Flow {
        let Span { layer, at, len } = span;
        let disk = &mut self.disks[request.disk.index()];
        match (&disk.layers[layer].kind, disk.dialect) {
            (LayerKind::File, _) => return self.transfer(request, Transfer::Discard(span), cx),
            // 2.6's driver has no such operation, and the layer above takes that for success:
            // the image never hears of it.
            (LayerKind::Node(_), Dialect::Qemu2_6) => return Flow::Go,
            (LayerKind::Node(_) | LayerKind::Raw, _) => {}
        }
        let unit = disk.layers[layer].opt_discard.max(disk.layers[layer].align);
        let track = disk.track(layer, request.id, at, len);
        request.plan.extend([
            Step::Untrack { layer, track },
            Step::Written { layer },
            Step::DiscardPieces { span, head: at % unit, tail: span.end() % unit },
            Step::Gate { layer, track },
        ]);
        Flow::Go
    }

    pub(super) fn discard_pieces(
        &self,
        request: &mut Request,
        span: Span,
        mut head: u64,
        mut tail: u64,
    ) -> Flow {
        // A positive result ends the loop, here and in the layers above.
        if request.result.is_err() || request.pretended || span.len == 0 {
            return Flow::Go;
        }
        let layer = &self.disks[request.disk.index()].layers[span.layer];
        let unit = layer.opt_discard.max(layer.align);
        // A unit taken over from below can be larger than what may be discarded at once (QEMU
        // fails an assertion then): pieces are as long as they may be.
        let max = layer.max_discard.unwrap_or(u64::MAX);
        let max = if max < unit { max } else { max - max % unit };
        let mut len = span.len;
        if head > 0 {
            len = len.min(unit - head);
            if !len.is_multiple_of(layer.align) {
                len %= layer.align;
            }
            head = (head + len) % unit;
        } else if tail > 0 {
            if len > unit {
                len -= tail;
            } else if !tail.is_multiple_of(layer.align) && tail > layer.align {
                tail %= layer.align;
                len -= tail;
            }
        }
        let (piece, span) = span.split(len.min(max));
        request.plan.extend([
            Step::DiscardPieces { span, head, tail },
            Step::Discarded,
            Step::DriverDiscard(piece),
        ]);
        Flow::Go
    }

    /// A discard is advice: a layer that cannot follow it has not failed.
    pub(super) fn discarded(request: &mut Request) -> Flow {
        if request.result == Err(Errno::ENOTSUP) {
            request.result = Ok(());
        }
        Flow::Go
    }

    pub(super) fn driver_discard(
        &mut self,
        request: &mut Request,
        span: Span,
        cx: &mut Cx<'_>,
    ) -> Flow {
        let layer = &self.disks[request.disk.index()].layers[span.layer];
        match layer.kind {
            LayerKind::Raw => {
                request.plan.push(Step::Discard(span.below()));
                Flow::Go
            }
            LayerKind::Node(_) => {
                // QEMU divides by zero or fails an assertion on some of these (quirks Q2, Q3);
                // the safe answer, and the only one that is defined, is to decline them.
                let multiple = |of| span.at.is_multiple_of(of) && span.len.is_multiple_of(of);
                let aligned = multiple(layer.align);
                let unit = layer.opt_discard;
                let fits = span.len < unit || unit == 0 || multiple(unit);
                if span.len < layer.align || !aligned || !fits {
                    request.result = Err(Errno::ENOTSUP);
                    return Flow::Go;
                }
                request.plan.push(Step::Discard(span.below()));
                let access = Access::new(IoKind::Discard, span.at, span.len);
                self.check(request, span.layer, access, cx)
            }
            LayerKind::File => unreachable!("a file transfers"),
        }
    }
}
