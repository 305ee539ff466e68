//! A client that asks for little: one request at a time, a few hundred a second, in a thread of its own, so that what the flood beside it does to the generator does not count as the servers'.
//!
//! Not here: what it is compared with (`overload`).

use crate::arguments::Arguments;
use crate::connection::Connection;
use crate::session::Outcome;
use crate::throughput::Count;
use crate::workload::{Spread, value};
use mio::{Events, Poll, Token};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between an answer and the next request.
const PAUSE: Duration = Duration::from_millis(2);
/// A request that takes so long is a failure of the measurement.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the first address until `stop` is set.
///
/// # Errors
/// The connection broke, or nothing came for 30 s.
pub(crate) fn run(arguments: &Arguments, stop: &AtomicBool) -> Result<Count, String> {
    let mut poll = Poll::new().map_err(|error| error.to_string())?;
    let mut events = Events::with_capacity(8);
    let address = arguments.addrs[0];
    let mut connection = Connection::open(&poll, Token(0), address, arguments.session(address))
        .map_err(|error| error.to_string())?;
    let (mut count, mut landed, mut spread) = (Count::new(), Vec::new(), Spread::new());
    while !stop.load(Ordering::Relaxed) {
        let number = spread.below(arguments.keys);
        if arguments.reads {
            connection.get(&arguments.key(number), number);
        } else {
            connection.set(&arguments.key(number), &value(number, arguments.vsize), number);
        }
        while connection.in_flight() > 0 {
            connection.flush()?;
            poll.poll(&mut events, Some(PATIENCE)).map_err(|error| error.to_string())?;
            if events.is_empty() {
                return Err("the probe had no answer for 30 s".to_owned());
            }
            connection.receive(&mut landed)?;
        }
        for answer in landed.drain(..) {
            if let Outcome::Value(found) = &answer.outcome
                && *found != value(number, arguments.vsize)
            {
                return Err(format!("the value of key {number} is not what was written"));
            }
            count.add(answer.outcome, answer.took);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(count)
}
