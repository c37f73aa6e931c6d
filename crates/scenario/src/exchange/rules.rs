//! Rules and limits, between blkdebug's types and those of a scenario file.

use headcrash_engine::{Errno, IoKind};

use crate::blkdebug::rule::{Rule, RuleKind};
use crate::blkdebug::spec::Limits;
use crate::file;

/// A rule as a scenario file has it.
pub(super) fn to_file(rule: &Rule) -> file::Rule {
    let action = match rule.kind {
        RuleKind::InjectError { errno, sector, once, immediately, iotype } => {
            file::Action::InjectError(file::InjectError {
                errno: errno_to_file(errno),
                sector: (sector != -1).then_some(sector),
                sectors: None,
                once,
                immediately,
                iotype: iotype.map(kind_to_file),
            })
        }
        RuleKind::SetState { new_state } => file::Action::SetState(new_state),
    };
    file::Rule { state: rule.state, ..file::Rule::at(&rule.event, action) }
}

/// A rule of a scenario file that is valid, or why blkdebug has none like it.
pub(super) fn from_file(rule: &file::Rule) -> Result<Rule, &'static str> {
    let Some(event) = rule.event.clone().filter(|_| rule.is_blkdebugs()) else {
        return Err("blkdebug has no rule like it");
    };
    if rule.swarm {
        return Err("blkdebug has no seed that leaves rules out");
    }
    let kind = match &rule.action {
        file::Action::SetState(new_state) => RuleKind::SetState { new_state: *new_state },
        file::Action::Suspend(_) => {
            return Err("QEMU suspends by breakpoints alone, and these are for any state and once");
        }
        file::Action::InjectError(inject) => RuleKind::InjectError {
            errno: errno_from_file(&inject.errno),
            sector: match (inject.sector, &inject.sectors) {
                (Some(sector), _) => sector,
                (None, None) => -1,
                (None, Some(_)) => return Err("QEMU's rules are for one sector, or for any"),
            },
            once: inject.once || rule.once,
            immediately: inject.immediately,
            iotype: inject.iotype.map(kind_from_file),
        },
        other => unreachable!("{other:?} is not blkdebug's"),
    };
    Ok(Rule { kind, event, state: rule.state, line: None, id: None })
}

/// An error by its name, if it has one.
pub(super) fn errno_to_file(number: i32) -> file::Errno {
    match Errno::from_number(number).and_then(Errno::name) {
        Some(name) => file::Errno::Name(name.to_owned()),
        None => file::Errno::Number(number.into()),
    }
}

fn errno_from_file(errno: &file::Errno) -> i32 {
    match errno {
        file::Errno::Name(name) => Errno::from_name(name).map_or(5, Errno::number),
        file::Errno::Number(number) => i32::try_from(*number).unwrap_or(5),
    }
}

const fn kind_to_file(kind: IoKind) -> file::IoType {
    match kind {
        IoKind::Read => file::IoType::Read,
        IoKind::Write => file::IoType::Write,
        IoKind::WriteZeroes => file::IoType::WriteZeroes,
        IoKind::Discard => file::IoType::Discard,
        IoKind::Flush => file::IoType::Flush,
        IoKind::BlockStatus => file::IoType::BlockStatus,
    }
}

const fn kind_from_file(kind: file::IoType) -> IoKind {
    match kind {
        file::IoType::Read => IoKind::Read,
        file::IoType::Write => IoKind::Write,
        file::IoType::WriteZeroes => IoKind::WriteZeroes,
        file::IoType::Discard => IoKind::Discard,
        file::IoType::Flush => IoKind::Flush,
        file::IoType::BlockStatus => IoKind::BlockStatus,
    }
}

/// The limits of a disk of a scenario file, which has more: all else is default.
pub(super) fn limits_to_file(limits: &Limits) -> file::Disk {
    let [align, max_transfer, opt_write_zero, max_write_zero, opt_discard, max_discard] =
        limits.named().map(|(_, value)| (value != 0).then_some(value));
    file::Disk {
        align,
        max_transfer,
        opt_write_zero,
        max_write_zero,
        opt_discard,
        max_discard,
        ..file::Disk::default()
    }
}

/// The same for a node under the first.
pub(super) fn below_to_file(limits: &Limits, rules: Vec<file::Rule>) -> file::Below {
    let disk = limits_to_file(limits);
    file::Below {
        rules,
        align: disk.align,
        max_transfer: disk.max_transfer,
        opt_write_zero: disk.opt_write_zero,
        max_write_zero: disk.max_write_zero,
        opt_discard: disk.opt_discard,
        max_discard: disk.max_discard,
    }
}

/// The limits of a disk.
pub(super) fn limits_of(disk: &file::Disk) -> Limits {
    Limits {
        align: disk.align.unwrap_or(0),
        max_transfer: disk.max_transfer.unwrap_or(0),
        opt_write_zero: disk.opt_write_zero.unwrap_or(0),
        max_write_zero: disk.max_write_zero.unwrap_or(0),
        opt_discard: disk.opt_discard.unwrap_or(0),
        max_discard: disk.max_discard.unwrap_or(0),
    }
}

/// The limits of a node under the first.
pub(super) fn limits_below(below: &file::Below) -> Limits {
    Limits {
        align: below.align.unwrap_or(0),
        max_transfer: below.max_transfer.unwrap_or(0),
        opt_write_zero: below.opt_write_zero.unwrap_or(0),
        max_write_zero: below.max_write_zero.unwrap_or(0),
        opt_discard: below.opt_discard.unwrap_or(0),
        max_discard: below.max_discard.unwrap_or(0),
    }
}
