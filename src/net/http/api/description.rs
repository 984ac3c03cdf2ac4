//! `GET /api/openapi.json`: what can be asked, for programs that make clients.

use hyper::{Response, StatusCode};

use crate::net::http::answer::{Body, JSON, respond};

const DESCRIPTION: &str = include_str!("../../../../docs/openapi.json");

pub(super) fn description() -> Response<Body> {
    respond(StatusCode::OK, JSON, DESCRIPTION)
}

/// The file and the routes say the same.
#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::super::parameters::Takes;
    use super::super::routes::ROUTES;
    use super::*;

    fn file() -> Value {
        serde_json::from_str(DESCRIPTION).unwrap()
    }

    /// A value, or what it refers to.
    fn resolved<'v>(file: &'v Value, value: &'v Value) -> &'v Value {
        match value["$ref"].as_str() {
            Some(place) => file.pointer(place.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// What a parameter of the file takes.
    fn takes(parameter: &Value) -> Takes {
        match parameter["schema"]["type"].as_str() {
            Some("array") => Takes::Many,
            Some("boolean") => Takes::Flag,
            _ if parameter["name"] == "q" => Takes::Text,
            _ => Takes::One,
        }
    }

    #[test]
    fn all_routes_and_no_others_are_described_with_their_parameters_and_methods() {
        let file = file();
        let described: BTreeSet<&str> = file["paths"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let served: BTreeSet<&str> = ROUTES.iter().map(|route| route.path).collect();
        assert_eq!(described, served);
        for route in ROUTES {
            let operations = &file["paths"][route.path];
            let methods = route.serves.methods().split(", ");
            let methods: BTreeSet<String> = methods
                .filter(|method| *method != "HEAD")
                .map(str::to_lowercase)
                .collect();
            let operations = operations.as_object().unwrap();
            let described: BTreeSet<String> = operations.keys().cloned().collect();
            assert_eq!(described, methods, "{}", route.path);
            for (method, operation) in operations {
                let none = Vec::new();
                let parameters = operation["parameters"].as_array().unwrap_or(&none).iter();
                let parameters = parameters.map(|parameter| resolved(&file, parameter));
                let (in_path, in_query): (Vec<&Value>, Vec<&Value>) =
                    parameters.partition(|parameter| parameter["in"] == "path");
                let id = usize::from(route.path.contains("{id}"));
                assert_eq!(in_path.len(), id, "{method} {}", route.path);
                let described: BTreeMap<&str, String> = in_query
                    .iter()
                    .map(|parameter| {
                        let name = parameter["name"].as_str().unwrap();
                        (name, format!("{:?}", takes(parameter)))
                    })
                    .collect();
                assert_eq!(described.len(), in_query.len(), "one is there twice");
                let taken: BTreeMap<&str, String> = route
                    .parameters()
                    .map(|parameter| (parameter.name, format!("{:?}", parameter.takes)))
                    .collect();
                assert_eq!(described, taken, "{method} {}", route.path);
            }
        }
    }

    #[test]
    fn it_is_of_this_version_and_refers_to_what_is_there() {
        let file = file();
        assert_eq!(file["info"]["version"], env!("CARGO_PKG_VERSION"));
        let references = DESCRIPTION.split("\"$ref\": \"#").skip(1);
        for reference in references {
            let place = reference.split('"').next().unwrap();
            assert!(file.pointer(place).is_some(), "{place}");
        }
    }
}
