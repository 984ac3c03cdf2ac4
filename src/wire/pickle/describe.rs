//! Objects of unknown classes as JSON: whatever the wire says of them, under names of its own.

use super::budget::Entry;
use super::json::{CUT, Json};
use super::object::{Name, Parts, State};
use super::value::Item;

/// The names that descriptions of objects use for themselves.
const RESERVED: [&str; 6] = [
    "__class__",
    "__args__",
    "__kwargs__",
    "__items__",
    "__mapping__",
    "__state__",
];

impl<'a> Json<'a, '_> {
    /// An object of a class that is not known.
    pub(super) fn description(&mut self, parts: &Parts<'a>) {
        const OPEN: &str = "{\"__class__\":";
        self.budget.take(OPEN.len() + 1);
        self.out.push_str(OPEN);
        match &parts.name {
            Some(name) => self.string(&class_name(name)),
            None => self.repr(parts.callable),
        }
        if !parts.args.is_empty() {
            self.part("__args__", |json| json.array(parts.args));
        }
        if !parts.kwargs.is_empty() {
            self.part("__kwargs__", |json| json.object(&[parts.kwargs]));
        }
        match parts.state {
            State::Nothing => {}
            State::Attributes(slices) if self.are_names(&slices) => self.pairs(&slices, false),
            State::Attributes(slices) => self.part("__state__", |json| json.object(&slices)),
            State::Other(item) => self.part("__state__", |json| json.item(item)),
        }
        if !parts.list.is_empty() {
            self.part("__items__", |json| json.array(parts.list));
        }
        if !parts.pairs.is_empty() {
            self.part("__mapping__", |json| json.object(&[parts.pairs]));
        }
        self.out.push('}');
    }

    /// Whether keys are names that do not clash with a description's own.
    fn are_names(&mut self, slices: &[&[Item]]) -> bool {
        let mut keys = slices.iter().flat_map(|slice| slice.iter().step_by(2));
        let odd = keys.position(|key| match key {
            Item::Text(span) => {
                let key = self.heap.bytes(*span);
                RESERVED.iter().any(|reserved| reserved.as_bytes() == key)
            }
            _ => true,
        });
        // Names are paid for when they are written, but where the nesting ends, nothing else will be.
        odd.is_none_or(|looked_at| {
            self.budget.take(looked_at);
            false
        })
    }

    /// A member of a description, one level deeper.
    fn part(&mut self, name: &str, put: impl FnOnce(&mut Self)) {
        self.budget.take(2);
        self.out.push(',');
        self.string(name);
        self.out.push(':');
        match self.budget.enter_part() {
            Entry::Entered => {
                put(self);
                self.budget.leave();
            }
            Entry::Recursive | Entry::Cut => self.put(CUT),
        }
    }
}

fn class_name(name: &Name<'_>) -> String {
    match name.module {
        "" => name.path.clone().into_owned(),
        module => format!("{module}.{}", name.path),
    }
}
