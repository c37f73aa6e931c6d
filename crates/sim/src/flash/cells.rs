//! What a unit may hold after power was cut: a set of contents, described but never listed.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::count::Count;
use super::cuts::World;

/// No question about contents has more answers than this.
const ANSWERS: usize = 64;

/// What one cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    Zero,
    One,
    /// Each read may differ.
    Unstable,
}

/// Eight cells, and what each may hold: masks with a bit per cell. Each cell may hold something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cells {
    /// What they hold when all that was under way had completed.
    newest: u8,
    zero: u8,
    one: u8,
    unstable: u8,
    /// Which may be 0 only as long as there are zeroes to spare: see [`Pattern::spare`]. All of
    /// them may be 1, so that a content can always be completed.
    scarce: u8,
}

/// Contents of a unit: each cell holds any of what it may, on its own, but for the scarce ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    cells: Vec<Cells>,
    /// How many of the scarce cells may be 0.
    spare: u32,
}

impl Pattern {
    /// Exactly these bytes, with those cells unstable.
    pub(super) fn known(bytes: &[u8], unstable: &[u8]) -> Self {
        let cells = bytes.iter().zip(unstable).map(|(&byte, &unstable)| Cells {
            newest: byte,
            zero: !byte & !unstable,
            one: byte & !unstable,
            unstable,
            scarce: 0,
        });
        Self { cells: cells.collect(), spare: 0 }
    }

    /// How many bytes the unit has.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// What is there after `data` was programmed.
    pub(super) fn programmed(&self, data: &[u8]) -> Self {
        self.map(data, |cells, data| Cells {
            newest: cells.newest & data,
            zero: cells.zero | !data,
            one: cells.one & data,
            unstable: cells.unstable & data,
            scarce: cells.scarce & data,
        })
    }

    /// What is there after some of the bits of `data` were programmed.
    pub(super) fn partly_programmed(&self, data: &[u8], leaves_unstable: bool) -> Self {
        self.map(data, |cells, data| {
            let at_stake = if leaves_unstable { cells.one & !data } else { 0 };
            Cells {
                newest: cells.newest & data,
                zero: cells.zero | !data,
                one: cells.one,
                unstable: cells.unstable | at_stake,
                scarce: cells.scarce & data,
            }
        })
    }

    /// What is there after an erase that left at most `residue` of the zeroes.
    ///
    /// This is exact because `residue` is one number per flash: where zeroes are scarce already,
    /// the limit on them is the same.
    pub(super) fn erased(&self, residue: u32) -> Self {
        let mut erased = self.map(&[], |cells, _| {
            let zero = if residue == 0 { 0 } else { cells.zero | cells.unstable };
            Cells { newest: 0xFF, zero, one: 0xFF, unstable: 0, scarce: zero }
        });
        erased.spare = residue;
        erased.normal()
    }

    /// What is there after some of the bits were erased.
    pub(super) fn partly_erased(&self, leaves_unstable: bool) -> Self {
        self.map(&[], |cells, _| {
            let at_stake = if leaves_unstable { cells.zero } else { 0 };
            let unstable = cells.unstable | at_stake;
            Cells { newest: 0xFF, one: 0xFF, unstable, ..cells }
        })
    }

    fn map(&self, data: &[u8], change: impl Fn(Cells, u8) -> Cells) -> Self {
        let data = data.iter().copied().chain(core::iter::repeat(0));
        let cells = self.cells.iter().zip(data).map(|(&cells, data)| change(cells, data));
        Self { cells: cells.collect(), spare: self.spare }.normal()
    }

    /// Equal sets are to be equal values where that is cheap.
    fn normal(mut self) -> Self {
        if self.cells.iter().all(|cells| cells.scarce == 0) {
            self.spare = 0;
        }
        self
    }

    fn is_scarce(&self, cell: usize) -> bool {
        self.cells[cell / 8].scarce >> (cell % 8) & 1 == 1
    }

    /// What this cell may hold, the newest first and unstable last.
    fn symbols(&self, cell: usize) -> impl Iterator<Item = Symbol> {
        let cells = self.cells[cell / 8];
        let is_in = |mask: u8| mask >> (cell % 8) & 1 == 1;
        let zero = (Symbol::Zero, is_in(cells.zero) && (!is_in(cells.scarce) || self.spare > 0));
        let one = (Symbol::One, is_in(cells.one));
        let [first, second] = if is_in(cells.newest) { [one, zero] } else { [zero, one] };
        let symbols = [first, second, (Symbol::Unstable, is_in(cells.unstable))];
        symbols.into_iter().filter(|(_, may)| *may).map(|(symbol, _)| symbol)
    }

    /// Decides that this cell holds `symbol`; false when it may not.
    fn decide(&mut self, cell: usize, symbol: Symbol) -> bool {
        if !self.symbols(cell).any(|may| may == symbol) {
            return false;
        }
        if symbol == Symbol::Zero && self.is_scarce(cell) {
            self.spare -= 1;
        }
        let cells = &mut self.cells[cell / 8];
        let bit = 1 << (cell % 8);
        let only = |is: bool, mask: u8| if is { mask | bit } else { mask & !bit };
        cells.zero = only(symbol == Symbol::Zero, cells.zero);
        cells.one = only(symbol == Symbol::One, cells.one);
        cells.unstable = only(symbol == Symbol::Unstable, cells.unstable);
        cells.scarce &= !bit;
        true
    }
}

/// Contents a unit may have, and what else is the case when it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alternative {
    pub(super) pattern: Pattern,
    /// How far interrupted operations that go by prefixes may have come: the union of these.
    pub(super) worlds: Vec<World>,
}

/// What a unit turned out to hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) bytes: Vec<u8>,
    /// A bit per unstable cell.
    pub(super) unstable: Vec<u8>,
    /// How far interrupted operations may have come then.
    pub(super) worlds: Vec<World>,
}

/// Which symbol each cell asked about holds.
type Word = Vec<Symbol>;

/// Chooses one of the contents: each in one way only, whichever alternatives it is among. Answers
/// of 0 lead to the newest content of the first alternative.
///
/// Cells are decided in order, as many together as a question has answers for.
pub(super) fn choose(
    mut alternatives: Vec<Alternative>,
    mut ask: impl FnMut(u64) -> u64,
) -> Contents {
    let mut next = 0;
    loop {
        let cells = undecided(&alternatives, next);
        let Some(last) = cells.last() else { break };
        next = last + 1;
        let words = words(&alternatives, &cells);
        let answer = match words.len() {
            1 => 0,
            count => ask(count as u64) as usize,
        };
        let word = &words[answer];
        alternatives.retain_mut(|Alternative { pattern, .. }| {
            cells.iter().zip(word).all(|(&cell, &symbol)| pattern.decide(cell, symbol))
        });
    }
    let pattern = &alternatives[0].pattern;
    let mut bytes = vec![0; pattern.cells.len()];
    let mut unstable = bytes.clone();
    for cell in 0..8 * bytes.len() {
        let bit = 1 << (cell % 8);
        match pattern.symbols(cell).next().expect("a cell holds something") {
            Symbol::Zero => {}
            Symbol::One => bytes[cell / 8] |= bit,
            Symbol::Unstable => {
                bytes[cell / 8] |= pattern.cells[cell / 8].newest & bit;
                unstable[cell / 8] |= bit;
            }
        }
    }
    let worlds = alternatives.into_iter().flat_map(|alternative| alternative.worlds).collect();
    Contents { bytes, unstable, worlds }
}

/// How many symbols this cell holds in one alternative or another.
fn variety(alternatives: &[Alternative], cell: usize) -> usize {
    let is_held = |symbol: Symbol| {
        alternatives.iter().any(|one| one.pattern.symbols(cell).any(|held| held == symbol))
    };
    [Symbol::Zero, Symbol::One, Symbol::Unstable].into_iter().filter(|one| is_held(*one)).count()
}

/// The first cells from `next` on that may differ, as many as one question can be about.
fn undecided(alternatives: &[Alternative], next: usize) -> Vec<usize> {
    let mut cells = Vec::new();
    let mut answers = 1;
    for cell in next..8 * alternatives[0].pattern.cells.len() {
        let variety = variety(alternatives, cell);
        answers *= variety;
        if answers > ANSWERS {
            break;
        }
        if variety > 1 {
            cells.push(cell);
        }
    }
    cells
}

/// What these cells may hold together: every word once, in the order of the alternatives, and of
/// each alternative first what is newest.
fn words(alternatives: &[Alternative], cells: &[usize]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for Alternative { pattern, .. } in alternatives {
        let symbols: Vec<Word> =
            cells.iter().map(|&cell| pattern.symbols(cell).collect()).collect();
        let count: usize = symbols.iter().map(Vec::len).product();
        for number in 0..count {
            // The first cell is the lowest digit.
            let mut rest = number;
            let word: Word = symbols
                .iter()
                .map(|symbols| {
                    let symbol = symbols[rest % symbols.len()];
                    rest /= symbols.len();
                    symbol
                })
                .collect();
            let zeroes = cells
                .iter()
                .zip(&word)
                .filter(|(cell, symbol)| **symbol == Symbol::Zero && pattern.is_scarce(**cell))
                .count();
            if zeroes <= pattern.spare as usize && !words.contains(&word) {
                words.push(word);
            }
        }
    }
    words
}

/// How many contents there are, by the alternatives they are among.
pub(super) fn count(alternatives: &[Alternative]) -> BTreeMap<Vec<usize>, Count> {
    let cells = 0..8 * alternatives[0].pattern.cells.len();
    let undecided: Vec<_> =
        cells.map(|cell| (cell, variety(alternatives, cell))).filter(|cell| cell.1 > 1).collect();
    if let [Alternative { pattern, .. }] = alternatives
        && pattern.spare == 0
    {
        let each = undecided.iter().map(|(_, variety)| Count::new(*variety as u128));
        return BTreeMap::from([(vec![0], each.fold(Count::ONE, |all, one| all * one))]);
    }
    // A walk over all contents at once: after so many cells, how many beginnings are left to which
    // alternatives, with how many zeroes to spare.
    let spare = alternatives.iter().map(|one| one.pattern.spare);
    let all: Vec<_> = (0..).zip(spare).collect();
    let mut beginnings = BTreeMap::from([(all, Count::ONE)]);
    for (cell, _) in undecided {
        let mut longer: BTreeMap<Vec<(usize, u32)>, Count> = BTreeMap::new();
        for (left, count) in beginnings {
            for symbol in [Symbol::Zero, Symbol::One, Symbol::Unstable] {
                let left: Vec<_> = left
                    .iter()
                    .filter_map(|&(index, spare)| {
                        let pattern = &alternatives[index].pattern;
                        let held = pattern.symbols(cell).any(|held| held == symbol);
                        let spent = symbol == Symbol::Zero && pattern.is_scarce(cell);
                        Some((index, spare.checked_sub(u32::from(spent))?)).filter(|_| held)
                    })
                    .collect();
                if !left.is_empty() {
                    add(&mut longer, left, count);
                }
            }
        }
        beginnings = longer;
    }
    let mut counts = BTreeMap::new();
    for (left, count) in beginnings {
        add(&mut counts, left.into_iter().map(|(index, _)| index).collect(), count);
    }
    counts
}

/// Adds `count` to what is counted for `key`.
pub(super) fn add<K: Ord>(counts: &mut BTreeMap<K, Count>, key: K, count: Count) {
    counts.entry(key).and_modify(|sum| *sum = *sum + count).or_insert(count);
}

#[cfg(test)]
mod tests {
    use super::super::odometer;
    use super::*;

    fn alternatives<const N: usize>(patterns: [Pattern; N]) -> Vec<Alternative> {
        patterns.into_iter().map(|pattern| Alternative { pattern, worlds: Vec::new() }).collect()
    }

    /// Every content in the order in which it is found: the byte, and which cells are unstable.
    fn contents<const N: usize>(patterns: [Pattern; N]) -> Vec<(u8, u8)> {
        let alternatives = alternatives(patterns);
        let found = odometer::every(|choices| {
            let contents = choose(alternatives.clone(), |n| odometer::ask(choices, n));
            (contents.bytes[0], contents.unstable[0])
        });
        let count = count(&alternatives).into_values().fold(0, |sum, one| sum + one.saturating());
        assert_eq!(count, found.len() as u128, "as many are counted as are found");
        found
    }

    fn known(byte: u8) -> Pattern {
        Pattern::known(&[byte], &[0])
    }

    #[test]
    fn the_newest_content_is_first_and_the_old_one_last() {
        let partly = known(0xFF).partly_programmed(&[0xFC], false);
        assert_eq!(contents([partly]), [(0xFC, 0), (0xFD, 0), (0xFE, 0), (0xFF, 0)]);
        let both = [known(0xFF).programmed(&[0x0F]), known(0xFF)];
        assert_eq!(contents(both), [(0x0F, 0), (0xFF, 0)]);
        let partly = known(0xFC).partly_erased(false);
        assert_eq!(contents([partly]), [(0xFF, 0), (0xFE, 0), (0xFD, 0), (0xFC, 0)]);
    }

    #[test]
    fn what_two_alternatives_share_is_found_once() {
        let one = known(0xFF).partly_programmed(&[0xF8], false);
        let other = known(0xFF).partly_programmed(&[0xF1], false);
        let mut found = contents([one, other]);
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 8 + 8 - 4);
    }

    #[test]
    fn an_undecided_cell_may_be_unstable() {
        let partly = known(0xFF).partly_programmed(&[0xFE], true);
        assert_eq!(contents([partly.clone()]), [(0xFE, 0), (0xFF, 0), (0xFE, 1)]);
        assert_eq!(contents([partly.programmed(&[0xFE])]), [(0xFE, 0)]);
        assert_eq!(contents([partly.erased(0)]), [(0xFF, 0)]);
    }

    #[test]
    fn residue_is_few_zeroes_where_there_were_zeroes() {
        let found = contents([known(0xF0).erased(1)]);
        assert_eq!(found, [(0xFF, 0), (0xFE, 0), (0xFD, 0), (0xFB, 0), (0xF7, 0)]);
        assert_eq!(contents([known(0).erased(2)]).len(), 1 + 8 + 28);
        let with_old = contents([known(0xFE).erased(1), known(0xFE)]);
        assert_eq!(with_old, [(0xFF, 0), (0xFE, 0)], "the residue is the old content");
        let programmed = known(0xF8).erased(1).partly_programmed(&[0xFC], false);
        assert_eq!(contents([programmed]).len(), 2 * 4, "zeroes of a program are no residue");
    }

    #[test]
    fn eight_cells_are_two_questions_of_64_and_4() {
        let mut asked = Vec::new();
        choose(alternatives([known(0xFF).partly_programmed(&[0], false)]), |n| {
            asked.push(n);
            0
        });
        assert_eq!(asked, [64, 4]);
    }
}
