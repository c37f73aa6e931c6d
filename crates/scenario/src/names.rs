//! Names in messages: lists of them, and which was meant.

/// `1 run`, `2 runs`.
#[must_use]
pub fn counted(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// "did you mean ..", if one of `known` is near to `name`.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    // Distance costs the product of the lengths; nobody means a name of kilobytes.
    if name.len() > 100 {
        return None;
    }
    // Short names are as good as any other of their length.
    let allowed = name.chars().count() / 3;
    let near = known.filter(|known| known.len() <= 100).map(|known| {
        let distance = strsim::damerau_levenshtein(&name.to_lowercase(), &known.to_lowercase());
        (distance, known)
    });
    // Of equally near ones the first known is meant.
    let (distance, known) = near.min_by_key(|(distance, _)| *distance)?;
    (distance <= allowed).then(|| format!("did you mean `{known}`?"))
}

/// `a`, `b` and `c`; of very many, the first.
pub(crate) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    const MOST: usize = 64;
    let mut names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    if more > 0 {
        return format!("{} and {more} more", names.join(", "));
    }
    match names.pop() {
        None => "none".to_owned(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let known = || ["write_aio", "read_aio", "flush_to_os"].into_iter();
        assert_eq!(nearest("wirte_aio", known()).as_deref(), Some("did you mean `write_aio`?"));
        assert_eq!(nearest("pwritev", known()), None);
    }

    #[test]
    fn a_list_reads_as_a_sentence() {
        assert_eq!(list([].into_iter()), "none");
        assert_eq!(list(["a", "b", "c"].into_iter()), "`a`, `b` and `c`");
    }
}
