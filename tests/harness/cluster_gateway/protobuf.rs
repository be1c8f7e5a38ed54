//! What becomes of JSON on its way through a `google.protobuf.Struct`, as in Istio's WasmPlugin: every number is a
//! double, and the members of an object have no order.

use std::fmt::Write as _;

use serde_json::Value;

/// The text that comes out. Members stand in the order in which nobody writes them: the last by name first.
pub(super) fn reencoded(value: &Value) -> String {
    let mut text = String::new();
    print(value, &mut text);
    text
}

fn print(value: &Value, text: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => {
            let _ = write!(text, "{value}");
        }
        Value::Number(number) => {
            let double = number.as_f64().expect("a number that is a double");
            let _ = write!(text, "{double}");
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                text.push_str(if place == 0 { "" } else { ", " });
                print(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(one, _), (other, _)| other.cmp(one));
            text.push('{');
            for (place, (name, value)) in members.into_iter().enumerate() {
                text.push_str(if place == 0 { "" } else { ", " });
                let _ = write!(text, "{}: ", Value::from(name.as_str()));
                print(value, text);
            }
            text.push('}');
        }
    }
}
