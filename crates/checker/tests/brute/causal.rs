//! P3 by trying every replica state: read your writes, monotonic reads, monotonic writes, writes follow reads, and causal order
//! between sessions through what they read or a token handed over; excused are operations that were superseded or lost.
//!
//! *Happened before* is the closure of: a session's order (and tokens), and "shows": a write before the answer that shows it.
//! It is a matrix, closed by going round until nothing changes.
//!
//! *An answer* is right if there is a replica that could have given it: one that has applied the key's decided writes up to the
//! version that the answer reports, holds some set of tentative writes, lacks nothing that happened before the answer, and shows what
//! was shown. All sets are tried.
//!
//! *A write* is decided behind the writes of its key that happened before it, and does not lose to a strong one among them.

use checker::{Commitment, Ending, History, Level, Record, Status};

use super::{closed, fate, is_write, level, session_order};

struct Past<'a> {
    history: &'a History,
    records: Vec<&'a Record>,
    /// `order[a][b]`: a stands before b in a session's order, or by tokens.
    order: Vec<Vec<bool>>,
    /// `before[a][b]`: a happened before b.
    before: Vec<Vec<bool>>,
}

/// Whether the promise holds.
pub(crate) fn holds(history: &History) -> bool {
    let records: Vec<&Record> = history.records.iter().map(|(_, record)| record).collect();
    let n = records.len();
    let mut past = Past { history, order: session_order(&records), before: vec![vec![false; n]; n], records };
    past.close();
    (0..n).all(|at| past.is_right(at))
}

impl<'a> Past<'a> {
    /// Whether it belongs to a session's order.
    fn counts(&self, at: usize) -> bool {
        level(self.records[at]) != Level::Eventual && self.records[at].status == Status::Ok
    }

    /// Whose write an answer shows: of decided state that of its version, else by the value, which is written once.
    fn shown(&self, at: usize) -> Option<usize> {
        let record = self.records[at];
        if record.state != Some(Commitment::Tentative) {
            let made = |other: &usize| {
                self.records[*other].key == record.key && self.decided(*other) == record.version
            };
            return (0..self.records.len()).find(|other| record.version > Some(0) && made(other));
        }
        (0..self.records.len()).find(|other| {
            let write = self.records[*other];
            is_write(write)
                && write.key == record.key
                && write.value == record.value
                && level(write).is_weak()
        })
    }

    fn close(&mut self) {
        let mut before = self.order.clone();
        let answers = (0..self.records.len()).filter(|at| !is_write(self.records[*at]) && self.counts(*at));
        for at in answers {
            // That a strong read shows what began only later is the business of other promises.
            let (answered_ns, strong) =
                (self.records[at].return_ns, level(self.records[at]) != Level::Causal);
            let begun = |write: &usize| !strong || Some(self.records[*write].invoke_ns) < answered_ns;
            // Whatever an answer names by a dot comes with it, too.
            let named = (0..self.records.len()).filter(|other| {
                let (write, answer) = (self.records[*other], self.records[at]);
                is_write(write)
                    && write.key == answer.key
                    && answer.state == Some(Commitment::Tentative)
                    && write.dots.first().is_some_and(|dot| answer.dots.contains(dot))
            });
            for write in self.shown(at).filter(begun).into_iter().chain(named) {
                before[write][at] = true;
            }
        }
        self.before = closed(before);
    }

    /// Where a write stands in the order of decided writes.
    fn decided(&self, at: usize) -> Option<u64> {
        let record = self.records[at];
        if !is_write(record) {
            return None;
        }
        if !level(record).is_weak() {
            return record.version;
        }
        let fate = fate(self.history, record)?;
        fate.decided_version.filter(|_| fate.ending == Ending::Decided)
    }

    fn is_right(&self, at: usize) -> bool {
        let record = self.records[at];
        if record.status != Status::Ok {
            return true;
        }
        if is_write(record) {
            return !self.counts(at) || record.session.is_none() || self.write_is_right(at);
        }
        match level(record) {
            Level::Eventual => true,
            _ => self.answer_is_right(at),
        }
    }

    /// What happened before it about its key, before its answer showed anything: what that brings is not asked of the same
    /// answer (for plain registers the contract waives it).
    fn past_of_key(&self, at: usize) -> Vec<usize> {
        let same_key = |other: &usize| self.records[*other].key == self.records[at].key;
        let session = self.records[at].session.is_some();
        let n = self.records.len();
        let by_way = |other: usize, of: usize| self.order[of][at] && (other == of || self.before[other][of]);
        let past = (0..n).filter(|other| session && (0..n).any(|of| by_way(*other, of)));
        past.filter(same_key).collect()
    }

    /// The newest decided version of its key that was made or seen as decided by what happened before.
    fn seen_decided(&self, at: usize) -> u64 {
        let versions = self.past_of_key(at).into_iter().filter_map(|other| {
            let record = self.records[other];
            match is_write(record) {
                true if level(record).is_weak() => None,
                true => record.version,
                false if self.counts(other) => record.version,
                false => None,
            }
        });
        versions.max().unwrap_or(0)
    }

    fn write_is_right(&self, at: usize) -> bool {
        let record = self.records[at];
        let weak = level(record).is_weak();
        let own = fate(self.history, record).filter(|_| weak);
        if let Some(version) = self.decided(at) {
            let made = self.past_of_key(at).into_iter().filter_map(|other| self.decided(other));
            return version > made.max().unwrap_or(0).max(self.seen_decided(at));
        }
        let Some(winner) = own.and_then(|fate| fate.by) else { return true };
        let strong = (0..self.records.len()).any(|other| {
            let write = self.records[other];
            is_write(write)
                && write.key == record.key
                && !level(write).is_weak()
                && write.version == Some(winner)
        });
        !strong || winner > self.seen_decided(at)
    }

    fn answer_is_right(&self, at: usize) -> bool {
        let record = self.records[at];
        let applied = record.version.unwrap();
        let writes: Vec<usize> = (0..self.records.len())
            .filter(|other| is_write(self.records[*other]) && self.records[*other].key == record.key)
            .collect();
        if record.session.is_some() && self.seen_decided(at) > applied {
            return false;
        }
        let needed: Vec<usize> =
            self.past_of_key(at).into_iter().filter(|other| level(self.records[*other]).is_weak()).collect();
        let weak: Vec<usize> =
            writes.iter().copied().filter(|other| level(self.records[*other]).is_weak()).collect();
        if level(record) != Level::Causal {
            // Decided state alone; its value is the business of other promises.
            return needed.iter().all(|write| self.decided(*write).is_none_or(|version| version <= applied));
        }
        (0..1_usize << weak.len()).any(|set| {
            let held: Vec<usize> =
                weak.iter().enumerate().filter(|(bit, _)| set & (1 << bit) != 0).map(|(_, at)| *at).collect();
            let has_all = needed.iter().all(|write| {
                self.decided(*write).is_none_or(|version| version <= applied || held.contains(write))
            });
            has_all && self.shows(at, applied, &held)
        })
    }

    /// Whether a replica with this decided state and these tentative writes shows what was shown.
    fn shows(&self, at: usize, applied: u64, held: &[usize]) -> bool {
        let record = self.records[at];
        let begun = |write: usize| self.records[write].invoke_ns <= record.return_ns.unwrap();
        if record.state != Some(Commitment::Tentative) {
            // Nothing above what is decided: all that is held is beneath, or was superseded or lost.
            let settled =
                held.iter().all(|write| self.decided(*write).is_none_or(|version| version <= applied));
            let of_key = (0..self.records.len()).filter(|other| self.records[*other].key == record.key);
            let decided = of_key
                .filter_map(|other| Some((self.decided(other)?, other)))
                .filter(|(at, _)| *at <= applied)
                .max();
            let maker = decided.filter(|(version, _)| *version == applied).map(|(_, write)| write);
            return settled
                && match maker {
                    Some(maker) => self.records[maker].value == record.value && begun(maker),
                    // Absent since the beginning; the version may be another key's deletion in the slot.
                    None => record.value.is_none() && decided.is_none(),
                };
        }
        let named_have_begun = (0..self.records.len()).all(|other| {
            let write = self.records[other];
            let named = is_write(write) && write.dots.first().is_some_and(|dot| record.dots.contains(dot));
            !named || begun(other)
        });
        let Some(shown) = self.shown(at).filter(|shown| held.contains(shown) && begun(*shown)) else {
            return false;
        };
        let write = self.records[shown];
        let dot = &write.dots[0];
        let named = record.dots.iter().any(|other| other.origin == dot.origin && other.number >= dot.number);
        if !named || !named_have_begun {
            return false;
        }
        let fate = fate(self.history, write);
        let as_of = record.as_of.unwrap();
        if fate.and_then(|fate| fate.decided_version).is_some_and(|version| version <= as_of) {
            return false;
        }
        // A strong write hides what had not seen it.
        let seen = fate.and_then(|fate| fate.seen).or(write.as_of).unwrap();
        let hidden = self.records.iter().any(|strong| {
            is_write(strong)
                && strong.key == record.key
                && !level(strong).is_weak()
                && strong.status != Status::Fail
                && strong.version.is_some_and(|version| seen < version && version <= as_of)
        });
        // What is decided later was on top; one that lost in the end is excused.
        let on_top = held.iter().all(|other| {
            self.decided(*other).is_none_or(|version| {
                version <= applied || self.decided(shown).is_none_or(|shown| version <= shown)
            })
        });
        !hidden && on_top
    }
}
