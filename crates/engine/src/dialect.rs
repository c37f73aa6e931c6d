//! Whose blkdebug this is: two dialects of one reference, and what to do about its bugs.

/// Which version of QEMU's blkdebug the engine behaves as.
///
/// A small closed enum, consulted at the few places where the two differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// QEMU 2.6.0, the reference: 43 events; a suspended request stands in the middle of the walk
    /// over its event's rules, and the event's effects come when it is resumed.
    Qemu2_6,
    /// QEMU 10.0.2: 48 events, `iotype`; effects are committed before the request suspends.
    Qemu10,
}

impl Dialect {
    /// The events every driver of this QEMU may announce, in the order of its own list.
    ///
    /// Source: `qapi/block-core.json` (10.0.2) and `block/blkdebug.c` (2.6.0).
    #[must_use]
    pub const fn events(self) -> &'static [&'static str] {
        match self {
            Self::Qemu2_6 => &EVENTS_2_6,
            Self::Qemu10 => &EVENTS_10,
        }
    }

    /// The dialect's name in files: `qemu_2_6` or `qemu_10_0_2`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Qemu2_6 => "qemu_2_6",
            Self::Qemu10 => "qemu_10_0_2",
        }
    }
}

/// Whether QEMU's own defects are repeated or answered safely.
///
/// Scenarios are safe by default; conformance and imports repeat the defects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quirks {
    /// Each known defect has a documented, harmless answer.
    #[default]
    Safe,
    /// Behave as QEMU does, defects included, wherever that is defined at all.
    Qemu,
}

const EVENTS_2_6: [&str; 43] = [
    "l1_update",
    "l1_grow_alloc_table",
    "l1_grow_write_table",
    "l1_grow_activate_table",
    "l2_load",
    "l2_update",
    "l2_update_compressed",
    "l2_alloc_cow_read",
    "l2_alloc_write",
    "read_aio",
    "read_backing_aio",
    "read_compressed",
    "write_aio",
    "write_compressed",
    "vmstate_load",
    "vmstate_save",
    "cow_read",
    "cow_write",
    "reftable_load",
    "reftable_grow",
    "reftable_update",
    "refblock_load",
    "refblock_update",
    "refblock_update_part",
    "refblock_alloc",
    "refblock_alloc_hookup",
    "refblock_alloc_write",
    "refblock_alloc_write_blocks",
    "refblock_alloc_write_table",
    "refblock_alloc_switch_table",
    "cluster_alloc",
    "cluster_alloc_bytes",
    "cluster_free",
    "flush_to_os",
    "flush_to_disk",
    "pwritev_rmw_head",
    "pwritev_rmw_after_head",
    "pwritev_rmw_tail",
    "pwritev_rmw_after_tail",
    "pwritev",
    "pwritev_zero",
    "pwritev_done",
    "empty_image_prepare",
];

const EVENTS_10: [&str; 48] = {
    let mut all = [""; 48];
    let mut i = 0;
    while i < 43 {
        all[i] = EVENTS_2_6[i];
        i += 1;
    }
    all[43] = "l1_shrink_write_table";
    all[44] = "l1_shrink_free_l2_clusters";
    all[45] = "cor_write";
    all[46] = "cluster_alloc_space";
    all[47] = "none";
    all
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_dialect_only_adds_events() {
        assert_eq!(Dialect::Qemu2_6.events(), &Dialect::Qemu10.events()[..43]);
        assert!(Dialect::Qemu10.events().iter().all(|name| !name.is_empty()));
    }
}
