//! What `docs/openapi.json` says of the HTTP API, put to the real server.

use serde_json::Value;

use crate::api::store;
use crate::requests::ask;
use crate::support::Server;

/// The values of a parameter's example as they stand in a URL.
fn examples(parameter: &Value) -> Vec<String> {
    let example = &parameter["example"];
    let values = example.as_array().cloned();
    let values = values.unwrap_or_else(|| vec![example.clone()]);
    let texts = values.iter().map(|value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    });
    texts
        .map(|text| {
            text.bytes()
                .map(|byte| match byte {
                    byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                    byte => format!("%{byte:02X}"),
                })
                .collect()
        })
        .collect()
}

#[test]
fn every_documented_parameter_is_taken_and_no_other() {
    let store = store(20);
    let server = Server::start(&store.db);
    let to = server.address();
    let text = ask(to, "GET /api/openapi.json", &[]);
    let file: Value = text.json();
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    assert_eq!(text.body, std::fs::read_to_string(kept).unwrap());
    let mut asked = 0;
    for (path, operations) in file["paths"].as_object().unwrap() {
        let Some(get) = operations.get("get") else {
            continue;
        };
        let path = path.replace("{id}", "1");
        // HEAD, since a stream has no end.
        let unknown = ask(to, &format!("HEAD {path}?nonsense=1"), &[]);
        assert_eq!(unknown.status, 400, "{path}: {unknown:?}");
        let plain = ask(to, &format!("HEAD {path}"), &[]);
        assert_eq!(plain.status, 200, "{path}: {plain:?}");
        let kinds = get["responses"]["200"]["content"].as_object().unwrap();
        let kind = kinds
            .keys()
            .any(|kind| plain.head.contains(&format!("content-type: {kind}")));
        assert!(kind, "{path}: {plain:?}");
        for parameter in get["parameters"].as_array().unwrap() {
            let reference = parameter["$ref"].as_str();
            let parameter = reference.map_or(parameter, |place| {
                file.pointer(place.trim_start_matches('#')).unwrap()
            });
            if parameter["in"] == "path" {
                continue;
            }
            let name = parameter["name"].as_str().unwrap();
            let needed = if name == "ignore-case" { "&grep=a" } else { "" };
            let given = examples(parameter);
            let values: Vec<String> = given
                .iter()
                .map(|value| format!("{name}={value}"))
                .collect();
            let target = format!("{path}?{}{needed}", values.join("&"));
            let answer = ask(to, &format!("HEAD {target}"), &[]);
            assert_eq!(answer.status, 200, "{target}: {answer:?}");
            let twice = ask(to, &format!("HEAD {target}&{}", values[0]), &[]);
            let expected = if parameter["schema"]["type"] == "array" {
                200
            } else {
                400
            };
            assert_eq!(twice.status, expected, "{target}: {twice:?}");
            asked += 1;
        }
    }
    assert!(asked > 100, "{asked}");
    server.terminate();
}
