//! Natively only: the test framework does not run in node.

use proptest::prelude::*;
use serde_json::Value;

use super::{Splice, replace, string_token, strip_prefix};
use crate::json::{
    Field, Plan, Scanner,
    strategies::{message, string},
    text::decode,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_left_of_a_token_keeps_its_spelling(token in string(".{0,16}"), count in 0..17_usize) {
        let text = decode(token.as_bytes()).unwrap().into_owned();
        let prefix: String = text.chars().take(count).collect();
        let stripped = strip_prefix(token.as_bytes(), &prefix).unwrap();
        let left = decode(&stripped).unwrap();
        prop_assert_eq!(Some(&*left), text.strip_prefix(&prefix));
        prop_assert!(token.as_bytes().ends_with(&stripped[1..]));
        let longer = format!("{text}x");
        prop_assert_eq!(strip_prefix(token.as_bytes(), &longer), None);
    }

    #[test]
    fn a_token_spells_its_text(text in ".{0,40}") {
        let token = string_token(&text);
        prop_assert_eq!(decode(&token), Some(text.as_str().into()));
        prop_assert_eq!(serde_json::from_slice::<Value>(&token).unwrap(), Value::from(text));
    }

    #[test]
    fn an_edit_of_the_name_leaves_every_other_byte(message in message(), name in string(".{0,9}")) {
        let mut scanner = Scanner::new(Plan::FromClient, 4096);
        if scanner.feed(message.as_bytes()).and_then(|()| scanner.finish()).is_err() {
            return Ok(());
        }
        let Some(place) = scanner.capture(Field::Name) else { return Ok(()) };
        let splice = Splice { start: place.start, end: place.end, with: name.clone().into_bytes() };
        let edited = replace(message.as_bytes(), &[splice]).unwrap();
        prop_assert!(edited.starts_with(&message.as_bytes()[..place.start as usize]));
        prop_assert!(edited.ends_with(&message.as_bytes()[place.end as usize..]));
        // It refuses numbers that no double can hold.
        let Ok(mut expected) = serde_json::from_str::<Value>(&message) else { return Ok(()) };
        expected["params"]["name"] = serde_json::from_str(&name).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&edited).unwrap(), expected);
    }
}
