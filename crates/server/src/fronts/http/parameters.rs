//! What every request on a key may say, as `/openapi.json` describes it. `conditions` is what reads it.

use utoipa::IntoParams;

/// In headers.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, clippy::doc_markdown)] // a description: nobody makes one
pub(super) struct SaidInHeaders {
    /// The level, or a ladder of levels to be tried one after the other: `causal`, or `linearizable;50ms, causal`. Without it: linearizable
    #[param(rename = "Consistency")]
    consistency: Option<String>,
    /// The token of the session that this request belongs to, as a reply gave it; or several, with dots between them. Without it: a session of its own
    #[param(rename = "Session")]
    session: Option<String>,
    /// How old the state that answers a read may be, as 500ms or 2s
    #[param(rename = "Max-Staleness")]
    max_staleness: Option<String>,
    /// How long to wait, as 200ms or 2s
    #[param(rename = "Deadline")]
    deadline: Option<String>,
    /// Of a PUT or DELETE that is answered at causal or eventual: on how many nodes it is durable before the answer, from 1. Without it: 1
    #[param(rename = "Acks")]
    acks: Option<u8>,
    /// `client:number`, of a PUT or DELETE: however often it is sent, it is applied once
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
}

/// The same in the query.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // a description: nobody makes one
pub(super) struct SaidInQuery {
    /// Like the header Consistency; said in both and not the same is an error
    consistency: Option<String>,
    /// Like the header Session
    session: Option<String>,
    /// Like the header Max-Staleness
    max_staleness: Option<String>,
    /// Like the header Deadline
    deadline: Option<String>,
    /// Like the header Acks
    acks: Option<u8>,
    /// Like the header Idempotency-Key
    idempotency_key: Option<String>,
}
