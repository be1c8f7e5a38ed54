//! What clients bring back: session ids, sealed ids, and control's signature.

use mcp_filter_core::control_signature::{self, PublicKey, SignedRequest, SigningKey};
use mcp_filter_core::identity::Identity;
use mcp_filter_core::sealed_id::{SealedId, ServerDigest};
use mcp_filter_core::session_id::{self, ClientCapabilities, Session, SessionKeys, Statement};
use mcp_filter_core::slots::{MemorySlots, Owner};
use mcp_filter_core::task_id::TaskId;
use mcp_filter_core::version::ProtocolVersion;
use mcp_filter_core::{Claims, Context};

const NOW_MS: u64 = 1_790_000_000_000;

fn keys() -> SessionKeys {
    SessionKeys::new([(1, [7; 32]), (2, [8; 32])], 3600)
}

fn issued(keys: &SessionKeys) -> Vec<u8> {
    let statement = Statement {
        version: ProtocolVersion::LATEST,
        capabilities: ClientCapabilities::default(),
        identity: Identity::ANONYMOUS,
    };
    let mut context = Context {
        now_ms: NOW_MS,
        random: &mut |bytes| bytes.fill(3),
        claims: &mut |_| Claims::NONE,
        slots: &mut MemorySlots::default(),
    };
    session_id::mint(keys, &statement, &mut context).unwrap_or_default()
}

fn session(keys: &SessionKeys) -> Option<Session> {
    session_id::verify(&issued(keys), keys, &Identity::ANONYMOUS, NOW_MS).ok()
}

/// The bytes in the place of the first of `issued`, and on their own.
fn changed(issued: &[u8], bytes: &[u8]) -> [Vec<u8>; 2] {
    let rest = issued.get(bytes.len()..).unwrap_or_default();
    [[bytes, rest].concat(), bytes.to_vec()]
}

/// An id: only what was issued is one.
pub fn session_id(bytes: &[u8]) {
    let keys = keys();
    let issued = issued(&keys);
    for id in changed(&issued, bytes) {
        let verified = session_id::verify(&id, &keys, &Identity::ANONYMOUS, NOW_MS);
        assert_eq!(verified.is_ok(), id == issued);
    }
}

/// The text of an id: only what was sealed opens. And any bytes can be sealed, or are too long.
pub fn sealed_id(bytes: &[u8]) {
    let keys = keys();
    let Some(session) = session(&keys) else {
        return;
    };
    let (original, upstream) = bytes.split_at(bytes.len() / 2);
    let id = SealedId {
        server: ServerDigest::of("test/a"),
        original: original.to_vec(),
        upstream_session: upstream.to_vec(),
    };
    task_id(bytes, (&keys, &session));
    if let Some(text) = id.seal(&keys, &session) {
        assert_eq!(SealedId::open(&text, &keys, &session), Some(id));
        for text in changed(text.as_bytes(), bytes) {
            if let Ok(text) = String::from_utf8(text)
                && let Some(opened) = SealedId::open(&text, &keys, &session)
            {
                assert_eq!(opened.seal(&keys, &session), Some(text));
            }
        }
    }
}

/// The same of a task's id.
fn task_id(bytes: &[u8], (keys, session): (&SessionKeys, &Session)) {
    let owner = Owner::of(session);
    let (original, upstream) = bytes.split_at(bytes.len() / 2);
    let id = TaskId {
        server: ServerDigest::of("test/a"),
        tool: String::from_utf8_lossy(original).into_owned(),
        original: original.to_vec(),
        upstream_session: upstream.to_vec(),
        credential: [4; 8],
    };
    let Some(text) = id.seal(keys, &owner) else {
        return;
    };
    assert_eq!(TaskId::open(&text, keys, &owner), Some(id));
    for text in changed(text.as_bytes(), bytes) {
        if let Ok(text) = String::from_utf8(text)
            && let Some(opened) = TaskId::open(&text, keys, &owner)
        {
            assert_eq!(opened.seal(keys, &owner), Some(text));
        }
    }
}

/// The value of the header: only what was signed is a signature.
pub fn control_signature(bytes: &[u8]) {
    let signing = SigningKey::from_seed([5; 32]);
    let public: [PublicKey; 1] = [signing.public_key()];
    let request = SignedRequest {
        method: b"POST",
        host: b"a.mcp.local",
        path: b"/mcp",
        credential: None,
    };
    let signed = signing.sign(&request, NOW_MS, &[9; 16]).into_bytes();
    for value in changed(&signed, bytes) {
        let nonce = control_signature::verify(&public, &request, NOW_MS, &value);
        assert!(nonce.is_none() || nonce == Some([9; 16]));
        assert!(nonce.is_some() || value != signed);
    }
    let other = SignedRequest {
        path: bytes,
        ..request
    };
    let verified = control_signature::verify(&public, &other, NOW_MS, &signed);
    assert_eq!(verified.is_some(), bytes == b"/mcp");
}
