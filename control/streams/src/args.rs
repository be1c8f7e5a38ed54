//! The command line.

use std::num::NonZeroUsize;

use clap::Parser;

use crate::settings::PER_CLIENT;
use crate::{GatewayAddress, Listen};

/// Holds streams and conversations for an MCP gateway.
#[derive(Clone, Debug, Parser)]
#[command(name = "mcp-streams", version)]
pub struct Args {
    /// Where the gateway reaches this program: ADDR:PORT or unix:PATH.
    #[arg(long, value_name = "ADDRESS", default_value = "[::]:8090")]
    pub listen: Listen,
    /// Where this program reaches the gateway.
    #[arg(long, value_name = "http://ADDR:PORT")]
    pub gateway: GatewayAddress,
    /// How many streams one client may hold, and how many calls between the eras. One client is who a token names; else
    /// who shows the same credentials for servers; else one session.
    #[arg(long, value_name = "COUNT", default_value_t = PER_CLIENT)]
    pub per_client: NonZeroUsize,
    /// What is logged, as of tracing's `EnvFilter`.
    #[arg(long, value_name = "FILTER", env = "RUST_LOG", default_value = "info")]
    pub log: String,
}
