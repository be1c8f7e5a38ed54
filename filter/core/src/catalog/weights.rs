//! What each server takes of the compressed form.

use std::borrow::Cow;
use std::collections::BTreeMap;

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};

use super::packed::{COMPRESSION_LEVEL, HeaderEntry};
use super::{CatalogWriter, Definition};

impl CatalogWriter {
    /// Bytes of the compressed form that each server is the cause of, by its place in the configuration: what repeats a
    /// server before it costs little. Good to a few in a hundred, for the packed form has another order.
    ///
    /// Each server's definitions must have been pushed together.
    pub fn weights(&self) -> BTreeMap<u32, u64> {
        let flags = create_comp_flags_from_zip_params(COMPRESSION_LEVEL.into(), 0, 0);
        let mut compressor = CompressorOxide::new(flags);
        let servers = self.entries().chunk_by(|(a, _), (b, _)| a == b);
        let weights = servers.filter_map(|definitions| {
            let (server, _) = definitions.first()?;
            Some((*server, weight(&mut compressor, definitions)))
        });
        weights.collect()
    }
}

fn weight(compressor: &mut CompressorOxide, definitions: &[(u32, Definition)]) -> u64 {
    let mut text = Vec::new();
    for (server, definition) in definitions {
        let length = definition.json().len() as u64;
        let entry = HeaderEntry(*server, Cow::Borrowed(definition.key()), length);
        // Strings and integers alone: cannot fail.
        text.extend(serde_json::to_vec(&entry).unwrap_or_default());
        text.push(b',');
    }
    for (_, definition) in definitions {
        text.extend_from_slice(definition.json().as_bytes());
        text.push(b',');
    }
    let mut weight = 0;
    compress_to_output(compressor, &text, TDEFLFlush::Sync, |piece| {
        weight += piece.len() as u64;
        true
    });
    weight
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::catalog::ListKind;

    /// Tools of one server, with descriptions that are `kind`'s own.
    fn push(writer: &mut CatalogWriter, server: u32, kind: u32, tools: u32) {
        for tool in 0..tools {
            let words: Vec<String> = (0..40_u32)
                .map(|word| format!("{:x}", (kind + 1).wrapping_mul(0x9e37_79b1) ^ (word * tool)))
                .collect();
            let json = format!(
                r#"{{"name":"t{tool}","description":"{}"}}"#,
                words.join(" ")
            );
            let prefix = format!("s{server}_");
            writer.push(
                server,
                Definition::parse(ListKind::Tools, &prefix, &json).unwrap(),
            );
        }
    }

    #[test]
    fn the_weights_add_up_to_about_the_compressed_form() {
        let mut writer = CatalogWriter::new();
        for server in 0..20 {
            push(&mut writer, server, server, 20);
        }
        let packed = STANDARD.decode(writer.finish().data).unwrap().len() as u64;
        let sum: u64 = writer.weights().values().sum();
        assert_eq!(writer.weights().len(), 20);
        assert!(sum.abs_diff(packed) * 10 < packed, "{sum} {packed}");
    }

    #[test]
    fn what_repeats_an_older_server_weighs_little() {
        let mut writer = CatalogWriter::new();
        for (server, kind) in [(1, 1), (3, 3), (4, 3)] {
            push(&mut writer, server, kind, 30);
        }
        let weights = writer.weights();
        assert_eq!(weights.keys().copied().collect::<Vec<_>>(), [1, 3, 4]);
        assert!(weights[&4] * 4 < weights[&3], "{weights:?}");
    }

    #[test]
    fn nothing_weighs_nothing() {
        assert!(CatalogWriter::new().weights().is_empty());
    }
}
