//! Writes of zeroes: `bdrv_co_do_zero_pwritev`, `bdrv_co_do_pwrite_zeroes`, and the drivers.

use headcrash_engine::{Access, Dialect, Errno, IoKind};

use super::Flow;
use super::write::{Padding, Side};
use crate::disk::{Layer, LayerKind, TrackId};
use crate::request::{Buffer, Content, Request, Source, Span, Step, ZeroRest};
use crate::world::{Cx, World};

impl World {
    /// Plans a write of zeroes of any bytes: the unaligned ends are read, modified and written.
    pub(super) fn write_zero(
        &self,
        request: &mut Request,
        span: Span,
        padding: Padding,
        fua: bool,
        track: TrackId,
    ) {
        match self.disks[request.disk.index()].dialect {
            Dialect::Qemu10 => self.write_zero_10(request, span, padding, fua, track),
            Dialect::Qemu2_6 => self.write_zero_2_6(request, span, padding, fua, track),
        }
    }

    /// 10.0.2 reads both ends before it writes anything.
    fn write_zero_10(
        &self,
        request: &mut Request,
        span: Span,
        padding: Padding,
        fua: bool,
        track: TrackId,
    ) {
        let merges = !padding.is_none() && padding.merges();
        let has_head = padding.head > 0 || merges;
        let has_tail = padding.tail > 0 && !merges;
        let head = has_head.then(|| if merges { padding.aligned } else { padding.head_block() });
        let tail = has_tail.then(|| padding.tail_block());
        let buffers = [tail, head];
        let count = buffers.iter().flatten().count();
        for span in buffers.into_iter().flatten() {
            request.buffers.push(Buffer::blank(span.at, span.len, 0));
        }
        if count > 0 {
            request.plan.push(Step::DropBuffers { count });
        }
        let depth = request.plan.len();
        let block =
            |span| Step::WriteAligned { span, content: Content::Data(Source::Buffers), fua, track };
        request.plan.extend(tail.map(block));
        self.plan_middle(request, middle(span, &padding), fua, track, depth);
        if let Some(head) = head {
            request.plan.extend([Step::Bail { depth }, block(head)]);
        }
        if count > 0 {
            let content = Content::Zero;
            request.plan.extend([Step::Merge { span, content, count }, Step::RmwRead { depth }]);
            self.plan_rmw(request, &padding, track);
        }
    }

    /// 2.6 reads, modifies and writes one end, then the middle, then the other end.
    fn write_zero_2_6(
        &self,
        request: &mut Request,
        span: Span,
        padding: Padding,
        fua: bool,
        track: TrackId,
    ) {
        let one_block = padding.aligned.len == padding.align;
        let head = (padding.head > 0).then(|| padding.head_block());
        let has_tail = padding.tail > 0 && !(one_block && padding.head > 0);
        let tail = has_tail.then(|| padding.tail_block());
        let ends = [tail, head].into_iter().flatten();
        let count = ends.clone().count();
        for block in ends {
            request.buffers.push(Buffer::blank(block.at, block.len, 0));
        }
        request.plan.push(Step::DropBuffers { count });
        let depth = request.plan.len();
        if let Some(block) = tail {
            self.plan_end_2_6(request, span, block, (Side::Tail, count), fua, track);
        }
        self.plan_middle(request, middle(span, &padding), fua, track, depth);
        if let Some(block) = head {
            request.plan.push(Step::Bail { depth });
            self.plan_end_2_6(request, span, block, (Side::Head, count), fua, track);
        }
    }

    fn plan_end_2_6(
        &self,
        request: &mut Request,
        span: Span,
        block: Span,
        (side, count): (Side, usize),
        fua: bool,
        track: TrackId,
    ) {
        let depth = request.plan.len();
        let content = Content::Data(Source::Buffers);
        request.plan.extend([
            Step::WriteAligned { span: block, content, fua, track },
            Step::Merge { span, content: Content::Zero, count },
            Step::RmwRead { depth },
        ]);
        self.plan_rmw_2_6(request, block, side, track);
    }

    fn plan_middle(
        &self,
        request: &mut Request,
        span: Span,
        fua: bool,
        track: TrackId,
        depth: usize,
    ) {
        if span.len > 0 {
            request.plan.extend([
                Step::Bail { depth },
                Step::WriteAligned { span, content: Content::Zero, fua, track },
            ]);
        }
    }

    pub(super) fn plan_zero_pieces(&self, request: &mut Request, span: Span, fua: bool) {
        let unit = self.zero_unit(request, span.layer);
        let (head, tail) = (span.at % unit, span.end() % unit);
        request.pretended = false;
        request.plan.push(Step::ZeroPieces { span, head, tail, fua, flush: false });
    }

    fn zero_unit(&self, request: &Request, layer: usize) -> u64 {
        let layer = &self.disks[request.disk.index()].layers[layer];
        layer.opt_write_zero.max(layer.align)
    }

    fn bounce(&self, request: &Request, layer: usize) -> u64 {
        let max = self.disks[request.disk.index()].layers[layer].max_transfer;
        max.map_or(Layer::BOUNCE, |max| max.min(Layer::BOUNCE))
    }

    pub(super) fn zero_pieces(
        &self,
        request: &mut Request,
        span: Span,
        mut head: u64,
        tail: u64,
        fua: bool,
        flush: bool,
    ) -> Flow {
        // A positive result ends the loop, and is a success above it.
        if request.result.is_err()
            || request.short.is_some()
            || core::mem::take(&mut request.pretended)
        {
            return Flow::Go;
        }
        if span.len == 0 {
            if flush {
                request.plan.push(Step::Flush { layer: span.layer });
            }
            return Flow::Go;
        }
        let unit = self.zero_unit(request, span.layer);
        let max = self.disks[request.disk.index()].layers[span.layer].max_write_zero;
        let max = max.map_or(u64::MAX, |max| max - max % unit);
        let mut tried = span.len;
        if head > 0 {
            tried = tried.min(self.bounce(request, span.layer)).min(unit - head);
            head = (head + tried) % unit;
        } else if tail > 0 && tried > unit {
            tried -= tail;
        }
        tried = tried.min(max);
        let rest = ZeroRest { span, tried, head, tail, fua, flush };
        request
            .plan
            .extend([Step::ZeroTried { rest }, Step::DriverZero(Span { len: tried, ..span })]);
        Flow::Go
    }

    pub(super) fn zero_tried(&self, request: &mut Request, rest: ZeroRest) -> Flow {
        let ZeroRest { span, mut tried, head, tail, fua, mut flush } = rest;
        let unsupported = request.result == Err(Errno::ENOTSUP);
        if unsupported {
            tried = tried.min(self.bounce(request, span.layer));
        } else {
            // No file writes zeroes through: a flush has to stand in for it.
            flush |= fua;
        }
        let (piece, span) = span.split(tried);
        request.plan.push(Step::ZeroPieces { span, head, tail, fua, flush });
        if unsupported {
            request.result = Ok(());
            request.plan.push(Step::DriverWrite { span: piece, source: Source::Zeroes, fua });
        }
        Flow::Go
    }

    pub(super) fn driver_zero(
        &mut self,
        request: &mut Request,
        span: Span,
        cx: &mut Cx<'_>,
    ) -> Flow {
        let disk = &self.disks[request.disk.index()];
        let below = Step::Write { span: span.below(), content: Content::Zero, fua: false };
        match (&disk.layers[span.layer].kind, disk.dialect) {
            (LayerKind::Raw, _) => {
                request.plan.push(below);
                Flow::Go
            }
            (LayerKind::Node(_), Dialect::Qemu10) => {
                if span.len < self.zero_unit(request, span.layer) {
                    request.result = Err(Errno::ENOTSUP);
                    return Flow::Go;
                }
                request.plan.push(below);
                let access = Access::new(IoKind::WriteZeroes, span.at, span.len);
                self.check(request, span.layer, access, cx)
            }
            // The driver has no such operation.
            (LayerKind::Node(_), Dialect::Qemu2_6) => {
                request.result = Err(Errno::ENOTSUP);
                Flow::Go
            }
            (LayerKind::File, _) => unreachable!("a file transfers"),
        }
    }
}

/// The whole blocks of `span`.
const fn middle(span: Span, padding: &Padding) -> Span {
    let start = if padding.head > 0 { padding.aligned.at + padding.align } else { span.at };
    let end = if padding.tail > 0 { padding.aligned.end() - padding.align } else { span.end() };
    let len = end.saturating_sub(start);
    Span { layer: span.layer, at: start, len }
}
