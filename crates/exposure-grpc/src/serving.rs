use std::io;
use std::pin::pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_stream::{Stream, StreamExt as _};

use crate::Settings;
use crate::calls::Calls;
use crate::connection::{Admission, Bound};
use crate::http2::Connection;

/// Serves connections until `shutdown`, and then until all of them have ended.
pub(crate) async fn serve<IO>(
    calls: Calls,
    settings: &Settings,
    incoming: impl Stream<Item = io::Result<IO>>,
    shutdown: impl Future<Output = ()>,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let bound = Bound::new(settings.max_connections);
    let calls = Arc::new(calls);
    let (stop, stopped) = watch::channel(false);
    {
        // Gone before the connections are waited for: who comes then is told so at once.
        let mut incoming = pin!(incoming);
        let mut shutdown = pin!(shutdown);
        loop {
            let io = tokio::select! {
                () = &mut shutdown => break,
                io = incoming.next() => io,
            };
            match io {
                Some(Ok(io)) => {
                    let Some(admission) = bound.admit() else { continue };
                    let connection = Connection::new(io, admission.peer(), &calls, settings);
                    drop(tokio::spawn(run(connection, admission, stopped.clone())));
                }
                Some(Err(error)) => tracing::debug!(%error, "a connection could not be accepted"),
                None => break,
            }
        }
    }
    stop.send_replace(true);
    drop(stopped);
    stop.closed().await;
}

/// A connection from its beginning to its end.
async fn run<IO>(
    mut connection: Connection<IO>,
    admission: Admission,
    mut stopped: watch::Receiver<bool>,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        _ = stopped.wait_for(|&stops| stops) => None,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.stop();
        connection.await
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection failed");
    }
    drop((admission, stopped));
}
