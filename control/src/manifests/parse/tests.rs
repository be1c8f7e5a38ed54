use super::parse;
use crate::manifests::Kind;
use crate::manifests::{Object, Severity};

fn errors(file: &str, text: &str) -> Vec<String> {
    parse(file, text)
        .errors
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn registration(spec: &str) -> String {
    let head = "# note\n---\napiVersion: mcp.kuadrant.io/v1alpha1\nkind: MCPServerRegistration\n";
    format!("{head}metadata:\n  name: a\nspec:\n{spec}")
}

#[test]
fn an_object_keeps_its_file_and_line() {
    let parsed = parse("f.yaml", &registration("  targetRef:\n    name: x\n"));
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    assert_eq!(parsed.objects[0].place.to_string(), "f.yaml:3");
    let Object::McpServerRegistration(found) = &parsed.objects[0].object else {
        panic!()
    };
    assert_eq!(found.spec.path, "/mcp");
    assert_eq!(found.spec.target_ref.kind, "HTTPRoute");
    assert_eq!(found.spec.category, ["uncategorised"]);
}

#[test]
fn refusals_name_the_line_of_the_file() {
    let cases = [
        (
            "  prefix: 1\n",
            "f.yaml:8: MCPServerRegistration a: The string value [1] must be quoted",
        ),
        (
            "  targetRef:\n    nam: x\n",
            "f.yaml:9: MCPServerRegistration a: missing field `name`",
        ),
        (
            "  state: Enabld\n",
            "f.yaml:8: MCPServerRegistration a: unknown variant `Enabld`, expected one of Enabled, Disabled",
        ),
        (
            "  prefx: a_\n  targetRef:\n    name: x\n",
            "f.yaml:3: MCPServerRegistration a: there is no field `spec.prefx`: correct its name or take it out",
        ),
        ("  a: b\n c: d\n", "f.yaml:9: "),
        ("\t\tx: y\n", "f.yaml:8: "),
        ("  prefix: *a\n", "f.yaml:8: "),
        (
            "  path: /a\n  path: /b\n",
            "f.yaml:9: duplicate mapping key: path",
        ),
    ];
    for (spec, expected) in cases {
        let errors = errors("f.yaml", &registration(spec));
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].starts_with(expected), "{errors:?}");
    }
}

#[test]
fn what_is_no_object_is_refused() {
    let missing = "no Kubernetes object: `apiVersion` and `kind` must be given";
    assert_eq!(
        errors("f.yaml", "\na: b\n"),
        [format!("f.yaml:2: {missing}")]
    );
    assert_eq!(
        errors("f.yaml", "- a\n"),
        ["f.yaml:1: a mapping is expected"]
    );
    assert_eq!(
        errors("f.yaml", "hello\n"),
        ["f.yaml:1: a mapping is expected"]
    );
    assert!(errors("f.yaml", "null\n---\n# nothing\n").is_empty());
    assert!(errors("f.json", "[]").len() == 1);
}

#[test]
fn one_bad_document_leaves_the_others_alone() {
    let good = "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: a\n";
    let parsed = parse("f.yaml", &format!("{good}---\nkind: [\n{good}"));
    assert_eq!(parsed.objects.len(), 2);
    assert_eq!(parsed.errors.len(), 1);
    assert_eq!(parsed.refused.len(), 1);
    assert_eq!(parsed.objects[1].place.line, 9);
}

#[test]
fn versions_and_names_that_kubernetes_would_refuse_are_refused() {
    let text =
        "apiVersion: mcp.kuadrant.io/v2\nkind: MCPServerRegistration\nmetadata:\n  name: a\n";
    let known = "mcp.kuadrant.io/v1 or mcp.kuadrant.io/v1alpha1";
    let expected = format!(
        "f.yaml:1: MCPServerRegistration a: apiVersion mcp.kuadrant.io/v2 is not read here; write {known}"
    );
    assert_eq!(errors("f.yaml", text), [expected]);
    let text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: A/b\n";
    assert!(errors("f.yaml", text)[0].contains("`metadata.name` must be given"));
}

#[test]
fn a_kind_that_is_nearly_one_that_is_read_is_taken_for_a_mistake() {
    let like = |version: &str, kind: &str| {
        let text = format!("apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: a\n");
        let parsed = parse("f.yaml", &text);
        let [error] = <[_; 1]>::try_from(parsed.errors).unwrap();
        (
            error.severity,
            error.to_string(),
            parsed.refused.iter().any(|r| r.policy),
        )
    };
    let route = like("gateway.networking.k8s.io/v1", "HttpRoute");
    assert_eq!(
        route,
        (
            Severity::Error,
            "f.yaml:1: kind HttpRoute: write HTTPRoute".to_owned(),
            false
        )
    );
    let (severity, text, denies) = like("kuadrant.io/v1", "Authpolicy");
    assert_eq!((severity, denies), (Severity::Error, true));
    assert_eq!(text, "f.yaml:1: kind Authpolicy: write AuthPolicy");
    let (severity, text, denies) = like("v1", "AuthPolicy");
    assert_eq!((severity, denies), (Severity::Error, true));
    assert_eq!(
        text,
        "f.yaml:1: kind AuthPolicy: apiVersion v1 has no such kind; write kuadrant.io/v1"
    );
}

#[test]
fn a_kind_of_another_group_is_skipped_and_told_from_the_one_that_is_read() {
    let text = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata:\n  name: a\n";
    let parsed = parse("f.yaml", text);
    assert_eq!(parsed.errors[0].severity, Severity::Warning);
    let expected = "f.yaml:1: kind Gateway (networking.istio.io/v1) is not read here: skipped; Gateway is read with \
                    apiVersion gateway.networking.k8s.io/v1 or gateway.networking.k8s.io/v1beta1";
    assert_eq!(parsed.errors[0].to_string(), expected);
}

#[test]
fn an_object_without_name_is_told_by_its_kind() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {}\n";
    let expected = "f.yaml:1: Service: `metadata.name` must be given, in lower-case letters, digits, `-` and `.`";
    assert_eq!(errors("f.yaml", text), [expected]);
}

#[test]
fn a_value_of_another_type_is_told_with_the_right_one() {
    let head =
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\nspec:\n";
    let cases = [
        ("hosts: a", "a list is expected"),
        (
            "hosts: [a]\n  ports: [{number: 70000}]",
            "a number from 0 to 65535 is expected",
        ),
        (
            "hosts: [a]\n  ports: [{number: https}]",
            "a number from 0 to 65535 is expected",
        ),
        ("hosts: [[a]]", "a string is expected"),
        ("[]", "a mapping is expected"),
    ];
    for (spec, expected) in cases {
        let errors = errors("f.yaml", &format!("{head}  {spec}\n"));
        let [error] = &errors[..] else {
            panic!("{errors:?}")
        };
        assert!(
            error.ends_with(&format!(": ServiceEntry a: {expected}")),
            "{error}"
        );
    }
}

/// What each kind cannot be without.
fn least(kind: Kind) -> &'static str {
    match kind {
        Kind::Namespace | Kind::Secret | Kind::Service | Kind::AuthPolicy => "{}",
        Kind::EndpointSlice => "{addressType: IPv4, endpoints: []}",
        Kind::GatewayClass => "{spec: {controllerName: example.com/controller}}",
        Kind::Gateway => "{spec: {gatewayClassName: istio, listeners: []}}",
        Kind::HttpRoute => "{spec: {}}",
        Kind::ReferenceGrant => "{spec: {from: [], to: []}}",
        Kind::ServiceEntry => "{spec: {hosts: [a.example]}}",
        Kind::DestinationRule => "{spec: {host: a.example}}",
        Kind::McpGatewayExtension => "{spec: {targetRef: {name: a, sectionName: mcp}}}",
        Kind::McpServerRegistration | Kind::McpServer => "{spec: {targetRef: {name: a}}}",
        Kind::McpVirtualServer => "{spec: {tools: [a]}}",
    }
}

#[test]
fn every_kind_is_read_in_each_of_its_versions() {
    for kind in Kind::ALL {
        for version in kind.api_versions() {
            let mut object: serde_json::Value = serde_saphyr::from_str(least(kind)).unwrap();
            object["apiVersion"] = (*version).into();
            object["kind"] = kind.as_str().into();
            object["metadata"] = serde_json::json!({ "name": "a" });
            for file in ["f.yaml", "f.json"] {
                let parsed = parse(file, &object.to_string());
                assert_eq!(parsed.errors, [], "{version} {kind:?}");
                assert_eq!(parsed.objects[0].object.kind(), kind);
            }
        }
    }
}

#[test]
fn a_template_that_nobody_has_filled_in_is_named_by_its_line() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Values.name }}}\n";
    assert_eq!(errors("f.yaml", text), ["f.yaml:3: a string is expected"]);
}

#[test]
fn fields_of_others_kinds_that_have_no_effect_are_told() {
    let head =
        "apiVersion: networking.istio.io/v1beta1\nkind: DestinationRule\nmetadata:\n  name: a\n";
    let text = format!("{head}spec:\n  host: x\n  trafficPolicy:\n    outlierDetection: {{}}\n");
    let parsed = parse("f.yaml", &text);
    assert_eq!(parsed.objects.len(), 1);
    assert_eq!(parsed.errors[0].severity, Severity::Warning);
    let expected =
        "f.yaml:1: DestinationRule a: `spec.trafficPolicy.outlierDetection` has no effect here";
    assert_eq!(parsed.errors[0].to_string(), expected);
}

#[test]
fn a_list_is_read_item_by_item() {
    let text = "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\
         {\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"a\"}},\
         {\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"b\", \"labels\": {\"c\": 1}}}]}";
    for file in ["f.json", "f.yaml"] {
        let parsed = parse(file, text);
        assert_eq!(parsed.objects.len(), 1);
        assert_eq!(parsed.errors.len(), 1);
        assert!(
            parsed.errors[0].reason.starts_with("Secret b: "),
            "{}",
            parsed.errors[0]
        );
    }
}

#[test]
fn json_is_read_whatever_its_white_space_and_escapes() {
    let text = "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Secret\",\r\n\t\"metadata\": {\"name\": \"a\"},\n\t\"stringData\": {\n\
                \t\t\"token\": \"a\\/b \\ud83d\\ude00 \\u0041\",\n\t\t\"x\":\"\"\n\t}\n}\n";
    let parsed = parse("f.json", text);
    assert_eq!(parsed.errors, []);
    let Object::Secret(secret) = &parsed.objects[0].object else {
        panic!()
    };
    assert_eq!(
        secret.string_data.as_ref().unwrap()["token"],
        "a/b \u{1f600} A"
    );
}

#[test]
fn refusals_of_json_name_its_line() {
    let service = |spec: &str| {
        format!(
            "{{\n\"apiVersion\": \"v1\", \"kind\": \"Service\",\n\"metadata\": {{\"name\": \"a\"}},\n\"spec\": {spec}}}"
        )
    };
    for (text, expected) in [
        (
            service("{\n\"type\": 1}"),
            "f.json:5: Service a: The string value [1] must be quoted",
        ),
        (
            service("{\n\"ports\": {}}"),
            "f.json:5: Service a: a list is expected",
        ),
        (
            service("{\n\"type\": \"A\", \"type\": \"B\"}"),
            "f.json:5: duplicate mapping key: type",
        ),
        (service("{\n\"type\": x}"), "f.json:5: expected value"),
        (service("{}}"), "f.json:4: trailing characters"),
    ] {
        let errors = errors("f.json", &text);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].starts_with(expected), "{errors:?}");
    }
}

#[test]
fn a_secret_that_cannot_be_read_is_not_shown() {
    let head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  token: ";
    for value in ["12345", "[12345]", "{12345: 12345}"] {
        let errors = errors("f.yaml", &format!("{head}{value}\n"));
        assert_eq!(errors.len(), 1);
        assert!(!errors[0].contains("12345"), "{errors:?}");
        assert!(errors[0].starts_with("f.yaml:6: Secret a: "), "{errors:?}");
        let item = format!(
            r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"a"}},"stringData":{{"token":{}}}}}"#,
            value.replace("{12345:", "{\"a\":")
        );
        let list = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{item}]}}"#);
        for text in [item, list] {
            let [error] = <[_; 1]>::try_from(self::errors("f.json", &text)).unwrap();
            assert!(
                error.starts_with("f.json:1: Secret a: a value has not"),
                "{error}"
            );
        }
    }
}

#[test]
fn an_unreadable_policy_is_known_as_one() {
    for text in [
        "kind: AuthPolicy\na: [",
        "- kind: 'AuthPolicy'\n  a: [",
        "apiVersion: kuadrant.io/v1\nkind: AuthPolicy\n",
    ] {
        assert!(parse("f.yaml", text).refused[0].policy, "{text}");
    }
    assert!(parse("f.json", "{\"kind\":\"AuthPolicy\",").refused[0].policy);
    assert!(!parse("f.yaml", "# AuthPolicy\nkind: Secret\na: [").refused[0].policy);
}
