//! What nodes tell each other about faults, and its bytes.
//!
//! ```text
//! byte  0        4           8
//!       | magic  | length    | payload (postcard) …
//!       | "QTO2" | u32 le    | FaultMessage
//! ```
//!
//! An order goes from the node that was asked to another one, its answer comes back on the same connection, between the bytes of zero that say that the other side lives. Numbers are the asking
//! node's own. Orders may be repeated: they name a state, not a change.
//!
//! Invariants: nothing is allocated for what was announced and has not arrived; a message has at most `MAX_FAULT_MESSAGE_BYTES`; one that makes no sense closes the connection.

use super::{Delay, Direction};
use bytes::{Buf, Bytes, BytesMut};
use proto::limits::MAX_FAULT_MESSAGE_BYTES;
use serde::{Deserialize, Serialize};

const MAGIC: &[u8; 4] = b"QTO2";
const HEADER_BYTES: usize = 8;
/// What the accepting side of a connection says to show that it lives.
const LIFE_SIGN: u8 = 0;

/// What a node is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Cut these.
    Cut(Vec<Direction>),
    /// Heal these.
    Heal(Vec<Direction>),
    /// Heal everything.
    HealAll,
    /// Stand still for so many milliseconds.
    Pause(u64),
    /// Only say what is cut and slow.
    Tell,
    /// Let these links hold frames.
    Delay(Vec<Delay>),
}

/// The faults that hold until they are healed, as one node knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// What is cut.
    pub cuts: Vec<Direction>,
    /// What is slow.
    pub delays: Vec<Delay>,
}

/// What a node says to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OrderAnswer {
    /// It is so, and this holds now.
    Obeyed(Known),
    /// The node was started without `--allow-faults`.
    NotAllowed,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FaultMessage {
    /// Do this.
    Order {
        /// The asking node's number for its command.
        number: u64,
        /// What to do.
        order: Order,
    },
    /// It was done, or not.
    Answer {
        /// The number of the order.
        number: u64,
        /// How it ended.
        answer: OrderAnswer,
    },
}

impl FaultMessage {
    /// Its bytes.
    pub(crate) fn encode(&self) -> Bytes {
        let payload = postcard::to_stdvec(self).expect("writing to memory cannot fail");
        let mut out = Vec::with_capacity(HEADER_BYTES + payload.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&u32::try_from(payload.len()).expect("it is short").to_le_bytes());
        out.extend_from_slice(&payload);
        Bytes::from(out)
    }

    /// Takes the next message from the front of the buffer; `None` means "read on".
    pub(crate) fn take(buffer: &mut BytesMut) -> Result<Option<FaultMessage>, &'static str> {
        let signs = buffer.iter().take_while(|&&byte| byte == LIFE_SIGN).count();
        buffer.advance(signs);
        let known = buffer.len().min(MAGIC.len());
        if buffer[..known] != MAGIC[..known] {
            return Err("not an order about faults");
        }
        if buffer.len() < HEADER_BYTES {
            return Ok(None);
        }
        let length = u32::from_le_bytes(buffer[4..8].try_into().expect("four bytes")) as usize;
        if length > MAX_FAULT_MESSAGE_BYTES {
            return Err("an order about faults of impossible length");
        }
        if buffer.len() < HEADER_BYTES + length {
            return Ok(None);
        }
        buffer.advance(HEADER_BYTES);
        match postcard::take_from_bytes(&buffer.split_to(length)) {
            Ok((message, [])) => Ok(Some(message)),
            _ => Err("an order about faults that makes no sense"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ids::NodeId;

    #[test]
    fn messages_arrive_as_they_were_said_however_they_are_cut_up() {
        let direction = Direction { from: NodeId(1), to: NodeId(300) };
        let delay = Delay { nodes: [NodeId(1), NodeId(300)], ms: 1_000 };
        let messages = [
            FaultMessage::Order { number: 7, order: Order::Cut(vec![direction; 3]) },
            FaultMessage::Order { number: u64::MAX, order: Order::Pause(5_000) },
            FaultMessage::Order { number: 9, order: Order::Delay(vec![delay; 2]) },
            FaultMessage::Answer {
                number: 7,
                answer: OrderAnswer::Obeyed(Known { cuts: vec![direction], delays: vec![delay] }),
            },
            FaultMessage::Answer { number: 8, answer: OrderAnswer::NotAllowed },
        ];
        let mut stream = vec![LIFE_SIGN; 2];
        for message in &messages {
            stream.extend_from_slice(&message.encode());
            stream.push(LIFE_SIGN);
        }
        let (mut buffer, mut heard) = (BytesMut::new(), Vec::new());
        for byte in stream {
            buffer.extend_from_slice(&[byte]);
            heard.extend(FaultMessage::take(&mut buffer).expect("it makes sense"));
        }
        assert_eq!(heard, messages);
    }

    #[test]
    fn the_fullest_tables_fit_into_a_message() {
        let id = NodeId(u64::MAX);
        let ms = proto::limits::MAX_FAULT_DELAY_MS;
        let known = Known {
            cuts: vec![Direction { from: id, to: id }; proto::limits::MAX_FAULT_CUTS],
            delays: vec![Delay { nodes: [id, id], ms }; proto::limits::MAX_FAULT_DELAYS],
        };
        let message = FaultMessage::Answer { number: u64::MAX, answer: OrderAnswer::Obeyed(known) };
        assert!(message.encode().len() <= HEADER_BYTES + MAX_FAULT_MESSAGE_BYTES);
    }

    #[test]
    fn hostile_bytes_are_refused() {
        let order = FaultMessage::Order { number: 1, order: Order::HealAll }.encode();
        let mut long = BytesMut::from(&b"QTO2\xff\xff\xff\xff"[..]);
        assert!(FaultMessage::take(&mut long).is_err());
        assert!(FaultMessage::take(&mut BytesMut::from(&b"GET /"[..])).is_err());
        let mut more = BytesMut::from(&order[..]);
        more[4] += 1; // a payload with a byte too many
        more.extend_from_slice(b"x");
        assert!(FaultMessage::take(&mut more).is_err());
        for end in 0..order.len() {
            assert_eq!(FaultMessage::take(&mut BytesMut::from(&order[..end])), Ok(None));
        }
    }
}
