//! Scenario files, and running one.

pub mod blkdebug;
