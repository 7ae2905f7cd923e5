//! The description of the API: OpenAPI 3.1, from the same routes that are served.

use actix_web::App;
use servertree_kernel::http::ProblemDetails;
use servertree_kernel::plugin::Context;
use utoipa::OpenApi;
use utoipa_actix_web::AppExt;

/// What is not in the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "ServerTree",
        description = "An organisation's server inventory.\n\nErrors are `application/problem+json` (RFC 9457): `code` \
            tells programs what is wrong, `detail` people, and `errors` names each field at fault. `X-Request-Id` is \
            taken from the request or made, and is in the answer and in the log.\n\nAny address may answer 403 `foreign_origin`, as long as only this \
            machine is served, and 405 `method_not_allowed` to a method that it does not take. Parameters are \
            percent-encoded; what is not valid HTTP is refused with 400 and no body, before it is looked at.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "servers", description = "Servers: what they are made of, where they stand, how they are reached"),
        (name = "service", description = "The service itself: how it is doing, what it can do")
    ),
    components(schemas(ProblemDetails))
)]
struct Description;

/// Describes the host with these contexts.
pub fn describe(contexts: &[&'static Context]) -> utoipa::openapi::OpenApi {
    let app = App::new().into_utoipa_app().openapi(Description::openapi());
    app.configure(|config| super::routes(config, contexts)).split_for_parts().1
}
