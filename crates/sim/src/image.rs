//! The bytes of a disk: sparse, shared, copied on write.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use crate::medium::{Bytes, Part};

/// Bytes in a page, the unit of sharing.
const PAGE: u64 = 4096;
/// Children of an inner node.
const FAN: u64 = 16;

/// The bytes of a disk.
///
/// A tree of shared pages: cloning copies one pointer, a write copies one page and the path to it,
/// and a stretch of one byte, however long, is one leaf. Memory follows what was written.
#[derive(Clone, Debug)]
pub struct Image {
    root: Tree,
    /// Bytes the root spans: `PAGE * FAN^n`.
    span: u64,
    len: u64,
}

/// What a write replaced.
#[derive(Clone, Debug)]
pub(crate) enum Old {
    Fill(u8),
    Page(Arc<[u8; PAGE as usize]>),
    Bytes(Arc<[u8]>),
    /// From this byte on of this image.
    Image(Image, u64),
}

impl Old {
    /// Copies bytes from `skip` on.
    pub(crate) fn read(&self, skip: u64, into: &mut [u8]) {
        let start = skip as usize;
        match self {
            Self::Fill(byte) => into.fill(*byte),
            Self::Page(page) => into.copy_from_slice(&page[start..start + into.len()]),
            Self::Bytes(bytes) => into.copy_from_slice(&bytes[start..start + into.len()]),
            Self::Image(image, at) => image.read(at + skip, into),
        }
    }

    /// `len` bytes from `skip` on without copying, where that can be had.
    pub(crate) fn part(&self, skip: u64, len: u64) -> Option<Part<'_>> {
        let (start, end) = (skip as usize, (skip + len) as usize);
        match self {
            Self::Fill(byte) => Some(Part::Fill(*byte, len)),
            Self::Page(page) => Some(Part::Data(&page[start..end])),
            Self::Bytes(bytes) => Some(Part::Data(&bytes[start..end])),
            Self::Image(..) => None,
        }
    }
}

#[derive(Clone, Debug)]
enum Tree {
    /// Every byte is this one.
    Uniform(u8),
    Page(Arc<[u8; PAGE as usize]>),
    Inner(Arc<[Self; FAN as usize]>),
}

impl Image {
    /// `len` bytes, all `fill`.
    ///
    /// # Panics
    ///
    /// When `len` is over 2^60.
    #[must_use]
    pub fn new(len: u64, fill: u8) -> Self {
        let mut image = Self { root: Tree::Uniform(0), span: PAGE, len: 0 };
        image.set_len(len);
        image.fill(0, len, fill);
        image
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no bytes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Cuts off, or appends zeroes, as a file does.
    ///
    /// # Panics
    ///
    /// When `len` is over 2^60.
    pub fn set_len(&mut self, len: u64) {
        assert!(len <= 1 << 60, "an image is at most 2^60 bytes long");
        if len < self.len {
            // What comes back after growing again is zeroes, not what was cut off.
            self.fill(len, self.len - len, 0);
        }
        while self.span < len {
            if !matches!(self.root, Tree::Uniform(0)) {
                let mut children = [(); FAN as usize].map(|()| Tree::Uniform(0));
                children[0] = core::mem::replace(&mut self.root, Tree::Uniform(0));
                self.root = Tree::Inner(Arc::new(children));
            }
            self.span *= FAN;
        }
        self.len = len;
    }

    /// Copies bytes from `at` on into `into`; past the end there are zeroes.
    pub fn read(&self, at: u64, into: &mut [u8]) {
        let held = self.len.saturating_sub(at).min(into.len() as u64) as usize;
        let (held, beyond) = into.split_at_mut(held);
        beyond.fill(0);
        if !held.is_empty() {
            read_tree(&self.root, self.span, at, held);
        }
    }

    /// Whether these are the bytes from `at` on.
    pub(crate) fn holds(&self, at: u64, bytes: &[u8]) -> bool {
        let mut held = [0; 512];
        (at..).step_by(held.len()).zip(bytes.chunks(held.len())).all(|(at, bytes)| {
            let held = &mut held[..bytes.len()];
            self.read(at, held);
            held == bytes
        })
    }

    /// Writes `bytes` from `at` on. What would lie past the end is dropped.
    pub fn write(&mut self, at: u64, bytes: &[u8]) {
        let held = self.len.saturating_sub(at).min(bytes.len() as u64) as usize;
        if held > 0 {
            write_tree(&mut self.root, self.span, at, &bytes[..held]);
        }
    }

    /// Sets `len` bytes from `at` on to `byte`. What would lie past the end is dropped.
    pub fn fill(&mut self, at: u64, len: u64, byte: u8) {
        let len = self.len.saturating_sub(at).min(len);
        if len > 0 {
            fill_tree(&mut self.root, self.span, at, len, byte);
        }
    }

    /// A copy of `len` bytes from `at` on; past the end there are zeroes.
    pub(crate) fn copy(&self, at: u64, len: u64) -> Vec<u8> {
        let mut copy = Vec::with_capacity(len as usize);
        let held = self.len.saturating_sub(at).min(len);
        if held > 0 {
            append_tree(&self.root, self.span, at, held, &mut copy);
        }
        copy.resize(len as usize, 0);
        copy
    }

    /// Writes the first `len` bytes from `at` on, and gives what was there before. Nothing may lie
    /// past the end.
    pub(crate) fn swap(&mut self, at: u64, len: u64, bytes: &Bytes) -> Old {
        match bytes {
            Bytes::Data(data, offset) if len == PAGE && at.is_multiple_of(PAGE) => {
                // Pages are handed over both ways: what was there is not copied, nor is what comes
                // if it is no more than a page.
                let page = if data.len() as u64 == PAGE {
                    Arc::clone(data).try_into().expect("the length was just compared")
                } else {
                    page_of(&data[*offset..offset + PAGE as usize])
                };
                let slot = page_slot(&mut self.root, self.span, at);
                match core::mem::replace(slot, Tree::Page(page)) {
                    Tree::Page(page) => Old::Page(page),
                    Tree::Uniform(byte) => Old::Fill(byte),
                    Tree::Inner(_) => unreachable!("a page has no children"),
                }
            }
            bytes => {
                let old = self.take_old(at, len);
                bytes.part(0, len).write_to(self, at);
                old
            }
        }
    }

    fn take_old(&self, at: u64, len: u64) -> Old {
        /// Longer stretches are kept as the image they were in, which costs a pointer.
        const LONG: u64 = 1 << 16;
        if len > LONG {
            return Old::Image(self.clone(), at);
        }
        let (mut few, mut many) = ([0; 512], Vec::new());
        let bytes = match few.get_mut(..len as usize) {
            Some(few) => few,
            None => {
                many.resize(len as usize, 0);
                &mut many[..]
            }
        };
        self.read(at, bytes);
        uniform(bytes).map_or_else(|| Old::Bytes((&*bytes).into()), Old::Fill)
    }

    /// The content as runs of one byte: (first, length, byte), in order and as long as they can be.
    #[must_use]
    pub fn runs(&self) -> Vec<(u64, u64, u8)> {
        let mut runs = Vec::new();
        runs_of(&self.root, 0, self.span, self.len, &mut runs);
        runs
    }

    /// The stretches, in whole pages but for the end, that hold anything but zeroes: first byte
    /// and length, in order. Whatever lies between them is zeroes, however long it is.
    #[must_use]
    pub fn stretches(&self) -> Vec<(u64, u64)> {
        let mut stretches = Vec::new();
        stretches_of(&self.root, 0, self.span, self.len, &mut stretches);
        stretches
    }

    /// How many bytes of pages it holds, shared ones included.
    #[must_use]
    pub fn stored(&self) -> u64 {
        fn stored(tree: &Tree) -> u64 {
            match tree {
                Tree::Uniform(_) => 0,
                Tree::Page(_) => PAGE,
                Tree::Inner(children) => children.iter().map(stored).sum(),
            }
        }
        stored(&self.root)
    }
}

/// Two images are equal when their bytes are.
impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.runs() == other.runs()
    }
}

impl Eq for Image {}

/// The byte that all of these are.
pub(crate) fn uniform(bytes: &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    // Each is as the one before it: one comparison of memory, rather than of each byte.
    (*rest == bytes[..rest.len()]).then_some(*first)
}

fn read_tree(tree: &Tree, span: u64, at: u64, into: &mut [u8]) {
    match tree {
        Tree::Uniform(byte) => into.fill(*byte),
        Tree::Page(page) => into.copy_from_slice(&page[at as usize..at as usize + into.len()]),
        Tree::Inner(children) => {
            let child_span = span / FAN;
            let mut done = 0;
            while done < into.len() {
                let at = at + done as u64;
                let within = at % child_span;
                let part = (child_span - within).min((into.len() - done) as u64) as usize;
                let child = &children[(at / child_span) as usize];
                read_tree(child, child_span, within, &mut into[done..done + part]);
                done += part;
            }
        }
    }
}

fn append_tree(tree: &Tree, span: u64, at: u64, len: u64, into: &mut Vec<u8>) {
    match tree {
        Tree::Uniform(byte) => into.resize(into.len() + len as usize, *byte),
        Tree::Page(page) => into.extend_from_slice(&page[at as usize..(at + len) as usize]),
        Tree::Inner(children) => {
            let child_span = span / FAN;
            let (mut at, end) = (at, at + len);
            while at < end {
                let within = at % child_span;
                let part = (child_span - within).min(end - at);
                append_tree(&children[(at / child_span) as usize], child_span, within, part, into);
                at += part;
            }
        }
    }
}

/// A page of these bytes, which are as many.
fn page_of(bytes: &[u8]) -> Arc<[u8; PAGE as usize]> {
    // By way of a slice, which is copied once; an array would be copied to the stack before.
    Arc::<[u8]>::from(bytes).try_into().expect("a page has that many bytes")
}

/// The children of `tree`, which spans more than a page, to be written to.
fn children(tree: &mut Tree) -> &mut [Tree; FAN as usize] {
    if let Tree::Uniform(byte) = *tree {
        *tree = Tree::Inner(Arc::new([(); FAN as usize].map(|()| Tree::Uniform(byte))));
    }
    match tree {
        Tree::Inner(children) => Arc::make_mut(children),
        Tree::Uniform(_) | Tree::Page(_) => unreachable!("a page spans exactly one page"),
    }
}

/// The bytes of `tree`, which spans one page, to be written to.
fn page(tree: &mut Tree) -> &mut [u8; PAGE as usize] {
    if let Tree::Uniform(byte) = *tree {
        /// Most of what is written to was never written before.
        static ZEROES: [u8; PAGE as usize] = [0; PAGE as usize];
        *tree = Tree::Page(match byte {
            0 => page_of(&ZEROES),
            byte => page_of(&[byte; PAGE as usize]),
        });
    }
    match tree {
        Tree::Page(page) => Arc::make_mut(page),
        Tree::Uniform(_) | Tree::Inner(_) => unreachable!("a page has no children"),
    }
}

/// The place of the page at `at`.
fn page_slot(tree: &mut Tree, span: u64, at: u64) -> &mut Tree {
    if span == PAGE {
        return tree;
    }
    let child_span = span / FAN;
    let child = &mut children(tree)[(at / child_span) as usize];
    page_slot(child, child_span, at % child_span)
}

fn write_tree(tree: &mut Tree, span: u64, at: u64, bytes: &[u8]) {
    if span == PAGE {
        if bytes.len() as u64 == PAGE {
            // A whole page needs no copy of the old one.
            *tree = Tree::Page(page_of(bytes));
        } else {
            page(tree)[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
        }
        return;
    }
    let child_span = span / FAN;
    let children = children(tree);
    let mut done = 0;
    while done < bytes.len() {
        let at = at + done as u64;
        let within = at % child_span;
        let part = (child_span - within).min((bytes.len() - done) as u64) as usize;
        let child = &mut children[(at / child_span) as usize];
        write_tree(child, child_span, within, &bytes[done..done + part]);
        done += part;
    }
}

fn fill_tree(tree: &mut Tree, span: u64, at: u64, len: u64, byte: u8) {
    if len == span || matches!(tree, Tree::Uniform(same) if *same == byte) {
        *tree = Tree::Uniform(byte);
        return;
    }
    if span == PAGE {
        page(tree)[at as usize..(at + len) as usize].fill(byte);
        return;
    }
    let child_span = span / FAN;
    let children = children(tree);
    let (mut at, end) = (at, at + len);
    while at < end {
        let within = at % child_span;
        let part = (child_span - within).min(end - at);
        fill_tree(&mut children[(at / child_span) as usize], child_span, within, part, byte);
        at += part;
    }
}

fn runs_of(tree: &Tree, start: u64, span: u64, len: u64, runs: &mut Vec<(u64, u64, u8)>) {
    if start >= len {
        return;
    }
    let span_here = span.min(len - start);
    let mut push = |at: u64, count: u64, byte: u8| match runs.last_mut() {
        Some((_, last, same)) if *same == byte => *last += count,
        _ => runs.push((at, count, byte)),
    };
    match tree {
        Tree::Uniform(byte) => push(start, span_here, *byte),
        Tree::Page(page) => {
            let page = &page[..span_here as usize];
            let mut at = start;
            for run in page.chunk_by(|a, b| a == b) {
                push(at, run.len() as u64, run[0]);
                at += run.len() as u64;
            }
        }
        Tree::Inner(children) => {
            let child_span = span / FAN;
            for (index, child) in (0..).zip(children.iter()) {
                runs_of(child, start + index * child_span, child_span, len, runs);
            }
        }
    }
}

fn stretches_of(tree: &Tree, start: u64, span: u64, len: u64, found: &mut Vec<(u64, u64)>) {
    if start >= len {
        return;
    }
    let holds_something = match tree {
        Tree::Uniform(byte) => *byte != 0,
        Tree::Page(page) => page.iter().any(|byte| *byte != 0),
        Tree::Inner(children) => {
            let child_span = span / FAN;
            for (index, child) in (0..).zip(children.iter()) {
                stretches_of(child, start + index * child_span, child_span, len, found);
            }
            return;
        }
    };
    if !holds_something {
        return;
    }
    let here = span.min(len - start);
    match found.last_mut() {
        Some((at, count)) if *at + *count == start => *count += here,
        _ => found.push((start, here)),
    }
}

/// `len` bytes, all `byte`.
pub(crate) fn filled(len: u64, byte: u8) -> Vec<u8> {
    vec![byte; len as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparse_image_holds_what_was_written_and_nothing_else() {
        let mut image = Image::new(1 << 50, 0xAA);
        image.write((1 << 49) + 5, b"hello");
        assert_eq!(image.stored(), PAGE);
        let mut read = [0; 7];
        image.read((1 << 49) + 4, &mut read);
        assert_eq!(&read, b"\xAAhello\xAA");
        assert_eq!(image.runs().len(), 6, "two l in a row are one run");
    }

    #[test]
    fn a_long_fill_costs_no_pages() {
        let mut image = Image::new(1 << 40, 0);
        image.fill(PAGE, 1 << 39, 7);
        assert_eq!(image.stored(), 0);
        assert_eq!(
            image.runs(),
            [(0, PAGE, 0), (PAGE, 1 << 39, 7), (PAGE + (1 << 39), (1 << 39) - PAGE, 0)]
        );
    }

    #[test]
    fn stretches_leave_out_zeroes_and_nothing_else() {
        let mut image = Image::new((1 << 40) + 700, 0);
        assert_eq!(image.stretches(), []);
        image.write(5000, b"hello");
        image.fill(2 * PAGE, PAGE, 7);
        image.write(10 * PAGE, &[0; 8192]);
        image.write((1 << 40) + 600, &[1]);
        assert_eq!(image.stretches(), [(PAGE, 2 * PAGE), (1 << 40, 700)]);
    }

    #[test]
    fn what_was_cut_off_does_not_come_back() {
        let mut image = Image::new(10_000, 0);
        image.write(9_000, &[1; 1000]);
        image.set_len(9_500);
        image.set_len(10_000_000);
        assert_eq!(image.runs(), [(0, 9_000, 0), (9_000, 500, 1), (9_500, 9_990_500, 0)]);
    }

    #[test]
    fn a_clone_keeps_the_bytes_it_was_made_from() {
        let mut image = Image::new(1 << 20, 0);
        image.write(0, &[1; 8192]);
        let before = image.clone();
        image.write(100, &[2; 10]);
        assert_eq!(before.runs(), [(0, 8192, 1), (8192, (1 << 20) - 8192, 0)]);
        assert_ne!(image, before);
    }
}
