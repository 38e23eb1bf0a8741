//! Tests of reading scenarios.
