//! The registrations of a cluster, served by its own gateways.
