//! `$NAME` in the text of Secrets, as the guides' shell would replace it.

use std::collections::BTreeMap;

/// A placeholder that has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Placeholder {
    /// Its variable is not set, or empty.
    #[error(
        "${0} has no value: set the environment variable {0} and start again, or write the value into the Secret ($$ stands for a dollar sign)"
    )]
    Missing(String),
    /// `${` without a name and `}`.
    #[error("`${{` without a name and `}}` after it: write $$ for a dollar sign")]
    Open,
}

/// Replaces `$NAME` and `${NAME}`, and `$$` by `$`. Any other `$` stays.
pub(super) fn expand(
    text: &str,
    variables: &BTreeMap<String, String>,
) -> Result<String, Placeholder> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match after.strip_prefix('{') {
            Some(braced) => {
                let (name, after) = braced.split_once('}').ok_or(Placeholder::Open)?;
                if name.is_empty() || name_length(name) != name.len() {
                    return Err(Placeholder::Open);
                }
                (name, after)
            }
            None => after
                .split_at_checked(name_length(after))
                .unwrap_or(("", after)),
        };
        rest = after;
        if name.is_empty() {
            expanded.push('$');
            continue;
        }
        let value = variables.get(name).filter(|value| !value.is_empty());
        expanded.push_str(value.ok_or_else(|| Placeholder::Missing(name.to_owned()))?);
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// The variable, where a whole credential, but for its scheme, is a placeholder that nobody has replaced. Only names
/// in capitals, as the guides have them, count: others may be part of a secret, and the name is shown.
pub(super) fn left_over(value: &str) -> Option<&str> {
    let token = value
        .split_once(' ')
        .map_or(value, |(_, token)| token)
        .trim();
    let name = token.strip_prefix('$')?;
    let name = name
        .strip_prefix('{')
        .and_then(|n| n.strip_suffix('}'))
        .unwrap_or(name);
    let is_inner = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(is_inner);
    is_name.then_some(name)
}

/// Bytes of the shell variable name that `text` begins with.
fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::{Placeholder, expand, left_over};

    fn expanded(text: &str) -> Result<String, Placeholder> {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        expand(
            text,
            &[("PAT", "abc$PAT"), ("A_1", "x"), ("EMPTY", "")]
                .map(pair)
                .into(),
        )
    }

    #[test]
    fn placeholders_are_replaced_once() {
        for (text, expected) in [
            ("Bearer $PAT", "Bearer abc$PAT"),
            ("${PAT}s$A_1", "abc$PATsx"),
            ("$$PAT $$$A_1", "$PAT $x"),
            ("5$ $5 $-", "5$ $5 $-"),
            ("", ""),
            ("ä$A_1ö", "äxö"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_missing_or_empty_variable_is_named() {
        assert_eq!(
            expanded("a $NO_SUCH b"),
            Err(Placeholder::Missing("NO_SUCH".to_owned()))
        );
        assert_eq!(
            expanded("${EMPTY}"),
            Err(Placeholder::Missing("EMPTY".to_owned()))
        );
        for open in ["${PAT", "${}", "${a b}"] {
            assert_eq!(expanded(open), Err(Placeholder::Open), "{open}");
        }
    }

    #[test]
    fn a_credential_that_is_a_placeholder_is_told_from_one_that_has_a_dollar_sign() {
        assert_eq!(left_over("Bearer $GITHUB_PAT"), Some("GITHUB_PAT"));
        assert_eq!(left_over("${GITHUB_PAT}"), Some("GITHUB_PAT"));
        for real in [
            "Bearer abc$def",
            "$1abc",
            "a b c",
            "",
            "$",
            "$a-b",
            "$uperSecret42",
            "Bearer $Uper_Secret",
            "${uper}",
            "$_A",
            "${PAT",
            "$PAT}",
            "$PÄT",
        ] {
            assert_eq!(left_over(real), None, "{real}");
        }
    }
}
