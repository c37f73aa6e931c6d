//! Nobody who is suspended is lost, resumed twice, or treated differently by a copy.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arbitrary::Unstructured;
use headcrash_engine::{
    Access, Deed, Engine, Passage, Program, ProgramBuilder, Requester, Tag, Witness,
};

use crate::story::{Log, Move, Story, same};

/// Far more resumes than any story has suspensions.
const RESUMES_MAX: usize = 100_000;

/// Every suspension ends at most once, and with the last one its requester passes; a clone and an
/// engine of its own that live through the same stay equal, in `Eq`, `Hash` and deeds.
pub fn suspensions(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let fork: u8 = u.arbitrary()?;
    let story: Story = u.arbitrary()?;
    story.tell(|story| play(story, usize::from(fork)));
    Ok(())
}

fn play(story: &Story, fork: usize) -> Result<(), String> {
    let (program, _) = story.open()?;
    let again = copy(&program)?;
    let mut first = Life::new(Engine::new(program));
    let mut second = Life::new(Engine::new(again));
    let mut third = None;
    for (place, a_move) in story.moves.iter().enumerate() {
        if place == fork {
            third = Some(first.clone());
        }
        first.play(story, *a_move).map_err(|broken| format!("after move {place}, {broken}"))?;
        for other in third.iter_mut().chain([&mut second]) {
            other.play(story, *a_move)?;
            first.same(other).map_err(|broken| format!("after move {place}, {broken}"))?;
        }
    }
    first.resume_all()
}

/// An equal program that shares nothing.
fn copy(program: &Program) -> Result<Arc<Program>, String> {
    let mut builder = ProgramBuilder::new(program.dialect(), program.quirks());
    for (_, name) in program.events().iter() {
        builder.event(name);
    }
    for rule in program.rules() {
        builder.rule(rule.clone());
    }
    let copy = builder.build().map_err(|error| error.to_string())?;
    same("digest", ["program", "its copy"], &program.digest(), &copy.digest())?;
    Ok(copy.into())
}

/// An engine, and what its answers and deeds add up to.
#[derive(Clone)]
struct Life {
    engine: Engine,
    ledger: Ledger,
}

/// Who is suspended, by what the engine says it did.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ledger {
    log: Log,
    /// Oldest first.
    held: Vec<(Tag, Requester)>,
    /// Whoever announces or was resumed last: the only one who can be suspended now.
    who: Requester,
    /// The first resume of somebody who was not suspended.
    broken: Option<String>,
}

impl Witness for Ledger {
    fn saw(&mut self, deed: Deed<'_>) {
        self.log.saw(deed);
        match deed {
            Deed::Suspended { tag, .. } => self.held.push((tag.clone(), self.who)),
            Deed::Resumed { who, tag } => {
                self.who = who;
                let held = |held: &(Tag, Requester)| held.0 == *tag && held.1 == who;
                match self.held.iter().rposition(held) {
                    Some(place) => _ = self.held.remove(place),
                    None => {
                        let broken = || format!("nobody was to be resumed: {deed:?}");
                        _ = self.broken.get_or_insert_with(broken);
                    }
                }
            }
            Deed::Armed(_)
            | Deed::Moved { .. }
            | Deed::Masked(_)
            | Deed::Injected(_)
            | Deed::Consumed(_) => {}
        }
    }
}

impl Life {
    fn new(engine: Engine) -> Self {
        let log = Log::default();
        let ledger = Ledger { log, held: Vec::new(), who: Requester(0), broken: None };
        Self { engine, ledger }
    }

    fn play(&mut self, story: &Story, a_move: Move) -> Result<(), String> {
        match a_move {
            Move::Declare(_) => {}
            Move::Break { event, tag } => {
                self.engine.set_breakpoint(event.id(self.engine.program()), tag.tag());
            }
            // Whoever is suspended under the tag is resumed later, or never.
            Move::Remove(tag) => _ = self.engine.remove_breakpoint(tag.as_str()),
            Move::Announce { who, event } => {
                let who = who.requester();
                if !self.is_held(who) {
                    let event = event.id(self.engine.program());
                    self.ledger.who = who;
                    let passage = self.engine.announce(event, who, &mut self.ledger);
                    self.agrees(who, passage)?;
                }
            }
            Move::Check(area) => {
                if let Some(access) = story.access(area) {
                    _ = self.engine.check(access, &mut self.ledger);
                }
            }
            Move::Flush => _ = self.engine.check(Access::FLUSH, &mut self.ledger),
            Move::Resume(tag) => _ = self.resume(tag.as_str())?,
            Move::Release(who) => {
                let who = who.requester();
                let was_held = self.is_held(who);
                let released = self.engine.release(who, &mut self.ledger);
                same("anybody released", SIDES, &released.is_some(), &was_held)?;
                if let Some(released) = released {
                    same("who was released", SIDES, &released.who, &who)?;
                    self.agrees(who, released.passage)?;
                }
            }
            Move::Abandon(who) => {
                self.engine.abandon(who.requester());
                self.ledger.held.retain(|(_, held)| *held != who.requester());
            }
        }
        self.adds_up()
    }

    /// Whether there was anybody to resume.
    fn resume(&mut self, tag: &str) -> Result<bool, String> {
        let expected = self.ledger.held.iter().rfind(|(held, _)| held.as_str() == tag);
        let expected = expected.map(|(_, who)| *who);
        let resumed = self.engine.resume(tag, &mut self.ledger);
        same("who was resumed", SIDES, &resumed.map(|resumed| resumed.who), &expected)?;
        if let Some(resumed) = resumed {
            self.agrees(resumed.who, resumed.passage)?;
        }
        Ok(resumed.is_some())
    }

    /// In the end everybody passes, and it takes no more resumes than there are suspensions.
    fn resume_all(mut self) -> Result<(), String> {
        for _ in 0..RESUMES_MAX {
            let Some((tag, _)) = self.ledger.held.first().cloned() else {
                return self.adds_up();
            };
            if !self.resume(tag.as_str())? {
                return Err(format!("a request suspended under {tag} was lost"));
            }
            self.adds_up()?;
        }
        Err("suspensions never end".to_owned())
    }

    fn is_held(&self, who: Requester) -> bool {
        self.ledger.held.iter().any(|(_, held)| *held == who)
    }

    /// Who may not pass is suspended, and who may is not.
    fn agrees(&self, who: Requester, passage: Passage) -> Result<(), String> {
        let expected = if self.is_held(who) { Passage::Suspend } else { Passage::Pass };
        same(&format!("the passage of {who:?}"), SIDES, &passage, &expected)
    }

    /// The engine shows the suspensions that its deeds add up to.
    fn adds_up(&self) -> Result<(), String> {
        if let Some(broken) = &self.ledger.broken {
            return Err(broken.clone());
        }
        let held = self.engine.suspensions().iter();
        let held: Vec<_> = held.map(|held| (held.tag().clone(), held.who())).collect();
        same("suspensions", SIDES, &held, &self.ledger.held)?;
        for tag in Story::tags() {
            let expected = self.ledger.held.iter().any(|(held, _)| held.as_str() == tag);
            same("is_suspended", SIDES, &self.engine.is_suspended(tag), &expected)?;
        }
        Ok(())
    }

    fn same(&self, other: &Self) -> Result<(), String> {
        let sides = ["one engine", "another "];
        same("deeds", sides, &self.ledger, &other.ledger)?;
        same("engines", sides, &self.engine, &other.engine)?;
        same("hashes", sides, &hash(&self.engine), &hash(&other.engine))
    }
}

const SIDES: [&str; 2] = ["engine", "deeds "];

fn hash(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.hash(&mut hasher);
    hasher.finish()
}
