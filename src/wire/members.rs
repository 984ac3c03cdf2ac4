//! Keys with values that are to be the members of a JSON object.

use std::collections::HashSet;

use super::escape::put_json_string;

/// How many members are compared with each other instead of being put into a set.
const FEW: usize = 16;

/// Takes out all but the last of the members with equal keys: JSON's readers do not agree on which one counts.
pub(super) fn keep_last<K: AsRef<str>, V>(members: &mut Vec<(K, V)>) {
    let key = |i: usize| members[i].0.as_ref();
    if members.len() <= FEW {
        let twice = |i: usize| (0..i).any(|before| key(before) == key(i));
        if !(1..members.len()).any(twice) {
            return;
        }
    }
    let mut seen = HashSet::with_capacity(members.len());
    let mut last: Vec<bool> = (0..members.len())
        .rev()
        .map(|i| seen.insert(key(i)))
        .collect();
    members.retain(|_| last.pop().unwrap_or(true));
}

/// Adds the key of the next member of an object: its comma, unless it is the first, the key and the colon.
pub(super) fn put_key(key: &str, out: &mut String) {
    if !out.is_empty() && !out.ends_with('{') {
        out.push(',');
    }
    put_json_string(key, out);
    out.push(':');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_keys_the_last_stays() {
        for more in [0, 100] {
            let mut members = vec![("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5)];
            let others: Vec<String> = (0..more).map(|i| i.to_string()).collect();
            members.extend(others.iter().map(|key| (key.as_str(), 0)));
            keep_last(&mut members);
            assert_eq!(members[..3], [("a", 3), ("c", 4), ("b", 5)]);
            assert_eq!(members.len(), 3 + more);
        }
    }

    #[test]
    fn members_stand_apart() {
        let mut out = String::from("{");
        for key in ["a", "b{"] {
            put_key(key, &mut out);
            out.push('1');
        }
        assert_eq!(out, "{\"a\":1,\"b{\":1");
    }
}
