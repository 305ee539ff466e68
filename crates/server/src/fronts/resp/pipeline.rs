//! The commands of one connection that are under way, in the order in which they arrived: answers leave in that order, whenever they come.
//!
//! Every command has a number from 1, which is its request id. How many may be under way grows as answers come back and shrinks when they are long, so that a client that
//! asks for much and reads nothing costs about `MAX_CONNECTION_REPLY_BYTES`.

use super::answers::{Wish, reply_to};
use super::reply_buffer::ReplyBuffer;
use observe::metrics::OutcomeClass;
use proto::ids::RequestId;
use proto::level::Level;
use proto::limits::{MAX_CONNECTION_REPLY_BYTES, MAX_PIPELINE_DEPTH};
use proto::outcome::{Achieved, Outcome};
use proto::reply::Reply;
use proto::resp::Version;
use proto::time::Mono;
use std::collections::VecDeque;

/// Small, because how long a connection's answers are is not known before the first has come.
const FIRST_WINDOW: usize = 4;

/// One command under way.
#[derive(Debug)]
pub(super) struct Pending {
    /// The dialect that the client spoke when it asked.
    pub version: Version,
    /// How it wants the answer.
    pub wish: Wish,
    /// The client wants no reply (CLIENT REPLY OFF, SKIP).
    pub is_silent: bool,
    /// Bytes that it took to say the command.
    pub request_bytes: usize,
    /// When it arrived.
    pub started: Mono,
    /// When its turn came.
    pub begun: Mono,
    /// The row of the command table.
    pub row: usize,
    answer: Option<Answer>,
}

#[derive(Debug)]
enum Answer {
    Reply(Reply),
    Outcome { outcome: Outcome, achieved: Achieved },
}

impl Pending {
    /// A command that the core will answer.
    pub(super) fn new(
        version: Version,
        wish: Wish,
        row: usize,
        request_bytes: usize,
        started: Mono,
    ) -> Pending {
        Pending { version, wish, is_silent: false, request_bytes, started, begun: started, row, answer: None }
    }
}

/// What left the pipeline.
#[derive(Debug)]
pub(super) enum Left {
    /// A core's answer was written to the buffer.
    Answered {
        /// The row of its command.
        row: usize,
        /// When it arrived.
        started: Mono,
        /// When its turn came.
        begun: Mono,
        /// How it ended.
        class: OutcomeClass,
        /// The level that was met, if it was answered from the state.
        level: Option<Level>,
    },
    /// A reply of the front itself was written.
    Local,
}

/// All commands under way of one connection.
#[derive(Debug)]
pub(super) struct Pipeline {
    waiting: VecDeque<Pending>,
    first: u64,
    /// Commands that the core has not answered yet.
    pub unanswered: usize,
    /// Request bytes of the commands under way.
    pub request_bytes: usize,
    /// Reply bytes that have come and wait for an earlier answer.
    pub held_reply_bytes: usize,
    window: usize,
    usual_reply_bytes: usize,
}

impl Default for Pipeline {
    fn default() -> Pipeline {
        Pipeline {
            waiting: VecDeque::new(),
            first: 1,
            unanswered: 0,
            request_bytes: 0,
            held_reply_bytes: 0,
            window: FIRST_WINDOW,
            usual_reply_bytes: 0,
        }
    }
}

impl Pipeline {
    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether another command may be taken, with so many reply bytes unread already.
    pub(super) fn has_room(&self, unread_bytes: usize) -> bool {
        let expected = unread_bytes + self.held_reply_bytes + self.waiting.len() * self.usual_reply_bytes;
        self.waiting.is_empty() && unread_bytes < MAX_CONNECTION_REPLY_BYTES
            || self.waiting.len() < self.window && expected < MAX_CONNECTION_REPLY_BYTES
    }

    /// Takes a command that the core will answer; this is its number.
    pub(super) fn push(&mut self, pending: Pending) -> RequestId {
        self.request_bytes += pending.request_bytes;
        self.unanswered += 1;
        self.waiting.push_back(pending);
        RequestId(self.first + self.waiting.len() as u64 - 1)
    }

    /// Takes a reply that is known already and must wait for its turn.
    pub(super) fn push_reply(&mut self, reply: Reply, version: Version, started: Mono) {
        self.held_reply_bytes += reply.weight_bytes();
        let mut pending = Pending::new(version, Wish::default(), 0, 0, started);
        pending.answer = Some(Answer::Reply(reply));
        self.waiting.push_back(pending);
    }

    /// An answer came. False if nobody waits for it.
    pub(super) fn answer(&mut self, request: RequestId, outcome: Outcome, achieved: Achieved) -> bool {
        let Some(at) = request.0.checked_sub(self.first) else { return false };
        let Some(pending) = self.waiting.get_mut(at as usize).filter(|pending| pending.answer.is_none())
        else {
            return false;
        };
        if let Outcome::Done { reply, .. } = &outcome {
            let weight = reply.weight_bytes();
            self.held_reply_bytes += weight;
            // Quick to learn that answers are long, slow to forget.
            self.usual_reply_bytes = weight.max(self.usual_reply_bytes - self.usual_reply_bytes / 8);
        }
        self.window = (self.window + 1).min(MAX_PIPELINE_DEPTH);
        pending.answer = Some(Answer::Outcome { outcome, achieved });
        self.unanswered -= 1;
        true
    }

    /// Writes the next answer if it is there.
    pub(super) fn pop(&mut self, out: &mut ReplyBuffer) -> Option<Left> {
        let front = self.waiting.front_mut()?;
        let answer = front.answer.take()?;
        let weight = match &answer {
            Answer::Reply(reply) | Answer::Outcome { outcome: Outcome::Done { reply, .. }, .. } => {
                reply.weight_bytes()
            }
            Answer::Outcome { .. } => 0,
        };
        self.held_reply_bytes -= weight;
        let left = match answer {
            Answer::Reply(reply) => {
                out.push(&reply, front.version);
                Left::Local
            }
            Answer::Outcome { outcome, achieved } => {
                let level = matches!(outcome, Outcome::Done { .. }).then_some(achieved.level);
                let (reply, class) = reply_to(outcome, &achieved, front.wish);
                if !front.is_silent {
                    out.push(&reply, front.version);
                }
                Left::Answered { row: front.row, started: front.started, begun: front.begun, class, level }
            }
        };
        self.request_bytes -= front.request_bytes;
        self.first += 1;
        self.waiting.pop_front();
        Some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::outcome::Certificate;

    fn done(reply: Reply) -> Outcome {
        Outcome::Done { reply, certificate: Certificate::default() }
    }

    fn asked(pipeline: &mut Pipeline) -> RequestId {
        pipeline.push(Pending::new(Version::Resp2, Wish::default(), 0, 10, Mono(0)))
    }

    fn text(out: &mut ReplyBuffer) -> String {
        let mut bytes = Vec::new();
        out.write_to(&mut bytes).expect("written");
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn answers_leave_in_the_order_of_their_commands() {
        let (mut pipeline, mut out) = (Pipeline::default(), ReplyBuffer::default());
        let (first, second) = (asked(&mut pipeline), asked(&mut pipeline));
        pipeline.push_reply(Reply::Simple("PONG"), Version::Resp2, Mono(0));
        assert!(pipeline.answer(second, done(Reply::Int(2)), Achieved::default()));
        assert!(pipeline.pop(&mut out).is_none());
        assert_eq!(pipeline.unanswered, 1, "what waits for an earlier answer is not under way");
        assert!(pipeline.answer(first, done(Reply::Int(1)), Achieved::default()));
        assert!(!pipeline.answer(first, done(Reply::Int(9)), Achieved::default()), "an answer comes once");
        while pipeline.pop(&mut out).is_some() {}
        assert_eq!(text(&mut out), ":1\r\n:2\r\n+PONG\r\n");
        assert!(pipeline.is_empty() && pipeline.request_bytes == 0 && pipeline.held_reply_bytes == 0);
        assert_eq!(pipeline.unanswered, 0);
    }

    #[test]
    fn an_answer_tells_when_its_command_came_and_when_its_turn_did() {
        let (mut pipeline, mut out) = (Pipeline::default(), ReplyBuffer::default());
        let mut pending = Pending::new(Version::Resp2, Wish::default(), 0, 10, Mono(3));
        assert_eq!(pending.begun, Mono(3));
        pending.begun = Mono(8);
        let request = pipeline.push(pending);
        pipeline.answer(request, done(Reply::Int(1)), Achieved::default());
        let left = pipeline.pop(&mut out);
        assert!(matches!(left, Some(Left::Answered { started: Mono(3), begun: Mono(8), .. })));
    }

    #[test]
    fn long_answers_make_the_window_small_and_short_ones_let_it_grow() {
        let (mut pipeline, mut out) = (Pipeline::default(), ReplyBuffer::default());
        for _ in 0..2 * MAX_PIPELINE_DEPTH {
            let request = asked(&mut pipeline);
            pipeline.answer(request, done(Reply::OK), Achieved::default());
            pipeline.pop(&mut out);
        }
        let mut taken = 0;
        while pipeline.has_room(0) {
            asked(&mut pipeline);
            taken += 1;
        }
        assert_eq!(taken, MAX_PIPELINE_DEPTH);
        let long = bytes::Bytes::from(vec![0; MAX_CONNECTION_REPLY_BYTES / 2]);
        let mut fresh = Pipeline::default();
        let request = asked(&mut fresh);
        fresh.answer(request, done(Reply::Bulk(long)), Achieved::default());
        fresh.pop(&mut out);
        assert!(fresh.has_room(0));
        asked(&mut fresh);
        asked(&mut fresh);
        assert!(!fresh.has_room(0));
    }
}
