//! The parameters of a history, for OpenAPI.

use serde_json::Value;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};

use crate::http::ListParameters;

/// Those of every list but `q`: there is nothing to search.
pub struct HistoryParameters;

impl IntoParams for HistoryParameters {
    fn into_params(provider: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let of_lists = ListParameters::into_params(provider).into_iter();
        let taken = of_lists.filter(|parameter| parameter.name != "q");
        taken
            .map(|parameter| if parameter.name == "fields" { exemplified(parameter) } else { parameter })
            .collect()
    }
}

/// With fields that an entry has.
fn exemplified(fields: Parameter) -> Parameter {
    ParameterBuilder::from(fields).example(Some(Value::from("at,actor,changes"))).build()
}
