//! Criteria as a query string has them.

use crate::criteria::{Criteria, ListView};

/// The criteria that these parameters make: `criteria(&[("limit", "3")])`.
pub fn criteria<V: ListView>(pairs: &[(&str, &str)]) -> Criteria<V> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Criteria::parse(&pairs).expect("valid criteria")
}
