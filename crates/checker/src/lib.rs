//! Histories and judges: what clients saw, and whether a correct store could have shown it to them.
//!
//! A *history* is a list of client operations with their times and outcomes (`history`); a *judge* reads one and
//! answers with a verdict. The simulator, `quartet check FILE` and the end-to-end tests all use the same judges,
//! so what passes in virtual time is measured with the ruler that real processes are measured with.
//!
//! Where to look:
//! * `check`: the front door, [`check_file`]: text in, [`Report`] out.
//! * `history`, `fate`, `register`: the JSON-lines record, what became of tentative writes, and what one key may answer
//!   when nothing is concurrent. `decided`: which of all that counts where.
//! * `linearizable`: judge A, our own, linear in time because every reply carries a version.
//! * `search`: judge B, independent (the `todc-utils` crate), exponential in the worst case, therefore bounded.
//! * `sequential`: one order for the whole cluster; `timeline` puts a key into it, `program_order` a session.
//! * `causal`: sessions and what they depend on; `past` keeps the pasts, `shown` holds answers to what there was, `maker` says whose
//!   write a tentative one shows.
//! * `tentative`: what becomes of writes below sequential, who wins, and whether nodes agree in the end.
//! * `counterexample`: the smallest part of a history that breaks a level, drawn as text or SVG.
//! * `log_agreement`, `replica_equality`, `exactly_once`, `durability`: one small judge per inner invariant, fed by
//!   the simulator with plain numbers.
//!
//! Invariants: no clock, no randomness, no files, no threads; the same history always gets the same report. A judge
//! never passes in silence what it did not judge: *undecided* is a verdict of its own.
//!
//! Not here: anything that knows what a node, a message or a log file looks like.

mod causal;
mod check;
mod counterexample;
mod decided;
mod durability;
mod exactly_once;
mod fate;
mod fields;
mod hidden;
mod history;
mod level;
mod linearizable;
mod log_agreement;
mod maker;
mod past;
mod program_order;
mod register;
mod replica_equality;
mod search;
mod sequential;
mod shown;
mod tentative;
mod timeline;
mod verdict;

pub use check::{KeyReport, Report, check_file, check_history, check_records};
pub use counterexample::{Counterexample, ShrinkLimits, counterexamples, to_svg};
pub use durability::{Durability, KeyVersion};
pub use exactly_once::{Application, ExactlyOnce};
pub use fate::{Dot, Ending, Fate};
pub use history::{Commitment, History, HistoryError, OpName, Record, Status, parse_history};
pub use level::{Level, Scope};
pub use linearizable::judge as judge_by_version;
pub use log_agreement::{LogAgreement, LogObservation};
pub use register::{Action, Operation, State, operations_by_key};
pub use replica_equality::{ReplicaEquality, ReplicaObservation};
pub use search::{SearchLimits, judge as judge_by_search, judge_values as judge_by_search_of_values};
pub use verdict::{Broken, Class, Judgement, LevelReport, Rule, Violation};
