//! Scenario files of a subject, one test each.

mod common;

headcrash::scenario_tests!(common::Register<true>, "tests/files");
