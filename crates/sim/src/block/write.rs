//! Writes: `bdrv_co_pwritev_part`, its read-modify-write, `bdrv_aligned_pwritev`, the drivers.

use headcrash_engine::{Access, Dialect, IoKind, Quirks};

use super::Flow;
use crate::disk::{LayerKind, TrackId};
use crate::request::{Buffer, Content, Request, Source, Span, Step, Transfer};
use crate::trace::What;
use crate::world::{Cx, World};

/// What a request lacks to be aligned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Padding {
    pub(super) align: u64,
    /// Bytes missing in front.
    pub(super) head: u64,
    /// Bytes missing behind.
    pub(super) tail: u64,
    /// The request with both.
    pub(super) aligned: Span,
}

impl Padding {
    pub(super) const fn of(span: Span, align: u64) -> Self {
        // An alignment is a power of two, and this is asked of every request.
        let head = span.at & (align - 1);
        let tail = span.end().wrapping_neg() & (align - 1);
        let aligned = Span { layer: span.layer, at: span.at - head, len: head + span.len + tail };
        Self { align, head, tail, aligned }
    }

    pub(super) const fn is_none(&self) -> bool {
        self.head == 0 && self.tail == 0
    }

    /// Whether head and tail are one or two neighbouring blocks, which 10.0.2 reads at once.
    pub(super) const fn merges(&self) -> bool {
        let blocks =
            if self.aligned.len > self.align && self.head > 0 && self.tail > 0 { 2 } else { 1 };
        self.aligned.len == blocks * self.align
    }

    pub(super) const fn head_block(&self) -> Span {
        Span { len: self.align, ..self.aligned }
    }

    pub(super) const fn tail_block(&self) -> Span {
        Span { at: self.aligned.end() - self.align, len: self.align, ..self.aligned }
    }
}

impl World {
    pub(super) fn write(
        &mut self,
        request: &mut Request,
        span: Span,
        content: Content,
        fua: bool,
        cx: &mut Cx<'_>,
    ) -> Flow {
        let layer = span.layer;
        let disk = &mut self.disks[request.disk.index()];
        if matches!(disk.layers[layer].kind, LayerKind::File) {
            return self.transfer(request, Transfer::Write { span, content, fua }, cx);
        }
        let padding = Padding::of(span, disk.layers[layer].align);
        if span.len == 0 && padding.head > 0 {
            return Flow::Go;
        }
        let source = match content {
            Content::Data(source) => source,
            Content::Zero => {
                let track = disk.track(layer, request.id, span.at, span.len);
                request.plan.push(Step::Untrack { layer, track });
                self.write_zero(request, span, padding, fua, track);
                return Flow::Go;
            }
        };
        if let Some(flow) = self.write_straight(request, span, source, fua, cx) {
            return flow;
        }
        let disk = &mut self.disks[request.disk.index()];
        let aligned = padding.aligned;
        let track = disk.track(layer, request.id, aligned.at, aligned.len);
        request.plan.push(Step::Untrack { layer, track });
        if padding.is_none() {
            request.plan.push(Step::WriteAligned { span, content, fua, track });
            return Flow::Go;
        }
        request.buffers.push(Buffer::blank(aligned.at, aligned.len, 0));
        request.plan.push(Step::DropBuffers { count: 1 });
        let depth = request.plan.len();
        let content = Content::Data(Source::Buffers);
        request.plan.extend([
            Step::WriteAligned { span: aligned, content, fua, track },
            Step::Merge { span, content: Content::Data(source), count: 1 },
            Step::RmwRead { depth },
        ]);
        self.plan_rmw(request, &padding, track);
        Flow::Go
    }

    /// Plans the reads of a read-modify-write, to go before [`Step::RmwRead`], the last step of
    /// the plan as it is.
    pub(super) fn plan_rmw(&self, request: &mut Request, padding: &Padding, track: TrackId) {
        let disk = &self.disks[request.disk.index()];
        let layer = padding.aligned.layer;
        match disk.dialect {
            Dialect::Qemu10 => {
                let events = disk.events;
                let (head, tail) = (padding.head > 0, padding.tail > 0);
                let depth = request.plan.len();
                let mut steps = alloc::vec::Vec::with_capacity(8);
                let announce = |event| Step::Announce { layer, event };
                steps.push(Step::Serialise { layer, track });
                let merges = padding.merges();
                if head || merges {
                    let span = if merges { padding.aligned } else { padding.head_block() };
                    steps.extend(head.then(|| announce(events.rmw_head)));
                    steps.extend((merges && tail).then(|| announce(events.rmw_tail)));
                    steps.extend([
                        Step::Gate { layer, track },
                        Step::ReadPieces(span),
                        Step::Bail { depth },
                    ]);
                    steps.extend(head.then(|| announce(events.rmw_after_head)));
                    steps.extend((merges && tail).then(|| announce(events.rmw_after_tail)));
                }
                if tail && !merges {
                    steps.extend([
                        announce(events.rmw_tail),
                        Step::Gate { layer, track },
                        Step::ReadPieces(padding.tail_block()),
                        Step::Bail { depth },
                        announce(events.rmw_after_tail),
                    ]);
                }
                request.plan.extend(steps.into_iter().rev());
            }
            Dialect::Qemu2_6 => {
                if padding.tail > 0 {
                    self.plan_rmw_2_6(request, padding.tail_block(), Side::Tail, track);
                }
                if padding.head > 0 {
                    self.plan_rmw_2_6(request, padding.head_block(), Side::Head, track);
                }
            }
        }
    }

    /// One side of a read-modify-write in 2.6, which reads each on its own.
    pub(super) fn plan_rmw_2_6(
        &self,
        request: &mut Request,
        block: Span,
        side: Side,
        track: TrackId,
    ) {
        let events = self.disks[request.disk.index()].events;
        let layer = block.layer;
        let (before, after) = match side {
            Side::Head => (events.rmw_head, events.rmw_after_head),
            Side::Tail => (events.rmw_tail, events.rmw_after_tail),
        };
        // `RmwRead` stands below both sides and sees the error of either.
        let rmw_read = request.plan.iter().rposition(|step| matches!(step, Step::RmwRead { .. }));
        let depth = rmw_read.expect("a read-modify-write is judged when it has read") + 1;
        request.plan.extend([
            Step::Announce { layer, event: after },
            Step::Bail { depth },
            Step::ReadPieces(block),
            Step::Gate { layer, track },
            Step::Announce { layer, event: before },
            Step::Serialise { layer, track },
        ]);
    }

    /// 10.0.2 ignores a failed read (quirk Q1): what lies around the write is then whatever was in
    /// memory, here zeroes. 2.6, and the safe answer, fail the write before it does anything.
    pub(super) fn rmw_read(&self, request: &mut Request, depth: usize, cx: &mut Cx<'_>) -> Flow {
        let disk = &self.disks[request.disk.index()];
        let Err(errno) = request.result else { return Flow::Go };
        match (disk.dialect, disk.quirks) {
            (Dialect::Qemu10, Quirks::Qemu) => {
                request.result = Ok(());
                // Nor is the middle of what was read set to zeroes then.
                if let Some(Step::Merge { content: Content::Zero, .. }) = request.plan.last() {
                    request.plan.pop();
                }
                cx.tell(
                    self.now,
                    What::ReadIgnored { client: request.client, request: request.id, errno },
                );
            }
            (Dialect::Qemu2_6, _) | (_, Quirks::Safe) => request.plan.truncate(depth),
        }
        Flow::Go
    }

    pub(super) fn merge(request: &mut Request, span: Span, content: Content, count: usize) {
        let first = request.buffers.len() - count;
        let (below, above) = request.buffers.split_at_mut(first);
        for buffer in above {
            let at = span.at.max(buffer.at);
            let end = span.end().min(buffer.end());
            if at >= end {
                continue;
            }
            let len = end - at;
            match content {
                Content::Data(Source::Buffers) => {
                    let payload = below.iter_mut().rev().find(|buffer| buffer.covers(at, len));
                    let payload = payload.expect("what is written is in a buffer");
                    buffer.part_mut(at, len).copy_from_slice(payload.part(at, len));
                }
                Content::Data(Source::Zeroes) | Content::Zero => buffer.part_mut(at, len).fill(0),
            }
        }
    }

    pub(super) fn write_aligned(
        &self,
        request: &mut Request,
        span: Span,
        content: Content,
        fua: bool,
        track: TrackId,
    ) -> Flow {
        let events = self.disks[request.disk.index()].events;
        let layer = span.layer;
        request.plan.extend([
            Step::Written { layer },
            // Also after a write that failed.
            Step::Announce { layer, event: events.pwritev_done },
        ]);
        match content {
            Content::Data(source) => request.plan.extend([
                Step::WritePieces { span, source, fua },
                Step::Announce { layer, event: events.pwritev },
            ]),
            Content::Zero => {
                self.plan_zero_pieces(request, span, fua);
                request.plan.push(Step::Announce { layer, event: events.pwritev_zero });
            }
        }
        request.plan.push(Step::Gate { layer, track });
        Flow::Go
    }

    pub(super) fn write_pieces(
        &self,
        request: &mut Request,
        span: Span,
        source: Source,
        fua: bool,
    ) -> Flow {
        if request.result.is_err() || request.short.is_some() {
            return Flow::Go;
        }
        let max = self.max_piece(request, span.layer);
        let (piece, rest) = span.split(span.len.min(max));
        if rest.len > 0 {
            request.plan.push(Step::WritePieces { span: rest, source, fua });
        }
        request.plan.push(Step::DriverWrite { span: piece, source, fua });
        Flow::Go
    }

    pub(super) fn driver_write(
        &mut self,
        request: &mut Request,
        span: Span,
        source: Source,
        fua: bool,
        cx: &mut Cx<'_>,
    ) -> Flow {
        let disk = &self.disks[request.disk.index()];
        let (layer, content) = (span.layer, Content::Data(source));
        match disk.layers[layer].kind {
            LayerKind::Raw => {
                let event = disk.events.write_aio;
                request.plan.extend([
                    Step::Write { span: span.below(), content, fua },
                    Step::Announce { layer: layer + 1, event },
                ]);
                Flow::Go
            }
            LayerKind::Node(_) => {
                // 2.6's driver knows nothing of FUA: the block layer flushes the node instead.
                let emulated = fua && disk.dialect == Dialect::Qemu2_6;
                if emulated {
                    request.plan.push(Step::FlushIfOk { layer });
                }
                let fua = fua && !emulated;
                request.plan.push(Step::Write { span: span.below(), content, fua });
                let access = Access::new(IoKind::Write, span.at, span.len);
                self.check(request, layer, access, cx)
            }
            LayerKind::File => unreachable!("a file transfers"),
        }
    }
}

/// Which end of a write is unaligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Head,
    Tail,
}
