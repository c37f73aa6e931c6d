//! What strikes a disk when it is opened: it fails, or has another length than it had.
//!
//! An opening is no access to the medium, and no event comes before it: triggers that name
//! [`Kinds::OPENING`](headcrash_engine::Kinds::OPENING) count it, whoever opens: a step, the world
//! at its beginning, or the power that comes back.

use alloc::vec::Vec;

use headcrash_engine::{Cause, Errno, Requester, TriggerId};

use crate::block::strikes;
use crate::disk::DiskId;
use crate::fault::{Effect, Fault};
use crate::io::{ClientId, RequestId};
use crate::medium::{Arrival, Bytes};
use crate::trace::What;
use crate::world::{Cx, World};

impl World {
    /// Asks what strikes the opening of a disk, and does it.
    pub(crate) fn opens(&mut self, id: DiskId, cx: &mut Cx<'_>) -> Result<(), Errno> {
        if self.disks[id.index()].triggers.is_empty() {
            return Ok(());
        }
        self.open_windows(id, cx);
        let mut failure = None;
        for rule in self.struck_opening(id, cx) {
            let Effect::Fault(fault) = self.disks[id.index()].rules[rule.index()].effect else {
                continue;
            };
            // Of several failures the first is told; what fails has no new length.
            if failure.is_some() {
                continue;
            }
            cx.tell(self.now, What::Struck { request: RequestId::NONE, disk: id, rule });
            match fault {
                Fault::Fail { errno, .. } => failure = Some(errno),
                Fault::Resized { len } => self.resize(id, len, cx),
                _ => {}
            }
        }
        match failure {
            Some(errno) => {
                cx.tell(self.now, What::OpenFailed { disk: id, errno });
                Err(errno)
            }
            None => Ok(()),
        }
    }

    fn struck_opening(&mut self, id: DiskId, cx: &mut Cx<'_>) -> Vec<TriggerId> {
        let disk = &mut self.disks[id.index()];
        let engine = disk.engine(disk.first_node).expect("the first node has an engine");
        let cause =
            Cause { who: Requester(0), client: ClientId(u32::MAX).0, state: engine.state() };
        let mut struck = Vec::new();
        let (triggers, rules) = (&mut disk.triggers, &disk.rules);
        let choices = &mut *cx.choices;
        let mut ask = |id: TriggerId, chance| strikes(choices, rules[id.index()].key, chance);
        triggers.opened(cause, &mut ask, &mut struck);
        struck
    }

    /// A disk has another length, for good, and nobody was asked.
    fn resize(&mut self, id: DiskId, len: u64, cx: &mut Cx<'_>) {
        let disk = &mut self.disks[id.index()];
        if disk.flash.is_some() || disk.medium.image.len() == len {
            return;
        }
        let submitted = disk.transfers;
        disk.transfers += 1;
        disk.medium.resized(
            len,
            Arrival {
                request: RequestId::NONE,
                client: ClientId(u32::MAX),
                submitted,
                at: 0,
                len: 0,
                bytes: Bytes::Fill(0),
                fua: false,
                erases: false,
            },
        );
        cx.tell(self.now, What::Truncated { disk: id, len });
    }
}
