use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::session::Session;
use crate::failure::{Failure, Result};
use crate::load::tally::Tally;

/// How long a server may take to say what it is.
const GREETING: Duration = Duration::from_secs(5);

/// Has all callers of a session make their calls over a socket.
pub(super) async fn work<IO>(io: IO, mut session: Session) -> Result<Tally>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut wire = Wire { io, n_written: 0, bytes: vec![0; FIRST_BYTES], filled: 0 };
    let mut timer = pin!(tokio::time::sleep(GREETING));
    let greeting = Instant::now() + GREETING;
    while !session.is_greeted() {
        wire.exchange(&mut session, timer.as_mut(), Some(greeting)).await?;
        if greeting <= Instant::now() {
            return Err(Failure::failed("the server does not begin as HTTP/2 does"));
        }
    }
    while session.begin(Instant::now()) {
        let due = session.next_due();
        wire.exchange(&mut session, timer.as_mut(), due).await?;
    }
    Ok(session.into_tally())
}

/// A socket, and what came of a frame that is not whole.
#[derive(Debug)]
struct Wire<IO> {
    io: IO,
    /// How much is written of what there is to write.
    n_written: usize,
    bytes: Vec<u8>,
    /// How much of `bytes` is in use.
    filled: usize,
}

const FIRST_BYTES: usize = 64 << 10;

impl<IO> Wire<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    /// Writes what there is to write, until something came or it is time.
    async fn exchange(
        &mut self,
        session: &mut Session,
        mut timer: Pin<&mut Sleep>,
        until: Option<Instant>,
    ) -> Result<()> {
        if let Some(until) = until.filter(|until| *until != timer.deadline()) {
            timer.as_mut().reset(until);
        }
        poll_fn(|context| {
            let written = self.poll_write(session, context);
            // Why nothing can be written any more is in what came before.
            if let Poll::Ready(read) = self.poll_read(session, context) {
                return Poll::Ready(read);
            }
            written?;
            if until.is_some() { timer.as_mut().poll(context).map(Ok) } else { Poll::Pending }
        })
        .await
    }

    fn poll_write(&mut self, session: &mut Session, context: &mut Context<'_>) -> Result<()> {
        loop {
            let out = session.out()?;
            if out.is_empty() {
                return Ok(());
            }
            while let Some(rest) = out.get(self.n_written..).filter(|rest| !rest.is_empty()) {
                match Pin::new(&mut self.io).poll_write(context, rest) {
                    Poll::Ready(Ok(0)) => return Err(ended()),
                    Poll::Ready(Ok(n_bytes)) => self.n_written += n_bytes,
                    Poll::Ready(Err(error)) => return Err(broken(&error)),
                    Poll::Pending => return Ok(()),
                }
            }
            out.clear();
            self.n_written = 0;
        }
    }

    fn poll_read(&mut self, session: &mut Session, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.bytes.len() == self.filled {
            self.bytes.resize(self.filled * 2, 0);
        }
        let mut free = ReadBuf::new(self.bytes.get_mut(self.filled..).unwrap_or_default());
        ready!(Pin::new(&mut self.io).poll_read(context, &mut free)).map_err(|it| broken(&it))?;
        let n_read = free.filled().len();
        if n_read == 0 {
            return Poll::Ready(Err(ended()));
        }
        self.filled += n_read;
        let came = self.bytes.get(..self.filled).unwrap_or_default();
        let n_taken = session.take(came, Instant::now())?;
        self.bytes.copy_within(n_taken..self.filled, 0);
        self.filled -= n_taken;
        Poll::Ready(Ok(()))
    }
}

fn broken(error: &io::Error) -> Failure {
    Failure::failed(format!("a connection broke: {error}"))
}

fn ended() -> Failure {
    Failure::failed("the server ended a connection")
}
