//! Scenario files of a user's own subject, one test each: see [`scenario_tests!`](crate::scenario_tests).
