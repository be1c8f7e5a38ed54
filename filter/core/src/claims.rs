//! What the token says that a caller has shown and Envoy has verified.
//!
//! Envoy hands claims over without their types: text as it is, a boolean as one byte, a number as the eight bytes of a
//! double, an object as a block of [`Pairs`], and a list as one whose keys are the items and whose values are empty. So
//! an empty text within an object looks like an item of a list, and no empty text counts as a claim.

use crate::identity::Identity;
use crate::pairs::Pairs;
use crate::policy::is_header_value;

/// The claims of one token, or of none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims(Known);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Known {
    /// No token was verified.
    #[default]
    Nothing,
    /// All of them, as a block.
    All(Vec<u8>),
    /// Those that were asked for.
    Some(Vec<Asked>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    path: Vec<String>,
    claim: Result<Option<Vec<u8>>, UnreadableClaim>,
}

/// A claim that is there and that the host cannot write: null, or something with null in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("null, or something with null in it")]
pub struct UnreadableClaim;

/// No one text: a list, an object, or what no header value may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no text that a header value may have")]
pub struct NoHeaderValue;

impl Claims {
    /// Those of a caller without a verified token.
    pub const NONE: Self = Self(Known::Nothing);

    /// Takes the host's block with all claims of a token. `None` where it is none.
    pub fn of_block(block: Vec<u8>) -> Option<Self> {
        Pairs::is_well_formed(&block).then_some(Self(Known::All(block)))
    }

    /// Asks the host for each claim of `paths` where it cannot hand over all of them at once. No others are known then.
    ///
    /// The host takes a number within a path for a place in a list, should the claim be one, so it is not asked for such
    /// a path.
    pub fn one_by_one(
        paths: &[Vec<String>],
        mut ask: impl FnMut(&[String]) -> Result<Option<Vec<u8>>, UnreadableClaim>,
    ) -> Self {
        let claims = paths.iter().map(|path| {
            let claim = if path.iter().skip(1).any(|name| is_number(name)) {
                Err(UnreadableClaim)
            } else {
                ask(path)
            };
            let path = path.clone();
            Asked { path, claim }
        });
        Self(Known::Some(claims.collect()))
    }

    /// Whom the token names.
    pub fn identity(&self) -> Identity {
        let claim = |name| self.bytes(&[name]).ok().flatten().map(<[u8]>::to_vec);
        Identity::of_claims(claim("iss"), claim("sub"))
    }

    /// Whether the token says when it is over. What comes to zero whole seconds Envoy's `jwt_authn` takes for no time.
    pub(crate) fn expires(&self) -> bool {
        let expires = self.bytes(&["exp"]).ok().flatten();
        let seconds = expires.and_then(|bytes| bytes.try_into().ok());
        seconds.is_some_and(|seconds| f64::from_le_bytes(seconds) >= 1.0)
    }

    /// Whether there is a claim at `path`, whatever it is.
    pub fn has(&self, path: &[impl AsRef<str>]) -> Result<bool, UnreadableClaim> {
        Ok(self.claim(path)?.is_some())
    }

    /// Whether the claim at `path` is this text.
    pub fn is_text(&self, path: &[impl AsRef<str>], text: &str) -> Result<bool, UnreadableClaim> {
        Ok(self.claim(path)? == Some(text.as_bytes()))
    }

    /// Whether the claim at `path` is a list with this text as an item.
    pub fn has_item(&self, path: &[impl AsRef<str>], text: &str) -> Result<bool, UnreadableClaim> {
        let is_item = |claim| items(claim).any(|item| item == text.as_bytes());
        Ok(self.claim(path)?.is_some_and(is_item))
    }

    /// The items of the list that the claim at `path` is. `None` where that is no list, or not there.
    pub fn items(
        &self,
        path: &[impl AsRef<str>],
    ) -> Result<Option<impl Iterator<Item = &[u8]>>, UnreadableClaim> {
        let claim = self.claim(path)?.filter(|claim| is_list(claim));
        Ok(claim.map(items))
    }

    /// Whether the claim at `path` is a text of words with single spaces between them, or a list of words, and this is
    /// one of them. With `normalize_payload_in_metadata`, which Istio sets for `scope` and `permission`, Envoy makes the
    /// list of the text.
    pub fn has_word(&self, path: &[impl AsRef<str>], word: &str) -> Result<bool, UnreadableClaim> {
        let in_text = match self.claim(path)?.map(header_value) {
            Some(Ok(text)) => text.split(' ').any(|candidate| candidate == word),
            Some(Err(NoHeaderValue)) | None => false,
        };
        Ok(in_text || self.has_item(path, word)?)
    }

    /// The text at `path`, as a part of a header value; empty where there is none.
    pub fn header_value(&self, path: &[impl AsRef<str>]) -> Result<&str, NoHeaderValue> {
        let claim = self.claim(path).map_err(|_| NoHeaderValue)?;
        header_value(claim.unwrap_or_default())
    }

    fn claim(&self, path: &[impl AsRef<str>]) -> Result<Option<&[u8]>, UnreadableClaim> {
        let claim = self.bytes(path)?;
        Ok(claim.filter(|bytes| !bytes.is_empty()))
    }

    fn bytes(&self, path: &[impl AsRef<str>]) -> Result<Option<&[u8]>, UnreadableClaim> {
        let names = || path.iter().map(AsRef::as_ref);
        match &self.0 {
            Known::Nothing => Ok(None),
            Known::All(block) => Ok(names().try_fold(block.as_slice(), member)),
            Known::Some(claims) => {
                let asked = claims
                    .iter()
                    .find(|asked| names().eq(asked.path.iter().map(String::as_str)));
                match asked.map(|asked| &asked.claim) {
                    Some(Ok(claim)) => Ok(claim.as_deref()),
                    Some(Err(unreadable)) => Err(*unreadable),
                    None => Ok(None),
                }
            }
        }
    }
}

fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut members = Pairs::is_well_formed(object).then(|| Pairs::of(object))?;
    let (_, value) = members.find(|(key, _)| *key == name.as_bytes())?;
    Some(value)
}

/// Those of a list; of what is none, nothing.
fn items(claim: &[u8]) -> impl Iterator<Item = &[u8]> {
    let pairs = is_list(claim).then(|| Pairs::of(claim));
    pairs.into_iter().flatten().map(|(item, _)| item)
}

fn is_list(claim: &[u8]) -> bool {
    Pairs::is_well_formed(claim) && Pairs::of(claim).all(|(_, value)| value.is_empty())
}

/// Objects and lists have zero bytes, and so do most numbers.
fn header_value(claim: &[u8]) -> Result<&str, NoHeaderValue> {
    let text = std::str::from_utf8(claim).map_err(|_| NoHeaderValue)?;
    is_header_value(claim).then_some(text).ok_or(NoHeaderValue)
}

fn is_number(name: &str) -> bool {
    let name = name.trim();
    let digits = name.strip_prefix(['+', '-']).unwrap_or(name);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
pub(crate) mod tests;
