//! One connection to one node: words out, replies in, never longer than told.

use crate::core::{Failed, greeted, greeting};
use bytes::{Bytes, BytesMut};
use proto::reply::Reply;
use proto::resp::{ReplyDecoder, Version, encode};
use std::io::ErrorKind as IoErrorKind;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that has said HELLO. After an error, or when an exchange was dropped, it is of no more use.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    inbox: BytesMut,
    decoder: ReplyDecoder,
}

impl Connection {
    pub(super) async fn open(
        address: &str,
        password: Option<&str>,
        until: Instant,
    ) -> Result<Connection, (Failed, String)> {
        let connecting = tokio::time::timeout_at(until.into(), TcpStream::connect(address));
        let stream = match connecting.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err((Failed::NotSent, error.to_string())),
            Err(_) => return Err((Failed::NotSent, "no connection in time".to_owned())),
        };
        stream.set_nodelay(true).map_err(|error| (Failed::NotSent, error.to_string()))?;
        let mut connection = Connection { stream, inbox: BytesMut::new(), decoder: ReplyDecoder::default() };
        // Nothing of the caller's has been sent yet, whatever goes wrong here.
        let replies = connection
            .exchange(&[greeting(password)], until)
            .await
            .map_err(|(_, what)| (Failed::NotSent, what))?;
        greeted(&replies[0])?;
        Ok(connection)
    }

    pub(super) async fn exchange(
        &mut self,
        commands: &[Vec<Bytes>],
        until: Instant,
    ) -> Result<Vec<Reply>, (Failed, String)> {
        match tokio::time::timeout_at(until.into(), self.exchange_at_leisure(commands)).await {
            Ok(result) => result,
            Err(_) => Err((Failed::TimedOut, "no reply in time".to_owned())),
        }
    }

    async fn exchange_at_leisure(&mut self, commands: &[Vec<Bytes>]) -> Result<Vec<Reply>, (Failed, String)> {
        let broken = |error: std::io::Error| (Failed::Broken, error.to_string());
        let mut out = BytesMut::new();
        for words in commands {
            let words = words.iter().cloned().map(Reply::Bulk).collect();
            encode(&Reply::Array(words), Version::Resp2, &mut out);
        }
        self.stream.write_all(&out).await.map_err(broken)?;
        let mut replies = Vec::with_capacity(commands.len());
        while replies.len() < commands.len() {
            match self.decoder.decode(&mut self.inbox) {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => {
                    self.inbox.reserve(16 * 1024);
                    if self.stream.read_buf(&mut self.inbox).await.map_err(broken)? == 0 {
                        return Err((Failed::Broken, "the node closed the connection".to_owned()));
                    }
                }
                Err(error) => return Err((Failed::Broken, format!("what came back is no reply: {error}"))),
            }
        }
        Ok(replies)
    }

    /// Whether the other side has neither hung up nor said anything unasked.
    pub(super) fn is_quiet(&self) -> bool {
        let mut byte = [0];
        matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == IoErrorKind::WouldBlock)
            && self.inbox.is_empty()
    }
}
