//! What came of the crash states of a log.

use std::fmt::Write as _;

use headcrash_sim::{Device, StateCount};
use serde_json::{Value, json};

use super::states::{LogImage, LogPoint, Stop};
use crate::run::Verdicts;
use crate::trace::{states, table};

/// What came of the crash states of a log.
#[derive(Clone, Debug)]
pub struct LogReport {
    device: Device,
    /// The moments, in order.
    pub points: Vec<PointReport>,
    /// How many states could be told apart, over all moments; two moments can leave the same one.
    pub possible: StateCount,
    /// How many images there were.
    pub tried: u64,
    /// What the check said of them; nothing without one.
    pub verdicts: Verdicts,
    /// Which images were to be tried at each moment, in words.
    kind: String,
    /// Images were left over.
    pub is_cut_off: bool,
    /// The smallest that is not clean.
    pub loud: Option<LoudState>,
}

/// What came of one moment.
#[derive(Clone, Debug)]
pub struct PointReport {
    /// The moment.
    pub point: LogPoint,
    /// How many images were met here first.
    pub tried: u64,
    /// What the check said of them.
    pub verdicts: Verdicts,
}

/// An image that the check refused.
#[derive(Clone, Debug)]
pub struct LoudState {
    /// At which moment.
    pub point: usize,
    /// Which image of all, from 0.
    pub number: u64,
    /// See [`LogImage::fates`].
    pub fates: Vec<(usize, bool)>,
    /// See [`LogImage::unusual`].
    pub unusual: usize,
    /// What the check said, in its words.
    pub said: String,
}

impl LogReport {
    /// Nothing yet, on a device that promises this.
    #[must_use]
    pub fn new(device: Device, alone: usize) -> Self {
        let kind = match alone {
            0 => "all prefixes".to_owned(),
            alone => format!("all prefixes, and up to {alone} alone"),
        };
        Self {
            device,
            points: Vec::new(),
            possible: StateCount::ONE,
            tried: 0,
            verdicts: Verdicts::default(),
            kind,
            is_cut_off: false,
            loud: None,
        }
    }

    /// Another moment.
    pub fn at(&mut self, point: LogPoint) {
        self.possible = if self.points.is_empty() {
            point.possible
        } else {
            self.possible.plus(point.possible)
        };
        self.points.push(PointReport { point, tried: 0, verdicts: Verdicts::default() });
    }

    /// Another image of the last moment, and what a check says of it, if there is one: `Ok` is
    /// clean. Returns whether it is the smallest so far that is not.
    ///
    /// # Panics
    ///
    /// Before the first moment.
    pub fn count(&mut self, image: &LogImage, said: Option<Result<(), String>>) -> bool {
        let number = self.tried;
        self.tried += 1;
        let place = self.points.len() - 1;
        let here = &mut self.points[place];
        here.tried += 1;
        let said = match said {
            None => return false,
            Some(Ok(())) => {
                here.verdicts.clean += 1;
                self.verdicts.clean += 1;
                return false;
            }
            Some(Err(said)) => said,
        };
        here.verdicts.loud += 1;
        self.verdicts.loud += 1;
        if self.loud.as_ref().is_some_and(|loud| loud.unusual <= image.unusual) {
            return false;
        }
        let (fates, unusual) = (image.fates.clone(), image.unusual);
        self.loud = Some(LoudState { point: place, number, fates, unusual, said });
        true
    }

    fn ended(&self) -> String {
        if self.is_cut_off { "ended by a budget".to_owned() } else { self.kind.clone() }
    }

    /// A summary, a table of moments, and the smallest image that is not clean.
    #[must_use]
    pub fn text(&self) -> String {
        /// Of more moments than this the table shows the ones that say something.
        const ROWS: usize = 24;
        let count = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let mut text = format!("device: {}\n", self.device);
        // A String takes all that is written to it, here and below.
        _ = writeln!(text, "{} to cut the power at", count(self.points.len() as u64, "moment"));
        _ = writeln!(
            text,
            "{} possible (log2 {}.{:03}), {} tried, no two alike: {}",
            states(self.possible),
            self.possible.log2_milli / 1000,
            self.possible.log2_milli % 1000,
            count(self.tried, "image"),
            self.ended()
        );
        let Verdicts { clean, loud, .. } = self.verdicts;
        let is_checked = clean + loud > 0;
        if is_checked {
            _ = writeln!(text, "clean {clean}, loud {loud}");
        } else {
            text.push_str("not checked\n");
        }
        let tells = |point: &&PointReport| self.points.len() <= ROWS || point.verdicts.loud > 0;
        let rows: Vec<_> =
            self.points.iter().filter(tells).take(ROWS).map(|row| self.row(row)).collect();
        if !rows.is_empty() {
            let header = ["entry", "at", "unflushed", "states", "images", "clean", "loud"];
            let columns = if is_checked { 7 } else { 5 };
            text.push('\n');
            let rows: Vec<_> = rows.iter().map(|row| &row[..columns]).collect();
            text.push_str(&table(&header[..columns], &rows));
        }
        let left = self.points.len() - rows.len();
        if left > 0 {
            _ = writeln!(text, "and {left} more moments");
        }
        if let Some(loud) = &self.loud {
            _ = writeln!(text, "\nsmallest loud: {}", self.describe(loud));
            loud.said.lines().for_each(|line| _ = writeln!(text, "    {line}"));
        }
        text
    }

    fn row(&self, report: &PointReport) -> [String; 7] {
        let PointReport { point, tried, verdicts } = report;
        let stop: String = point.stop.to_string().chars().take(32).collect();
        [
            point.entry.to_string(),
            stop,
            point.unflushed.to_string(),
            states(point.possible),
            tried.to_string(),
            verdicts.clean.to_string(),
            verdicts.loud.to_string(),
        ]
    }

    /// Where and how: `before entry 12 (flush), with entries 3 and 5 of 7 lost`.
    fn describe(&self, loud: &LoudState) -> String {
        let point = &self.points[loud.point].point;
        let at = match &point.stop {
            Stop::End => "at the end".to_owned(),
            stop => format!("before entry {} ({stop})", point.entry),
        };
        let which = |kept: bool| -> Vec<usize> {
            loud.fates.iter().filter(|fate| fate.1 == kept).map(|fate| fate.0).collect()
        };
        let (kept, lost) = (which(true), which(false));
        let list = |entries: &[usize]| {
            let first: Vec<_> = entries.iter().take(16).map(usize::to_string).collect();
            let more = if entries.len() > 16 { ", .." } else { "" };
            let what = if entries.len() == 1 { "entry" } else { "entries" };
            format!("{what} {}{more}", first.join(", "))
        };
        let all = loud.fates.len();
        let fate = match (kept.len(), lost.len()) {
            (_, 0) => "everything kept".to_owned(),
            (0, _) => format!("all {all} unflushed writes lost"),
            (k, l) if l <= k => format!("{} of {all} unflushed lost", list(&lost)),
            _ => format!("only {} of {all} unflushed kept", list(&kept)),
        };
        format!("image {}, {at}, {fate}", loud.number)
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let possible = |count: StateCount| {
            json!({
                "exact": count.exact.map(|exact| exact.to_string()),
                "log2_milli": count.log2_milli,
            })
        };
        let verdicts =
            |verdicts: &Verdicts| json!({"clean": verdicts.clean, "loud": verdicts.loud});
        let point = |report: &PointReport| {
            json!({
                "entry": report.point.entry,
                "at": report.point.stop.to_string(),
                "unflushed": report.point.unflushed,
                "possible": possible(report.point.possible),
                "tried": report.tried,
                "verdicts": verdicts(&report.verdicts),
            })
        };
        let loud = self.loud.as_ref().map(|loud| {
            json!({
                "image": loud.number,
                "entry": self.points[loud.point].point.entry,
                "lost": loud.fates.iter().filter(|(_, kept)| !kept).map(|(e, _)| e).collect::<Vec<_>>(),
                "kept": loud.fates.iter().filter(|(_, kept)| *kept).map(|(e, _)| e).collect::<Vec<_>>(),
                "said": loud.said,
            })
        });
        json!({
            "device": self.device.to_string(),
            "moments": self.points.iter().map(point).collect::<Vec<_>>(),
            "possible": possible(self.possible),
            "tried": self.tried,
            "verdicts": verdicts(&self.verdicts),
            "ended_by_a_budget": self.is_cut_off,
            "loud": loud,
        })
    }
}
