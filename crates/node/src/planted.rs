//! Bugs that others have had, planted on purpose: a checker counts only once it has caught one.
//!
//! Compiled only with the feature `planted`, which no release binary has. Each is one `if` at the place where the real bug would be.

/// Which bug is planted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Planted {
    /// None.
    #[default]
    Nothing,
    /// What must be durable first leaves before the log is synced.
    ReplyBeforeSync,
    /// The exactly-once tables do not travel with snapshots.
    DedupNotInSnapshot,
    /// A client's repeated numbered write is applied again.
    RepeatAppliedAgain,
    /// At a start the log's entries are applied at once, though nothing says that they are decided, and once more when they are.
    AppliedAtRecovery,
    /// One vote is counted as two.
    VoteCountedTwice,
    /// Term and vote are not made durable.
    VoteForgotten,
    /// A read is answered without proof of leadership.
    ReadWithoutRound,
    /// A lease is judged by the clock as it was before the request was taken from its socket, and never again.
    LeaseByAnEarlierClock,
    /// A lease lasts for seconds, while others keep from electing for one election timeout.
    LeaseTooLong,
    /// Answers to pipelined reads are taken as they come.
    ReadsOutOfLine,
    /// A read does not wait until its index is applied.
    ReadBeforeApplied,
    /// A replica answers a sequential read at once, however much newer the session is.
    SessionNotAwaited,
    /// A leader does not take in what the writer's session has seen before it proposes.
    SessionNotMerged,
    /// A replica takes its own clock for its safe time: a promise that the log never made.
    SafeTimeByClock,
    /// A causal write is taken by a replica that lacks what its session depends on.
    CausalWriteDoesNotWait,
    /// An origin says that more is decided of its operations than is.
    FoldIsNoPrefix,
    /// An origin says in its regular word up to where nothing is missing, and not only behind what goes before.
    CoverageOutsideTheStream,
    /// A tentative write is answered before it is durable.
    OutboxAnsweredBeforeSync,
    /// A restarted node's clock knows nothing of what it had taken.
    ClockBackOnRestart,
    /// A tentative overwrite forgets the key's newest strong write.
    StrongTimeForgotten,
    /// An origin's operation is decided though the one before it is not.
    PredecessorNotChecked,
    /// Deletions are forgotten as soon as they are applied.
    TombstonesDropped,
    /// An assignment is applied though it had seen less than the floor.
    FloorNotEnforced,
    /// What is shown before the log has spoken is decided by other rules: strong writes do not win there.
    OverlayByOtherRules,
    /// A key does not keep the dots of the operations that made it.
    KeyForgetsDots,
    /// A strong write forgets what its session has seen that is not decided, on whatever shard.
    OtherShardsDotsForgotten,
    /// A reader's session does not take in what it was shown that is not decided.
    ReadDoesNotJoinDots,
    /// A reader that found nothing has seen nothing: an absent key counts as one that never was.
    AbsentIsVersionZero,
    /// A replica drops keys whose time is over by its own clock.
    ExpiryByReplicaClock,
    /// A strong write is proposed when what its session depends on is decided, but not behind the time of that.
    FoldAfterProposal,
    /// A set loses a member though it was added again where the removal's origin had not seen it.
    RemovalTakesUnseen,
    /// A replica that has lost its memory votes and follows at once, as if it had never promised anything.
    RebuiltVotesAtOnce,
}
