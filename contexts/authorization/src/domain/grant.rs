//! Grants, as roles hold them.

use std::collections::HashMap;

use deserr::{Deserr, IntoValue, Value, ValuePointerRef};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use servertree_kernel::domain::Invalid;
use servertree_kernel::fields::{FieldErrors, Json};
use servertree_kernel::permission::{Audience, Condition, ObjectType, Permission};
use utoipa::ToSchema;

/// The most grants that a role holds.
const MAX_GRANTS: usize = 500;
/// The most values that conditions on one permission compare with in a role: they all end up in one statement, together with
/// those of other roles.
const MAX_VALUES: usize = 400;

/// One grant: what may be done to which objects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// What, to objects of which type.
    pub permission: Permission,
    /// To which of them; none: to all.
    pub condition: Option<Condition>,
}

/// The grants of an own role.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Vec<GrantText>)]
pub struct Grants(Vec<Grant>);

/// A grant, as people write it.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
#[schema(as = Grant)]
pub struct GrantText {
    /// `read`, `create`, `update`, `discard`, …
    #[schema(example = "read")]
    action: String,
    /// `server`, `server.credential`, …
    #[schema(example = "server")]
    object_type: String,
    /// For which objects; null: for all.
    #[deserr(default)]
    #[schema(value_type = Option<Condition>, required = false)]
    condition: Option<Json>,
}

impl Grant {
    /// What was written, if it can be granted. An error names the field at fault.
    fn parse(text: GrantText) -> Result<Self, (&'static str, Invalid)> {
        let of_own_roles = |object_type: &&ObjectType| {
            !matches!(object_type.audience, Audience::Administration | Audience::Account)
        };
        let known = || ObjectType::all().filter(of_own_roles);
        let object_type = known().find(|known| known.name == text.object_type).ok_or_else(|| {
            let known: Vec<&str> = known().map(|known| known.name).collect();
            ("object_type", unknown(&known))
        })?;
        let permission = object_type.permissions().find(|known| known.action == text.action);
        let permission = permission.ok_or_else(|| ("action", unknown(object_type.actions)))?;
        let condition =
            text.condition.map(|Json(json)| Condition::parse(object_type.fields, &json)).transpose();
        let invalid = |message| ("condition", Invalid { code: "invalid_condition", message });
        Ok(Self { permission, condition: condition.map_err(invalid)? })
    }
}

fn unknown(known: &[&str]) -> Invalid {
    Invalid { code: "unknown_value", message: format!("must be one of {}", known.join(", ")) }
}

impl Grants {
    /// These, each once, if they are not too many.
    pub fn parse(grants: Vec<Grant>) -> Result<Self, Invalid> {
        let too_many = |message| Err(Invalid { code: "too_many", message });
        if grants.len() > MAX_GRANTS {
            return too_many(format!("must be {MAX_GRANTS} at most, not {}", grants.len()));
        }
        let mut kept: Vec<Grant> = Vec::with_capacity(grants.len());
        let mut values: HashMap<Permission, usize> = HashMap::new();
        for grant in grants {
            if kept.contains(&grant) {
                continue;
            }
            let of_permission = values.entry(grant.permission).or_default();
            *of_permission += grant.condition.as_ref().map_or(0, Condition::values);
            if *of_permission > MAX_VALUES {
                let Permission { action, object_type } = grant.permission;
                return too_many(format!(
                    "must compare with {MAX_VALUES} values at most to {action} {object_type}"
                ));
            }
            kept.push(grant);
        }
        Ok(Self(kept))
    }

    /// As they are stored: none is refused any more.
    pub fn stored(grants: Vec<Grant>) -> Self {
        Self(grants)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.iter()
    }
}

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut grant = serializer.serialize_struct("Grant", 3)?;
        grant.serialize_field("action", self.permission.action)?;
        grant.serialize_field("object_type", self.permission.object_type)?;
        grant.serialize_field("condition", &self.condition)?;
        grant.end()
    }
}

impl Deserr<FieldErrors> for Grant {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        let text = GrantText::deserialize_from_value(value, location)?;
        Self::parse(text).map_err(|(field, invalid)| FieldErrors::at(location.push_key(field), invalid))
    }
}

impl Deserr<FieldErrors> for Grants {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef<'_>,
    ) -> Result<Self, FieldErrors> {
        let grants = Vec::deserialize_from_value(value, location)?;
        Self::parse(grants).map_err(|invalid| FieldErrors::at(location, invalid))
    }
}
