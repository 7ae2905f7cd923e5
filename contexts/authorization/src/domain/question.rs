//! Questions about permissions.

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use servertree_kernel::domain::Invalid;
use servertree_kernel::fields::{FieldErrors, Json};
use servertree_kernel::permission::{ObjectType, Permission};
use utoipa::ToSchema;

/// May somebody do something to an object?
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// The username.
    pub subject: String,
    /// What it is about.
    pub permission: Permission,
    /// The object, as far as it is known: conditions on the rest do not hold.
    pub object: Json,
}

/// A question, as people write it.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
#[schema(as = Question, example = json!({"subject": "ada", "action": "update", "object": {"type": "server",
    "properties": {"environment": "staging"}}}))]
pub struct QuestionText {
    /// The name of the user.
    subject: String,
    /// `read`, `create`, `update`, `discard`, …
    action: String,
    /// To what.
    object: ObjectText,
}

/// An object, as people write it.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
#[schema(as = QuestionObject)]
pub struct ObjectText {
    /// `server`, `server.credential`, …
    #[deserr(rename = "type")]
    #[schema(rename = "type", example = "server")]
    object_type: String,
    /// Its id, if that counts.
    #[deserr(default)]
    #[schema(example = "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11")]
    id: Option<String>,
    /// Its fields, as it is shown with them.
    #[deserr(default)]
    #[schema(value_type = Option<Object>, example = json!({"environment": "staging"}))]
    properties: Option<Json>,
}

impl Question {
    /// What was written, if it is about something that there is. An error names the field at fault.
    fn parse(text: QuestionText) -> Result<Self, (&'static str, Invalid)> {
        let QuestionText { subject, action, object } = text;
        let unknown = |known: &[&str]| Invalid {
            code: "unknown_value",
            message: format!("must be one of {}", known.join(", ")),
        };
        let object_type = ObjectType::find(&object.object_type).ok_or_else(|| {
            let known: Vec<&str> = ObjectType::all().map(|known| known.name).collect();
            ("object.type", unknown(&known))
        })?;
        let permission = object_type.permissions().find(|known| known.action == action);
        let permission = permission.ok_or_else(|| ("action", unknown(object_type.actions)))?;
        let properties = object.properties.unwrap_or_else(Json::object);
        if !properties.is_object() {
            let message = "must be an object".to_owned();
            return Err(("object.properties", Invalid { code: "wrong_type", message }));
        }
        let object = match object.id {
            Some(id) => properties.with("id", id),
            None => properties,
        };
        Ok(Self { subject: subject.to_ascii_lowercase(), permission, object })
    }
}

impl Deserr<FieldErrors> for Question {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        let text = QuestionText::deserialize_from_value(value, location)?;
        Self::parse(text).map_err(|(field, invalid)| FieldErrors::at(location.push_key(field), invalid))
    }
}
