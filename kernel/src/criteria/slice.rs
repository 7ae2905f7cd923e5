//! A part of a list.

use super::parameters::MAX_OFFSET;

/// A part of a list, and how to get to its neighbours.
#[derive(Clone, Debug)]
pub struct Slice<T> {
    /// The rows.
    pub items: Vec<T>,
    /// How many match in all; none if that was not asked for.
    pub total: Option<u64>,
    /// How many were asked for at most.
    pub limit: u64,
    /// How many were skipped; none if a cursor led here.
    pub offset: Option<u64>,
    /// The cursor of the part before.
    pub prev_cursor: Option<String>,
    /// The cursor of the part after.
    pub next_cursor: Option<String>,
    /// What is to be shown of each item; none: all.
    pub fields: Option<Vec<&'static str>>,
    pub(super) has_next: bool,
}

impl<T> Slice<T> {
    /// The offset of the part before, if there is one.
    pub fn prev_offset(&self) -> Option<u64> {
        self.offset.filter(|offset| *offset > 0).map(|offset| offset.saturating_sub(self.limit))
    }

    /// The offset of the part after, if there is one that can be asked for.
    pub fn next_offset(&self) -> Option<u64> {
        self.offset.map(|offset| offset + self.limit).filter(|next| self.has_next && *next <= MAX_OFFSET)
    }
}
