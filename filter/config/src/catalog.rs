use serde::{Deserialize, Serialize};

/// What all servers offer, packed into one string so that no byte of a definition can change on the way.
///
/// The packed form is defined by `mcp_filter_core::catalog`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Catalog {
    /// How `data` was made from the packed form.
    pub encoding: CatalogEncoding,
    /// The packed form, encoded.
    pub data: String,
    /// Bytes of the packed form before compression; a decoder never inflates past it.
    pub bytes: u64,
}

/// Compression and text encoding of a [`Catalog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CatalogEncoding {
    /// Raw DEFLATE (RFC 1951), then standard base64 with padding (RFC 4648, section 4).
    DeflateBase64,
}
