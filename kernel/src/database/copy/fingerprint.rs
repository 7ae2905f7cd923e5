//! What tells whether two tables have the same rows.

use std::fmt;

use xxhash_rust::xxh3::xxh3_128;

use super::read::Reader;
use super::value::Value;
use super::{CopyError, Progress, Step};
use crate::database::connection::Connection;
use crate::database::schema::Table;

/// How many rows there are, and a checksum of them that does not depend on their order: the sum of those of the rows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fingerprint {
    /// How many rows there are.
    pub rows: u64,
    sum: u128,
}

impl Fingerprint {
    pub(super) fn add(&mut self, row: &[Value]) {
        let mut bytes = Vec::new();
        for value in row {
            value.append_to(&mut bytes);
        }
        self.rows += 1;
        self.sum = self.sum.wrapping_add(xxh3_128(&bytes));
    }
}

/// The checksum.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.sum)
    }
}

/// That of a table, read from its beginning to its end.
pub(super) async fn of(
    connection: &mut Connection,
    table: &Table,
    step: Step,
    of: Option<u64>,
    report: &mut impl FnMut(Progress<'_>),
) -> Result<Fingerprint, CopyError> {
    let mut fingerprint = Fingerprint::default();
    let mut reader = Reader::after(table, None);
    loop {
        report(Progress { step, table: &table.name, rows: fingerprint.rows, of });
        let batch = reader.next(connection).await?;
        if batch.is_empty() {
            return Ok(fingerprint);
        }
        batch.iter().for_each(|row| fingerprint.add(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_rows_does_not_matter_and_everything_else_does() {
        let of = |rows: &[i64]| {
            let mut fingerprint = Fingerprint::default();
            rows.iter().for_each(|row| fingerprint.add(&[Value::Integer(*row)]));
            fingerprint
        };
        assert_eq!(of(&[1, 2, 3]), of(&[3, 1, 2]));
        assert_ne!(of(&[1, 2]), of(&[1, 3]));
        assert_ne!(of(&[1]), of(&[1, 1]));
        assert_eq!(of(&[]).to_string(), "0".repeat(32));
    }
}
