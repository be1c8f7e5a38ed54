//! Which resource template a URI belongs to.

/// A resource template (RFC 6570), as far as matching needs it.
///
/// Matching asks only whether a template could have been expanded to a URI; what its variables are is the server's to
/// tell. It is linear in the URI for each part of the template, whatever the two are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    literal_chars: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Vec<u8>),
    Expression(Expression),
}

/// `{...}`: either empty or `first` and then any number of bytes that `allows` admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Expression {
    first: Option<u8>,
    allows: Allowed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allowed {
    /// Everything.
    Any,
    /// All but `#`.
    Query,
    /// All but `?` and `#`.
    Path,
    /// All but `/`, `?` and `#`.
    Segment,
}

/// Why a template is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A brace without its partner, or one within the other.
    #[error("unbalanced braces")]
    UnbalancedBraces,
    /// `{}` or an operator without a variable.
    #[error("an expression without a variable")]
    EmptyExpression,
}

impl Template {
    /// Reads a template of any level.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let mut parts = Vec::new();
        let mut literal_chars = 0;
        let mut rest = text;
        while let Some((literal, tail)) = rest.split_once('{') {
            let (expression, tail) = tail
                .split_once('}')
                .ok_or(InvalidTemplate::UnbalancedBraces)?;
            literal_chars += push_literal(&mut parts, literal)?;
            parts.push(Part::Expression(Expression::parse(expression)?));
            rest = tail;
        }
        literal_chars += push_literal(&mut parts, rest)?;
        Ok(Self {
            parts,
            literal_chars,
        })
    }

    /// Characters outside of expressions. Of several templates that match, the one with the most is meant.
    pub fn literal_chars(&self) -> usize {
        self.literal_chars
    }

    /// Whether the template could have become `uri`.
    pub fn matches(&self, uri: &str) -> bool {
        let uri = uri.as_bytes();
        // Most templates differ in their first characters: these cost one comparison.
        let (parts, uri) = match self.parts.split_first() {
            Some((Part::Literal(literal), parts)) => match uri.strip_prefix(literal.as_slice()) {
                Some(rest) => (parts, rest),
                None => return false,
            },
            _ => (self.parts.as_slice(), uri),
        };
        could_become(parts, uri)
    }
}

fn could_become(parts: &[Part], uri: &[u8]) -> bool {
    // `reached[i]`: the parts so far can end before byte `i`.
    let mut reached = vec![false; uri.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for part in parts {
        reached = match part {
            Part::Literal(literal) => after_literal(&reached, uri, literal),
            Part::Expression(expression) => expression.after(reached, uri),
        };
        if !reached.contains(&true) {
            return false;
        }
    }
    reached.last() == Some(&true)
}

impl Expression {
    /// RFC 6570, sections 2.2 and 3.2.
    fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        if text.contains('{') {
            return Err(InvalidTemplate::UnbalancedBraces);
        }
        let operator = text.bytes().next().filter(|byte| b"+#./;?&".contains(byte));
        let variables = if operator.is_some() {
            text.get(1..).unwrap_or_default()
        } else {
            text
        };
        if variables.is_empty() {
            return Err(InvalidTemplate::EmptyExpression);
        }
        let many = variables.contains(['*', ',']);
        let (first, allows) = match operator {
            None => (None, Allowed::Segment),
            Some(b'+') => (None, Allowed::Any),
            Some(b'#') => (Some(b'#'), Allowed::Any),
            Some(b'/') if many => (Some(b'/'), Allowed::Path),
            Some(first @ (b'?' | b'&')) => (Some(first), Allowed::Query),
            Some(first) => (Some(first), Allowed::Segment),
        };
        Ok(Self { first, allows })
    }

    fn after(self, mut reached: Vec<bool>, uri: &[u8]) -> Vec<bool> {
        let mut inside = self.first.is_none() && reached.first() == Some(&true);
        let before = reached.clone();
        for ((index, byte), starts) in uri.iter().enumerate().zip(&before) {
            let begins = match self.first {
                None => self.allows.admits(*byte) && (inside || *starts),
                Some(first) => (inside && self.allows.admits(*byte)) || (*starts && *byte == first),
            };
            inside = begins;
            if let Some(end) = reached.get_mut(index + 1) {
                *end |= inside;
            }
        }
        reached
    }
}

impl Allowed {
    fn admits(self, byte: u8) -> bool {
        match self {
            Self::Any => true,
            Self::Query => byte != b'#',
            Self::Path => !matches!(byte, b'?' | b'#'),
            Self::Segment => !matches!(byte, b'/' | b'?' | b'#'),
        }
    }
}

fn push_literal(parts: &mut Vec<Part>, literal: &str) -> Result<usize, InvalidTemplate> {
    if literal.contains('}') {
        return Err(InvalidTemplate::UnbalancedBraces);
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal.as_bytes().to_vec()));
    }
    Ok(literal.chars().count())
}

fn after_literal(reached: &[bool], uri: &[u8], literal: &[u8]) -> Vec<bool> {
    let mut after = vec![false; reached.len()];
    for (index, _) in reached.iter().enumerate().filter(|(_, reached)| **reached) {
        if uri
            .get(index..)
            .is_some_and(|rest| rest.starts_with(literal))
            && let Some(end) = after.get_mut(index + literal.len())
        {
            *end = true;
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::{InvalidTemplate, Template};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn matches(template: &str, uri: &str) -> bool {
        Template::parse(template).unwrap().matches(uri)
    }

    #[test]
    fn a_template_matches_what_it_expands_to() {
        // Expansions with the variables of RFC 6570, section 3.2.
        for (template, uri) in [
            ("test://template/{id}/data", "test://template/123/data"),
            (
                "repo://{owner}/{repo}/contents{/path*}",
                "repo://octocat/hello/contents/src/main.rs",
            ),
            (
                "repo://{owner}/{repo}/contents{/path*}",
                "repo://octocat/hello/contents",
            ),
            ("{+path}/here", "/foo/bar/here"),
            ("X{#hello}", "X#Hello%20World!"),
            ("X{.var}", "X.value"),
            ("{/var,x}/here", "/value/1024/here"),
            ("{/var:1,var}", "/v/value"),
            ("{;x,y,empty}", ";x=1024;y=768;empty"),
            ("a{?x,y}", "a?x=1024&y=768"),
            ("a{?x,y}", "a"),
            ("?fixed=yes{&x}", "?fixed=yes&x=1024"),
            ("map?{x,y}", "map?1024,768"),
            ("file:///{+path}", "file:///a/b?c#d"),
            ("plain", "plain"),
            ("é/{x}", "é/%C3%A9"),
        ] {
            assert!(matches(template, uri), "{template} {uri}");
        }
    }

    #[test]
    fn a_template_does_not_match_what_it_cannot_expand_to() {
        for (template, uri) in [
            ("test://template/{id}/data", "test://template/1/2/data"),
            ("test://template/{id}/data", "test://template/123/data/"),
            ("test://template/{id}/data", "TEST://template/123/data"),
            (
                "repo://{owner}/{repo}/contents{/path*}",
                "repo://octocat/hello/contentsrc",
            ),
            ("X{/one}", "X/a/b"),
            ("X{.var}", "Xvalue"),
            ("a{?x}", "a?x#y"),
            ("{x}", "a/b"),
            ("plain", "plain2"),
            ("plain", ""),
        ] {
            assert!(!matches(template, uri), "{template} {uri}");
        }
    }

    #[test]
    fn literal_characters_count_outside_of_expressions() {
        for (template, count) in [("", 0), ("{a}", 0), ("a{b}c{+d}ef", 4), ("é{x}", 1)] {
            assert_eq!(
                Template::parse(template).unwrap().literal_chars(),
                count,
                "{template}"
            );
        }
    }

    #[test]
    fn braces_without_sense_are_refused() {
        for template in ["{", "}", "a{b", "a}b", "{a{b}}", "{a}}"] {
            assert_eq!(
                Template::parse(template),
                Err(InvalidTemplate::UnbalancedBraces),
                "{template}"
            );
        }
        for template in ["{}", "{?}", "{/}"] {
            assert_eq!(
                Template::parse(template),
                Err(InvalidTemplate::EmptyExpression),
                "{template}"
            );
        }
    }

    #[test]
    fn many_expressions_over_a_long_uri_end_soon() {
        let template = Template::parse(&"{+a}{b}".repeat(50)).unwrap();
        assert!(template.matches(&"a".repeat(8 * 1024)));
        assert!(
            !Template::parse(&format!("{}!", "{+a}x".repeat(50)))
                .unwrap()
                .matches(&"x".repeat(8 * 1024))
        );
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod properties {
    use proptest::prelude::*;

    use super::Template;

    /// Each with an expansion of it.
    fn part() -> impl Strategy<Value = (String, String)> {
        prop_oneof![
            "[a-z:/._-]{1,6}".prop_map(|literal| (literal.clone(), literal)),
            "[a-zA-Z0-9%,._~-]{0,6}".prop_map(|value| ("{v}".to_owned(), value)),
            "[a-z/?#&=]{0,6}".prop_map(|value| ("{+v}".to_owned(), value)),
            "(/[a-z0-9]{0,3}){0,3}".prop_map(|value| ("{/v*}".to_owned(), value)),
            "(\\?v=[a-z0-9]{0,3})?".prop_map(|value| ("{?v}".to_owned(), value)),
            "(\\.[a-z]{1,3})?".prop_map(|value| ("{.v}".to_owned(), value)),
        ]
    }

    proptest! {
        #[test]
        fn every_expansion_matches(parts in prop::collection::vec(part(), 0..8)) {
            let (template, uri): (String, String) = parts.into_iter().unzip();
            prop_assert!(Template::parse(&template).unwrap().matches(&uri), "{template} {uri}");
        }

        #[test]
        fn no_text_makes_a_template_fail(template in ".{0,30}", uri in ".{0,30}") {
            if let Ok(template) = Template::parse(&template) {
                template.matches(&uri);
            }
        }
    }
}
