//! What code under test stands on: handles that hold nothing but names and numbers.

use std::fmt;
use std::io;
use std::sync::Arc;

use headcrash_scenario::Stage;
use headcrash_sim::{Completion, DiskId, Io};

use crate::desk::{Answer, Ask, At, Common, Desk, Saying, Used, Waits, gone, io_error};
use crate::disk::SimDisk;
use crate::files::SimFiles;
use crate::flash::SimFlash;
use crate::task::Answered;

/// The disks and file systems of a world, by name and by place.
///
/// Handles can be cloned, sent and kept for as long as the run lasts; whatever they are asked is a
/// request of the client that asks. Used by anybody else, such as a thread of the code's own, they
/// answer with an error, and the run violates [`STRANGERS`](crate::STRANGERS).
#[derive(Clone)]
pub struct Storage {
    stage: Arc<Stage>,
    world: Arc<Used>,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let disks = self.stage.disks.iter().map(|disk| &*disk.name);
        let files = self.stage.file_systems.iter().map(|(name, _)| &**name);
        f.debug_list().entries(disks.chain(files)).finish()
    }
}

impl Storage {
    pub(crate) fn of(common: &Common) -> Self {
        Self { stage: Arc::clone(&common.stage), world: Arc::clone(&common.world) }
    }

    /// The disk of this name.
    ///
    /// # Panics
    ///
    /// If there is none, or it is flash.
    #[must_use]
    #[track_caller]
    pub fn disk(&self, name: &str) -> SimDisk {
        let mut names = self.stage.disks.iter().map(|disk| &*disk.name);
        let Some(place) = names.position(|known| known == name) else {
            panic!("there is no disk `{name}` here, {}", self.instead())
        };
        self.disk_at(place)
    }

    /// The disk at this place among those the subject is opened on, from 0.
    ///
    /// # Panics
    ///
    /// If there are fewer, or it is flash.
    #[must_use]
    #[track_caller]
    pub fn disk_at(&self, place: usize) -> SimDisk {
        let Some(disk) = self.stage.disks.get(place) else {
            panic!("there is no disk at place {place}, {}", self.instead())
        };
        assert!(disk.flash.is_none(), "`{}` is flash: ask for it by `flash`", disk.name);
        SimDisk::of(disk, Device { id: disk.id, world: Arc::clone(&self.world) })
    }

    /// The flash of this name.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    #[track_caller]
    pub fn flash(&self, name: &str) -> SimFlash {
        let found = self.stage.disks.iter().find(|disk| disk.name == name);
        let found = found.and_then(|disk| Some((disk, disk.flash?)));
        let Some((disk, spec)) = found else {
            panic!("there is no flash `{name}` here, {}", self.instead())
        };
        SimFlash::of(disk, spec, Device { id: disk.id, world: Arc::clone(&self.world) })
    }

    /// The file system of this name.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    #[track_caller]
    pub fn files(&self, name: &str) -> SimFiles {
        let found = self.stage.file_systems.iter().find(|(known, _)| known == name);
        let Some((_, fs)) = found else {
            panic!("there is no file system `{name}` here, {}", self.instead())
        };
        SimFiles::of(*fs, Arc::clone(&self.world))
    }

    /// What there is, for whoever asked for something else.
    fn instead(&self) -> String {
        let kind = |is_flash: bool| if is_flash { "flash" } else { "disk" };
        let disks = self.stage.disks.iter().map(|it| (kind(it.flash.is_some()), &*it.name));
        let files = self.stage.file_systems.iter().map(|(name, _)| ("file system", &**name));
        let all: Vec<_> =
            disks.chain(files).map(|(kind, name)| format!("{kind} `{name}`")).collect();
        if all.is_empty() {
            "nor anything else".to_owned()
        } else {
            format!("there is {}", all.join(", "))
        }
    }

    /// How many disks there are.
    #[must_use]
    pub fn disk_count(&self) -> usize {
        self.stage.disks.len()
    }
}

/// A device, and the world it is in.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) id: DiskId,
    pub(crate) world: Arc<Used>,
}

impl Device {
    /// Asks, and waits for the completion.
    pub(crate) async fn request(&self, at: At, io: Io) -> io::Result<Completion> {
        request(&self.world, at, || Ask::Disk(self.id, io)).await
    }
}

/// Whoever asks is the client that has the turn, and it is of the same world.
fn client_of(world: &Arc<Used>, at: At) -> io::Result<std::rc::Rc<Desk>> {
    let desk = Desk::current().filter(|desk| Arc::ptr_eq(&desk.common.world, world));
    desk.ok_or_else(|| {
        world.misused(at);
        io::Error::other(
            "a disk of a world can only be used by the clients of that world, in their turn: \
             not by a thread of the code's own, and not by another run",
        )
    })
}

/// Asks, and waits for the completion.
pub(crate) async fn request(
    world: &Arc<Used>,
    at: At,
    ask: impl FnOnce() -> Ask,
) -> io::Result<Completion> {
    let desk = client_of(world, at)?;
    if desk.buried.get() {
        desk.call_after();
        return Err(gone());
    }
    desk.waits(Waits::For("for a request"), Some(at));
    pass_gates(&desk).await;
    match Answered::to(desk, ask()).await {
        Some(Answer::Done(done)) => match done.result {
            Ok(()) => Ok(done),
            Err(errno) => Err(io_error(errno)),
        },
        Some(Answer::Chosen(_)) | None => Err(gone()),
    }
}

/// Asks, and waits for nothing.
pub(crate) fn post(world: &Arc<Used>, ask: Ask) {
    // What is dropped when its run is over has nobody to tell.
    let desk = Desk::current().filter(|desk| Arc::ptr_eq(&desk.common.world, world));
    if let Some(desk) = desk.filter(|desk| !desk.buried.get()) {
        desk.ask(ask);
    }
}

/// The code under test has reached a point of its own: an event on its first disk, which rules and
/// breakpoints of a scenario can name. If it is suspended there, its next request, or the end of its
/// operation, comes when it is resumed: that is the same for blocking and for async code.
///
/// `headcrash_io::reached` is the same, and nothing at all in programs that do not test.
pub(crate) fn reached(event: &str) {
    let Some(desk) = Desk::current() else { return };
    if desk.buried.get() {
        return;
    }
    let known = desk.common.stage.program.event(event);
    let Some((disk, id)) = desk.common.stage.disks.first().map(|disk| disk.id).zip(known) else {
        desk.tell(Saying::Noted(format!("reaches {event}").into()));
        return;
    };
    let ticket = desk.ask(Ask::Disk(disk, Io::Announce(id)));
    desk.gates.borrow_mut().push(ticket);
}

/// Waits until the client is not held any more at points that it has reached.
pub(crate) async fn pass_gates(desk: &std::rc::Rc<Desk>) {
    while let Some(gate) = desk.next_gate() {
        Answered::of(std::rc::Rc::clone(desk), gate).await;
    }
}
