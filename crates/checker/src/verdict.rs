//! The words of the judges: what they may answer, and how a violation is explained.
//!
//! A judgement is one of three: legal, violation, undecided. *Undecided* exists so that no judge ever passes what
//! it did not judge. A violation carries the rule that was broken, a sentence, and the few operations that show it.
//!
//! Not here: exit codes of commands; [`Class`] offers numbers, the command line decides.

use std::fmt;

use crate::level::Level;
use crate::register::Operation;

/// Which promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Two writes of one key claim the same version.
    VersionsAreUnique,
    /// The order of versions contradicts real time.
    RealTime,
    /// An answer does not fit the value that the key had at its version.
    Legality,
    /// No legal order exists at all (found by search, which knows no single culprit).
    NoLegalOrder,
    /// Two replicas hold different entries at one place of one group's log.
    LogAgreement,
    /// Two replicas of a group differ at the same applied index.
    ReplicaEquality,
    /// A numbered operation was applied twice, or an entry twice to one state.
    ExactlyOnce,
    /// A write that was acknowledged is gone.
    Durability,
    /// The order by timestamps contradicts what was seen.
    OneOrder,
    /// The order by timestamps contradicts a session's own.
    SessionOrder,
    /// An answer's version is newer than the time that the answer is true for.
    Certificate,
    /// An answer shows a write that began only after it.
    SeenBeforeBegun,
    /// A session does not see its own write.
    ReadYourWrites,
    /// A session sees something older than it saw before.
    MonotonicReads,
    /// A session's write is decided before an earlier one.
    MonotonicWrites,
    /// A session's write is decided before one that it had seen.
    WritesFollowReads,
    /// An effect is seen, or decided, without what another session made it depend on.
    CausalOrder,
    /// A tentative write lost to a strong one that it had seen.
    LosesToUnseen,
    /// A tentative write is shown as tentative where its fate was known.
    DecidedIsShown,
    /// A tentative assignment takes effect over a strong write that it had not seen.
    StrongWins,
    /// A tentative assignment takes effect over a newer one.
    NewestWins,
    /// Nodes disagree after everything came to rest.
    Convergence,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::VersionsAreUnique => "versions are unique",
            Rule::RealTime => "real-time order",
            Rule::Legality => "every answer is legal",
            Rule::NoLegalOrder => "a legal order exists",
            Rule::LogAgreement => "log agreement",
            Rule::ReplicaEquality => "replicas are equal",
            Rule::ExactlyOnce => "applied exactly once",
            Rule::Durability => "no acknowledged write is lost",
            Rule::OneOrder => "one order for the whole cluster",
            Rule::SessionOrder => "the one order agrees with each session",
            Rule::Certificate => "no answer is newer than the time it is true for",
            Rule::SeenBeforeBegun => "nothing is seen before it began",
            Rule::ReadYourWrites => "read your writes",
            Rule::MonotonicReads => "monotonic reads",
            Rule::MonotonicWrites => "monotonic writes",
            Rule::WritesFollowReads => "writes follow reads",
            Rule::CausalOrder => "causal order between sessions",
            Rule::LosesToUnseen => "a write loses only to what it had not seen",
            Rule::DecidedIsShown => "what was decided is not shown as tentative",
            Rule::StrongWins => "strong wins",
            Rule::NewestWins => "newest wins",
            Rule::Convergence => "convergence",
        })
    }
}

/// A key's history that no correct store could have shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The broken rule.
    pub rule: Rule,
    /// One or two sentences for a person.
    pub explanation: String,
    /// The operations that show it: as few as the judge could manage, in the order of the history.
    pub operations: Vec<Operation>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (rule: {})", self.explanation, self.rule)?;
        for operation in &self.operations {
            write!(f, "\n  {operation}")?;
        }
        Ok(())
    }
}

/// What one judge says about one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// A legal order exists.
    Legal,
    /// None exists.
    Violation(Box<Violation>),
    /// The judge could not tell; the text says why.
    Undecided(String),
}

impl Judgement {
    /// Whether a legal order was found.
    pub fn is_legal(&self) -> bool {
        *self == Judgement::Legal
    }

    /// The violation, if that is the judgement.
    pub fn violation(&self) -> Option<&Violation> {
        match self {
            Judgement::Violation(violation) => Some(violation),
            Judgement::Legal | Judgement::Undecided(_) => None,
        }
    }
}

/// An inner invariant that does not hold: the answer of the small judges that the simulator feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which one.
    pub rule: Rule,
    /// What was seen, by whom, in one sentence.
    pub explanation: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (rule: {})", self.explanation, self.rule)
    }
}

impl std::error::Error for Broken {}

/// The class of a whole report, worst first when several keys differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Every key was judged, and every key is legal.
    Legal,
    /// No violation was found, but some key could not be judged.
    Undecided,
    /// The judges contradict each other: a bug in this crate, and no statement about the store.
    JudgesDisagree,
    /// At least one key broke its promise.
    Violation,
}

impl Class {
    /// A number for a process to end with. 2 is left to wrong usage and unreadable input.
    pub fn exit_code(self) -> u8 {
        match self {
            Class::Legal => 0,
            Class::Violation => 1,
            Class::Undecided => 3,
            Class::JudgesDisagree => 4,
        }
    }
}

/// What two judges say together: a word that contradicts the other's is a bug in this crate.
pub(crate) fn class_of_both(one: &Judgement, other: &Judgement) -> Class {
    match (one, other) {
        (Judgement::Legal, Judgement::Violation(_)) | (Judgement::Violation(_), Judgement::Legal) => {
            Class::JudgesDisagree
        }
        (Judgement::Violation(_), _) | (_, Judgement::Violation(_)) => Class::Violation,
        (Judgement::Legal, _) | (_, Judgement::Legal) => Class::Legal,
        (Judgement::Undecided(_), Judgement::Undecided(_)) => Class::Undecided,
    }
}

/// What the judges say of one level's promise.
#[derive(Clone, Debug)]
pub struct LevelReport {
    /// Whose promise.
    pub level: Level,
    /// How many operations counted.
    pub operations: usize,
    /// What was judged, and how, in a sentence.
    pub judged: String,
    /// The verdict.
    pub class: Class,
    /// What breaks the promise, the clearest first.
    pub violations: Vec<Violation>,
    /// What a reader of the verdict should know: what was not judged, and why.
    pub notes: Vec<String>,
}

impl LevelReport {
    pub(crate) fn new(level: Level) -> LevelReport {
        LevelReport {
            level,
            operations: 0,
            judged: String::new(),
            class: Class::Legal,
            violations: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The report with its last word: a violation that nobody contradicts decides, and nothing judged is nothing proved.
    pub(crate) fn finished(mut self) -> LevelReport {
        if !self.violations.is_empty() && self.class != Class::JudgesDisagree {
            self.class = Class::Violation;
        }
        if self.operations == 0 {
            self.class = self.class.max(Class::Undecided);
        }
        self
    }
}

impl fmt::Display for LevelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST_SHOWN: usize = 5;
        writeln!(f, "judged at {}: {}", self.level, self.judged)?;
        for note in self.notes.iter().take(MOST_SHOWN) {
            writeln!(f, "  {note}")?;
        }
        if self.notes.len() > MOST_SHOWN {
            writeln!(f, "  and {} more remarks like these", self.notes.len() - MOST_SHOWN)?;
        }
        for violation in self.violations.iter().take(MOST_SHOWN) {
            writeln!(f, "{violation}")?;
        }
        if self.violations.len() > MOST_SHOWN {
            writeln!(f, "and {} more violations", self.violations.len() - MOST_SHOWN)?;
        }
        match self.class {
            Class::Legal => writeln!(f, "{}: yes", self.level),
            Class::Violation => writeln!(f, "{}: NO", self.level),
            Class::Undecided => writeln!(f, "{}: UNDECIDED, not everything could be judged", self.level),
            Class::JudgesDisagree => {
                writeln!(
                    f,
                    "{}: UNDECIDED, the judges contradict each other: please report this history",
                    self.level
                )
            }
        }
    }
}
