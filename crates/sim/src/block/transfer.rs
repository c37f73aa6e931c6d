//! Transfers between a request and the medium, and what strikes them on the way.

use alloc::vec;
use alloc::vec::Vec;

use headcrash_engine::{Access, Errno, EventId, IoKind, Ratio, Requester, TriggerId};

use super::{Deeds, Flow};
use crate::agenda::Due;
use crate::choices::{Choices, Key, Point, PointKind};
use crate::device::Discarded;
use crate::disk::{Disk, DiskId, LayerKind, NodeId};
use crate::fault::{Applied, Damage, Effect, Fault, Lasts};
use crate::image::filled;
use crate::medium::{Arrival, Bytes, DeviceEvent, Shows};
use crate::misuse::MisuseKind;
use crate::request::{
    Buffer, Content, Life, Payload, Request, Source, Span, Step, Strike, Transfer,
};
use crate::trace::What;
use crate::world::{Cx, World};

impl Transfer {
    fn access(self) -> Access {
        match self {
            Self::Read(span) => Access::new(IoKind::Read, span.at, span.len),
            Self::Write { span, content: Content::Data(_), .. } => {
                Access::new(IoKind::Write, span.at, span.len)
            }
            Self::Write { span, content: Content::Zero, .. } => {
                Access::new(IoKind::WriteZeroes, span.at, span.len)
            }
            // An erase gives up what was there, as a discard does.
            Self::Discard(span) | Self::Erase(span) => {
                Access::new(IoKind::Discard, span.at, span.len)
            }
            Self::Flush { .. } => Access::FLUSH,
        }
    }
}

/// The write that a request is sending to the medium, if it is.
pub(crate) fn transferring(request: &Request) -> Option<Arrival> {
    let Some(Step::Applied(transfer)) = request.plan.last() else { return None };
    let (span, bytes, fua) = match *transfer {
        Transfer::Write { span, content: Content::Data(Source::Buffers), fua } => {
            (span, request.kept(span), fua)
        }
        Transfer::Write { span, fua, .. } => (span, Bytes::Fill(0), fua),
        Transfer::Discard(span) | Transfer::Erase(span) => (span, Bytes::Fill(0), false),
        Transfer::Read(_) | Transfer::Flush { .. } => return None,
    };
    Some(Arrival {
        request: request.id,
        client: request.client,
        submitted: request.submitted,
        at: span.at,
        len: span.len,
        bytes,
        fua,
        erases: matches!(transfer, Transfer::Erase(_)),
    })
}

/// What a chance comes to.
pub(crate) fn strikes(choices: &mut dyn Choices, key: Key, chance: Ratio) -> bool {
    match (chance.num(), chance.den()) {
        (0, _) => false,
        (num, den) if num == den => true,
        (num, den) => choices.chance(Point::new(PointKind::Fault, key), num, den),
    }
}

impl World {
    /// Sends a transfer to the medium.
    pub(super) fn transfer(
        &mut self,
        request: &mut Request,
        transfer: Transfer,
        cx: &mut Cx<'_>,
    ) -> Flow {
        let access = transfer.access();
        let disk = &mut self.disks[request.disk.index()];
        request.submitted = disk.transfers;
        disk.transfers += 1;
        if let Transfer::Flush { scope } = transfer {
            disk.medium.note_flush(request.id, scope);
        }
        let mut longer = 0;
        if !disk.triggers.is_empty() {
            self.strike(request, access, cx);
            for strike in &request.strikes {
                match strike.fault {
                    Fault::Delay { ns } => longer += ns,
                    Fault::Stall { ns } => {
                        let disk = &mut self.disks[request.disk.index()];
                        disk.stalled_until = disk.stalled_until.max(self.now.after_ns(ns));
                    }
                    Fault::Hang => return self.never(request, transfer, cx),
                    Fault::PowerCut => {
                        self.cutting = Some(request.disk);
                        return self.never(request, transfer, cx);
                    }
                    Fault::Disconnect { returns_ns } => {
                        self.disconnecting = Some((request.disk, returns_ns));
                    }
                    _ => {}
                }
            }
        }
        let disk = &mut self.disks[request.disk.index()];
        let drawn = disk.latencies.of(access.kind).draw(request.actor, cx.choices);
        let Some(until) = disk.done_at(self.now, drawn, longer, access.len) else {
            self.apply(request, transfer, cx);
            return Flow::Go;
        };
        request.plan.push(Step::Applied(transfer));
        cx.tell(self.now, What::InFlight { client: request.client, request: request.id, until });
        self.due_at(request, until, Due::Transfer(request.id));
        Flow::Wait(Life::InFlight)
    }

    /// The transfer is on its way and never arrives.
    fn never(&mut self, request: &mut Request, transfer: Transfer, cx: &mut Cx<'_>) -> Flow {
        request.plan.push(Step::Applied(transfer));
        cx.tell(self.now, What::Hangs { client: request.client, request: request.id });
        Flow::Wait(Life::InFlight)
    }

    /// Asks what strikes an access; it is kept with the request.
    fn strike(&mut self, request: &mut Request, access: Access, cx: &mut Cx<'_>) {
        let disk = &mut self.disks[request.disk.index()];
        let cause = disk.cause(request);
        let mut struck = core::mem::take(&mut disk.struck);
        let (triggers, rules) = (&mut disk.triggers, &disk.rules);
        let choices = &mut *cx.choices;
        let mut ask = |id: TriggerId, chance| strikes(choices, rules[id.index()].key, chance);
        triggers.accessed(access, cause, &mut ask, &mut struck);
        let mut ended = false;
        request.strikes.clear();
        for rule in struck.drain(..) {
            match &disk.rules[rule.index()].effect {
                Effect::Fault(fault) if fault.ends() && ended => {}
                Effect::Fault(fault) => {
                    ended |= fault.ends();
                    request.strikes.push(Strike { rule, fault: *fault });
                    cx.tell(
                        self.now,
                        What::Struck { request: request.id, disk: request.disk, rule },
                    );
                }
                Effect::SetState(_) | Effect::Suspend(_) => {}
            }
        }
        self.disks[request.disk.index()].struck = struck;
    }

    /// What strikes at an announcement itself. Returns whether the request is to wait.
    pub(super) fn struck_at_once(
        &mut self,
        request: &mut Request,
        event: EventId,
        cause: headcrash_engine::Cause,
        cx: &mut Cx<'_>,
    ) -> Option<Flow> {
        let disk = &mut self.disks[request.disk.index()];
        let mut struck = Vec::new();
        let (triggers, rules) = (&mut disk.triggers, &disk.rules);
        let choices = &mut *cx.choices;
        let mut ask = |id: TriggerId, chance| strikes(choices, rules[id.index()].key, chance);
        triggers.announced(event, cause, &mut ask, &mut struck);
        let node = NodeId { disk: request.disk, depth: 0 };
        let mut flow = None;
        for rule in struck {
            let disk = &mut self.disks[request.disk.index()];
            let effect = disk.rules[rule.index()].effect.clone();
            cx.tell(self.now, What::Struck { request: request.id, disk: request.disk, rule });
            let layer = disk.first_node;
            match effect {
                Effect::SetState(state) => {
                    let engine = disk.engine_mut(layer).expect("the first node has an engine");
                    let from = engine.state();
                    engine.move_to(state);
                    cx.tell(self.now, What::Set { node, from, to: state });
                }
                Effect::Suspend(tag) => {
                    let whats = core::mem::take(&mut self.deeds);
                    let mut deeds = Deeds { node, request: request.id, whats };
                    let disk = &mut self.disks[request.disk.index()];
                    let engine = disk.engine_mut(layer).expect("the first node has an engine");
                    engine.suspend(event, Requester(request.id.number()), tag, &mut deeds);
                    self.deeds = self.settle_deeds(deeds, layer, cx);
                    if flow.is_none() {
                        self.hold(request, node);
                    }
                    flow = Some(Flow::Wait(Life::Suspended));
                }
                Effect::Fault(Fault::PowerCut) => {
                    self.cutting = Some(request.disk);
                    flow = Some(Flow::Wait(Life::InFlight));
                }
                Effect::Fault(Fault::Disconnect { returns_ns }) => {
                    self.disconnecting = Some((request.disk, returns_ns));
                }
                Effect::Fault(Fault::Stall { ns }) => {
                    disk.stalled_until = disk.stalled_until.max(self.now.after_ns(ns));
                }
                Effect::Fault(Fault::ReadOnly) => disk.writes_refused = true,
                Effect::Fault(_) => {}
            }
        }
        flow
    }

    /// The medium does what it was asked, as far as what strikes it lets it.
    pub(crate) fn apply(&mut self, request: &mut Request, transfer: Transfer, cx: &mut Cx<'_>) {
        let now = self.now;
        let disk = &mut self.disks[request.disk.index()];
        let file = disk.layers.last_mut().expect("a disk has its file");
        let writes = !matches!(transfer, Transfer::Read(_) | Transfer::Flush { .. });
        if !disk.connected {
            request.result = Err(Errno::ENODEV);
            return;
        }
        if disk.forgets && writes {
            file.written += 1;
            return;
        }
        // The disk was cut off below the request while it was on its way. (Padding may lie beyond.)
        if writes && request.shape.at + request.shape.len > disk.medium.image.len() {
            request.result = Err(Errno::EIO);
            return;
        }
        // From now on is from this access on.
        disk.writes_refused |=
            request.strikes.iter().any(|strike| matches!(strike.fault, Fault::ReadOnly));
        if writes && disk.writes_refused {
            request.result = Err(Errno::EROFS);
            return;
        }
        let mut strikes = core::mem::take(&mut request.strikes);
        if strikes.iter().any(|strike| matches!(strike.fault, Fault::Evict)) {
            disk.medium.evict();
        }
        if disk.flash.is_some() {
            self.apply_flash(request, transfer, &strikes, cx);
            strikes.clear();
            request.strikes = strikes;
            return;
        }
        match transfer {
            Transfer::Erase(_) => request.result = Err(Errno::ENOTSUP),
            Transfer::Read(span) => self.apply_read(request, span, &strikes, cx),
            Transfer::Write { span, content, fua } => {
                let bytes = match content {
                    Content::Data(Source::Buffers) => request.kept(span),
                    Content::Data(Source::Zeroes) | Content::Zero => Bytes::Fill(0),
                };
                self.apply_write(request, span, bytes, fua, &strikes, cx);
            }
            Transfer::Discard(span) => {
                let discarded = disk.medium.device.discarded;
                let zero = Bytes::Fill(0);
                match discarded {
                    Discarded::Zeroes => {
                        // Told as what it is rather than as what it does.
                        let kept = disk.medium.history.take();
                        self.apply_write(request, span, zero, false, &strikes, cx);
                        self.disks[request.disk.index()].medium.history = kept;
                    }
                    Discarded::Old => file.written += 1,
                    Discarded::Undefined => {
                        file.written += 1;
                        disk.undefine(span);
                    }
                }
                let disk = &mut self.disks[request.disk.index()];
                disk.medium.note(|| DeviceEvent::Discard { at: span.at, len: span.len });
                disk.freed(span.at, span.len);
            }
            Transfer::Flush { scope } => self.apply_flush(request, scope, &strikes),
        }
        for strike in &strikes {
            if let Fault::Disconnect { .. } = strike.fault {
                request.result = Err(Errno::ENODEV);
            }
        }
        _ = now;
        strikes.clear();
        request.strikes = strikes;
    }

    /// Erases blocks of flash: as far as the medium, nobody pads or splits it.
    pub(super) fn erase(&mut self, request: &mut Request, span: Span, cx: &mut Cx<'_>) -> Flow {
        let disk = &self.disks[request.disk.index()];
        match &disk.layers[span.layer].kind {
            LayerKind::File => self.transfer(request, Transfer::Erase(span), cx),
            LayerKind::Raw => {
                let event = disk.events.write_aio;
                request.plan.extend([
                    Step::Erase(span.below()),
                    Step::Announce { layer: span.layer + 1, event },
                ]);
                Flow::Go
            }
            LayerKind::Node(_) => {
                request.plan.push(Step::Erase(span.below()));
                let access = Access::new(IoKind::Discard, span.at, span.len);
                self.check(request, span.layer, access, cx)
            }
        }
    }

    /// The same as [`Self::apply`], on flash.
    fn apply_flash(
        &mut self,
        request: &mut Request,
        transfer: Transfer,
        strikes: &[Strike],
        cx: &mut Cx<'_>,
    ) {
        let id = request.disk;
        let access = transfer.access();
        let span = Span { layer: 0, at: access.at, len: access.len };
        let mut len = span.len;
        let (mut failure, mut flips) = (None, 0);
        for strike in strikes {
            match strike.fault {
                Fault::Fail { errno, applied } => {
                    failure = Some(errno);
                    len = match applied {
                        Applied::Nothing => 0,
                        Applied::First(bytes) => bytes.min(len),
                        Applied::All => len,
                    };
                }
                Fault::Disconnect { .. } => failure = Some(Errno::ENODEV),
                Fault::LostWrite => len = 0,
                Fault::ShornWrite { eighths } => len = len * eighths.min(8) / 8,
                Fault::CorruptRead { bits } => flips += bits,
                Fault::Short { bytes } if bytes < span.len => {
                    len = bytes;
                    request.cut_short(span, bytes);
                }
                fault => self.damage_by(id, span, fault, strike.rule, cx),
            }
        }
        let disk = &mut self.disks[id.index()];
        disk.layers.last_mut().expect("a disk has its file").written += 1;
        let Disk { flash: Some(flash), medium, .. } = disk else {
            unreachable!("only flash is asked")
        };
        let (mut told, mut twice) = (Vec::new(), false);
        let mut tell = |what| told.push(what);
        let key = medium.key;
        let unit = flash.spec().program_unit;
        let result = match transfer {
            Transfer::Read(span) => {
                let bytes = request.bytes_mut(span);
                let read = flash.read_told(span.at, bytes, cx.choices, key, &mut tell);
                let laid = medium.overlays.read(span.at, bytes);
                for _ in 0..flips {
                    let point = Point::new(PointKind::Data, key.nth(span.at));
                    let bit = cx.choices.choose(point, bytes.len() as u64 * 8);
                    bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
                }
                if laid == Ok(true) || flips > 0 {
                    let (client, request) = (request.client, request.id);
                    let lies_there = flips == 0;
                    cx.tell(self.now, What::Misread { client, request, disk: id, lies_there });
                }
                read.map_err(crate::flash::FlashError::errno).and_then(|()| laid.map(|_| ()))
            }
            Transfer::Write { span, content, .. } => {
                let mut bytes = vec![0; span.len as usize];
                if let Content::Data(Source::Buffers) = content {
                    request.kept(span).part(0, span.len).copy_to(&mut bytes);
                }
                // What is not done is no whole word of.
                bytes.truncate((len / unit * unit) as usize);
                match medium.overlays.unwritable(span.at, span.len) {
                    Some(errno) => Err(errno),
                    None if bytes.is_empty() && span.len > 0 => Ok(()),
                    None => {
                        let done = flash.program_told(span.at, &bytes, cx.choices, key, &mut tell);
                        twice = match &done {
                            Ok(programmed) => programmed.ignored_bits > 0,
                            Err(error) => {
                                matches!(error, crate::flash::FlashError::ProgrammedTooOften { .. })
                            }
                        };
                        if done.is_ok() {
                            medium.overlays.rewritten(span.at, bytes.len() as u64, None);
                        }
                        done.map(|_| ()).map_err(crate::flash::FlashError::errno)
                    }
                }
            }
            Transfer::Erase(span) | Transfer::Discard(span) if len < span.len => Ok(()),
            Transfer::Erase(span) => {
                medium.overlays.rewritten(span.at, span.len, None);
                flash.erase(span.at, span.len).map_err(crate::flash::FlashError::errno)
            }
            // There is nothing to hint at.
            Transfer::Discard(_) | Transfer::Flush { .. } => Ok(()),
        };
        request.result = failure.map_or(result, Err);
        self.tell_flash(id, told, cx);
        if twice {
            let what = MisuseKind::ProgrammedTwice { at: span.at };
            self.misused(id, request.id, what, cx);
        }
    }

    /// Decides what a cut left undecided where somebody looks.
    fn resolve(&mut self, disk: DiskId, at: u64, len: u64, ends: bool, cx: &mut Cx<'_>) {
        let now = self.now;
        let medium = &mut self.disks[disk.index()].medium;
        if medium.is_resolved() {
            return;
        }
        let Cx { choices, sink } = cx;
        let mut tell = |resolution| {
            sink.tell(crate::trace::Fact { at: now, what: What::Resolved { disk, resolution } });
        };
        if ends {
            medium.resolve_ends(at, len, &mut **choices, &mut tell);
        } else {
            medium.resolve(at, len, &mut **choices, &mut tell);
        }
    }

    fn apply_read(
        &mut self,
        request: &mut Request,
        span: Span,
        strikes: &[Strike],
        cx: &mut Cx<'_>,
    ) {
        let id = request.disk;
        let mut from = span.at;
        let mut short = None;
        let mut flips = 0;
        let mut wraps = None;
        for strike in strikes {
            match strike.fault {
                Fault::Fail { errno, .. } => {
                    request.result = Err(errno);
                    return;
                }
                Fault::Short { bytes } if bytes < span.len => short = Some(bytes),
                Fault::MisdirectedRead { by } => {
                    from = self.elsewhere(id, span, by, strike.rule, cx);
                }
                Fault::CorruptRead { bits } => flips += bits,
                Fault::Wraps { at } if span.end() > at => wraps = Some(at),
                Fault::Disconnect { .. } => {
                    request.result = Err(Errno::ENODEV);
                    return;
                }
                fault => self.damage_by(id, span, fault, strike.rule, cx),
            }
        }
        match wraps {
            Some(wraps) => {
                for (at, len) in wrapped(span.at, span.len, wraps) {
                    self.resolve(id, at % wraps, len, false, cx);
                }
            }
            None => self.resolve(id, from, span.len, false, cx),
        }
        let disk = &mut self.disks[id.index()];
        if let Some(at) = disk.unwritten(request, span) {
            self.misused(id, request.id, MisuseKind::NeverWritten { at }, cx);
        }
        let disk = &mut self.disks[id.index()];
        let mut once = from != span.at || flips > 0;
        let mut lies_there = false;
        let buffer = request.buffer_mut(span);
        let read = match wraps {
            Some(wraps) => {
                let bytes = buffer.part_mut(span.at, span.len);
                let read = disk.read_wrapped(span.at, wraps, bytes);
                // What lies elsewhere is right as often as it is not.
                let mut clean = vec![0; bytes.len()];
                disk.medium.image.read(span.at, &mut clean);
                once |= read == Ok(false) && clean != bytes;
                read
            }
            // Most buffers are read into once, and wholly.
            None => match buffer.bytes {
                Payload::Blank(len, _) if len == span.len => {
                    let (bytes, read) = disk.medium.copy(from, len);
                    buffer.bytes = Payload::Own(bytes);
                    read
                }
                _ => disk.medium.read(from, buffer.part_mut(span.at, span.len)),
            },
        };
        let bytes = buffer.part_mut(span.at, span.len);
        match read {
            Ok(changed) => lies_there |= changed,
            Err(errno) => {
                request.result = Err(errno);
                return;
            }
        }
        disk.read_undefined(span, bytes, cx);
        let key = disk.medium.key.nth(span.at);
        for _ in 0..flips {
            if bytes.is_empty() {
                break;
            }
            let n = bytes.len() as u64 * 8;
            let bit = cx.choices.choose(Point::new(PointKind::Data, key), n);
            bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
        }
        if let Some(done) = short {
            bytes[done as usize..].fill(0);
            request.cut_short(span, done);
        }
        if once || lies_there {
            let (client, request) = (request.client, request.id);
            let lies_there = lies_there && !once;
            cx.tell(self.now, What::Misread { client, request, disk: id, lies_there });
        }
    }

    fn apply_write(
        &mut self,
        request: &mut Request,
        span: Span,
        bytes: Bytes,
        fua: bool,
        strikes: &[Strike],
        cx: &mut Cx<'_>,
    ) {
        let id = request.disk;
        let disk = &mut self.disks[id.index()];
        if let Some(errno) = disk.medium.overlays.unwritable(span.at, span.len) {
            request.result = Err(errno);
            return;
        }
        let mut len = span.len;
        let mut failure = None;
        for strike in strikes {
            match strike.fault {
                Fault::Fail { errno, applied } => {
                    failure = Some(errno);
                    len = match applied {
                        Applied::Nothing => 0,
                        Applied::First(bytes) => bytes.min(len),
                        Applied::All => len,
                    };
                }
                Fault::Short { bytes } if bytes < span.len => {
                    len = bytes;
                    request.cut_short(span, bytes);
                }
                Fault::Disconnect { .. } => {
                    request.result = Err(Errno::ENODEV);
                    return;
                }
                Fault::Unwritable { errno } => {
                    self.damage_by(id, span, strike.fault, strike.rule, cx);
                    request.result = Err(errno);
                    return;
                }
                _ => {}
            }
        }
        if len > 0 {
            let disk = &mut self.disks[id.index()];
            if !disk.allocate(span.at, len) {
                request.result = Err(Errno::ENOSPC);
                return;
            }
            self.resolve(id, span.at, len, true, cx);
            let old = self.old_for(id, span, strikes);
            let disk = &mut self.disks[id.index()];
            disk.layers.last_mut().expect("a disk has its file").written += 1;
            disk.defined(span.at, len);
            disk.medium.write(Arrival {
                request: request.id,
                client: request.client,
                submitted: request.submitted,
                at: span.at,
                len,
                bytes: bytes.clone(),
                fua,
                erases: false,
            });
            if let Some(old) = old {
                self.strike_written(request, span, &bytes, old, strikes, cx);
            }
        }
        if let Some(errno) = failure {
            request.result = Err(errno);
        }
    }

    /// What a write is about to replace, if somebody will ask for it.
    fn old_for(&mut self, disk: DiskId, span: Span, strikes: &[Strike]) -> Option<Vec<u8>> {
        let asks = |strike: &Strike| {
            !matches!(
                strike.fault,
                Fault::Fail { .. }
                    | Fault::Short { .. }
                    | Fault::Delay { .. }
                    | Fault::Evict
                    | Fault::Stall { .. }
            )
        };
        strikes.iter().any(asks).then(|| {
            let mut old = filled(span.len, 0);
            let medium = &self.disks[disk.index()].medium;
            // What a reader would have seen: a write lost twice shows the first version still.
            if medium.read(span.at, &mut old).is_err() {
                medium.image.read(span.at, &mut old);
            }
            old
        })
    }

    /// The faults of a write that was answered: what it left undone, or did elsewhere, lies over
    /// the clean bytes.
    fn strike_written(
        &mut self,
        request: &Request,
        span: Span,
        bytes: &Bytes,
        old: Vec<u8>,
        strikes: &[Strike],
        cx: &mut Cx<'_>,
    ) {
        let id = request.disk;
        for strike in strikes {
            let rule = Some(strike.rule);
            let lasts = Lasts::UntilRewritten;
            let medium = &mut self.disks[id.index()].medium;
            let mut stays = |from: u64, to: u64| {
                let part = old[from as usize..to as usize].into();
                medium.damage(
                    span.at + from,
                    to - from,
                    Shows::Data(Bytes::Data(part, 0)),
                    lasts,
                    rule,
                );
            };
            match strike.fault {
                Fault::LostWrite | Fault::Stale => stays(0, span.len),
                Fault::ShornWrite { eighths } => {
                    let sector = 512;
                    let done = span.len * eighths.min(8) / 8;
                    let done = if span.len > sector { done - done % sector } else { done };
                    if done < span.len {
                        stays(done, span.len);
                    }
                }
                Fault::TornWrite => {
                    let unit = medium.device.unit();
                    let key = medium.key.nth(span.at);
                    let mut at = 0;
                    while at < span.len {
                        let to = (((span.at + at) / unit + 1) * unit - span.at).min(span.len);
                        let point = Point::new(PointKind::Tear, key);
                        if cx.choices.choose(point, 2) == 1 {
                            let part = old[at as usize..to as usize].into();
                            let shows = Shows::Data(Bytes::Data(part, 0));
                            self.disks[id.index()].medium.damage(
                                span.at + at,
                                to - at,
                                shows,
                                lasts,
                                rule,
                            );
                        }
                        at = to;
                    }
                }
                Fault::MisdirectedWrite { by } => {
                    stays(0, span.len);
                    let to = self.elsewhere(id, span, by, strike.rule, cx);
                    let medium = &mut self.disks[id.index()].medium;
                    medium.damage(to, span.len, Shows::Data(bytes.clone()), lasts, rule);
                }
                Fault::Wraps { at: wraps } => {
                    let gone = |(at, _): &(u64, u64)| *at >= wraps;
                    for (at, len) in wrapped(span.at, span.len, wraps).filter(gone) {
                        stays(at - span.at, at - span.at + len);
                    }
                    for (at, len) in wrapped(span.at, span.len, wraps).filter(gone) {
                        let from = at - span.at;
                        let shows = Shows::Data(bytes.from(from));
                        self.hurt(id, (at % wraps, len), (shows, lasts), strike.rule, cx);
                    }
                }
                Fault::NeighbourDamage { sectors, damage } => {
                    let sector = medium.device.sector;
                    let start = span.at / sector * sector;
                    let end = span.end().next_multiple_of(sector);
                    let reach = sectors * sector;
                    let key = medium.key.nth(span.at);
                    for (from, to) in
                        [(start.saturating_sub(reach), start), (end, end.saturating_add(reach))]
                    {
                        let shows = match damage {
                            Damage::Unreadable => Shows::Unreadable(Errno::EIO),
                            Damage::Garbage => Shows::Garbage(key.nth(from).number()),
                            Damage::Zeroes => Shows::Data(Bytes::Fill(0)),
                        };
                        self.hurt(id, (from, to - from), (shows, lasts), strike.rule, cx);
                    }
                }
                fault => self.damage_by(id, span, fault, strike.rule, cx),
            }
        }
    }

    /// Lays a fault of the medium over a stretch.
    pub(crate) fn damage_by(
        &mut self,
        id: DiskId,
        span: Span,
        fault: Fault,
        rule: TriggerId,
        cx: &mut Cx<'_>,
    ) {
        let medium = &self.disks[id.index()].medium;
        let sector = medium.device.sector;
        let (at, end) = (span.at / sector * sector, span.end().next_multiple_of(sector));
        let len = end.min(medium.image.len()).saturating_sub(at);
        let Some((shows, lasts)) = self.shows(id, at, len, fault, cx) else { return };
        self.hurt(id, (at, len), (shows, lasts), rule, cx);
    }

    /// What a fault of the medium shows of a stretch; `None` for other faults.
    pub(crate) fn shows(
        &mut self,
        id: DiskId,
        at: u64,
        len: u64,
        fault: Fault,
        cx: &mut Cx<'_>,
    ) -> Option<(Shows, Lasts)> {
        let medium = &self.disks[id.index()].medium;
        Some(match fault {
            Fault::Unreadable { errno, lasts } => (Shows::Unreadable(errno), lasts),
            Fault::Unwritable { errno } => (Shows::Unwritable(errno), Lasts::ForGood),
            Fault::Garbage { lasts } => {
                (Shows::Garbage(medium.key.nth(at).nth(medium.seq()).number()), lasts)
            }
            Fault::Pattern { byte, lasts } => (Shows::Data(Bytes::Fill(byte)), lasts),
            Fault::Stale => {
                let mut bytes = vec![0; len as usize];
                medium.before.as_ref()?.read(at, &mut bytes);
                (Shows::Data(Bytes::Data(bytes.into(), 0)), Lasts::UntilRewritten)
            }
            Fault::BitRot { bits, lasts } => {
                let sector = medium.device.sector;
                let key = medium.key;
                let mut flipped = Vec::new();
                let mut from = 0;
                while from < len {
                    let part = sector.min(len - from);
                    for _ in 0..bits {
                        let point = Point::new(PointKind::Data, key.nth(at + from));
                        let bit = cx.choices.choose(point, part * 8);
                        flipped.push((from + bit / 8, 1_u8 << (bit % 8)));
                    }
                    from += part;
                }
                // Twice the same bit would be no damage.
                flipped.sort_unstable();
                flipped.dedup();
                (Shows::Flipped(flipped.into()), lasts)
            }
            _ => return None,
        })
    }

    /// Where a misdirected access goes: as long, inside the disk, and not where it should.
    fn elsewhere(
        &mut self,
        id: DiskId,
        span: Span,
        by: Option<i64>,
        _rule: TriggerId,
        cx: &mut Cx<'_>,
    ) -> u64 {
        let medium = &self.disks[id.index()].medium;
        let sector = medium.device.sector;
        let room = medium.image.len().saturating_sub(span.len);
        let places = room / sector;
        if places == 0 {
            return span.at;
        }
        match by {
            Some(by) => {
                let moved = i128::from(span.at) + i128::from(by);
                moved.rem_euclid(i128::from(room + sector)).min(i128::from(room)) as u64
            }
            None => {
                let own = span.at / sector;
                let point = Point::new(PointKind::Data, medium.key.nth(span.at));
                let other = if places > 1 { cx.choices.choose(point, places) } else { 0 };
                (if other >= own { other + 1 } else { other }) * sector
            }
        }
    }

    fn apply_flush(&mut self, request: &mut Request, scope: u64, strikes: &[Strike]) {
        let disk = &mut self.disks[request.disk.index()];
        let medium = &mut disk.medium;
        let mut lies = false;
        for strike in strikes {
            match strike.fault {
                Fault::Fail { errno, applied } => {
                    if applied == Applied::All {
                        medium.flushed(scope);
                    } else {
                        medium.flush_failed(scope, medium.device.flush_failure);
                    }
                    request.result = Err(errno);
                    return;
                }
                Fault::FlushFails { errno, data } => {
                    medium.flush_failed(scope, data);
                    request.result = Err(errno);
                    return;
                }
                Fault::FlushFailsLater { errno } => {
                    medium.flush_failed(scope, crate::device::FlushFailure::CleanKeepNew);
                    medium.late = Some(errno);
                    return;
                }
                Fault::FlushFailsForEach { errno } => {
                    medium.flush_failed(scope, crate::device::FlushFailure::CleanKeepNew);
                    medium.report_to_each(errno);
                }
                Fault::FlushLies => lies = true,
                Fault::Disconnect { .. } => {
                    request.result = Err(Errno::ENODEV);
                    return;
                }
                _ => {}
            }
        }
        if let Some(errno) = medium.late.take().or_else(|| medium.unheard(request.client)) {
            request.result = Err(errno);
        } else if !lies {
            medium.flushed(scope);
            medium.note_flushed(request.id);
        }
    }
}

/// A stretch, cut where addresses wrap: first byte and length of each piece.
fn wrapped(at: u64, len: u64, wraps: u64) -> impl Iterator<Item = (u64, u64)> {
    let mut next = at;
    let end = at + len;
    core::iter::from_fn(move || {
        let from = next;
        next = (from / wraps + 1).saturating_mul(wraps).min(end);
        (from < end).then_some((from, next - from))
    })
}

impl Request {
    /// The topmost buffer that has all the bytes that belong at `span`.
    fn buffer_mut(&mut self, span: Span) -> &mut Buffer {
        let covering =
            self.buffers.iter_mut().rev().find(|buffer| buffer.covers(span.at, span.len));
        covering.expect("what is read has a buffer")
    }

    /// The bytes that belong at `span`, in that buffer.
    pub(crate) fn bytes_mut(&mut self, span: Span) -> &mut [u8] {
        self.buffer_mut(span).part_mut(span.at, span.len)
    }

    /// The same, for somebody who keeps them.
    fn kept(&self, span: Span) -> Bytes {
        let covering = self.buffers.iter().rev().find(|buffer| buffer.covers(span.at, span.len));
        covering.expect("what is written has a buffer").keep(span.at, span.len)
    }

    /// Only so many bytes of a transfer were done: nothing of the request comes after them.
    fn cut_short(&mut self, span: Span, done: u64) {
        let end = (span.at + done).saturating_sub(self.shape.at);
        self.short = Some(end.min(self.shape.len));
    }
}

impl Disk {
    /// Reads where addresses wrap; whether a fault has changed what came back.
    fn read_wrapped(&self, at: u64, wraps: u64, into: &mut [u8]) -> Result<bool, Errno> {
        let mut changed = false;
        for (from, len) in wrapped(at, into.len() as u64, wraps) {
            let start = (from - at) as usize;
            let part = &mut into[start..start + len as usize];
            changed |= self.medium.read(from % wraps, part)?;
        }
        Ok(changed)
    }

    /// Who announces or asks.
    pub(super) fn cause(&self, request: &Request) -> headcrash_engine::Cause {
        let engine = self.engine(self.first_node).expect("the first node has an engine");
        headcrash_engine::Cause {
            who: Requester(request.id.number()),
            client: request.client.0,
            state: engine.state(),
        }
    }
}
