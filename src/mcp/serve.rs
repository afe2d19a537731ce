//! `aurora mcp`: serves one client on standard input and output until that ends.

use std::process::ExitCode;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::async_rw::AsyncRwTransport;

use super::tools::Tools;
use crate::cli::arguments::Global;
use crate::cli::say;

/// Longest line of a client: a question is a few hundred bytes. A longer one is passed over, and nothing of it is kept.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Serves until the client closes its end. Only the protocol goes to standard output.
#[must_use]
pub fn run(global: &Global) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say::error(&format!("the runtime does not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let served = runtime.block_on(serve(global.clone()));
    // A read of standard input that nobody needs any more would hold the process up.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn serve(global: Global) -> anyhow::Result<()> {
    let (input, output) = rmcp::transport::stdio();
    let transport = AsyncRwTransport::new_server(input, output).with_max_line_length(LINE_BYTES_MAX);
    match Box::pin(Tools::new(global).serve(transport)).await {
        Ok(running) => running.waiting().await.map(drop).map_err(anyhow::Error::from),
        // A client that leaves before it has said anything has done nothing wrong.
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        // What a client sent is not repeated: it may be anything.
        Err(ServerInitializeError::ExpectedInitializeRequest(_)) => {
            anyhow::bail!("the client does not speak the Model Context Protocol: its first message is not initialize")
        }
        Err(error) => Err(anyhow::Error::from(error)),
    }
}
