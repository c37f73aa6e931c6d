//! Runs, made by many threads and merged in order.

use std::time::{Duration, Instant};

use headcrash_scenario::campaign::{
    Campaign, Chunk, End, Finding, Part, Plan, Why, nth_seed, seed_count,
};
use headcrash_scenario::{Exhaustion, Method, Seeds, counted};
use indicatif::ProgressBar;
use rayon::prelude::*;

use super::echo::Twin;
use super::results::Results;
use super::stop::Stop;

/// A batch is as large as can be made in about so long: often enough to stop, to write down and to
/// show, and seldom enough that threads rarely wait for one another.
const BATCH: Duration = Duration::from_millis(80);

/// No batch is larger.
const BATCH_MAX: u64 = 1 << 16;

/// How many runs are asked for.
pub(super) struct Wanted<'a> {
    pub(super) seeds: &'a Seeds,
    pub(super) part: Part,
    pub(super) until_stable: Option<u64>,
    /// Of an exhaustive search.
    pub(super) runs: Option<u64>,
    pub(super) deadline: Option<Instant>,
}

/// How a search has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) why: Why,
    /// In words, what there is to say of it.
    pub(super) note: String,
    /// What cannot be trusted.
    pub(super) trouble: Vec<String>,
    /// The command that shows that.
    pub(super) repeat: Option<String>,
}

pub(super) struct Search<'a> {
    pub(super) place: usize,
    pub(super) plan: &'a Plan<'a>,
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) pool: &'a rayon::ThreadPool,
    pub(super) stop: &'a Stop,
    pub(super) results: &'a mut Results,
    pub(super) bar: &'a ProgressBar,
    /// The same runs in another process.
    pub(super) twin: Option<&'a mut Twin>,
}

impl Search<'_> {
    /// Runs that follow from seeds.
    pub(super) fn seeded(&mut self, campaign: &mut Campaign) -> Ended {
        let part = self.wanted.part;
        let all = part.share(seed_count(self.wanted.seeds));
        let jobs = self.pool.current_num_threads() as u64;
        let mut batch = jobs * 4;
        let start = Instant::now();
        let before = campaign.runs();
        let mut ended =
            Ended { why: Why::Complete, note: String::new(), trouble: Vec::new(), repeat: None };
        while campaign.runs() < all {
            if let Some(stable) = self.wanted.until_stable
                && campaign.stable_for() >= stable
            {
                ended.why = Why::Stable;
                break;
            }
            if self.stop.is_over(self.wanted.deadline) {
                ended.why = if self.stop.is_asked() { Why::Stopped } else { Why::Time };
                break;
            }
            let most = if self.twin.is_some() { Twin::BATCH } else { BATCH_MAX };
            let size = batch.min(all - campaign.runs()).min(most);
            let first = campaign.runs();
            let seeds: Vec<u64> = (first..first + size)
                .map_while(|own| nth_seed(self.wanted.seeds, part.place(own)?))
                .collect();
            if let Some(twin) = &mut self.twin {
                twin.ask(&seeds);
            }
            let began = Instant::now();
            let chunks = self.batch(&seeds, campaign, jobs);
            let took = began.elapsed();
            if took < BATCH / 2 {
                batch = (batch * 2).min(BATCH_MAX);
            } else if took > BATCH * 2 {
                batch = (batch / 2).max(jobs);
            }
            let made = chunks.iter().flat_map(Chunk::hashes);
            if let Some(why) = self.is_different(made, &mut ended) {
                ended.why = why;
                break;
            }
            for chunk in chunks {
                for finding in campaign.merge(chunk, self.wanted.until_stable) {
                    self.found(&finding);
                }
            }
            self.results.progress(self.place, self.plan.scenario(), campaign, false);
            self.show(campaign, campaign.runs() - before, start);
        }
        if ended.why == Why::Complete
            && self.wanted.until_stable.is_some_and(|stable| campaign.stable_for() >= stable)
        {
            ended.why = Why::Stable;
        }
        self.end(campaign, &ended);
        ended
    }

    /// Whether the other process does not agree, or cannot be asked: then why nothing follows.
    fn is_different(
        &mut self,
        made: impl Iterator<Item = (u64, u64)>,
        ended: &mut Ended,
    ) -> Option<Why> {
        let twin = self.twin.as_mut()?;
        let different = twin.compare(self.plan, made).err()?;
        // Ctrl-C ends the other process as well.
        if !self.stop.is_asked() {
            ended.trouble.push(different.text);
            ended.repeat = different.repeat;
        }
        Some(Why::Stopped)
    }

    /// The runs of these seeds, but for the last ones if there is no more time.
    fn batch(&self, seeds: &[u64], campaign: &Campaign, jobs: u64) -> Vec<Chunk> {
        // Small enough that nobody waits long for the last one.
        let len = (seeds.len() as u64).div_ceil(jobs * 4).clamp(1, 1024) as usize;
        let make = |seeds: &[u64]| {
            let mut chunk = Chunk::default();
            for seed in seeds {
                if self.stop.is_over(self.wanted.deadline) {
                    break;
                }
                chunk.run(self.plan, *seed, campaign.coverage());
            }
            (chunk.len() == seeds.len(), chunk)
        };
        let made: Vec<_> = self.pool.install(|| seeds.par_chunks(len).map(make).collect());
        // What comes after runs that were not made is no part of the first so many.
        let whole = made.iter().take_while(|(is_whole, _)| *is_whole).count();
        made.into_iter().take(whole + 1).map(|(_, chunk)| chunk).collect()
    }

    /// Every run there is, one after the other.
    pub(super) fn exhaustive(&mut self, campaign: &mut Campaign, before: Option<End>) -> Ended {
        let ended = |why, note| Ended { why, note, trouble: Vec::new(), repeat: None };
        if let Some(End { why: Why::Complete, note, .. }) = before {
            return ended(Why::Complete, note);
        }
        // It has no place to go on from: what was written down is found again.
        *campaign = Campaign::default();
        let own = match self.plan.method() {
            Method::Exhaustive { runs } => runs,
            Method::Seeded | Method::Pct { .. } => Method::RUNS,
        };
        let unlimited = self.wanted.deadline.is_some();
        let most = self.wanted.runs.unwrap_or(if unlimited { u64::MAX } else { own });
        let mut runs = Exhaustion::new(self.plan.scenario());
        let mut result = ended(Why::Complete, String::new());
        // What the other process was not asked yet.
        let mut unchecked: Vec<(u64, u64)> = Vec::new();
        let (start, mut shown) = (Instant::now(), Instant::now());
        let why = loop {
            if runs.begun() >= most {
                break Why::Budget;
            }
            if self.stop.is_over(self.wanted.deadline) {
                break if self.stop.is_asked() { Why::Stopped } else { Why::Time };
            }
            let Some(tried) = runs.next() else { break Why::Complete };
            if let Some(finding) = campaign.tried(self.plan, &runs, &tried) {
                self.found(&finding);
            }
            if self.twin.is_some() {
                unchecked.push((runs.begun(), tried.hash));
                if unchecked.len() as u64 == Twin::BATCH
                    && let Some(why) = self.check(&mut unchecked, &mut result)
                {
                    break why;
                }
            }
            if shown.elapsed() > BATCH {
                shown = Instant::now();
                self.results.progress(self.place, self.plan.scenario(), campaign, false);
                self.show(campaign, campaign.runs(), start);
            }
        };
        let why = self.check(&mut unchecked, &mut result).unwrap_or(why);
        campaign.reached(&runs);
        let mut note = {
            let made = counted(runs.begun(), "run");
            format!("{made} made, {} saved at least", runs.saved())
        };
        note.push_str(match why {
            Why::Complete if runs.is_complete() => ", complete",
            Why::Complete => ", not complete",
            Why::Budget => ", ended by the number of runs",
            Why::Time => ", ended by the time",
            Why::Stable | Why::Stopped => ", stopped",
        });
        if let Some((kind, answers)) = runs.too_many() {
            note.push_str(&format!(
                ": a question of {kind} has {answers} answers, of which 64 were tried"
            ));
        }
        (result.why, result.note) = (why, note);
        self.end(campaign, &result);
        result
    }

    /// Asks the other process for these runs.
    fn check(&mut self, unchecked: &mut Vec<(u64, u64)>, ended: &mut Ended) -> Option<Why> {
        let made = std::mem::take(unchecked);
        let twin = self.twin.as_mut().filter(|_| !made.is_empty())?;
        let numbers: Vec<_> = made.iter().map(|(number, _)| *number).collect();
        twin.ask(&numbers);
        self.is_different(made.into_iter(), ended)
    }

    fn end(&mut self, campaign: &Campaign, ended: &Ended) {
        self.results.progress(self.place, self.plan.scenario(), campaign, true);
        let Ended { why, note, .. } = ended;
        let (scenario, runs, note) = (self.place, campaign.runs(), note.clone());
        self.results.end(End { scenario, why: *why, runs, line: 0, note });
    }

    /// Whatever becomes of files, somebody may be looking.
    fn found(&mut self, finding: &Finding) {
        self.results.found(self.place, finding);
        if finding.runs == 1 {
            let name = self.plan.scenario().source().name();
            let Finding { kind, seed, .. } = finding;
            let what = format!("found: {name}: {}, seed {seed}", kind.outcome);
            self.bar.suspend(|| crate::output::note(&what));
        }
    }

    fn show(&self, campaign: &Campaign, made: u64, start: Instant) {
        if self.bar.is_hidden() {
            return;
        }
        let rate = made as f64 / start.elapsed().as_secs_f64().max(0.001);
        let (runs, found) = (campaign.runs(), campaign.finding_count());
        let states = campaign.coverage().features.len();
        let name = self.plan.scenario().source().name();
        self.bar.set_message(format!(
            "{runs} runs, {rate:.0}/s, {states} distinct states, {found} findings  {name}"
        ));
    }
}
