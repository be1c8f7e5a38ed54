//! Ids of requests that share a session: at the server none is another's, and the client gets its own back.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn requests_that_share_a_session_never_share_an_id() {
    let mut gateway = gateway();
    let (_, one) = first(&mut gateway);
    let (_, two) = later(&mut gateway, "7");
    let (_, three) = later(&mut gateway, "\"7\"");
    assert!(one != two && two != three && one != three);
    for id in [one, two, three] {
        assert_eq!(id.len(), 24, "{id}");
        assert!(id.starts_with('"') && id.ends_with('"'));
    }
}

#[test]
fn the_clients_id_is_back_in_a_json_answer_as_it_was_written() {
    let mut gateway = gateway();
    first(&mut gateway);
    for id in [
        "7",
        "7.0",
        r#""\u0061/""#,
        "-0",
        "123456789012345678901234567890",
    ] {
        let (mut exchange, sent) = later(&mut gateway, id);
        let of_server = format!(r#"{{"jsonrpc":"2.0", "id" : {sent},{RESULT}"#);
        let of_client = format!(r#"{{"jsonrpc":"2.0", "id" : {id},{RESULT}"#);
        let step = answer(&mut gateway, &mut exchange, &of_server);
        assert_eq!(step, BodyStep::Replace(of_client.into_bytes()));
    }
}

#[test]
fn the_clients_id_is_back_in_an_answer_that_comes_in_pieces() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, sent) = later(&mut gateway, "8");
    let of_server = format!(r#"{{"id":{sent},"jsonrpc":"2.0",{RESULT}"#);
    gateway.respond(&mut exchange, 200, &[JSON]);
    for piece in of_server.chars() {
        let step = gateway.body(&mut exchange, &piece.to_string(), false);
        assert_eq!(step, BodyStep::Hold);
    }
    let step = gateway.body(&mut exchange, "", true);
    let of_client = format!(r#"{{"id":8,"jsonrpc":"2.0",{RESULT}"#);
    assert_eq!(step, BodyStep::Replace(of_client.into_bytes()));
}

#[test]
fn the_clients_id_is_back_in_an_answer_too_large_to_be_held() {
    let large = "x".repeat(700_000);
    let answers: [&dyn Fn(&str) -> String; 2] = [
        &|id| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"a":"{large}"}}}}"#),
        &|id| format!(r#"{{"result":{{"a":"{large}"}},"jsonrpc":"2.0","id":{id}}}"#),
    ];
    for of in answers {
        for longest in [1000, 16_384, 1_000_000] {
            let mut gateway = gateway();
            first(&mut gateway);
            let (mut exchange, sent) = later(&mut gateway, "8");
            let of_server = of(&sent);
            gateway.respond(
                &mut exchange,
                200,
                &[JSON, ("content-length", &of_server.len().to_string())],
            );
            let mut of_client = Vec::new();
            for piece in of_server.as_bytes().chunks(longest).chain([&b""[..]]) {
                match exchange.on_response_body(piece.to_vec(), piece.is_empty()) {
                    BodyStep::Hold => assert!(of_client.is_empty()),
                    BodyStep::Replace(bytes) => of_client.extend(bytes),
                    other => panic!("{other:?}"),
                }
            }
            assert!(text(&of_client) == of("8"));
        }
    }
}

#[test]
fn the_clients_id_is_back_in_events() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, sent) = later(&mut gateway, "8");
    let events = |id: &str| {
        let note =
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}"#;
        format!("data: {note}\n\ndata: {}\n\n", result(id))
    };
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    let step = gateway.body(&mut exchange, &events(&sent), true);
    assert_eq!(step, BodyStep::Replace(events("8").into_bytes()));
}

#[test]
fn an_answer_to_the_clients_own_id_is_none() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, _) = later(&mut gateway, "8");
    let foreign = result("8");
    let BodyStep::Replace(body) = answer(&mut gateway, &mut exchange, &foreign) else {
        panic!()
    };
    assert!(
        text(&body).starts_with(r#"{"jsonrpc":"2.0","id":8,"error""#),
        "{}",
        text(&body)
    );

    let (mut exchange, _) = later(&mut gateway, "8");
    gateway.respond(&mut exchange, 200, &[EVENTS]);
    let BodyStep::Replace(body) =
        gateway.body(&mut exchange, &format!("data: {foreign}\n\n"), true)
    else {
        panic!()
    };
    assert!(text(&body).contains(r#""id":8,"error""#), "{}", text(&body));
}

#[test]
fn a_servers_error_has_the_clients_id_too() {
    let mut gateway = gateway();
    first(&mut gateway);
    for status in [200, 500] {
        let (mut exchange, sent) = later(&mut gateway, "8");
        gateway.respond(&mut exchange, status, &[JSON]);
        let step = gateway.body(&mut exchange, &error(&sent), true);
        assert_eq!(step, BodyStep::Replace(error("8").into_bytes()));
    }
}

#[test]
fn a_400_that_is_the_servers_answer_has_the_clients_id() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, sent) = later(&mut gateway, "8");
    assert_eq!(
        gateway.respond(&mut exchange, 400, &[JSON]),
        ResponseHeadStep::Hold
    );
    let ping = only(exchange.take_calls());
    assert_ne!(server_id(&text(&ping.body).replace('}', ",")), sent);
    gateway.end_call(&mut exchange, &ping, answered(200, &[JSON], "{}"));
    let step = gateway.body(&mut exchange, &error(&sent), true);
    assert_eq!(step, BodyStep::Replace(error("8").into_bytes()));
}

#[test]
fn the_clients_id_is_back_in_repaired_events() {
    let mut gateway = gateway();
    first(&mut gateway);
    let (mut exchange, sent) = later(&mut gateway, "8");
    gateway.respond(&mut exchange, 404, &[]);
    let opening = only(exchange.take_calls());
    let again = gateway.replay(&mut exchange, &opening);
    let events = |id: &str| format!("data: {}\n\n", result(id));
    let step = gateway.end_call(
        &mut exchange,
        &again,
        answered(200, &[EVENTS], &events(&sent)),
    );
    let CallStep::Response(ResponseHeadStep::Respond(response)) = step else {
        panic!("{step:?}")
    };
    assert_eq!(text(&response.body), events("8"));
}
