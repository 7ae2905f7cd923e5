//! The description of the API: OpenAPI 3.1, from the same routes that are served.

use actix_web::App;
use servertree_kernel::http::{ACCESS_COOKIE, ProblemDetails};
use servertree_kernel::plugin::Context;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as OpenApiDescription;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa_actix_web::AppExt;

use super::authenticate::is_open;

/// What is not in the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "ServerTree",
        description = "An organisation's server inventory.\n\nErrors are `application/problem+json` (RFC 9457): `code` \
            tells programs what is wrong, `detail` people, and `errors` names each field at fault. `X-Request-Id` is \
            taken from the request or made, and is in the answer and in the log.\n\nAny address may answer 403 `foreign_origin` to a browser, and 405 `method_not_allowed` to a method that it does not take. Parameters are \
            percent-encoded; what is not valid HTTP is refused with 400 and no body, before it is looked at.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "account", description = "One's own account: log-in, sessions, tokens for programs"),
        (name = "users", description = "Users, as administrators see them"),
        (name = "roles", description = "Roles: what users may do"),
        (name = "permissions", description = "Questions: who may do what, and why"),
        (name = "servers", description = "Servers: what they are made of, where they stand, how they are reached, what is installed on them"),
        (name = "applications", description = "Applications: what can be installed on servers, and who answers for it"),
        (name = "events", description = "Events: what happened, and whether those who are to know of it do"),
        (name = "service", description = "The service itself: how it is doing, what it can do")
    ),
    components(schemas(ProblemDetails))
)]
struct Description;

/// Describes the host with these contexts.
pub fn describe(contexts: &[&'static Context]) -> OpenApiDescription {
    let app = App::new().into_utoipa_app().openapi(Description::openapi());
    let mut description = app.configure(|config| super::routes(config, contexts)).split_for_parts().1;
    secure(&mut description, contexts);
    description
}

/// Says how to log in, and what needs no log-in.
fn secure(description: &mut OpenApiDescription, contexts: &[&'static Context]) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An access token, as log-in answers it, or a token for programs (`st_…`)"));
    let cookie = ApiKeyValue::with_description(ACCESS_COOKIE, "What log-in sets for browsers");
    let components = description.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let requirement = |scheme: &str| SecurityRequirement::new(scheme, Vec::<String>::new());
    description.security = Some(vec![requirement("bearer"), requirement("cookie")]);
    for (path, item) in &mut description.paths.paths {
        let operations = [
            ("GET", &mut item.get),
            ("POST", &mut item.post),
            ("PUT", &mut item.put),
            ("PATCH", &mut item.patch),
            ("DELETE", &mut item.delete),
        ];
        for (method, operation) in operations {
            let is_open = is_open(method, path, contexts.iter().flat_map(|context| context.open));
            if let Some(operation) = operation.as_mut().filter(|_| is_open) {
                operation.security = Some(Vec::new());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Names of schemas are those of types: two contexts may have types of the same name, but then they must look the same.
    #[test]
    fn no_two_contexts_mean_something_else_by_a_schema() {
        let mut known = BTreeMap::new();
        for context in Context::all().unwrap() {
            let components = describe(&[context]).components.unwrap();
            for (name, schema) in components.schemas {
                let schema = serde_json::to_value(schema).unwrap();
                let (first, of_first) = known.entry(name.clone()).or_insert((context.name, schema.clone()));
                assert_eq!(*of_first, schema, "{name} of {first} and of {}", context.name);
            }
        }
        assert!(known.len() > 20, "{known:?}");
    }
}
