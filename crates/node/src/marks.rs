//! Marks on the branches of the protocol that matter and are rare, so that whoever tests can say which of them a batch of runs has really taken.
//!
//! A mark says that a line was reached and nothing else. The counts lie beside the core: nothing in it reads them, so what it does cannot depend on them. They are counted by thread, because a simulated run is one
//! thread, and only with the feature `marks`, which the simulator turns on; without it `reached` is empty, so a user's binary pays nothing.
//!
//! A new mark is a line in the list below and a call where it belongs; `sim`'s coverage takes the list from here, and fails a batch that never reached one. Messages of peers are counted here too, as they are
//! read. Not here: what is seen from outside anyway ([`crate::event::Event`]s, answers, verdicts), which coverage counts by itself.

#[cfg(feature = "marks")]
use crate::kinds::MessageKind;
use proto::peer::Message;

macro_rules! marks {
    ($($name:ident: $text:literal,)*) => {
        /// A branch of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mark {
            $(#[doc = $text] $name,)*
        }

        impl Mark {
            /// All of them.
            pub const ALL: &'static [Mark] = &[$(Mark::$name,)*];

            /// What happened there.
            pub fn text(self) -> &'static str {
                match self { $(Mark::$name => $text,)* }
            }
        }
    };
}

marks! {
    // consensus
    LeaderForgotten: "a late message of a higher term made a replica forget its leader, and it kept from voting",
    VoteAskedOfTheNewlyStarted: "a replica that had just started, or had forgotten its leader, was asked for a vote and kept quiet",
    TailReplaced: "undecided entries of a log were replaced by another leader's",
    ElectionBegun: "an election timeout was over",
    ProposalPutBack: "the library did not take proposals at once",
    WorkSentBack: "a leader that lost its leadership sent writes back",
    DecisionToldByItself: "followers were told of a decision by a message of its own",
    ReadRoundRepeated: "a round that should prove leadership was begun again",
    ReadByLease: "a read was proven by the lease",
    LeaseEndedMeanwhile: "a lease ended between a read and its answer, and the read waited for a round",
    ReadAwaitsExpiry: "a linearizable read met an expiry that the log had not decided",
    // writes on their way to the leader
    WriteAtFollower: "a write was forwarded to a replica that did not lead",
    WriteAtNewLeader: "a write was forwarded to a leader that did not serve yet",
    WriteAnsweredFromTable: "a repeated forward was answered from the table",
    WriteOfEarlierStart: "a forward came from an earlier start of its front",
    WriteAfterGap: "a forward came before its predecessor",
    WriteRefusedForMemory: "a write was proposed as a refusal for want of memory",
    WritePastDeadline: "a write was proposed as nothing because its deadline was over",
    SessionAheadOfClock: "a forward's session was further ahead than this node's clock may follow",
    StreamSentAgain: "a stream was sent again because nobody had answered",
    WriteTakenBack: "a write that nobody had was taken back",
    EntryRepeated: "an entry repeated a write that was applied",
    EntryAfterGap: "an entry was applied before its predecessor, and did nothing",
    EntryOfEarlierStart: "an entry came from an earlier start of its front",
    ClientNumberKnown: "a client's repeated number was answered from the table",
    // requests
    ReadAnsweredEarly: "an answer to a linearizable read waited for the one before it",
    ReadOlderThanTheOneBefore: "a linearizable read was asked for again, because the one before it had shown a newer state",
    LadderStepsDown: "a request went on at its next rung",
    LadderIsHeld: "a request could not step down, because somebody had a part of it",
    SessionAwaitsDecision: "a request waited until what its session depends on was decided",
    SessionTooWide: "an answer waited because its session would have had too many dots",
    // reads below linearizable
    ReadAtFollower: "a linearizable read was sent to a replica that did not serve",
    SequentialReadAwaitsExpiry: "a sequential read waited for an expiry",
    EmptyEntryAtRest: "a shard at rest followed the newest time",
    TimeGrantedInPart: "a reader wanted a time further ahead than a leader may grant",
    // below sequential
    WeakAwaitsTime: "a weak request waited for the safe time",
    WeakAwaitsOperations: "a weak request waited for operations that others hold",
    WeakAwaitsExpiry: "a causal read waited for an expiry",
    WeakWriteAskedAgain: "a weak write that was refused was asked for again",
    WeakWriteFoundBehind: "a replica could not be as new as a weak write's session",
    AnswerAwaitsCopies: "an answer waited for copies on other nodes",
    CopiesAskedForAgain: "lost words about copies were asked for again",
    HeldAfterGap: "operations came before their predecessors",
    HeldDoesNotFollow: "an operation in the middle of others lacked its predecessor",
    PassedOnForAnother: "a replica passed on what another origin had undecided",
    SubmittedOutOfOrder: "a leader was handed an operation whose time had not come",
    WriteBecomesHint: "a write was kept as a hint",
    HintPassedOn: "a replica passed hints on to the leader",
    JournalWrittenAgain: "what pinned the log was written into the journal again",
    PromiseRepeated: "a floor was promised again as it was",
    FloorProposed: "a floor was proposed",
    // arbitration
    MarkForgotten: "the floor let a key's mark be forgotten",
    HintBelowForgottenDeletion: "a hint lost to a deletion that was forgotten",
    StrongTimeUnsure: "a hint lost where nobody remembers whether the winner was strong",
    ElementsLostInPart: "a write of several fields lost some of them",
    ElementsLost: "a write of fields lost all of them",
    AddWins: "a removal left what it had not seen",
    NumberedBefore: "a decided operation repeated a client's number",
    // snapshots
    OfferOutdated: "a snapshot was offered to who needed none",
    NothingLacking: "of an offered snapshot no slot was lacking",
    SlotsLeftBehindUsed: "slots that a broken transfer had left behind were used",
    TransferAbandoned: "a receiver gave a transfer up",
    TransferSilent: "a sender gave a transfer up after silence",
    ReceivedNotNeeded: "a received snapshot was not needed any more",
    SnapshotReadAtStart: "a start read a snapshot",
    PartialFoundAtStart: "a start found what a broken transfer had left behind",
    CopyOfDirectoryTaken: "a node without a replica of the directory took a copy",
}

#[cfg(feature = "marks")]
thread_local! {
    static REACHED: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
    static HEARD: std::cell::RefCell<Vec<u64>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// This branch is taken.
#[inline(always)]
pub(crate) fn reached(mark: Mark) {
    #[cfg(feature = "marks")]
    REACHED.with(|counts| count(&mut counts.borrow_mut(), Mark::ALL.len(), mark as usize));
    #[cfg(not(feature = "marks"))]
    let _ = mark;
}

/// This message of a peer is read.
#[inline(always)]
pub(crate) fn heard(message: &Message) {
    #[cfg(feature = "marks")]
    HEARD.with(|counts| {
        count(&mut counts.borrow_mut(), MessageKind::ALL.len(), MessageKind::of(message) as usize)
    });
    #[cfg(not(feature = "marks"))]
    let _ = message;
}

#[cfg(feature = "marks")]
fn count(counts: &mut Vec<u64>, length: usize, at: usize) {
    counts.resize(length, 0);
    counts[at] += 1;
}

/// How often each branch was taken, and each kind of message read, on this thread since the last call. In the order of [`Mark::ALL`] and [`MessageKind::ALL`]; empty if none was.
#[cfg(feature = "marks")]
pub fn take() -> (Vec<u64>, Vec<u64>) {
    let taken = |counts: &std::cell::RefCell<Vec<u64>>| std::mem::take(&mut *counts.borrow_mut());
    (REACHED.with(taken), HEARD.with(taken))
}
