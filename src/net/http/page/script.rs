//! The page's script: its modules joined to one, so that a browser asks once and not thirty times before it can show a record.

use std::fmt::Write as _;

/// A module of the folder `web`, by its name.
macro_rules! module {
    ($name:literal) => {
        Module {
            name: $name,
            text: include_str!(concat!("../../../../web/", $name, ".js")),
        }
    };
}

pub(super) struct Module {
    pub(super) name: &'static str,
    text: &'static str,
}

/// All of them, each behind those that it imports.
pub(super) const MODULES: [Module; 36] = [
    module!("api"),
    module!("view"),
    module!("terms"),
    module!("place"),
    module!("first"),
    module!("dom"),
    module!("time"),
    module!("compare"),
    module!("notices"),
    module!("menus"),
    module!("session"),
    module!("levels"),
    module!("matches"),
    module!("row"),
    module!("around"),
    module!("extras"),
    module!("detail"),
    module!("chart"),
    module!("brush"),
    module!("histogram"),
    module!("keys"),
    module!("list"),
    module!("tail"),
    module!("hold"),
    module!("live"),
    module!("tree"),
    module!("names"),
    module!("fit"),
    module!("renewal"),
    module!("jump"),
    module!("pages"),
    module!("complete"),
    module!("search"),
    module!("commands"),
    module!("theme"),
    module!("main"),
];

/// The modules as one: without their imports, since what a module imports stands before it, and without `export`. Their outermost names
/// differ, which a test holds.
pub(super) fn script() -> String {
    let mut script = String::new();
    for module in &MODULES {
        // A string takes everything.
        let _ = writeln!(script, "// web/{}.js", module.name);
        let mut imports = false;
        for line in module.text.lines() {
            imports |= line.starts_with("import ");
            if !imports {
                script.push_str(line.strip_prefix("export ").unwrap_or(line));
                script.push('\n');
            }
            imports &= !line.ends_with(';');
        }
    }
    script
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use regex::Regex;

    use super::*;

    #[test]
    fn a_module_imports_what_modules_before_it_export() {
        let import = Regex::new(r"(?m)^import \{([^}]*)\} from '\./(\w+)\.js';$").unwrap();
        let export =
            Regex::new(r"(?m)^export (?:async )?(?:const|function\*?|class) (\w+)").unwrap();
        let mut exported = HashMap::<&str, HashSet<&str>>::new();
        for Module { name, text } in &MODULES {
            let mut imports = 0;
            for import in import.captures_iter(text) {
                let (_, [names, from]) = import.extract();
                for wanted in names
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                {
                    assert!(
                        exported[from].contains(wanted),
                        "{name}: {wanted} of {from}"
                    );
                }
                imports += 1;
            }
            assert_eq!(
                imports,
                text.matches("\nimport ").count(),
                "imports of {name}"
            );
            assert!(!text.contains("await import("), "{name} imports later");
            let exports = export
                .captures_iter(text)
                .map(|export| export.extract::<1>().1[0]);
            let exports: HashSet<&str> = exports.collect();
            assert_eq!(
                exports.len(),
                text.matches("\nexport ").count(),
                "exports of {name}"
            );
            exported.insert(name, exports);
        }
    }

    #[test]
    fn no_two_modules_give_a_thing_the_same_name() {
        let outermost =
            Regex::new(r"(?m)^(?:export )?(?:async )?(?:const|let|function\*?|class) (\w+(?:, \w+)*|\{[^}]*\})")
                .unwrap();
        let mut owners = HashMap::new();
        for Module { name, text } in &MODULES {
            for declared in outermost.captures_iter(text) {
                let names = declared[1].split(|c: char| !(c.is_alphanumeric() || "_$".contains(c)));
                for declared in names.filter(|name| !name.is_empty()) {
                    let other = owners.insert(declared.to_owned(), name);
                    assert!(other.is_none(), "{declared} of {name} and {other:?}");
                }
            }
        }
    }

    #[test]
    fn the_script_neither_imports_nor_exports() {
        let script = script();
        let module = Regex::new(r"(?m)^(import|export)\b|^\} from").unwrap();
        assert!(module.find(&script).is_none());
        assert!(
            script.contains("\nstart(first.answers);\n"),
            "the last line of all"
        );
    }
}
