//! How a variable's namespace and name are written as one key of a file.
//!
//! `w1` is `w1`, `m` of namespace `adam` is `adam/m`; a `/` or `%` inside either is `%2F` or `%25`, so at most one `/` is
//! left. The k-th unnamed variable of a namespace is `%unnamedK`. `__metadata__` is taken by the format: `%5F_metadata__`.

const RESERVED: &str = "__metadata__";
const RESERVED_AS: &str = "%5F_metadata__";
const UNNAMED: &str = "%unnamed";

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('/', "%2F")
}

fn unescape(text: &str) -> String {
    text.replace("%2F", "/").replace("%25", "%")
}

/// The key of a variable; `ordinal` counts the unnamed variables of its namespace.
pub(super) fn encode(space: &str, name: Option<&str>, ordinal: usize) -> String {
    let name = name.map_or_else(|| format!("{UNNAMED}{ordinal}"), escape);
    match space {
        "" if name == RESERVED => RESERVED_AS.to_owned(),
        "" => name,
        _ => format!("{}/{name}", escape(space)),
    }
}

/// Namespace and name of a key that [`encode`] wrote, `None` for any other text. `ordinal` gives, and counts, the unnamed
/// variables of a namespace so far.
pub(super) fn decode(key: &str, ordinal: impl FnOnce(&str) -> usize) -> Option<(String, Option<String>)> {
    if key == RESERVED_AS {
        return Some((String::new(), Some(RESERVED.to_owned())));
    }
    let (space, name) = key.split_once('/').unwrap_or(("", key));
    let space = unescape(space);
    let (name, n) = if name.starts_with(UNNAMED) { (None, ordinal(&space)) } else { (Some(unescape(name)), 0) };
    // A text that `encode` would not write could meet another key's variable.
    (encode(&space, name.as_deref(), n) == key).then_some((space, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_return_the_names_they_were_made_of() {
        let texts = [
            "",
            "w1",
            "a/b",
            "/",
            "%",
            "%25",
            "%2F",
            "%2f",
            "%unnamed0",
            "__metadata__",
            "gew\u{f6}hnlich",
            "\u{1F980}\n\"\\\0",
            "%5F_metadata__",
        ];
        let mut keys = std::collections::HashSet::new();
        for space in texts {
            for name in texts {
                let key = encode(space, Some(name), 0);
                assert_ne!(key, RESERVED);
                assert_eq!(decode(&key, |_| 0), Some((space.to_owned(), Some(name.to_owned()))), "{key}");
                assert!(keys.insert(key), "{space:?} {name:?} share a key");
            }
            let key = encode(space, None, 3);
            assert_eq!(decode(&key, |_| 3), Some((space.to_owned(), None)));
            assert_eq!(decode(&key, |_| 2), None);
            assert!(keys.insert(key));
        }
        for bad in ["/w", "a/b/c", "%", "%20", "%unnamed", "%unnamed00", "%unnamedx", "__metadata__", "%5F"] {
            assert_eq!(decode(bad, |_| 0), None, "{bad}");
        }
    }

    #[test]
    fn plain_names_stay_plain() {
        assert_eq!(encode("", Some("w1"), 0), "w1");
        assert_eq!(encode("adam", Some("0m"), 0), "adam/0m");
        assert_eq!(encode("", Some("layer/w"), 0), "layer%2Fw");
        assert_eq!(encode("", None, 1), "%unnamed1");
    }
}
