//! Reasons, each with all names that it applies to.

/// Groups names by reason, in the order of each reason's first name: `("a, c", "no heap")`.
pub(crate) fn by_reason<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Vec<(String, String)> {
    names_by_reason(pairs).into_iter().map(|(names, reason)| (names.join(", "), reason)).collect()
}

/// The same, with separate names.
pub(crate) fn names_by_reason<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Vec<(Vec<&'a str>, String)> {
    let mut groups: Vec<(Vec<&str>, String)> = Vec::new();
    for (name, reason) in pairs {
        match groups.iter_mut().find(|(_, known)| *known == reason) {
            Some((names, _)) => names.push(name),
            None => groups.push((vec![name], reason)),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_the_same_reason_are_grouped() {
        let pairs = [("a", "no heap"), ("b", "too slow"), ("c", "no heap")];
        let groups = by_reason(pairs.map(|(name, reason)| (name, reason.to_string())));
        assert_eq!(groups, [("a, c".into(), "no heap".into()), ("b".into(), "too slow".into())]);
        assert_eq!(by_reason([]), []);
    }
}
