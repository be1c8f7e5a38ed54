//! The filter's image, as a gateway of Istio pulls it.

use std::fmt;
use std::str::FromStr;

const SCHEME: &str = "oci://";
const DIGEST: &str = "@sha256:";
/// Hexadecimal digits of a digest.
const DIGITS: usize = 64;

/// `oci://REGISTRY/NAME@sha256:DIGEST`. By digest alone: what a tag means changes, and the two parts of the filter must
/// be the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Image(String);

/// What an image must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an image is named by its digest, as in oci://registry.example.com/mcp-filter@sha256:<64 hexadecimal digits>"
)]
pub struct InvalidImage;

impl Image {
    /// As registries know it: `REGISTRY/NAME@sha256:DIGEST`.
    pub fn reference(&self) -> &str {
        self.0.strip_prefix(SCHEME).unwrap_or(&self.0)
    }

    /// The hexadecimal digits of the digest.
    pub fn digest(&self) -> &str {
        self.0.split_once(DIGEST).map_or("", |(_, digest)| digest)
    }

    /// The first of these, for names.
    pub fn short_digest(&self) -> &str {
        let digest = self.digest();
        digest.get(..8).unwrap_or(digest)
    }
}

impl FromStr for Image {
    type Err = InvalidImage;

    fn from_str(text: &str) -> Result<Self, InvalidImage> {
        let named = text.strip_prefix(SCHEME).ok_or(InvalidImage)?;
        let (name, digest) = named.split_once(DIGEST).ok_or(InvalidImage)?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_digest = digest.len() == DIGITS && digest.bytes().all(is_digit);
        let is_part =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
        let parts = name.split_once('/');
        let is_name = parts.is_some_and(|(registry, name)| is_part(registry) && is_part(name));
        (is_name && is_digest)
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidImage)
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Image, InvalidImage};

    #[test]
    fn an_image_is_named_by_its_digest() {
        let text = format!(
            "oci://registry.example.com:5000/mcp/filter@sha256:{}",
            "0a".repeat(32)
        );
        let image: Image = text.parse().unwrap();
        assert_eq!(
            (image.to_string(), image.short_digest()),
            (text, "0a0a0a0a")
        );
    }

    #[test]
    fn anything_else_is_no_image() {
        let digest = "0a".repeat(32);
        for text in [
            "",
            "oci://r/n:latest",
            &format!("r/n@sha256:{digest}"),
            &format!("https://r/n@sha256:{digest}"),
            &format!("oci://n@sha256:{digest}"),
            &format!("oci:///@sha256:{digest}"),
            &format!("oci://r/@sha256:{digest}"),
            &format!("oci://r/n@sha256:{}", "0A".repeat(32)),
            &format!("oci://r/n@sha256:{digest}0"),
            &format!("oci://r/a b@sha256:{digest}"),
        ] {
            assert_eq!(text.parse::<Image>(), Err(InvalidImage), "{text}");
        }
    }
}
