use super::*;

const ALL: &str = r#"{"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{}}"#;

fn turn(id: &str, token: Option<&str>) -> Turn {
    Turn {
        id: id.to_owned(),
        method: "tools/call".to_owned(),
        progress_token: token.map(str::to_owned),
        declared: Declared::of(ALL),
    }
}

fn asked() -> Asked {
    Asked::new(turn("7", Some("\"a\"")))
}

fn tell(asked: &mut Asked, message: &str) -> Option<Step> {
    asked.on_message(message.as_bytes().to_vec())
}

fn retry(asked: &mut Asked, turn: Turn, responses: &str) -> Vec<Step> {
    asked.on_retry(turn, &serde_json::from_str(responses).unwrap())
}

const ELICIT: &str = r#"{"jsonrpc":"2.0","id":"s1","method":"elicitation/create","params":{"message":"m", "n":1.0}}"#;
const ROOTS: &str = r#"{"jsonrpc":"2.0","id":2,"method":"roots/list"}"#;
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[ ]}}"#;
const PROGRESS: &str = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"a","progress":1.0}}"#;

fn end(message: &str) -> Step {
    Step::End(message.to_owned())
}

#[test]
fn a_servers_question_becomes_a_result_and_its_answer_goes_to_the_server() {
    let mut asked = asked();
    assert_eq!(tell(&mut asked, ELICIT), None);
    assert_eq!(
        asked.question("st").unwrap(),
        r#"{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","inputRequests":{"1":{"method":"elicitation/create","params":{"message":"m", "n":1.0}}},"requestState":"st"}}"#
    );
    assert_eq!(asked.question("st"), None);
    let steps = retry(
        &mut asked,
        turn("8", None),
        r#"{"1":{"action":"accept","n":1.0}}"#,
    );
    let response = r#"{"jsonrpc":"2.0","id":"s1","result":{"action":"accept","n":1.0}}"#;
    assert_eq!(steps, [Step::Answer(response.to_owned())]);
    assert!(!asked.is_asking());
    let answer = ANSWER.replace("\"id\":7", "\"id\":8");
    assert_eq!(tell(&mut asked, ANSWER), Some(end(&answer)));
}

#[test]
fn several_questions_are_asked_at_once_and_what_is_missing_is_asked_again() {
    let mut asked = asked();
    tell(&mut asked, ELICIT);
    tell(&mut asked, ROOTS);
    let question = asked.question("st").unwrap();
    assert!(
        question.contains(r#""2":{"method":"roots/list"}"#),
        "{question}"
    );
    let steps = retry(
        &mut asked,
        turn("8", None),
        r#"{"2":{"roots":[]},"1":7,"x":{}}"#,
    );
    let response = r#"{"jsonrpc":"2.0","id":2,"result":{"roots":[]}}"#;
    assert_eq!(steps, [Step::Answer(response.to_owned())]);
    let question = asked.question("st2").unwrap();
    assert!(
        question.contains(r#""id":8"#) && question.contains("\"1\":"),
        "{question}"
    );
    assert!(!question.contains("roots/list"), "{question}");
}

#[test]
fn what_comes_while_nobody_waits_is_told_to_the_retry_under_its_own_token() {
    let mut asked = asked();
    tell(&mut asked, ELICIT);
    asked.question("st");
    let question = asked.kept_bytes();
    let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"data":1}}"#;
    assert_eq!(tell(&mut asked, PROGRESS), None);
    assert_eq!(tell(&mut asked, log), None);
    assert_eq!(tell(&mut asked, ANSWER), None);
    assert_eq!(
        asked.kept_bytes() - question,
        PROGRESS.len() + log.len() + ANSWER.len() + 3 * OVERHEAD
    );
    let steps = retry(&mut asked, turn("8", Some("5")), "{}");
    let expected = [
        Step::Relay(PROGRESS.replace("\"a\"", "5")),
        Step::Relay(log.to_owned()),
        end(&ANSWER.replace("\"id\":7", "\"id\":8")),
    ];
    assert_eq!(steps, expected);
}

#[test]
fn progress_is_told_to_nobody_who_has_not_asked_for_it() {
    let mut asked = asked();
    assert_eq!(
        tell(&mut asked, PROGRESS),
        Some(Step::Relay(PROGRESS.to_owned()))
    );
    tell(&mut asked, ELICIT);
    asked.question("st");
    retry(&mut asked, turn("8", None), r#"{"1":{"action":"decline"}}"#);
    assert_eq!(tell(&mut asked, PROGRESS), None);
}

#[test]
fn a_question_that_comes_while_nobody_waits_is_asked_of_the_retry() {
    let mut asked = asked();
    tell(&mut asked, ELICIT);
    asked.question("st");
    assert_eq!(tell(&mut asked, ROOTS), None);
    let steps = retry(&mut asked, turn("8", None), r#"{"1":{"action":"accept"}}"#);
    assert!(matches!(steps.as_slice(), [Step::Answer(_)]), "{steps:?}");
    assert!(asked.question("st2").unwrap().contains("roots/list"));
}

#[test]
fn what_the_server_wants_no_more_is_not_asked() {
    let mut asked = asked();
    tell(&mut asked, ELICIT);
    tell(&mut asked, ROOTS);
    let cancelled =
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"s1"}}"#;
    assert_eq!(tell(&mut asked, cancelled), None);
    let question = asked.question("st").unwrap();
    assert!(!question.contains("elicitation"), "{question}");
}

#[test]
fn a_ping_is_answered_at_once_and_what_was_not_declared_is_refused() {
    let mut asked = Asked::new(Turn {
        declared: Declared::of(r#"{"sampling":{}}"#),
        ..turn("7", None)
    });
    let ping = r#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#;
    let pong = r#"{"jsonrpc":"2.0","id":3,"result":{}}"#;
    assert_eq!(tell(&mut asked, ping), Some(Step::Answer(pong.to_owned())));
    for refused in [ELICIT, &ROOTS.replace("roots/list", "tools/list")] {
        let Some(Step::Answer(answer)) = tell(&mut asked, refused) else {
            panic!("not refused")
        };
        assert!(answer.contains(r#""code":-32601"#), "{answer}");
    }
    assert!(!asked.is_asking());
}

#[test]
fn a_server_that_asks_too_much_at_once_is_refused_and_what_it_asks_is_counted() {
    let mut asked = asked();
    for _ in 0..QUESTIONS {
        let kept = asked.kept_bytes();
        assert_eq!(tell(&mut asked, ROOTS), None);
        assert!(asked.kept_bytes() > kept);
    }
    let Some(Step::Answer(refusal)) = tell(&mut asked, ROOTS) else {
        panic!("not refused")
    };
    assert!(refusal.contains(r#""id":2,"error""#), "{refusal}");
    let kept = asked.kept_bytes();
    retry(&mut asked, turn("8", None), r#"{"1":{"roots":[]}}"#);
    assert!(asked.kept_bytes() < kept);
    assert_eq!(tell(&mut asked, ROOTS), None);
}

#[test]
fn more_links_than_a_client_is_asked_to_follow_are_an_error() {
    let mut asked = asked();
    let link = r#"{"mode":"url","url":"u","elicitationId":"e","message":"m"}"#;
    let many = LINKS.replace(link, &vec![link; QUESTIONS + 1].join(","));
    assert_eq!(tell(&mut asked, &many), Some(end(&many)));
}

const LINKS: &str = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","url":"u","elicitationId":"e","message":"m"}]}}}"#;

#[test]
fn links_that_are_to_be_followed_first_are_asked_and_the_call_is_made_again() {
    let mut asked = asked();
    assert_eq!(tell(&mut asked, LINKS), None);
    let question = asked.question("st").unwrap();
    let link = r#"{"1":{"method":"elicitation/create","params":{"mode":"url","url":"u","elicitationId":"e","message":"m"}}}"#;
    assert!(question.contains(link), "{question}");
    let steps = retry(&mut asked, turn("8", None), r#"{"1":{"action":"accept"}}"#);
    assert_eq!(steps, [Step::CallAgain]);
    let answer = ANSWER.replace("\"id\":7", "\"id\":8");
    assert_eq!(tell(&mut asked, &answer), Some(end(&answer)));
}

#[test]
fn a_user_who_follows_no_link_ends_the_call() {
    let mut asked = asked();
    tell(&mut asked, LINKS);
    asked.question("st");
    let steps = retry(&mut asked, turn("8", None), r#"{"1":{"action":"decline"}}"#);
    let [Step::End(answer)] = steps.as_slice() else {
        panic!("{steps:?}")
    };
    assert!(
        answer.contains("\"isError\":true") && answer.contains("\"id\":8"),
        "{answer}"
    );
}

#[test]
fn links_are_an_error_to_a_client_that_follows_none() {
    let mut asked = Asked::new(Turn {
        declared: Declared::of(r#"{"elicitation":{}}"#),
        ..turn("7", None)
    });
    assert_eq!(tell(&mut asked, LINKS), Some(end(LINKS)));
}

#[test]
fn an_answer_to_another_request_is_nobodys() {
    let mut asked = asked();
    let other = ANSWER.replace("\"id\":7", "\"id\":\"7\"");
    assert_eq!(tell(&mut asked, &other), None);
    assert_eq!(tell(&mut asked, "no message"), None);
}
