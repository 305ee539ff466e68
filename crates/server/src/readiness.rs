//! What an event says of a socket.
//!
//! Sockets are watched edge by edge: an event comes when something changes, and not again. So a socket counts as readable until a read has emptied it, and a read that fills less than its
//! buffer has: what arrives later is a change, and a new event. Only the end of a stream is no further change if it was announced together with the last bytes; `is_hung_up` remembers it.

use mio::event::Event;

/// Whether a socket may have bytes for us, or room for ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readiness {
    /// There may be bytes, an end, or an error to read.
    pub is_readable: bool,
    /// The other side has closed, or the socket is broken: reading must go on until that shows.
    pub is_hung_up: bool,
    /// There may be room again.
    pub is_writable: bool,
}

impl From<&Event> for Readiness {
    fn from(event: &Event) -> Readiness {
        let is_hung_up = event.is_read_closed() || event.is_error();
        Readiness {
            is_readable: event.is_readable() || is_hung_up,
            is_hung_up,
            is_writable: event.is_writable(),
        }
    }
}
