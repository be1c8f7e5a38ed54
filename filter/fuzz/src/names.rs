//! Hosts, origins, URIs and templates.

use mcp_filter_core::host::{Origin, normalize};
use mcp_filter_core::resource_uri::Template;

/// `:authority` or `Origin`: what is normal stays so.
pub fn host(bytes: &[u8]) {
    if let Some(host) = normalize(bytes) {
        assert_eq!(normalize(host.as_bytes()).as_deref(), Some(&*host));
        assert!(host.bytes().all(|byte| !byte.is_ascii_uppercase()));
        let page = format!("http://{host}");
        assert!(Origin::parse(page.as_bytes()).is_some(), "{page}");
    }
    let _ = Origin::parse(bytes);
}

/// A template and, in the next line, a URI: a template matches itself where it has no expression.
pub fn resource_uri(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (template, uri) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(parsed) = Template::parse(template) else {
        return;
    };
    let matches = parsed.matches(uri);
    if !template.contains('{') {
        assert_eq!(matches, template == uri);
        assert_eq!(parsed.literal_chars(), template.chars().count());
    }
}
