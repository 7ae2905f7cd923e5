//! Lists on the wire.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::criteria::{Criteria, ListView, Slice};
use crate::problem::{Failure, InvalidParameter};

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// How many there are in all.
    #[schema(example = 557)]
    pub total: u64,
    /// How many are on a page at most.
    #[schema(example = 25)]
    pub limit: u64,
    /// How many come before this page.
    #[schema(example = 25)]
    pub offset: u64,
    /// The `offset` of the page before; null on the first one.
    #[schema(required, example = 0)]
    pub prev_offset: Option<u64>,
    /// The `offset` of the page after; null on the last one.
    #[schema(required, example = 50)]
    pub next_offset: Option<u64>,
}

impl<T> From<Slice<T>> for Page<T> {
    fn from(slice: Slice<T>) -> Self {
        Self {
            prev_offset: slice.prev_offset(),
            next_offset: slice.next_offset(),
            total: slice.total,
            limit: slice.limit,
            offset: slice.offset,
            items: slice.items,
        }
    }
}

impl<V: ListView> FromRequest for Criteria<V> {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|error| InvalidParameter::new("query string", "invalid_format", error.to_string()));
        ready(pairs.and_then(|pairs| Self::parse(&pairs)).map_err(Into::into))
    }
}
