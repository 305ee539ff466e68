//! One client's connection: its socket, its buffers, and what it has said about itself.
//!
//! It moves bytes and keeps accounts. Which command does what is decided in `session` and its neighbours; `front` owns the connections.

use super::answers::Wish;
use super::pipeline::Pipeline;
use super::reply_buffer::ReplyBuffer;
use bytes::{Bytes, BytesMut};
use mio::net::TcpStream;
use proto::commands::consistency::Consistency;
use proto::ids::ConnectionId;
use proto::limits::{MAX_CONNECTION_REPLY_BYTES, MAX_CONNECTION_REQUEST_BYTES};
use proto::reply::Reply;
use proto::resp::{RequestDecoder, Version};
use proto::time::Mono;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::time::Duration;

/// Bytes that any connection may hold, however full the node is.
pub(super) const SMALL_BYTES: usize = 64 * 1024;
/// Bytes read from one connection before the others have their turn.
pub(super) const READ_PER_TURN_BYTES: usize = 256 * 1024;

/// What comes within so long counts as come at once.
const SAME_ARRIVAL: Duration = Duration::from_millis(5);

/// Whether a client wants replies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ReplyMode {
    /// To everything.
    #[default]
    On,
    /// To nothing.
    Off,
    /// To everything but the next command.
    SkipNext,
}

/// What a client has said about itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    /// The dialect.
    pub version: Version,
    /// It gave the password, or there is none.
    pub is_authenticated: bool,
    /// CLIENT SETNAME.
    pub name: Bytes,
    /// CLIENT SETINFO LIB-NAME.
    pub library: Bytes,
    /// CLIENT SETINFO LIB-VER.
    pub library_version: Bytes,
    /// CLIENT REPLY.
    pub replies: ReplyMode,
    /// CONSISTENCY, or what its port stands for.
    pub consistency: Consistency,
}

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum Over {
    /// The client closed it, or it broke.
    Gone,
}

/// A command that was parsed and has not begun.
#[derive(Debug)]
pub(super) struct Head {
    /// Its words.
    pub argv: Vec<Bytes>,
    /// Bytes that it took to say it.
    pub bytes: usize,
    /// When the last of them came.
    pub arrived: Mono,
    /// How long it may wait for a place; nothing until it has to.
    pub patience: Option<Duration>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub id: ConnectionId,
    pub stream: TcpStream,
    pub remote: SocketAddr,
    pub session: Session,
    /// What RESET puts back into the session.
    pub door: Consistency,
    /// RESET was said: its next command begins a new session at the core, after everything before it is answered.
    pub wants_new_session: bool,
    pub decoder: RequestDecoder,
    pub input: BytesMut,
    pub pipeline: Pipeline,
    pub out: ReplyBuffer,
    /// The socket may have bytes.
    pub is_readable: bool,
    /// The client has closed its side: the end is still to be read.
    pub is_hung_up: bool,
    /// The client will say no more; what it has said is still to begin.
    pub has_ended: bool,
    /// Nothing more is read; it ends when everything is answered and written.
    pub is_closing: bool,
    /// The next command, if it was parsed and has not begun.
    pub head: Option<Head>,
    /// When the bytes of the input came: so many of them, then.
    arrivals: VecDeque<(usize, Mono)>,
    /// It is in the list of those that want a turn.
    pub is_queued: bool,
    /// It is in the line of those that wait for a place.
    pub is_in_line: bool,
    /// It is in the list of those that have something to write.
    pub is_dirty: bool,
    /// The input holds no whole command.
    pub is_starved: bool,
    /// Bytes of the command that is half received, which the decoder holds.
    pub partial_bytes: usize,
    /// Since when it is half received.
    pub partial_since: Mono,
    /// What the node's accounts hold for it: request bytes, reply bytes, commands under way.
    pub accounted: (usize, usize, usize),
    /// The last moment at which something of its own kept it from beginning the next command: its window, replies that it does not read, a RESET.
    held_up: Mono,
    is_held_up: bool,
    pub opened: Mono,
    pub last_command: Mono,
    pub last_row: usize,
    /// The last moment at which it took reply bytes, or had none to take.
    pub last_written: Mono,
}

impl Connection {
    /// A connection that has said nothing yet.
    pub(super) fn new(
        id: ConnectionId,
        stream: TcpStream,
        remote: SocketAddr,
        door: Consistency,
        is_authenticated: bool,
        now: Mono,
    ) -> Connection {
        Connection {
            id,
            stream,
            remote,
            session: Session { is_authenticated, consistency: door, ..Session::default() },
            door,
            wants_new_session: false,
            decoder: if is_authenticated {
                RequestDecoder::default()
            } else {
                RequestDecoder::unauthenticated()
            },
            input: BytesMut::new(),
            pipeline: Pipeline::default(),
            out: ReplyBuffer::default(),
            is_readable: true,
            is_hung_up: false,
            has_ended: false,
            is_closing: false,
            head: None,
            arrivals: VecDeque::new(),
            is_queued: false,
            is_in_line: false,
            is_dirty: false,
            is_starved: true,
            partial_bytes: 0,
            partial_since: now,
            accounted: (0, 0, 0),
            held_up: now,
            is_held_up: false,
            opened: now,
            last_command: now,
            last_row: 0,
            last_written: now,
        }
    }

    /// Request bytes that it holds: not parsed, half parsed, and under way.
    pub(super) fn request_bytes(&self) -> usize {
        let head = self.head.as_ref().map_or(0, |head| head.bytes);
        head + self.input.len() + self.partial_bytes + self.pipeline.request_bytes
    }

    /// Reply bytes that it holds.
    pub(super) fn reply_bytes(&self) -> usize {
        self.out.len_bytes() + self.pipeline.held_reply_bytes
    }

    /// Whether the next command may be parsed.
    pub(super) fn may_parse(&self) -> bool {
        !self.is_closing
            && (!self.wants_new_session || self.pipeline.is_empty())
            && self.pipeline.request_bytes < MAX_CONNECTION_REQUEST_BYTES
            && self.pipeline.has_room(self.out.len_bytes())
    }

    /// Whether the socket may be read: what has been read must be parsed first.
    pub(super) fn may_read(&self) -> bool {
        self.is_readable
            && !self.has_ended
            && self.may_parse()
            && self.reply_bytes() < MAX_CONNECTION_REPLY_BYTES
    }

    /// Parses the next command, if it is there and none is parsed; false means "read on".
    pub(super) fn parse(&mut self, now: Mono) -> Result<bool, Reply> {
        if self.head.is_some() {
            return Ok(true);
        }
        if self.input.is_empty() {
            self.is_starved = true;
            return Ok(false);
        }
        let before = self.input.len();
        let decoded = self.decoder.decode(&mut self.input);
        if self.partial_bytes == 0 {
            self.partial_since = now;
        }
        let used = before - self.input.len();
        self.is_starved |= self.input.is_empty();
        self.partial_bytes += used;
        let arrived = self.arrival_of(used, now);
        match decoded {
            Ok(Some(argv)) => {
                let bytes = std::mem::take(&mut self.partial_bytes);
                self.head = Some(Head { argv, bytes, arrived, patience: None });
                Ok(true)
            }
            Ok(None) => {
                self.is_starved = true;
                if self.input.is_empty() && self.input.capacity() > 0 {
                    self.input = BytesMut::new(); // a connection at rest holds no buffer
                    self.arrivals = VecDeque::new();
                }
                Ok(false)
            }
            Err(error) => Err(error.reply()),
        }
    }

    /// When the last of the next so many bytes came, which are used up.
    fn arrival_of(&mut self, mut used: usize, now: Mono) -> Mono {
        let mut arrived = now;
        while used > 0
            && let Some((bytes, then)) = self.arrivals.front_mut()
        {
            arrived = *then;
            let taken = used.min(*bytes);
            (used, *bytes) = (used - taken, *bytes - taken);
            if *bytes == 0 {
                self.arrivals.pop_front();
            }
        }
        arrived
    }

    /// Whether it has said something that has not begun.
    pub(super) fn has_unbegun(&self) -> bool {
        self.head.is_some() || !self.input.is_empty() && !self.is_starved
    }

    /// Whether nothing of what it has said waits or is under way.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.has_unbegun() && self.pipeline.is_empty()
    }

    /// Sees whether something of its own keeps it from going on, or has until now.
    pub(super) fn look_whether_held_up(&mut self, now: Mono) {
        if self.is_held_up {
            self.held_up = now;
        }
        self.is_held_up = !self.may_parse();
    }

    /// How long the command that came then has waited for nothing but a place.
    pub(super) fn waited(&self, arrived: Mono, now: Mono) -> Duration {
        now - arrived.max(self.held_up)
    }

    /// Whether it has said something that could begin now.
    pub(super) fn has_commands(&self) -> bool {
        self.has_unbegun() && self.may_parse()
    }

    /// Reads once; answers how many bytes came. None, and `is_readable` still set, means that the client will say no more.
    pub(super) fn read(&mut self, scratch: &mut [u8], now: Mono) -> Result<usize, Over> {
        loop {
            match self.stream.read(scratch) {
                Ok(0) => return Ok(0),
                Ok(n) => {
                    self.is_starved = false;
                    self.input.extend_from_slice(&scratch[..n]);
                    match self.arrivals.back_mut().filter(|(_, then)| now - *then < SAME_ARRIVAL) {
                        Some((bytes, _)) => *bytes += n,
                        None => self.arrivals.push_back((n, now)),
                    }
                    // A short read has emptied the socket: what comes later is a new event.
                    self.is_readable = n == scratch.len() || self.is_hung_up;
                    return Ok(n);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_readable = false;
                    return Ok(0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Over::Gone),
            }
        }
    }

    /// Answers a command that the front itself has answered, in its turn.
    pub(super) fn reply(&mut self, reply: Reply, version: Version, now: Mono) {
        if self.pipeline.is_empty() {
            self.out.push(&reply, version);
        } else {
            self.pipeline.push_reply(reply, version, now);
        }
    }

    /// Writes what the socket takes.
    pub(super) fn write(&mut self, now: Mono) -> io::Result<usize> {
        let n = self.out.write_to(&mut self.stream)?;
        if n > 0 || self.out.is_empty() {
            self.last_written = now;
        }
        Ok(n)
    }

    /// Whether it has said all that it will say.
    pub(super) fn is_finished(&self) -> bool {
        self.is_closing && self.pipeline.is_empty() && self.out.is_empty()
    }

    /// How this connection wants a data command answered.
    pub(super) fn wish(meta: bool, level_chosen: bool) -> Wish {
        Wish { meta, level_chosen }
    }

    /// A line of CLIENT LIST.
    pub(super) fn describe(&self, now: Mono) -> String {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let session = &self.session;
        let local = self.stream.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
        let resp = if session.version == Version::Resp3 { 3 } else { 2 };
        format!(
            "id={} addr={} laddr={local} fd=0 name={} age={} idle={} flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf={} qbuf-free=0 argv-mem={} multi-mem=0 obl={} oll=0 omem=0 tot-mem={} events=r cmd={} user=default redir=-1 resp={resp} lib-name={} lib-ver={}",
            self.id,
            self.remote,
            text(&session.name),
            (now - self.opened).as_secs(),
            (now - self.last_command).as_secs(),
            self.input.len(),
            self.partial_bytes,
            self.out.len_bytes(),
            self.request_bytes() + self.reply_bytes(),
            proto::commands::table()[self.last_row].name,
            text(&session.library),
            text(&session.library_version),
        )
    }
}
