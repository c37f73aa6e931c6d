//! A subject as scenarios know it: its operations are read, drawn and called here.

use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;

use arbitrary::Unstructured;
use headcrash_scenario::{BadOperation, Code, Company, Operation, Stage};
use headcrash_sim::Key;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use ron::extensions::Extensions;

use crate::company::Callers;
use crate::subject::{Called, Model};

/// How many bytes an operation is drawn from at most.
const BYTES: usize = 512;

/// How often another operation is drawn, if its kind is left out in this run.
const AGAIN: u32 = 8;

/// A subject's code.
pub(crate) struct Ops<C>(PhantomData<fn() -> C>);

impl<C> Ops<C> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// As scenario files are read.
fn options() -> ron::Options {
    ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME)
        .with_default_extension(Extensions::UNWRAP_VARIANT_NEWTYPES)
}

/// The operation with its text.
pub(crate) fn operation<O: crate::subject::Operation>(op: O) -> Operation {
    let text = options().to_string(&op).unwrap_or_else(|error| {
        panic!("an operation cannot be written as RON: {error}\n{op:?}");
    });
    Operation { text: spaced(&text).into(), value: Arc::new(op) }
}

/// `Put(key:1,len:2)` as a person writes it: `Put(key: 1, len: 2)`.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 8);
    let mut quoted = false;
    let mut escaped = false;
    for c in text.chars() {
        spaced.push(c);
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' | ':' if !quoted => spaced.push(' '),
            _ => {}
        }
    }
    spaced
}

impl<C: Called> Code for Ops<C> {
    fn name(&self) -> &str {
        C::NAME
    }

    fn read(&self, text: &str) -> Result<Operation, BadOperation> {
        match options().from_str::<<C::Model as Model>::Op>(text) {
            Ok(op) => Ok(Operation { text: text.into(), value: Arc::new(op) }),
            Err(error) => {
                let place = |position: ron::error::Position| {
                    let before: usize =
                        text.split('\n').take(position.line - 1).map(|line| line.len() + 1).sum();
                    let line = text.get(before..).unwrap_or_default();
                    let column = position.col.saturating_sub(1);
                    before + line.chars().take(column).map(char::len_utf8).sum::<usize>()
                };
                let span = place(error.span.start)..place(error.span.end);
                Err(BadOperation { span, message: format!("no operation: {}", error.code) })
            }
        }
    }

    fn draw(&self, seed: u64, client: &str, count: u64) -> Vec<Operation> {
        if count == 0 {
            return Vec::new();
        }
        let key = Key::client(client).nth(seed).number();
        let mut rng = ChaCha8Rng::seed_from_u64(key);
        let mut model = C::Model::default();
        let mut bytes = [0; BYTES];
        let mut drawn = Vec::with_capacity(count as usize);
        for _ in 0..count {
            for attempt in 0..AGAIN {
                rng.fill_bytes(&mut bytes);
                let Ok(op) = model.draw(&mut Unstructured::new(&bytes)) else { continue };
                let op = operation(op);
                if attempt + 1 < AGAIN && is_left_out(seed, &op) {
                    continue;
                }
                let value = op.value.downcast_ref::<<C::Model as Model>::Op>();
                model.apply(value.expect("it was just drawn"));
                drawn.push(op);
                break;
            }
        }
        drawn
    }

    fn begin(&self, stage: Stage) -> Rc<dyn Company> {
        Rc::new(Callers::<C>::begin(stage))
    }
}

/// Whether this kind of operation is left out with this seed: one in four is. Bugs hide where
/// everything is done a little of.
fn is_left_out(seed: u64, op: &Operation) -> bool {
    let kind = op.text.split(['(', '{', '[', '"']).next().unwrap_or_default();
    Key::client(kind).nth(seed).number().is_multiple_of(4)
}

/// Operations that a fuzzer's bytes say.
pub(crate) fn from_bytes<C: Called>(bytes: &mut Unstructured<'_>, most: usize) -> Vec<Operation> {
    let mut model = C::Model::default();
    let mut ops = Vec::new();
    while ops.len() < most && !bytes.is_empty() {
        let Ok(op) = model.draw(bytes) else { break };
        model.apply(&op);
        ops.push(operation(op));
    }
    ops
}
