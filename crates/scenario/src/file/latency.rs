//! How long a disk takes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_default;

/// How long a request takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Latency {
    /// No time: done when it is submitted, and nothing comes between.
    #[default]
    Zero,
    /// Always as long.
    ///
    /// Example: `latency: constant(ns: 20_000)`
    Constant {
        /// How many nanoseconds.
        ///
        /// Example: `ns: 20_000`
        ns: u64,
    },
    /// Anything between two bounds, alike.
    ///
    /// Example: `latency: uniform(min_ns: 10_000, max_ns: 30_000)`
    Uniform {
        /// The least, in nanoseconds.
        ///
        /// Example: `min_ns: 10_000`
        min_ns: u64,
        /// The most, in nanoseconds.
        ///
        /// Example: `max_ns: 30_000`
        max_ns: u64,
    },
    /// Exponential, never more than twelve times the mean.
    ///
    /// Example: `latency: exponential(mean_ns: 20_000)`
    Exponential {
        /// The mean, in nanoseconds.
        ///
        /// Example: `mean_ns: 20_000`
        mean_ns: u64,
    },
    /// Due at once, in any order.
    Any,
    /// By kind of request.
    ///
    /// Example: `latency: by_kind(flush: constant(ns: 1_000_000))`
    ByKind {
        /// Of reads.
        ///
        /// Default: `zero`
        ///
        /// Example: `read: constant(ns: 5_000)`
        #[serde(default, skip_serializing_if = "is_default")]
        read: KindLatency,
        /// Of writes.
        ///
        /// Default: `zero`
        ///
        /// Example: `write: constant(ns: 5_000)`
        #[serde(default, skip_serializing_if = "is_default")]
        write: KindLatency,
        /// Of writes of zeroes.
        ///
        /// Default: `zero`
        ///
        /// Example: `write_zeroes: any`
        #[serde(default, skip_serializing_if = "is_default")]
        write_zeroes: KindLatency,
        /// Of discards.
        ///
        /// Default: `zero`
        ///
        /// Example: `discard: any`
        #[serde(default, skip_serializing_if = "is_default")]
        discard: KindLatency,
        /// Of flushes.
        ///
        /// Default: `zero`
        ///
        /// Example: `flush: exponential(mean_ns: 1_000_000)`
        #[serde(default, skip_serializing_if = "is_default")]
        flush: KindLatency,
    },
}

/// How long a request of one kind takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "LatencyOfKind")]
pub(crate) enum KindLatency {
    /// No time: done when it is submitted, and nothing comes between.
    #[default]
    Zero,
    /// Always as long.
    ///
    /// Example: `read: constant(ns: 20_000)`
    Constant {
        /// How many nanoseconds.
        ///
        /// Example: `ns: 20_000`
        ns: u64,
    },
    /// Anything between two bounds, alike.
    ///
    /// Example: `read: uniform(min_ns: 10_000, max_ns: 30_000)`
    Uniform {
        /// The least, in nanoseconds.
        ///
        /// Example: `min_ns: 10_000`
        min_ns: u64,
        /// The most, in nanoseconds.
        ///
        /// Example: `max_ns: 30_000`
        max_ns: u64,
    },
    /// Exponential, never more than twelve times the mean.
    ///
    /// Example: `read: exponential(mean_ns: 20_000)`
    Exponential {
        /// The mean, in nanoseconds.
        ///
        /// Example: `mean_ns: 20_000`
        mean_ns: u64,
    },
    /// Due at once, in any order.
    Any,
}
