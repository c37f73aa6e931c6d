//! The engine answers as the reference's lists do.

use arbitrary::Unstructured;
use headcrash_engine::{Access, Engine, RuleId};

use crate::model::Model;
use crate::story::{Log, Move, Story, same};

/// After every move, engine and model have given the same answer, have done the same deeds and
/// show the same state.
pub fn rules(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let story: Story = u.arbitrary()?;
    story.tell(play);
    Ok(())
}

fn play(story: &Story) -> Result<(), String> {
    let (program, rules) = story.open()?;
    let engine = Engine::new(program);
    let model = Model::new(story.dialect, story.quirks, &rules);
    let ids = rules.iter().map(|(id, _)| *id).collect();
    let mut pair = Pair { engine, model, ids, place: 0 };
    pair.agree()?;
    for (place, a_move) in story.moves.iter().enumerate() {
        pair.place = place;
        pair.play(story, *a_move)?;
        pair.agree()?;
    }
    Ok(())
}

struct Pair {
    engine: Engine,
    model: Model,
    ids: Vec<RuleId>,
    place: usize,
}

impl Pair {
    fn play(&mut self, story: &Story, a_move: Move) -> Result<(), String> {
        let (mut did, mut was_to_do) = (Log::default(), Log::default());
        match a_move {
            Move::Declare(_) => {}
            Move::Break { event, tag } => {
                let event = event.id(self.engine.program());
                self.engine.set_breakpoint(event, tag.tag());
                self.model.set_breakpoint(event, tag.tag());
            }
            Move::Remove(tag) => {
                let removal = self.engine.remove_breakpoint(tag.as_str());
                let removed = self.model.remove_breakpoint(tag.as_str());
                self.same("rules removed", &removal.removed, &removed)?;
                let mut resumed = 0;
                while self.resume(tag.as_str())? {
                    resumed += 1;
                }
                let succeeds = self.model.removal_succeeds(removed, resumed);
                self.same("the removal succeeds", &removal.succeeds(resumed), &succeeds)?;
            }
            Move::Announce { who, event } => {
                let who = who.requester();
                // Who is suspended announces nothing.
                if self.model.suspensions().iter().all(|(_, held, _)| *held != who) {
                    let event = event.id(self.engine.program());
                    let passage = self.engine.announce(event, who, &mut did);
                    let expected = self.model.announce(event, who, &mut was_to_do);
                    self.same("passage", &passage, &expected)?;
                }
            }
            Move::Check(area) => {
                if let Some(access) = story.access(area) {
                    let verdict = self.engine.check(access, &mut did);
                    let expected = self.model.check(access, &mut was_to_do);
                    self.same("verdict", &verdict, &expected)?;
                }
            }
            Move::Flush => {
                let verdict = self.engine.check(Access::FLUSH, &mut did);
                let expected = self.model.check(Access::FLUSH, &mut was_to_do);
                self.same("verdict", &verdict, &expected)?;
            }
            Move::Resume(tag) => _ = self.resume(tag.as_str())?,
            Move::Release(who) => {
                let resumed = self.engine.release(who.requester(), &mut did);
                let expected = self.model.release(who.requester(), &mut was_to_do);
                self.same("released", &resumed, &expected)?;
            }
            Move::Abandon(who) => {
                self.engine.abandon(who.requester());
                self.model.abandon(who.requester());
            }
        }
        self.same("deeds", &did, &was_to_do)
    }

    /// Whether there was anybody to resume.
    fn resume(&mut self, tag: &str) -> Result<bool, String> {
        let (mut did, mut was_to_do) = (Log::default(), Log::default());
        let resumed = self.engine.resume(tag, &mut did);
        let expected = self.model.resume(tag, &mut was_to_do);
        self.same("resumed", &resumed, &expected)?;
        self.same("deeds of a resume", &did, &was_to_do)?;
        Ok(resumed.is_some())
    }

    /// Everything that can be seen without changing it.
    fn agree(&self) -> Result<(), String> {
        let Self { engine, model, .. } = self;
        self.same("state", &engine.state(), &model.state())?;
        self.same("armed", &engine.armed().collect(), &model.active())?;
        let suspensions = engine.suspensions().iter();
        let suspensions =
            suspensions.map(|held| (held.tag().clone(), held.who(), held.event())).collect();
        self.same("suspensions", &suspensions, &model.suspensions())?;
        for tag in Story::tags() {
            self.same("is_suspended", &engine.is_suspended(tag), &model.is_suspended(tag))?;
        }
        for event in Story::events(engine.program()) {
            let of_event = engine.breakpoints().filter(|(of, _)| *of == event);
            let tags = of_event.map(|(_, tag)| tag.clone()).collect();
            self.same("breakpoints", &tags, &model.breakpoints(event))?;
        }
        for id in &self.ids {
            let what = format!("whether {id:?} lives");
            self.same(&what, &engine.lives(*id), &model.lives(*id))?;
        }
        Ok(())
    }

    fn same<T: PartialEq + std::fmt::Debug>(
        &self,
        what: &str,
        engine: &T,
        model: &T,
    ) -> Result<(), String> {
        let what = format!("after move {}, {what}", self.place);
        same(&what, ["engine", "model "], engine, model)
    }
}
