//! The Proxy-Wasm adapter: callbacks in, hostcalls out. No rule of MCP stands here.
