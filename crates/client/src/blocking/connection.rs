//! One connection to one node: words out, replies in, never longer than told.

use crate::core::Failed;
use crate::error::{Error, ErrorKind};
use bytes::{Bytes, BytesMut};
use proto::reply::Reply;
use proto::resp::{ReplyDecoder, Version, encode};
use std::io::{ErrorKind as IoErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// A connection that has said HELLO. After an error it is of no more use.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    inbox: BytesMut,
    decoder: ReplyDecoder,
}

impl Connection {
    /// Connects to `HOST:PORT` and shows the password, all within `limit`.
    ///
    /// # Errors
    /// `Unreachable` if nobody answers there in time, `Invalid` if the node does not let us in.
    pub fn open(address: &str, password: Option<&str>, limit: Duration) -> Result<Connection, Error> {
        Connection::open_until(address, password, Instant::now() + limit).map_err(|(how, what)| {
            let kind = if how == Failed::Denied { ErrorKind::Invalid } else { ErrorKind::Unreachable };
            Error::new(kind, format!("{address}: {what}"))
        })
    }

    /// Sends one command and waits for its reply, at most `limit`. An error that the node answers is a reply.
    ///
    /// # Errors
    /// `Unknown` if no whole reply came: the command may have been carried out.
    pub fn call(&mut self, words: &[&[u8]], limit: Duration) -> Result<Reply, Error> {
        let words = words.iter().map(|word| Bytes::copy_from_slice(word)).collect();
        let replies = self
            .exchange(&[words], Instant::now() + limit)
            .map_err(|(_, what)| Error::new(ErrorKind::Unknown, what))?;
        Ok(replies.into_iter().next().expect("one reply a command"))
    }

    pub(crate) fn open_until(
        address: &str,
        password: Option<&str>,
        until: Instant,
    ) -> Result<Connection, (Failed, String)> {
        let not_sent = |error: std::io::Error| (Failed::NotSent, error.to_string());
        let mut last = (Failed::NotSent, "the name has no address".to_owned());
        for socket in address.to_socket_addrs().map_err(not_sent)? {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(&socket, left) {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(not_sent)?;
                    let mut connection =
                        Connection { stream, inbox: BytesMut::new(), decoder: ReplyDecoder::default() };
                    // Nothing of the caller's has been sent yet, whatever goes wrong here.
                    let replies = connection
                        .exchange(&[crate::core::greeting(password)], until)
                        .map_err(|(_, what)| (Failed::NotSent, what))?;
                    crate::core::greeted(&replies[0])?;
                    return Ok(connection);
                }
                Err(error) => last = not_sent(error),
            }
        }
        Err(last)
    }

    pub(crate) fn exchange(
        &mut self,
        commands: &[Vec<Bytes>],
        until: Instant,
    ) -> Result<Vec<Reply>, (Failed, String)> {
        let mut out = BytesMut::new();
        for words in commands {
            let words = words.iter().cloned().map(Reply::Bulk).collect();
            encode(&Reply::Array(words), Version::Resp2, &mut out);
        }
        self.set_timeouts(until)?;
        self.stream.write_all(&out).map_err(|error| failure(&error))?;
        let mut replies = Vec::with_capacity(commands.len());
        let mut buffer = [0; 16 * 1024];
        while replies.len() < commands.len() {
            match self.decoder.decode(&mut self.inbox) {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => {
                    self.set_timeouts(until)?;
                    match self.stream.read(&mut buffer) {
                        Ok(0) => return Err((Failed::Broken, "the node closed the connection".to_owned())),
                        Ok(count) => self.inbox.extend_from_slice(&buffer[..count]),
                        Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                        Err(error) => return Err(failure(&error)),
                    }
                }
                Err(error) => return Err((Failed::Broken, format!("what came back is no reply: {error}"))),
            }
        }
        Ok(replies)
    }

    /// Whether the other side has neither hung up nor said anything unasked.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut byte = [0];
        let quiet = self.stream.set_nonblocking(true).is_ok()
            && matches!(self.stream.peek(&mut byte), Err(error) if error.kind() == IoErrorKind::WouldBlock);
        self.stream.set_nonblocking(false).is_ok() && quiet && self.inbox.is_empty()
    }

    fn set_timeouts(&self, until: Instant) -> Result<(), (Failed, String)> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err((Failed::TimedOut, "no reply in time".to_owned()));
        }
        let set =
            self.stream.set_read_timeout(Some(left)).and_then(|()| self.stream.set_write_timeout(Some(left)));
        set.map_err(|error| failure(&error))
    }
}

fn failure(error: &std::io::Error) -> (Failed, String) {
    match error.kind() {
        IoErrorKind::WouldBlock | IoErrorKind::TimedOut => (Failed::TimedOut, "no reply in time".to_owned()),
        _ => (Failed::Broken, error.to_string()),
    }
}
