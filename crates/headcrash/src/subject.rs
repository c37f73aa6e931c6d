//! What a user says about code under test: how it is opened and called, and what it should do.

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;

use arbitrary::{Arbitrary, Unstructured};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::storage::Storage;

/// What code under test comes to: whatever it calls an error fits.
pub type Fallible<T> = Result<T, Box<dyn Error>>;

/// An operation: a value that can be drawn, written to a scenario file and read from one. Every
/// type that has what it takes is one; usually it is an enum with
/// `#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]`.
pub trait Operation:
    Clone + Debug + Serialize + DeserializeOwned + for<'a> Arbitrary<'a> + Send + Sync + 'static
{
}

impl<T> Operation for T where
    T: Clone + Debug + Serialize + DeserializeOwned + for<'a> Arbitrary<'a> + Send + Sync + 'static
{
}

/// The same operations on plain data: what code under test should do.
///
/// It begins as its [`Default`]: what is on disks that were never used.
pub trait Model: Clone + Default + 'static {
    /// What can be asked.
    type Op: Operation;
    /// What is answered.
    type Reply: PartialEq + Debug + 'static;
    /// What a reader would see: all of it.
    type View: PartialEq + Debug + 'static;

    /// Does an operation, and answers as the code should.
    fn apply(&mut self, op: &Self::Op) -> Self::Reply;

    /// What a reader sees now.
    fn view(&self) -> Self::View;

    /// Whether this operation, and every one before it, survives a power cut once it was
    /// acknowledged. Otherwise it may be lost, with everything after it, until one that is durable
    /// was acknowledged. Usually every one does.
    ///
    /// It is asked of the model as it is before the operation, so that one which writes nothing here
    /// need not be durable: a read proves nothing about the disk, nor does a commit of no changes.
    /// Where an operation before it has failed, that matters: its effect can be seen, and still be
    /// lost.
    #[must_use]
    fn is_durable(&self, _op: &Self::Op) -> bool {
        true
    }

    /// Loses what no restart keeps: operations that were not committed, sessions, caches. What is
    /// in an atomic group is seen together or not at all, if the group's first part is lost here.
    fn crash(&mut self) {}

    /// Whether a reader may see this after a power cut. Usually: the model after some number of
    /// operations, at least those acknowledged as durable, at most those submitted.
    fn allows(past: &Past<Self>, seen: &Self::View) -> bool {
        past.states().any(|state| state.view() == *seen)
    }

    /// A model that a reader would see this of, for promises weaker than the usual: with it the run
    /// goes on after a power cut that left none of the usual states. Without one it ends there.
    #[must_use]
    fn adopt(_seen: &Self::View) -> Option<Self> {
        None
    }

    /// Whether nothing that can ever be asked tells the two apart: `self == other`, where a model is
    /// [`PartialEq`]. Usually nobody knows, and this is `false`.
    ///
    /// An operation that fails may have been done or not, so that each doubles what can have
    /// happened. After eight of them it is too much to keep, and from then on nothing that is seen proves
    /// anything (the trace says so), unless this says that most of it comes to the same.
    #[must_use]
    fn is_same(&self, _other: &Self) -> bool {
        false
    }

    /// Draws an operation that makes sense now. Usually any.
    ///
    /// # Errors
    ///
    /// When there are too few bytes.
    fn draw(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Self::Op> {
        bytes.arbitrary()
    }
}

/// What may have been done before a power cut.
#[derive(Clone, Debug)]
pub struct Past<M> {
    /// The model after each number of operations that can have survived: after those acknowledged
    /// as durable first, after all that were submitted last; each as a restart finds it. Where an
    /// operation has failed there are several such lists, one after the other.
    pub(crate) states: Vec<M>,
}

impl<M: Model> Past<M> {
    /// The model after each number of operations that can have survived, oldest first.
    pub fn states(&self) -> impl Iterator<Item = &M> {
        self.states.iter()
    }

    /// The model after those operations that were acknowledged as durable: what a power cut must
    /// leave at least.
    ///
    /// # Panics
    ///
    /// Never: there is one.
    #[must_use]
    pub fn durable(&self) -> &M {
        self.states.first().expect("there is a state at least")
    }

    /// The model after everything that was submitted.
    ///
    /// # Panics
    ///
    /// Never: there is one.
    #[must_use]
    pub fn newest(&self) -> &M {
        self.states.last().expect("there is a state at least")
    }
}

/// Blocking code under test, from one power-on to the next.
///
/// What it is called with does I/O on the [`Storage`]; it waits there like any blocking code, and
/// other clients go on meanwhile. Several clients share one subject, one operation at a time.
pub trait Subject: Sized + 'static {
    /// What it should do.
    type Model: Model;

    /// What scenario files call it.
    const NAME: &'static str;

    /// Opens it on disks that are new, were closed properly, or lost their power: then it recovers.
    ///
    /// # Errors
    ///
    /// When it cannot be opened. That is a violation, unless the world gave it a reason: a disk that
    /// failed meanwhile. Then it is tried again, twice, and has to succeed when no disk fails. After
    /// a power cut it is a refusal.
    fn open(storage: &Storage) -> Fallible<Self>;

    /// Does an operation. When this returns, it is acknowledged.
    ///
    /// # Errors
    ///
    /// When it was not done, or it is not known whether it was; where nothing was asked of a disk it
    /// was not. That is a violation, unless the world gave it a reason: a disk that has failed since
    /// it was opened. What is wrong with the operation itself is no error but a reply. It is done as a
    /// whole or not at all: where it can stop half-way, it should be several operations.
    fn apply(&mut self, op: &OpOf<Self>) -> Fallible<ReplyOf<Self>>;

    /// What a reader would see now: all of it.
    ///
    /// It is asked when the power has come back, and at the end, before it is closed and after it was
    /// opened once more. What it shows after an operation has failed says whether that was done, and
    /// holds from then on: code that does not know has to fail here, too, until it is opened again.
    ///
    /// # Errors
    ///
    /// When it cannot be read, as for [`Self::apply`].
    fn show(&mut self) -> Fallible<ViewOf<Self>>;

    /// Closes it as a program does that ends.
    ///
    /// # Errors
    ///
    /// As for [`Self::apply`].
    fn close(self) -> Fallible<()> {
        Ok(())
    }
}

/// The operations of a [`Subject`].
pub type OpOf<S> = <<S as Subject>::Model as Model>::Op;
/// The replies of a [`Subject`].
pub type ReplyOf<S> = <<S as Subject>::Model as Model>::Reply;
/// What is seen of a [`Subject`].
pub type ViewOf<S> = <<S as Subject>::Model as Model>::View;

/// Async code under test: a [`Subject`] whose methods are awaited.
///
/// No runtime is needed; its futures need not be `Send`. The same workload as blocking and as async
/// code gives the same trace.
pub trait AsyncSubject: Sized + 'static {
    /// See [`Subject::Model`].
    type Model: Model;

    /// See [`Subject::NAME`].
    const NAME: &'static str;

    /// See [`Subject::open`].
    ///
    /// # Errors
    ///
    /// As there.
    fn open(storage: &Storage) -> impl Future<Output = Fallible<Self>>;

    /// See [`Subject::apply`].
    ///
    /// # Errors
    ///
    /// As there.
    fn apply(
        &mut self,
        op: &<Self::Model as Model>::Op,
    ) -> impl Future<Output = Fallible<<Self::Model as Model>::Reply>>;

    /// See [`Subject::show`].
    ///
    /// # Errors
    ///
    /// As there.
    fn show(&mut self) -> impl Future<Output = Fallible<<Self::Model as Model>::View>>;

    /// See [`Subject::close`].
    ///
    /// # Errors
    ///
    /// As there.
    fn close(self) -> impl Future<Output = Fallible<()>> {
        async { Ok(()) }
    }
}

/// Either kind, as the rest of this crate calls it.
pub(crate) trait Called: Sized + 'static {
    type Model: Model;
    const NAME: &'static str;
    /// It waits by leaving its stack, rather than by not being ready.
    const BLOCKS: bool;

    fn open(storage: &Storage) -> impl Future<Output = Fallible<Self>>;
    fn apply(
        &mut self,
        op: &<Self::Model as Model>::Op,
    ) -> impl Future<Output = Fallible<<Self::Model as Model>::Reply>>;
    fn show(&mut self) -> impl Future<Output = Fallible<<Self::Model as Model>::View>>;
    fn close(self) -> impl Future<Output = Fallible<()>>;
}

/// A [`Subject`] is called by futures that are ready at once: what waits is the stack they are on.
pub(crate) struct Blocking<S>(S);

impl<S: Subject> Called for Blocking<S> {
    type Model = S::Model;
    const NAME: &'static str = S::NAME;
    const BLOCKS: bool = true;

    async fn open(storage: &Storage) -> Fallible<Self> {
        S::open(storage).map(Self)
    }

    async fn apply(
        &mut self,
        op: &<Self::Model as Model>::Op,
    ) -> Fallible<<Self::Model as Model>::Reply> {
        self.0.apply(op)
    }

    async fn show(&mut self) -> Fallible<<Self::Model as Model>::View> {
        self.0.show()
    }

    async fn close(self) -> Fallible<()> {
        self.0.close()
    }
}

pub(crate) struct Async<S>(S);

impl<S: AsyncSubject> Called for Async<S> {
    type Model = S::Model;
    const NAME: &'static str = S::NAME;
    const BLOCKS: bool = false;

    async fn open(storage: &Storage) -> Fallible<Self> {
        S::open(storage).await.map(Self)
    }

    async fn apply(
        &mut self,
        op: &<Self::Model as Model>::Op,
    ) -> Fallible<<Self::Model as Model>::Reply> {
        self.0.apply(op).await
    }

    async fn show(&mut self) -> Fallible<<Self::Model as Model>::View> {
        self.0.show().await
    }

    async fn close(self) -> Fallible<()> {
        self.0.close().await
    }
}
