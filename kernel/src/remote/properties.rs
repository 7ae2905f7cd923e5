//! Properties of objects, as they come over the wire.

use prost_types::value::Kind;
use prost_types::{Struct, Value as WireValue};
use serde_json::{Map, Value};

/// Up to here, a number that is whole is the one that was meant: beyond it, its neighbours look the same on the wire.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// As JSON, with numbers that are whole as integers: the wire knows none. An error says what JSON does not have.
pub(super) fn properties(wire: Struct) -> Result<Value, &'static str> {
    let fields = wire.fields.into_iter().map(|(name, value)| Ok((name, json(value)?)));
    fields.collect::<Result<Map<String, Value>, &'static str>>().map(Value::Object)
}

fn json(value: WireValue) -> Result<Value, &'static str> {
    match value.kind.ok_or("have a value that is nothing at all")? {
        Kind::NullValue(_) => Ok(Value::Null),
        Kind::NumberValue(number) => number_of(number).ok_or("have a number that is infinite, or none"),
        Kind::StringValue(text) => Ok(Value::String(text)),
        Kind::BoolValue(value) => Ok(Value::Bool(value)),
        Kind::StructValue(fields) => properties(fields),
        Kind::ListValue(list) => {
            list.values.into_iter().map(json).collect::<Result<_, _>>().map(Value::Array)
        }
    }
}

fn number_of(number: f64) -> Option<Value> {
    if number.fract() == 0.0 && number.abs() <= LARGEST_WHOLE {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and not larger than 2^53")]
        return Some(Value::from(number as i64));
    }
    serde_json::Number::from_f64(number).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn wire(kind: Kind) -> WireValue {
        WireValue { kind: Some(kind) }
    }

    fn of(kind: Kind) -> Struct {
        Struct { fields: [("a".to_owned(), wire(kind))].into() }
    }

    fn any_value() -> impl Strategy<Value = WireValue> {
        let leaf = prop_oneof![
            Just(None),
            any::<i32>().prop_map(|number| Some(Kind::NullValue(number))),
            any::<f64>().prop_map(|number| Some(Kind::NumberValue(number))),
            any::<i64>().prop_map(|number| Some(Kind::NumberValue(number as f64))),
            ".*".prop_map(|text| Some(Kind::StringValue(text))),
            any::<bool>().prop_map(|value| Some(Kind::BoolValue(value))),
        ];
        leaf.prop_map(|kind| WireValue { kind }).prop_recursive(8, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8)
                    .prop_map(|values| wire(Kind::ListValue(prost_types::ListValue { values }))),
                prop::collection::btree_map(".{0,8}", inner, 0..8)
                    .prop_map(|fields| wire(Kind::StructValue(Struct { fields }))),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_comes_is_json_or_refused(value in any_value()) {
            let kind = value.kind.clone();
            if let (Ok(json), Some(kind)) = (json(value), kind) {
                prop_assert_eq!(json.is_object(), matches!(kind, Kind::StructValue(_)));
                prop_assert_eq!(json.is_number(), matches!(kind, Kind::NumberValue(_)));
            }
        }

        #[test]
        fn whole_numbers_are_integers(number in -9_007_199_254_740_992..=9_007_199_254_740_992_i64) {
            prop_assert_eq!(properties(of(Kind::NumberValue(number as f64))), Ok(json!({ "a": number })));
        }

        #[test]
        fn numbers_keep_their_value(number in any::<f64>()) {
            let json = properties(of(Kind::NumberValue(number)));
            prop_assert_eq!(json.ok().and_then(|json| json["a"].as_f64()), number.is_finite().then_some(number));
        }
    }

    #[test]
    fn what_json_does_not_have_is_refused() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(properties(of(Kind::NumberValue(number))).is_err(), "{number}");
        }
        assert!(properties(Struct { fields: [("a".to_owned(), WireValue { kind: None })].into() }).is_err());
    }
}
