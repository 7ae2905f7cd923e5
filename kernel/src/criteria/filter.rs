//! Filters: conditions on fields, read from JSON, evaluated on an object or turned into SQL, with the same result.

use serde_json::{Map, Value};

use super::field::{Field, FieldKind, Operand, Part, fold};
use crate::fields::shortened;

/// Conditions of one filter at most: enough for people, and below what engines take as the depth of an expression.
const MAX_CONDITIONS: usize = 100;
/// Looks into parts of one filter at most: each is a search of its own through all of them.
const MAX_PARTS: usize = 16;
/// Values of one filter at most: each is bound to the statement, and once more to its count.
const MAX_VALUES: usize = 1_000;

/// Which objects are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Filter {
    /// Those that meet all of these; without any, all objects.
    All(Vec<Filter>),
    /// Those that meet one of these; without any, none.
    Any(Vec<Filter>),
    /// Those whose field meets a condition.
    Field(&'static Field, Condition),
    /// Those with an object of this part that meets all of these conditions; or, if `none`, without any such.
    Part {
        /// The part.
        part: &'static Part,
        /// What one object has to meet.
        conditions: Vec<(&'static Field, Condition)>,
        /// Whether there must be no such object.
        none: bool,
    },
}

/// What a field has to meet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// It equals the value.
    Equal(Operand),
    /// It does not equal the value, and is not null.
    NotEqual(Operand),
    /// It is greater.
    Greater(Operand),
    /// It is greater or equal.
    GreaterOrEqual(Operand),
    /// It is less.
    Less(Operand),
    /// It is less or equal.
    LessOrEqual(Operand),
    /// It equals one of the values.
    In(Vec<Operand>),
    /// It is between the two, or equals one of them.
    Between(Operand, Operand),
    /// It contains the text, which is in lower case, in any case.
    Contains(String),
    /// It starts with the text, which is in lower case, in any case.
    StartsWith(String),
    /// It is null or an empty text, or else it is not.
    Empty(bool),
}

impl Filter {
    /// No condition: all objects.
    pub const fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// Reads `{"environment":{"eq":"production"},"cpu_cores":{"ge":4}}`. An error says what is wrong.
    pub fn parse(fields: &'static [Field], json: &Value) -> Result<Self, String> {
        let object = json.as_object().ok_or_else(shape)?;
        let mut conditions = Vec::new();
        let mut parts = Vec::new();
        for (name, condition) in object {
            let field = fields.iter().find(|field| field.name == name).ok_or_else(|| {
                let known = fields.iter().map(Field::api_name).collect::<Vec<_>>().join(", ");
                format!("names the field '{}', which is unknown; known are {known}", shortened(name))
            })?;
            let condition: &Map<String, Value> =
                condition.as_object().filter(|map| !map.is_empty()).ok_or_else(shape)?;
            for (operator, value) in condition {
                let condition = parse_condition(field, operator, value)?;
                match field.part {
                    None => conditions.push(Self::Field(field, condition)),
                    Some(part) => place_in_part(&mut parts, part, field, condition),
                }
            }
        }
        conditions.extend(parts);
        // Those of grants are kept for long, and there are many.
        conditions.shrink_to_fit();
        Ok(Self::All(conditions))
    }

    /// Those that meet one of these. Comparisons of one field with single values become one with all of them: it is the same, and
    /// cheaper.
    pub fn any_of(filters: Vec<&Self>) -> Self {
        let mut values: Vec<(&'static Field, Vec<Operand>)> = Vec::new();
        let mut others = Vec::new();
        for filter in filters {
            match filter.as_values() {
                Some((field, more)) => match values.iter_mut().find(|(known, _)| *known == field) {
                    Some((_, known)) => known.extend_from_slice(more),
                    None => values.push((field, more.to_vec())),
                },
                None => others.push(filter.clone()),
            }
        }
        let merged = values.into_iter().map(|(field, mut values)| {
            values.sort_unstable();
            values.dedup();
            Self::Field(field, Condition::In(values))
        });
        Self::Any(merged.chain(others).collect())
    }

    /// The field and its values, if it is no more than that.
    pub(crate) fn as_values(&self) -> Option<(&'static Field, &[Operand])> {
        match self {
            Self::All(filters) if filters.len() == 1 => filters[0].as_values(),
            Self::Field(field, Condition::Equal(value)) => Some((field, std::slice::from_ref(value))),
            Self::Field(field, Condition::In(values)) => Some((field, values)),
            _ => None,
        }
    }

    /// Those with an object of its part that contains the text, which is in lower case, in this field; none, if it is of no part.
    pub(super) fn containing(field: &'static Field, text: &str) -> Self {
        let part = |part| {
            let conditions = vec![(field, Condition::Contains(text.to_owned()))];
            Self::Part { part, conditions, none: false }
        };
        field.part.map_or(Self::Any(Vec::new()), part)
    }

    /// Reads an array of filters.
    pub fn parse_many(fields: &'static [Field], json: &Value) -> Result<Vec<Self>, String> {
        let filters = json.as_array().ok_or_else(|| format!("must be an array: [{}]", EXAMPLE))?;
        filters.iter().map(|filter| Self::parse(fields, filter)).collect()
    }

    /// Whether it is small enough for every engine. An error says what is allowed.
    pub fn check_size(&self) -> Result<(), String> {
        let parts = self.parts();
        if parts > MAX_PARTS {
            return Err(format!(
                "asks {parts} times for a part such as credentials; {MAX_PARTS} are allowed"
            ));
        }
        let (conditions, values) = self.size();
        if conditions > MAX_CONDITIONS {
            return Err(format!("has {conditions} conditions; {MAX_CONDITIONS} are allowed"));
        }
        if values > MAX_VALUES {
            return Err(format!("has {values} values; {MAX_VALUES} are allowed"));
        }
        Ok(())
    }

    /// How many values it compares with; a look for a part without any counts as one.
    pub fn values(&self) -> usize {
        let (conditions, values) = self.size();
        values.max(conditions)
    }

    /// How many conditions, an empty filter counting as one, and how many values.
    fn size(&self) -> (usize, usize) {
        match self {
            Self::All(filters) | Self::Any(filters) => {
                let sizes = filters.iter().map(Self::size);
                let (conditions, values) = sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
                (conditions.max(1), values)
            }
            Self::Field(_, condition) => (1, condition.values()),
            Self::Part { conditions, .. } => {
                (conditions.len().max(1), conditions.iter().map(|(_, condition)| condition.values()).sum())
            }
        }
    }

    /// How often it looks into a part.
    fn parts(&self) -> usize {
        match self {
            Self::All(filters) | Self::Any(filters) => filters.iter().map(Self::parts).sum(),
            Self::Field(..) => 0,
            Self::Part { .. } => 1,
        }
    }

    /// Whether it has a condition on the field of this name.
    pub fn names(&self, field: &str) -> bool {
        match self {
            Self::All(filters) | Self::Any(filters) => filters.iter().any(|filter| filter.names(field)),
            Self::Field(named, _) => named.name == field,
            Self::Part { part, conditions, .. } => {
                part.name == field || conditions.iter().any(|(named, _)| named.name == field)
            }
        }
    }
}

impl Condition {
    /// How many values it binds.
    fn values(&self) -> usize {
        match self {
            Self::In(values) => values.len(),
            Self::Between(..) => 2,
            _ => 1,
        }
    }
}

/// Conditions of one filter on a part hold on the same object of it, so they are kept together; `ne` means that no object
/// equals, so it stands by itself, and so does the question whether there is any.
fn place_in_part(
    filters: &mut Vec<Filter>,
    part: &'static Part,
    field: &'static Field,
    condition: Condition,
) {
    match condition {
        Condition::Empty(none) if field.kind == FieldKind::Part => {
            filters.push(Filter::Part { part, conditions: Vec::new(), none });
        }
        Condition::NotEqual(value) => {
            let conditions = vec![(field, Condition::Equal(value))];
            filters.push(Filter::Part { part, conditions, none: true });
        }
        condition => {
            let together = filters.iter_mut().find_map(|filter| match filter {
                Filter::Part { part: other, conditions, none: false }
                    if *other == part && !conditions.is_empty() =>
                {
                    Some(conditions)
                }
                _ => None,
            });
            match together {
                Some(conditions) => conditions.push((field, condition)),
                None => {
                    filters.push(Filter::Part { part, conditions: vec![(field, condition)], none: false })
                }
            }
        }
    }
}

const EXAMPLE: &str = r#"{"environment":{"eq":"production"}}"#;

fn shape() -> String {
    format!("must be an object of fields, each with an object of operators: {EXAMPLE}")
}

fn parse_condition(field: &'static Field, operator: &str, value: &Value) -> Result<Condition, String> {
    let one = || single(field, operator, value);
    match operator {
        "eq" => one().map(Condition::Equal),
        "ne" => one().map(Condition::NotEqual),
        "gt" => one().map(Condition::Greater),
        "ge" => one().map(Condition::GreaterOrEqual),
        "lt" => one().map(Condition::Less),
        "le" => one().map(Condition::LessOrEqual),
        "in" => several(field, operator, value).map(Condition::In),
        "btw" => match <[Operand; 2]>::try_from(several(field, operator, value)?) {
            Ok([low, high]) => Ok(Condition::Between(low, high)),
            Err(_) => Err(format!("must give {}.btw two values: the least and the greatest", field.name)),
        },
        "lk" => folded_text(field, operator, value).map(Condition::Contains),
        "sw" => folded_text(field, operator, value).map(Condition::StartsWith),
        "em" => match value.as_bool() {
            Some(empty) => Ok(Condition::Empty(empty)),
            None => Err(format!("must give {}.em true or false", field.name)),
        },
        unknown => {
            let known = "eq, ne, gt, ge, lt, le, in, btw, lk, sw, em";
            Err(format!("has the operator '{}', which is unknown; known are {known}", shortened(unknown)))
        }
    }
}

fn single(field: &'static Field, operator: &str, value: &Value) -> Result<Operand, String> {
    field.operand(value).map_err(|expected| wrong(field, operator, &expected))
}

/// An array, or a comma-separated text.
fn several(field: &'static Field, operator: &str, value: &Value) -> Result<Vec<Operand>, String> {
    let operands: Result<Vec<Operand>, String> = match value {
        Value::Array(values) => values.iter().map(|value| field.operand(value)).collect(),
        Value::String(text) => text.split(',').map(|part| field.operand_in_text(part)).collect(),
        _ => Err("an array or a comma-separated text".to_owned()),
    };
    operands.map_err(|expected| wrong(field, operator, &expected))
}

fn folded_text(field: &'static Field, operator: &str, value: &Value) -> Result<String, String> {
    if !field.is_text() {
        return Err(format!("has the operator '{operator}' on {}, which is no text", field.name));
    }
    value.as_str().map(fold).ok_or_else(|| wrong(field, operator, "a text"))
}

fn wrong(field: &Field, operator: &str, expected: &str) -> String {
    format!("gives {}.{operator} a value that is not {expected}", field.name)
}
