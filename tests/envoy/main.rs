//! Level envoy.
