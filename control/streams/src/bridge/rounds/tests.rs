use super::*;

fn rounds() -> Rounds {
    Rounds::new("c0".to_owned(), "7", "tools/call")
}

fn asks(id: &str, members: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"input_required",{members}}}}}"#)
}

const TWO: &str = r#""inputRequests":{"who":{"method":"elicitation/create","params":{"message":"m", "n":1.0}},"r":{"method":"roots/list"}},"requestState":"\u0041""#;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn answer(rounds: &mut Rounds, number: u64, result: &str) -> Option<Step> {
    rounds.on_response(number, Answer::Result(&raw(result)))
}

fn relay(message: &str) -> Step {
    Step::Relay(message.to_owned())
}

#[test]
fn a_result_that_asks_becomes_requests_and_the_call_is_made_again_with_the_answers() {
    let mut rounds = rounds();
    let steps = rounds.on_message(asks("7", TWO).as_bytes());
    let expected = [
        relay(
            r#"{"jsonrpc":"2.0","id":"c0.1","method":"elicitation/create","params":{"message":"m", "n":1.0}}"#,
        ),
        relay(r#"{"jsonrpc":"2.0","id":"c0.2","method":"roots/list"}"#),
    ];
    assert_eq!(steps, expected);
    assert!(rounds.is_asking());
    assert_eq!(answer(&mut rounds, 2, r#"{"roots":[ ]}"#), None);
    let call = Step::Call {
        id: "\"c0.call.1\"".to_owned(),
        responses: r#"{"who":{"action":"accept"},"r":{"roots":[ ]}}"#.to_owned(),
        state: Some(r#""\u0041""#.to_owned()),
    };
    assert_eq!(answer(&mut rounds, 1, r#"{"action":"accept"}"#), Some(call));
    assert!(!rounds.is_asking());
    let done = r#"{"jsonrpc":"2.0","id":"c0.call.1","result":{"content":[ ],"n":1.0}}"#;
    let ended = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[ ],"n":1.0}}"#;
    assert_eq!(
        rounds.on_message(done.as_bytes()),
        [Step::End(ended.to_owned())]
    );
}

#[test]
fn a_result_with_state_alone_is_a_call_again_at_once() {
    let steps = rounds().on_message(asks("7", r#""requestState":"s""#).as_bytes());
    let [
        Step::Call {
            responses, state, ..
        },
    ] = steps.as_slice()
    else {
        panic!("{steps:?}")
    };
    assert_eq!(
        (responses.as_str(), state.as_deref()),
        ("{}", Some("\"s\""))
    );
}

#[test]
fn a_server_that_asks_without_end_is_given_up() {
    let mut rounds = rounds();
    let mut id = "7".to_owned();
    for _ in 0..MOST_ROUNDS {
        let steps = rounds.on_message(asks(&id, r#""requestState":"s""#).as_bytes());
        let [Step::Call { id: next, .. }] = steps.as_slice() else {
            panic!("{steps:?}")
        };
        id.clone_from(next);
    }
    let steps = rounds.on_message(asks(&id, r#""requestState":"s""#).as_bytes());
    let [Step::End(answer)] = steps.as_slice() else {
        panic!("{steps:?}")
    };
    assert!(
        answer.contains("asked for input 10 times") && answer.contains("isError"),
        "{answer}"
    );
}

#[test]
fn a_client_that_answers_with_an_error_ends_the_call_in_words() {
    let mut rounds = rounds();
    rounds.on_message(asks("7", TWO).as_bytes());
    let error = raw(r#"{"code":-32601,"message":"cannot"}"#);
    let Some(Step::End(answer)) = rounds.on_response(1, Answer::Error(&error)) else {
        panic!("not ended")
    };
    let text = "The client did not answer elicitation/create: cannot";
    assert!(
        answer.contains(text) && answer.contains("isError"),
        "{answer}"
    );
}

#[test]
fn a_question_that_nobody_understands_ends_the_call_in_words() {
    let steps = rounds().on_message(asks("7", r#""inputRequests":{"k":7}"#).as_bytes());
    let [Step::End(answer)] = steps.as_slice() else {
        panic!("{steps:?}")
    };
    assert!(answer.contains("not understood"), "{answer}");
}

#[test]
fn an_answer_to_no_question_changes_nothing() {
    let mut rounds = rounds();
    rounds.on_message(asks("7", TWO).as_bytes());
    assert_eq!(answer(&mut rounds, 3, "{}"), None);
    assert_eq!(answer(&mut rounds, 1, "{}"), None);
    assert_eq!(answer(&mut rounds, 1, "{}"), None);
    assert!(rounds.is_asking());
}

#[test]
fn a_link_gets_the_id_that_clients_of_sessions_need() {
    let link = r#""inputRequests":{"k":{"method":"elicitation/create","params":{"mode":"url","url":"u"}}}"#;
    let steps = rounds().on_message(asks("7", link).as_bytes());
    let [Step::Relay(request)] = steps.as_slice() else {
        panic!("{steps:?}")
    };
    let params = r#""params":{"mode":"url","url":"u","elicitationId":"c0.1"}"#;
    assert!(request.contains(params), "{request}");
}

#[test]
fn what_asks_for_nothing_passes_and_what_is_no_answer_does_not() {
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#;
    assert_eq!(
        rounds().on_message(notification.as_bytes()),
        [relay(notification)]
    );
    let error = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"m"}}"#;
    assert_eq!(
        rounds().on_message(error.as_bytes()),
        [Step::End(error.to_owned())]
    );
    assert_eq!(rounds().on_message(b"{}"), []);
    let request = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(rounds().on_message(request.as_bytes()), []);
}

#[test]
fn the_id_of_a_question_names_its_conversation() {
    assert_eq!(read_id(&raw("\"c0.12\"")), Some(("c0".to_owned(), 12)));
    for odd in ["7", "\"c0\"", "\"c0.x\"", "\"c0.call.1\""] {
        assert_eq!(read_id(&raw(odd)), None, "{odd}");
    }
}
