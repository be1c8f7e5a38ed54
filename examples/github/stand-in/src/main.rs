//! Serves the stand-in on one address and says where.

use std::net::SocketAddr;

use clap::Parser;
use tokio::net::TcpListener;

/// A small MCP server that stands in for GitHub's where there is no account and no internet.
#[derive(Parser)]
struct Args {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let listener = TcpListener::bind(Args::parse().listen).await?;
    println!("listening http://{}/mcp", listener.local_addr()?);
    axum::serve(listener, github_stand_in::router()).await?;
    Ok(())
}
