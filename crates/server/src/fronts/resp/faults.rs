//! QUARTET FAULT: answered in its turn of the pipeline, when the nodes have answered.

use super::RespFront;
use super::connection::{Connection, ReplyMode};
use super::pipeline::Pending;
use crate::faults::{FaultError, FaultErrorKind, FaultView, Report, Wish};
use bytes::Bytes;
use proto::ids::{ConnectionId, RequestId};
use proto::outcome::{Achieved, Certificate, Outcome};
use proto::reply::Reply;
use proto::time::Now;
use std::sync::Arc;

/// The row of the command table.
pub(super) const NAME: &str = "quartet|fault";

/// A command for the desk.
pub(super) type FaultCommand = (ConnectionId, RequestId, Wish);

impl RespFront {
    /// Takes the command; answers at once if it makes no sense.
    pub(super) fn fault(
        &mut self,
        connection: &mut Connection,
        argv: &[Bytes],
        row: usize,
        request_bytes: usize,
        is_skipped: bool,
        now: Now,
    ) -> Option<Reply> {
        let wish = match Wish::from_words(&argv[2..]) {
            Ok(wish) => wish,
            Err(error) => return Some(error_reply(&error)),
        };
        let version = connection.session.version;
        let mut pending = Pending::new(version, Connection::wish(false, false), row, request_bytes, now.mono);
        pending.is_silent = is_skipped || connection.session.replies == ReplyMode::Off;
        let request = connection.pipeline.push(pending);
        self.fault_commands.push((connection.id, request, wish));
        None
    }

    /// Commands about faults since the last call.
    pub(crate) fn fault_commands(&mut self) -> Vec<FaultCommand> {
        std::mem::take(&mut self.fault_commands)
    }

    /// How a command about faults ended.
    pub(crate) fn answer_fault(
        &mut self,
        connection: ConnectionId,
        request: RequestId,
        result: Result<Report, FaultError>,
    ) {
        let reply = match result {
            Ok(report) => Reply::bulk(serde_json::to_vec(&report).expect("texts and numbers are valid JSON")),
            Err(error) => error_reply(&error),
        };
        let outcome = Outcome::Done { reply, certificate: Certificate::default() };
        self.answer(connection, request, outcome, Achieved::default());
    }

    /// What status shows of faults from now on.
    pub(crate) fn show_faults(&mut self, view: Arc<FaultView>) {
        self.shared.faults = view;
    }
}

fn error_reply(error: &FaultError) -> Reply {
    let word = match error.kind {
        FaultErrorKind::Invalid | FaultErrorKind::NotAllowed | FaultErrorKind::Partly => "ERR",
        FaultErrorKind::NotReady => "TRYAGAIN",
        // As with writes: it may have been done, or may yet be.
        FaultErrorKind::Unanswered => "UNKNOWN",
    };
    Reply::error(format!("{word} {}", error.sentence))
}
