//! The order of the values of groups.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Nulls, then booleans, numbers, texts, and nested values by their JSON.
pub(super) fn by_value(a: &Value, b: &Value) -> Ordering {
    let kind = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) | Value::Object(_) => 4,
    };
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => {
            let float = |number: &Number| number.as_f64().unwrap_or(f64::NAN);
            // Large neighbours are the same as floats.
            let exactly = || a.as_i128().cmp(&b.as_i128());
            float(a).total_cmp(&float(b)).then_with(exactly)
        }
        _ => (kind(a).cmp(&kind(b))).then_with(|| a.to_string().cmp(&b.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_any_kind_have_an_order() {
        let sorted = [
            json!(null),
            json!(false),
            json!(true),
            json!(-1.5),
            json!(7.0),
            json!(7),
            json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64),
            json!(1e300),
            json!("10"),
            json!("9"),
            json!([1]),
            json!({"a": 1}),
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(by_value(a, b), i.cmp(&j), "{a} {b}");
            }
        }
    }
}
