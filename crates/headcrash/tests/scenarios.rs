//! Scenario files of a subject, one test each.

#[expect(dead_code, reason = "another test uses the rest")]
mod common;

headcrash::scenario_tests!(common::Register<true>, "tests/files");
