//! Users and roles for tests.
#![cfg(test)]
