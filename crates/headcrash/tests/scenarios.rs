//! Scenario files of a subject, one test each.

#[expect(dead_code, reason = "its async twin has other tests")]
mod common;

headcrash::scenario_tests!(common::Register<true>, "tests/files");
