//! One operation from its start to its one end: which node, which words, when again.
//!
//! The end is decided with one question in mind: may an earlier try have been applied? From the first try that was handed over without an
//! answer on, a write can only end with an answer from the state or as *unknown*. Reads and tries that were expressly refused leave no such trace.

use super::command::{Access, Command};
use super::lanes::Number;
use super::routing::{Choice, Routing, map_question};
use super::verdict::{Verdict, judge};
use crate::answer::Answer;
use crate::error::{Error, ErrorKind};
use crate::terms::Terms;
use bytes::Bytes;
use proto::reply::Reply;
use proto::time::Mono;
use std::sync::Arc;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// What the body is to do next for a call.
#[derive(Debug)]
pub enum Step {
    /// Send this, then say how it went.
    Attempt(Attempt),
    /// Ask again at this time.
    Wait(Mono),
    /// The call is over. Asking again is a bug.
    Done(Result<Answer, Error>),
}

/// One try at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// `HOST:PORT`.
    pub to: Arc<str>,
    /// To be sent in this order on one connection; each has one reply.
    pub commands: Vec<Vec<Bytes>>,
    /// Give up then, and say `Failed::TimedOut`.
    pub until: Mono,
}

/// How an attempt went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// No byte of it left: no connection could be made.
    NotSent,
    /// The node let us in and then said no (wrong password). Final.
    Denied,
    /// The connection ended, or brought nonsense, before all replies were there.
    Broken,
    /// The time was over before all replies were there.
    TimedOut,
}

/// One operation under way.
#[derive(Debug)]
pub struct Call {
    command: Command,
    terms: Terms,
    number: Option<Number>,
    deadline: Mono,
    attempt: Duration,
    pause: Duration,
    not_before: Mono,
    /// The node of the last try that brought no answer: the next goes elsewhere if it can.
    avoid: Option<Arc<str>>,
    under_way: Option<Arc<str>>,
    maybe_applied: bool,
    /// A node answered something, so that the cluster is not unreachable.
    heard: bool,
    /// The last node that answered was not new enough.
    behind: bool,
    trouble: String,
    end: Option<Result<Answer, Error>>,
}

impl Call {
    pub(crate) fn new(
        command: Command,
        terms: Terms,
        number: Option<Number>,
        deadline: Mono,
        attempt: Duration,
    ) -> Call {
        Call {
            command,
            terms,
            number,
            deadline,
            attempt,
            pause: FIRST_PAUSE,
            not_before: Mono::default(),
            avoid: None,
            under_way: None,
            maybe_applied: false,
            heard: false,
            behind: false,
            trouble: "the deadline had passed before anything was tried".to_owned(),
            end: None,
        }
    }

    /// What to do now.
    ///
    /// # Panics
    /// If an attempt is under way, or the call is already done.
    pub fn next(&mut self, now: Mono, routing: &mut Routing) -> Step {
        assert!(self.under_way.is_none(), "one attempt at a time");
        if let Some(end) = self.end.take() {
            return Step::Done(end);
        }
        if now >= self.deadline {
            return Step::Done(Err(self.out_of_time()));
        }
        if now < self.not_before {
            return Step::Wait(self.not_before.min(self.deadline));
        }
        // What any replica may answer is spread over all nodes.
        let slot = self.command.slot().filter(|_| !self.command.is_for_any_node(&self.terms));
        match routing.choose(now, slot, self.avoid.as_deref()) {
            Choice::WaitUntil(until) => Step::Wait(until.min(self.deadline)),
            Choice::Node(to) => {
                self.under_way = Some(to.clone());
                let until = (now + self.attempt).min(self.deadline);
                let mut commands = vec![self.command.words(&self.terms, self.number, until - now)];
                if routing.ask_for_map(now) {
                    commands.push(map_question());
                }
                Step::Attempt(Attempt { to, commands, until })
            }
        }
    }

    /// All replies to the attempt's commands, in order.
    pub fn answered(&mut self, now: Mono, routing: &mut Routing, replies: Vec<Reply>) {
        let from = self.under_way.take().expect("an attempt is under way");
        let mut replies = replies.into_iter();
        let reply = replies.next().expect("one reply a command");
        routing.answered(&from);
        if let Some(map) = replies.next() {
            routing.learn(&from, &map);
        }
        self.heard = true;
        self.behind = false;
        match judge(reply, self.command.wrapped()) {
            Verdict::Final(answer) => self.end = Some(Ok(answer)),
            Verdict::Refused(message) => self.end = Some(Err(Error::new(ErrorKind::Refused, message))),
            // An error that the state did not give says nothing about earlier tries.
            Verdict::Error(kind, message) => {
                self.end = Some(Err(Error::new(self.unless_applied(kind), message)));
            }
            Verdict::Retry(message) => {
                routing.doubt();
                self.again(now, message, None);
            }
            Verdict::Behind(message) => {
                self.behind = true;
                self.again(now, message, Some(from));
            }
            Verdict::Elsewhere(message) => {
                routing.doubt();
                self.again(now, message, Some(from));
            }
            Verdict::Moved(slot, address) => {
                routing.moved(slot, &address);
                self.trouble = format!("{from} sent us to {address}");
                self.avoid = None;
                self.hold_back(now);
            }
            Verdict::Unknown(message) => {
                routing.doubt();
                self.handed_over(now, message, None);
            }
        }
    }

    /// The attempt brought no answer; `what` says why, for a person.
    pub fn failed(&mut self, now: Mono, routing: &mut Routing, how: Failed, what: &str) {
        let from = self.under_way.take().expect("an attempt is under way");
        let message = format!("{from}: {what}");
        if how == Failed::Denied {
            self.end = Some(Err(Error::new(self.unless_applied(ErrorKind::Invalid), message)));
            return;
        }
        routing.failed(now, &from);
        match how {
            Failed::NotSent => {
                self.trouble = message;
                self.avoid = Some(from);
            }
            Failed::Broken | Failed::TimedOut => {
                self.heard = true;
                self.handed_over(now, message, Some(from));
            }
            Failed::Denied => unreachable!("returned above"),
        }
    }

    pub(crate) fn take_number(&mut self) -> Option<Number> {
        self.number.take()
    }

    /// The try was handed over and its fate is not known.
    fn handed_over(&mut self, now: Mono, message: String, from: Option<Arc<str>>) {
        match self.command.access() {
            Access::Read => self.again(now, message, from),
            Access::Numbered => {
                self.maybe_applied = true;
                self.again(now, message, from);
            }
            Access::Bare => self.end = Some(Err(Error::new(ErrorKind::Unknown, message))),
        }
    }

    fn again(&mut self, now: Mono, message: String, avoid: Option<Arc<str>>) {
        self.trouble = message;
        self.avoid = avoid;
        self.hold_back(now);
    }

    fn hold_back(&mut self, now: Mono) {
        self.not_before = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn unless_applied(&self, kind: ErrorKind) -> ErrorKind {
        if self.maybe_applied { ErrorKind::Unknown } else { kind }
    }

    fn out_of_time(&self) -> Error {
        let kind = self.unless_applied(match (self.heard, self.behind) {
            (_, true) => ErrorKind::Behind,
            (true, false) => ErrorKind::NoQuorum,
            (false, false) => ErrorKind::Unreachable,
        });
        Error::new(kind, format!("no answer by the deadline; last: {}", self.trouble))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Core;

    const SECOND: Duration = Duration::from_secs(1);

    fn core() -> Core {
        Core::new(&["a:1".to_owned(), "b:1".to_owned(), "c:1".to_owned()], 7).unwrap()
    }

    fn words(text: &str) -> Vec<Bytes> {
        text.split(' ').map(|word| Bytes::from(word.to_owned())).collect()
    }

    fn begin(core: &mut Core, text: &str) -> Call {
        let command = Command::from_words(words(text)).unwrap();
        core.begin(Mono(0), command, Terms::default(), 5 * SECOND, SECOND)
    }

    fn attempt(core: &mut Core, call: &mut Call, now: &mut Mono) -> Attempt {
        loop {
            match call.next(*now, core.routing()) {
                Step::Attempt(attempt) => return attempt,
                Step::Wait(until) => {
                    assert!(until > *now, "waiting must get on");
                    *now = until;
                }
                Step::Done(result) => panic!("done: {result:?}"),
            }
        }
    }

    fn end(core: &mut Core, call: &mut Call, mut now: Mono) -> Result<Answer, Error> {
        loop {
            match call.next(now, core.routing()) {
                Step::Done(result) => return result,
                Step::Wait(until) => now = until,
                Step::Attempt(attempt) => panic!("one more attempt: {attempt:?}"),
            }
        }
    }

    fn said(attempt: &Attempt) -> String {
        let words: Vec<_> = attempt.commands[0].iter().map(|word| String::from_utf8_lossy(word)).collect();
        words.join(" ")
    }

    fn with_certificate(reply: Reply) -> Reply {
        Reply::Array(vec![reply, Reply::Map(Vec::new())])
    }

    fn answer(core: &mut Core, call: &mut Call, now: Mono, attempt: &Attempt, reply: Reply) {
        let mut replies = vec![reply];
        replies.resize(attempt.commands.len(), Reply::Nil);
        call.answered(now, core.routing(), replies);
    }

    #[test]
    fn a_write_keeps_its_number_through_all_tries_and_goes_to_another_node() {
        let mut core = core();
        let mut call = begin(&mut core, "SET k v");
        let mut now = Mono(0);
        let first = attempt(&mut core, &mut call, &mut now);
        call.failed(now, core.routing(), Failed::Broken, "hung up");
        let second = attempt(&mut core, &mut call, &mut now);
        assert_ne!(first.to, second.to);
        let id = format!(" ID {:032x}.1:1 ", 7);
        assert!(said(&first).contains(&id), "{}", said(&first));
        assert!(said(&second).contains(&id), "{}", said(&second));
        answer(&mut core, &mut call, now, &second, with_certificate(Reply::OK));
        assert_eq!(end(&mut core, &mut call, now).unwrap().reply, Reply::OK);
    }

    #[test]
    fn a_write_that_was_handed_over_and_never_answered_is_unknown_and_not_failed() {
        let mut core = core();
        let mut call = begin(&mut core, "SET k v");
        let mut now = Mono(0);
        attempt(&mut core, &mut call, &mut now);
        call.failed(now, core.routing(), Failed::TimedOut, "silent");
        let second = attempt(&mut core, &mut call, &mut now);
        answer(&mut core, &mut call, now, &second, Reply::error("NOQUORUM nobody there"));
        let error = end(&mut core, &mut call, Mono(0) + 5 * SECOND).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unknown);
    }

    #[test]
    fn a_write_that_was_only_refused_has_no_quorum_and_is_not_unknown() {
        let mut core = core();
        let mut call = begin(&mut core, "SET k v");
        let mut now = Mono(0);
        let first = attempt(&mut core, &mut call, &mut now);
        answer(&mut core, &mut call, now, &first, Reply::error("CLUSTERDOWN no leader"));
        let error = end(&mut core, &mut call, Mono(0) + 5 * SECOND).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoQuorum);
    }

    #[test]
    fn a_replica_that_is_behind_is_left_for_another_and_the_end_says_behind() {
        let mut core = core();
        let mut call = begin(&mut core, "GET@sequential k");
        let mut now = Mono(0);
        let mut asked = Vec::new();
        for _ in 0..3 {
            let attempt = attempt(&mut core, &mut call, &mut now);
            answer(&mut core, &mut call, now, &attempt, Reply::error("BEHIND not new enough"));
            asked.push(attempt.to);
        }
        assert!(asked[0] != asked[1] && asked[1] != asked[2], "{asked:?}");
        let error = end(&mut core, &mut call, Mono(0) + 5 * SECOND).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Behind);
    }

    #[test]
    fn sequential_reads_are_spread_and_the_rest_goes_to_the_leader() {
        let mut core = core();
        let leader = Reply::Array(vec![Reply::bulk("b"), Reply::Int(1)]);
        let map = Reply::Array(vec![Reply::Array(vec![Reply::Int(0), Reply::Int(16383), leader])]);
        core.routing().learn("a:1", &map);
        let mut targets = |text: &str| -> Vec<Arc<str>> {
            let calls = (0..3).map(|_| {
                let mut call = begin(&mut core, text);
                let attempt = attempt(&mut core, &mut call, &mut Mono(0));
                core.finish(&mut call);
                attempt.to
            });
            let mut targets: Vec<_> = calls.collect();
            targets.sort();
            targets.dedup();
            targets
        };
        assert_eq!(targets("GET@sequential k").len(), 3);
        assert_eq!(targets("GET k"), ["b:1".into()]);
        assert_eq!(targets("SET@sequential k v"), ["b:1".into()]);
    }

    #[test]
    fn nothing_that_listens_is_unreachable() {
        let mut core = core();
        let mut call = begin(&mut core, "GET k");
        let mut now = Mono(0);
        loop {
            match call.next(now, core.routing()) {
                Step::Attempt(_) => call.failed(now, core.routing(), Failed::NotSent, "refused"),
                Step::Wait(until) => now = until,
                Step::Done(result) => {
                    assert_eq!(result.unwrap_err().kind, ErrorKind::Unreachable);
                    assert!(now >= Mono(0) + 5 * SECOND);
                    break;
                }
            }
        }
    }

    #[test]
    fn what_has_no_number_is_not_repeated_once_it_was_handed_over() {
        let mut core = core();
        let mut call = begin(&mut core, "FLUSHALL");
        let mut now = Mono(0);
        attempt(&mut core, &mut call, &mut now);
        call.failed(now, core.routing(), Failed::Broken, "hung up");
        assert_eq!(end(&mut core, &mut call, now).unwrap_err().kind, ErrorKind::Unknown);
    }

    #[test]
    fn a_refusal_by_the_state_is_the_end_whatever_happened_before() {
        let mut core = core();
        let mut call = begin(&mut core, "INCR k");
        let mut now = Mono(0);
        attempt(&mut core, &mut call, &mut now);
        call.failed(now, core.routing(), Failed::Broken, "hung up");
        let second = attempt(&mut core, &mut call, &mut now);
        answer(&mut core, &mut call, now, &second, Reply::wrong_type());
        assert_eq!(end(&mut core, &mut call, now).unwrap_err().kind, ErrorKind::Refused);
    }

    #[test]
    fn the_first_attempt_asks_for_the_map_and_the_next_goes_to_the_leader() {
        let mut core = core();
        let mut call = begin(&mut core, "GET k");
        let mut now = Mono(0);
        let first = attempt(&mut core, &mut call, &mut now);
        assert_eq!(first.commands[1], map_question());
        let leader = Reply::Array(vec![Reply::bulk("leader"), Reply::Int(9)]);
        let map = Reply::Array(vec![Reply::Array(vec![Reply::Int(0), Reply::Int(16383), leader])]);
        call.answered(now, core.routing(), vec![with_certificate(Reply::Nil), map]);
        end(&mut core, &mut call, now).unwrap();
        core.finish(&mut call);
        let mut call = begin(&mut core, "GET k");
        let second = attempt(&mut core, &mut call, &mut now);
        assert_eq!(&*second.to, "leader:9");
        assert_eq!(second.commands.len(), 1);
    }

    #[test]
    fn a_try_leaves_the_node_time_to_say_how_it_ended() {
        let mut core = core();
        let mut call = begin(&mut core, "GET k");
        let mut now = Mono(0);
        let first = attempt(&mut core, &mut call, &mut now);
        assert_eq!(first.until, Mono(0) + SECOND);
        assert!(said(&first).contains("DEADLINE 900 "), "{}", said(&first));
    }
}
