//! Lists on the wire.

use std::future::{Ready, ready};

use actix_web::body::BoxBody;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::criteria::{Criteria, ListView, Slice};
use crate::problem::{Failure, Internal, InvalidParameter};

/// The parameters of a list, for OpenAPI. [`Criteria`] reads them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes, and is never made")]
pub struct ListParameters {
    /// Conditions on fields, as JSON. Operators: `eq`, `ne`, `gt`, `ge`, `lt`, `le`, `in` and `btw` (an array or a
    /// comma-separated text), `lk` (contains, in any case), `sw` (starts with, in any case), `em` (is empty: true or false).
    #[param(example = r#"{"revision":{"ge":2}}"#)]
    filter: Option<String>,
    /// An array of filters that all hold.
    #[param(example = r#"[{"revision":{"btw":[2,5]}}]"#)]
    and_filter: Option<String>,
    /// An array of filters of which one holds.
    #[param(example = r#"[{"revision":{"eq":1}},{"revision":{"gt":9}}]"#)]
    or_filter: Option<String>,
    /// Words that are all contained, in any case.
    #[param(example = "ada")]
    q: Option<String>,
    /// The order, as JSON, the most significant field first.
    #[param(example = r#"[{"revision":"desc"}]"#)]
    sort: Option<String>,
    /// How many at most; 25 if not given.
    #[param(minimum = 1, maximum = 500, example = 25)]
    limit: Option<u64>,
    /// How many to skip.
    #[param(maximum = 10000, example = 0)]
    offset: Option<u64>,
    /// Where to go on: `next_cursor` or `prev_cursor` of a page with the same filter, `q` and `sort`.
    #[param(example = "eyJwIjpbXSwiYiI6ZmFsc2UsImYiOjB9")]
    cursor: Option<String>,
    /// `exact` (if not given), or `none`: spares counting all that match.
    #[param(example = "exact")]
    count: Option<String>,
    /// What to show of each.
    #[param(example = "id")]
    fields: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// What is on this page. With `fields`, only these of each.
    pub items: Vec<T>,
    /// How many match in all; null with `count=none`.
    #[schema(required, example = 557)]
    pub total: Option<u64>,
    /// How many are on a page at most.
    #[schema(example = 25)]
    pub limit: u64,
    /// How many come before this page; null when a cursor led to it.
    #[schema(required, example = 25)]
    pub offset: Option<u64>,
    /// The `offset` of the page before; null on the first one, and when a cursor led here.
    #[schema(required, example = 0)]
    pub prev_offset: Option<u64>,
    /// The `offset` of the page after; null on the last one, beyond 10,000, and when a cursor led here.
    #[schema(required, example = 50)]
    pub next_offset: Option<u64>,
    /// The `cursor` of the page before; null on the first one.
    #[schema(required, example = "eyJwIjpbXSwiYiI6dHJ1ZSwiZiI6MH0")]
    pub prev_cursor: Option<String>,
    /// The `cursor` of the page after; null on the last one.
    #[schema(required, example = "eyJwIjpbXSwiYiI6ZmFsc2UsImYiOjB9")]
    pub next_cursor: Option<String>,
}

impl<T: Serialize> Slice<T> {
    fn into_page(self) -> serde_json::Result<Page<Value>> {
        let shown = |item: &T| {
            let mut json = serde_json::to_value(item)?;
            if let (Some(fields), Some(object)) = (&self.fields, json.as_object_mut()) {
                object.retain(|name, _| fields.contains(&name.as_str()));
            }
            Ok(json)
        };
        Ok(page(&self, self.items.iter().map(shown).collect::<serde_json::Result<_>>()?))
    }
}

fn page<T, I>(slice: &Slice<T>, items: Vec<I>) -> Page<I> {
    Page {
        items,
        total: slice.total,
        limit: slice.limit,
        offset: slice.offset,
        prev_offset: slice.prev_offset(),
        next_offset: slice.next_offset(),
        prev_cursor: slice.prev_cursor.clone(),
        next_cursor: slice.next_cursor.clone(),
    }
}

impl<T: Serialize> Responder for Slice<T> {
    type Body = BoxBody;

    fn respond_to(mut self, request: &HttpRequest) -> HttpResponse {
        if self.fields.is_none() {
            let items = std::mem::take(&mut self.items);
            return web::Json(page(&self, items)).respond_to(request).map_into_boxed_body();
        }
        match self.into_page() {
            Ok(page) => web::Json(page).respond_to(request).map_into_boxed_body(),
            Err(error) => HttpResponse::from_error(Failure::from(Internal(error.to_string()))),
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
