//! What no route takes: 405 where another method would do, else 404.

use actix_web::dev::ResourceDef;
use actix_web::{HttpRequest, HttpResponse, web};
use servertree_kernel::http::MethodNotAllowed;
use servertree_kernel::problem::{Failure, NotFound};
use utoipa::openapi::{OpenApi, PathItem};

/// Which methods each path takes, read from the description of the API: a route cannot be missing here.
pub struct RouteTable(Vec<(ResourceDef, String)>);

impl RouteTable {
    /// The routes of `description`, and those of the documentation page.
    pub fn new(description: &OpenApi) -> Self {
        let described = description
            .paths
            .paths
            .iter()
            .map(|(path, item)| (ResourceDef::new(path.as_str()), methods(item).join(", ")));
        let docs = ["/docs", "/docs/{tail}*"].map(|path| (ResourceDef::new(path), "GET, HEAD".to_owned()));
        Self(described.chain(docs).collect())
    }

    /// The methods that `path` takes, if there is anything at it.
    fn allowed(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|(route, _)| route.is_match(path)).map(|(_, methods)| methods.as_str())
    }
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    let of = |operation: &Option<_>, names: &'static [&'static str]| {
        if operation.is_some() { names } else { &[] }
    };
    [
        of(&item.get, &["GET", "HEAD"]),
        of(&item.post, &["POST"]),
        of(&item.put, &["PUT"]),
        of(&item.patch, &["PATCH"]),
        of(&item.delete, &["DELETE"]),
    ]
    .concat()
}

/// Answers what no route takes.
pub async fn answer(request: HttpRequest, table: web::Data<RouteTable>) -> Result<HttpResponse, Failure> {
    match table.allowed(request.path()) {
        Some(allow) => Err(MethodNotAllowed { allow: allow.to_owned() }.into()),
        None => Err(NotFound.into()),
    }
}
