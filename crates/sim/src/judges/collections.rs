//! What sets, lists and hashes hold, worked out from the log by the words of the contract: add wins, pushes count once, strong wins, newest wins (`docs/consistency.md`, arbitration).
//!
//! A second opinion on `node::arbitration`, which has to forget: here every add of a member is remembered with its dot and its time, and every field with the newest writes that it has had. What the log said of an operation (its
//! verdict) is taken as said; that an assignment took effect though it had to lose is found, and so is everything that is there, or not there, against the adds, pushes and assignments.
//!
//! Caveat: the store may call a removal superseded where it no longer knows enough; then it is not known here either which of the member's adds are left, and the member is not judged until it is certain again.
//!
//! Not here: where the entries come from and what replicas hold (`contents`), strings and numbers (`weak`), sorted sets.

use bytes::Bytes;
use node::arbitration::Verdict;
use proto::hlc::Timestamp;
use proto::log_entry::ClientNumber;
use proto::ops::{End, HashWrite, KeyWrite, ListWrite, SetWrite, Write};
use proto::reply::Reply;
use proto::tentative::{Dot, Operation, WhySuperseded};
use std::collections::{BTreeMap, BTreeSet};

/// A client's repetition that comes so many numbers late may have been forgotten by the store.
const NUMBERS_KEPT: u64 = 60;

/// What put a member in: a tentative operation, or a strong write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Add {
    dot: Option<Dot>,
    at: Timestamp,
}

impl Add {
    /// Whether the origin of a removal had observed it.
    fn is_observed(&self, removal: &Operation) -> bool {
        let held = |dot: Dot| dot.origin == removal.dot.origin || dot.number <= removal.held.of(dot.origin);
        self.at <= removal.seen || self.dot.is_some_and(held)
    }
}

#[derive(Clone, Debug, Default)]
struct Member {
    adds: Vec<Add>,
    is_unsure: bool,
}

#[derive(Clone, Debug, Default)]
struct Field {
    value: Option<Bytes>,
    strong: Timestamp,
    newest: Option<(Timestamp, Dot)>,
}

#[derive(Clone, Debug)]
enum Content {
    Set(BTreeMap<Bytes, Member>),
    List(Vec<Bytes>),
    Hash(BTreeMap<Bytes, Field>),
}

/// One key.
#[derive(Clone, Debug, Default)]
struct Collection {
    content: Option<Content>,
    /// The newest strong write of the key or of anything in it.
    strong: Timestamp,
    /// The newest strong write of all of it.
    whole: Timestamp,
    /// The newest tentative operation on the key or on anything in it since then.
    newest: Option<(Timestamp, Dot)>,
    /// The newest tentative assignment of all of it since then.
    whole_newest: Option<(Timestamp, Dot)>,
    is_unsure: bool,
}

/// The collections of one shard.
#[derive(Clone, Debug, Default)]
pub(super) struct Collections {
    keys: BTreeMap<Bytes, Collection>,
    clients: BTreeMap<Bytes, BTreeSet<u64>>,
    /// How often each value was pushed to each list, whether or not it is still there.
    pushes: BTreeMap<(Bytes, Bytes), u64>,
    touched: BTreeSet<Bytes>,
}

/// What an operation does to one key of these kinds; nothing else is looked at.
enum Change<'a> {
    Adds(&'a [Bytes]),
    Removes(&'a [Bytes]),
    Pushes(&'a [Bytes], End),
    Sets(&'a [(Bytes, Bytes)]),
    Drops(&'a [Bytes]),
    Increments(&'a Bytes, i64),
    Deletes,
}

fn change_of(write: &Write) -> Option<(&Bytes, Change<'_>)> {
    Some(match write {
        Write::Set(SetWrite::Add { key, members }) => (key, Change::Adds(members)),
        Write::Set(SetWrite::Remove { key, members }) => (key, Change::Removes(members)),
        Write::List(ListWrite::Push { key, values, end, only_if_present: false }) => {
            (key, Change::Pushes(values, *end))
        }
        Write::Hash(HashWrite::Set { key, fields, .. }) => (key, Change::Sets(fields)),
        Write::Hash(HashWrite::Delete { key, fields }) => (key, Change::Drops(fields)),
        Write::Hash(HashWrite::IncrBy { key, field, delta }) => (key, Change::Increments(field, *delta)),
        Write::Key(KeyWrite::Del { keys }) => (keys.first()?, Change::Deletes),
        _ => return None,
    })
}

impl Content {
    fn is_empty(&self) -> bool {
        match self {
            Content::Set(members) => {
                members.values().all(|member| member.adds.is_empty() && !member.is_unsure)
            }
            Content::List(values) => values.is_empty(),
            Content::Hash(fields) => fields.values().all(|field| field.value.is_none()),
        }
    }
}

impl Collection {
    fn set(&mut self) -> &mut BTreeMap<Bytes, Member> {
        let content = self.content.get_or_insert_with(|| Content::Set(BTreeMap::new()));
        if !matches!(content, Content::Set(_)) {
            *content = Content::Set(BTreeMap::new());
            self.is_unsure = true;
        }
        match content {
            Content::Set(members) => members,
            Content::List(_) | Content::Hash(_) => unreachable!("made a set above"),
        }
    }

    fn list(&mut self) -> &mut Vec<Bytes> {
        let content = self.content.get_or_insert_with(|| Content::List(Vec::new()));
        if !matches!(content, Content::List(_)) {
            *content = Content::List(Vec::new());
            self.is_unsure = true;
        }
        match content {
            Content::List(values) => values,
            Content::Set(_) | Content::Hash(_) => unreachable!("made a list above"),
        }
    }

    fn hash(&mut self) -> &mut BTreeMap<Bytes, Field> {
        let content = self.content.get_or_insert_with(|| Content::Hash(BTreeMap::new()));
        if !matches!(content, Content::Hash(_)) {
            *content = Content::Hash(BTreeMap::new());
            self.is_unsure = true;
        }
        match content {
            Content::Hash(fields) => fields,
            Content::Set(_) | Content::List(_) => unreachable!("made a hash above"),
        }
    }

    fn push(&mut self, values: &[Bytes], end: End) {
        for value in values {
            match end {
                End::Right => self.list().push(value.clone()),
                End::Left => self.list().insert(0, value.clone()),
            }
        }
    }

    fn is_there(&self) -> bool {
        self.content.as_ref().is_some_and(|content| !content.is_empty())
    }

    /// A strong write at this time changes it.
    fn strongly(&mut self, at: Timestamp, change: &Change<'_>) {
        let was_there = self.is_there();
        match change {
            Change::Adds(members) => {
                for name in *members {
                    // Who has seen it has seen all that put the member in before; and it counts though it may have been there.
                    let member = Member { adds: vec![Add { dot: None, at }], is_unsure: false };
                    self.set().insert(name.clone(), member);
                }
                self.strong = at;
            }
            Change::Removes(members) => {
                for name in *members {
                    self.set().insert(name.clone(), Member::default());
                }
                self.strong = at;
            }
            Change::Pushes(values, end) => {
                self.push(values, *end);
                self.strong = at;
            }
            Change::Sets(fields) => {
                for (name, value) in *fields {
                    let (value, newest) = (Some(value.clone()), None);
                    self.hash().insert(name.clone(), Field { value, strong: at, newest });
                }
                self.strong = at;
            }
            Change::Drops(names) => {
                for name in *names {
                    self.hash().insert(name.clone(), Field { value: None, strong: at, newest: None });
                }
                self.strong = at;
            }
            Change::Increments(name, delta) => {
                let field = self.hash().entry((*name).clone()).or_default();
                (field.strong, field.newest) = (at, None);
                increment(field, *delta);
                self.strong = at;
            }
            Change::Deletes => self.content = None,
        }
        if was_there && !self.is_there() || matches!(change, Change::Deletes) {
            // The key is gone: a strong write of all of it. One that finds nothing to delete says the same.
            *self = Collection { strong: at, whole: at, ..Collection::default() };
        }
    }

    /// A tentative operation was decided; an error says why it must not have been like this.
    fn tentatively(
        &mut self,
        at: Timestamp,
        operation: &Operation,
        change: &Change<'_>,
        why: Option<WhySuperseded>,
    ) -> Result<(), String> {
        let place = (operation.time, operation.dot);
        match (change, why) {
            (Change::Removes(members), Some(WhySuperseded::Strong(_) | WhySuperseded::Floor(_))) => {
                for name in *members {
                    let member = self.set().entry(name.clone()).or_default();
                    let is_strong =
                        member.adds.iter().any(|add| add.dot.is_none() && !add.is_observed(operation));
                    member.adds.retain(|add| !add.is_observed(operation));
                    member.is_unsure |= !is_strong;
                }
                return Ok(());
            }
            (
                Change::Removes(_) | Change::Adds(_) | Change::Pushes(..) | Change::Increments(..),
                Some(why),
            ) => {
                return Err(format!("{} is an effect, and was superseded: {why:?}", operation.dot));
            }
            (Change::Sets(_) | Change::Drops(_) | Change::Deletes, Some(_)) => return Ok(()),
            (_, None) => {}
        }
        match change {
            Change::Adds(members) => {
                for name in *members {
                    let member = self.set().entry(name.clone()).or_default();
                    member.adds.push(Add { dot: Some(operation.dot), at });
                }
            }
            Change::Removes(members) => {
                // Of several the store may have left some, and the verdict does not say which.
                let may_be_partial =
                    members.len() > 1 && (operation.seen < self.strong || operation.seen == Timestamp::ZERO);
                for name in *members {
                    let member = self.set().entry(name.clone()).or_default();
                    member.adds.retain(|add| !add.is_observed(operation));
                    member.is_unsure |= may_be_partial;
                }
            }
            Change::Pushes(values, end) => self.push(values, *end),
            Change::Sets(fields) => {
                // Field by field. Of several some may lose, but not all: then the verdict would say so.
                let assigned =
                    fields.iter().map(|(name, value)| self.assign(name, Some(value.clone()), operation));
                let assigned: Vec<Result<(), String>> = assigned.collect();
                if assigned.iter().all(Result::is_err) {
                    assigned.into_iter().collect::<Result<(), String>>()?;
                }
            }
            Change::Drops(names) => {
                for name in *names {
                    self.assign(name, None, operation)?;
                }
            }
            Change::Increments(name, delta) => {
                let field = self.hash().entry((*name).clone()).or_default();
                field.newest = field.newest.max(Some(place));
                increment(field, *delta);
            }
            Change::Deletes => {
                may_win(operation, self.strong, self.newest)?;
                let (strong, whole) = (self.strong, self.whole);
                *self = Collection { strong, whole, whole_newest: Some(place), ..Collection::default() };
            }
        }
        self.newest = self.newest.max(Some(place));
        Ok(())
    }

    fn assign(&mut self, name: &Bytes, value: Option<Bytes>, operation: &Operation) -> Result<(), String> {
        let (whole, whole_newest) = (self.whole, self.whole_newest);
        let field = self.hash().entry(name.clone()).or_default();
        let newest = if field.strong > whole { field.newest } else { field.newest.max(whole_newest) };
        may_win(operation, field.strong.max(whole), newest)
            .map_err(|why| format!("field {}: {why}", name.escape_ascii()))?;
        field.value = value;
        field.newest = Some((operation.time, operation.dot));
        Ok(())
    }

    /// Whether a replica holds what it should.
    fn differs(&self, reply: &Reply) -> Option<String> {
        let bytes = |reply: &Reply| match reply {
            Reply::Bulk(bytes) => bytes.clone(),
            other => Bytes::from(format!("{other:?}")),
        };
        match (&self.content, reply) {
            (Some(Content::Set(members)), Reply::Set(held)) => {
                let held: BTreeSet<Bytes> = held.iter().map(bytes).collect();
                let wrong = |(name, member): &(&Bytes, &Member)| {
                    !member.is_unsure && member.adds.is_empty() == held.contains(*name)
                };
                if let Some((name, member)) = members.iter().find(wrong) {
                    let name = name.escape_ascii();
                    return Some(match member.adds.first() {
                        Some(add) => format!(
                            "member {name} is not there, though nothing that observed {add:?} removed it"
                        ),
                        None => format!("member {name} is there, though every add of it was removed"),
                    });
                }
                let stranger = held.iter().find(|name| !members.contains_key(*name));
                stranger.map(|name| format!("member {} was never added", name.escape_ascii()))
            }
            (Some(Content::List(values)), Reply::Array(held)) => {
                let held: Vec<Bytes> = held.iter().map(bytes).collect();
                (held != *values).then(|| format!("it holds {held:?}, and was pushed {values:?}"))
            }
            (Some(Content::Hash(fields)), Reply::Map(held)) => {
                let held: BTreeMap<Bytes, Bytes> =
                    held.iter().map(|(name, value)| (bytes(name), bytes(value))).collect();
                let wanted: BTreeMap<Bytes, Bytes> = fields
                    .iter()
                    .filter_map(|(name, field)| Some((name.clone(), field.value.clone()?)))
                    .collect();
                (held != wanted).then(|| format!("it holds {held:?}, and was given {wanted:?}"))
            }
            (None, Reply::Set(held)) if held.is_empty() => None,
            (None, Reply::Array(held)) if held.is_empty() => None,
            (None, Reply::Map(held)) if held.is_empty() => None,
            (content, other) => Some(format!("it answers {other:?}, and should hold {content:?}")),
        }
    }
}

fn note_pushes(pushes: &mut BTreeMap<(Bytes, Bytes), u64>, key: &Bytes, change: &Change<'_>) {
    if let Change::Pushes(values, _) = change {
        for value in *values {
            *pushes.entry((key.clone(), value.clone())).or_default() += 1;
        }
    }
}

fn increment(field: &mut Field, delta: i64) {
    let before = field.value.as_deref().and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    field.value = Some(Bytes::from((before.unwrap_or(0_i64) + delta).to_string()));
}

/// Whether an assignment had no reason to lose.
fn may_win(operation: &Operation, strong: Timestamp, newest: Option<(Timestamp, Dot)>) -> Result<(), String> {
    let (dot, seen) = (operation.dot, operation.seen);
    if strong > seen {
        return Err(format!(
            "{dot} took effect over the strong write at {strong:?}, and had seen up to {seen:?}"
        ));
    }
    match newest.filter(|newest| *newest > (operation.time, dot)) {
        Some((time, newer)) => {
            Err(format!("{dot} of time {:?} took effect over {newer} of time {time:?}", operation.time))
        }
        None => Ok(()),
    }
}

impl Collections {
    /// A strong write took effect at this time.
    pub(super) fn strong(&mut self, at: Timestamp, client: Option<&ClientNumber>, write: &Write) {
        if let Some(client) = client {
            self.is_repeated(client);
        }
        if let Write::Key(KeyWrite::Flush) = write {
            self.keys.clear();
            return;
        }
        let keys: Vec<&Bytes> = match write {
            Write::Key(KeyWrite::Del { keys }) => keys.iter().collect(),
            other => change_of(other).map(|(key, _)| key).into_iter().collect(),
        };
        let Some((_, change)) = change_of(write) else { return };
        for key in keys {
            // Of a key that never was a collection, as far as is known.
            if matches!(change, Change::Deletes) && !self.keys.contains_key(key) {
                continue;
            }
            self.keys.entry(key.clone()).or_default().strongly(at, &change);
            self.touched.insert(key.clone());
            note_pushes(&mut self.pushes, key, &change);
        }
    }

    /// A tentative operation was decided at this time.
    pub(super) fn tentative(
        &mut self,
        at: Timestamp,
        operation: &Operation,
        verdict: Verdict,
    ) -> Result<(), String> {
        let why = match verdict {
            Verdict::Applied => None,
            Verdict::Superseded(why) => Some(why),
            Verdict::Repeated | Verdict::TooEarly => return Ok(()),
        };
        let change = change_of(&operation.write);
        if let Some(client) = operation.client.as_ref().filter(|_| why.is_none()) {
            let newest = self.clients.get(&client.client).and_then(|numbers| numbers.last().copied());
            let is_late = newest.is_some_and(|newest| client.number + NUMBERS_KEPT < newest);
            if self.is_repeated(client) && !is_late {
                return Ok(());
            }
            if let (true, Some((key, _))) = (is_late, &change) {
                self.keys.entry((*key).clone()).or_default().is_unsure = true;
            }
        }
        let Some((key, change)) = change else { return Ok(()) };
        if matches!(change, Change::Deletes) && !self.keys.contains_key(key) {
            return Ok(());
        }
        let collection = self.keys.entry(key.clone()).or_default();
        let judged = collection.tentatively(at, operation, &change, why);
        self.touched.insert(key.clone());
        let is_unsure = collection.is_unsure;
        if why.is_none() {
            note_pushes(&mut self.pushes, key, &change);
        }
        if is_unsure {
            return Ok(());
        }
        judged.map_err(|why| format!("key {}: {why}", key.escape_ascii()))
    }

    /// Whether a client's number has taken effect before; from now on it has.
    fn is_repeated(&mut self, client: &ClientNumber) -> bool {
        !self.clients.entry(client.client.clone()).or_default().insert(client.number)
    }

    /// How often a value was pushed to a list.
    pub(super) fn pushes(&self, key: &Bytes, value: &Bytes) -> u64 {
        self.pushes.get(&(key.clone(), value.clone())).copied().unwrap_or_default()
    }

    /// The keys that have changed since the last call, with what reads all of each.
    pub(super) fn take_touched(&mut self) -> Vec<(Bytes, proto::ops::Read)> {
        use proto::ops::{HashRead, ListRead, Read, SetRead};
        let touched = std::mem::take(&mut self.touched);
        let read = |key: Bytes| {
            let of = key.clone();
            let read = match self.keys.get(&key)?.content.as_ref()? {
                Content::Set(_) => Read::Set(SetRead::Members { key: of }),
                Content::List(_) => Read::List(ListRead::Range { key: of, start: 0, stop: -1 }),
                Content::Hash(_) => Read::Hash(HashRead::GetAll { key: of }),
            };
            Some((key, read))
        };
        touched.into_iter().filter_map(read).collect()
    }

    /// What is wrong with what a replica at this very place of the log holds of a key.
    pub(super) fn differs(&self, key: &Bytes, reply: &Reply) -> Option<String> {
        self.keys.get(key).filter(|collection| !collection.is_unsure)?.differs(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ids::NodeId;
    use proto::tentative::{Dots, Origin};

    fn name(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    fn dot(node: u64, number: u64) -> Dot {
        Dot { origin: Origin::first_of(NodeId(node)), number }
    }

    fn operation(node: u64, number: u64, seen: u64, held: &[Dot], write: Write) -> Operation {
        Operation {
            dot: dot(node, number),
            predecessor: number - 1,
            time: Timestamp(1_000 + number),
            seen: Timestamp(seen),
            held: held.iter().copied().collect(),
            dep_hlc: Timestamp::ZERO,
            dots: Dots::NONE,
            client: None,
            write,
        }
    }

    fn add() -> Write {
        Write::Set(SetWrite::Add { key: name("s"), members: vec![name("m")] })
    }

    fn remove() -> Write {
        Write::Set(SetWrite::Remove { key: name("s"), members: vec![name("m")] })
    }

    fn members(names: &[&'static str]) -> Reply {
        Reply::Set(names.iter().map(|text| Reply::Bulk(name(text))).collect())
    }

    fn decide(all: &mut Collections, at: u64, operation: Operation) -> Result<(), String> {
        all.tentative(Timestamp(at), &operation, Verdict::Applied)
    }

    #[test]
    fn a_removal_takes_what_its_origin_had_observed_and_nothing_else() {
        let mut all = Collections::default();
        decide(&mut all, 10, operation(1, 1, 0, &[], add())).unwrap();
        decide(&mut all, 11, operation(2, 1, 9, &[], remove())).unwrap();
        let differs = |all: &Collections, held: &[&'static str]| all.differs(&name("s"), &members(held));
        assert_eq!(differs(&all, &["m"]), None, "add wins");
        assert!(differs(&all, &[]).unwrap().contains("is not there"));
        assert!(differs(&all, &["m", "n"]).unwrap().contains("never added"));
        decide(&mut all, 12, operation(2, 2, 9, &[dot(1, 1)], remove())).unwrap();
        assert_eq!(differs(&all, &[]), None, "held when it was removed");
        assert!(differs(&all, &["m"]).unwrap().contains("every add of it was removed"));
        all.strong(Timestamp(20), None, &add());
        decide(&mut all, 21, operation(2, 3, 20, &[], remove())).unwrap();
        assert_eq!(differs(&all, &[]), None, "seen in the log");
    }

    #[test]
    fn a_removal_that_lost_for_a_reason_that_is_not_known_here_leaves_its_member_unjudged() {
        let mut all = Collections::default();
        decide(&mut all, 10, operation(1, 1, 0, &[], add())).unwrap();
        let why = WhySuperseded::Strong(Timestamp(11));
        let lost = operation(1, 2, 10, &[], remove());
        all.tentative(Timestamp(12), &lost, Verdict::Superseded(why)).unwrap();
        for held in [&["m"][..], &[]] {
            assert_eq!(all.differs(&name("s"), &members(held)), None);
        }
        all.strong(Timestamp(13), None, &remove());
        assert!(all.differs(&name("s"), &members(&["m"])).is_some(), "it is certain again");
        let lost = Verdict::Superseded(why);
        assert!(all.tentative(Timestamp(14), &operation(1, 3, 10, &[], add()), lost).is_err());
    }

    #[test]
    fn what_is_pushed_is_there_once_and_in_the_order_of_the_log() {
        let push = |value| {
            let (key, values, end) = (name("l"), vec![name(value)], End::Right);
            Write::List(ListWrite::Push { key, values, end, only_if_present: false })
        };
        let held = |values: &[&'static str]| {
            Reply::Array(values.iter().map(|text| Reply::Bulk(name(text))).collect())
        };
        let mut all = Collections::default();
        let client = ClientNumber { client: name("c"), number: 7 };
        all.strong(Timestamp(5), Some(&client), &push("a"));
        let again = Operation { client: Some(client), ..operation(1, 1, 0, &[], push("a")) };
        decide(&mut all, 6, again).unwrap();
        decide(&mut all, 7, operation(1, 2, 0, &[], push("b"))).unwrap();
        assert_eq!(all.differs(&name("l"), &held(&["a", "b"])), None);
        for wrong in [&["b", "a"][..], &["a", "a", "b"], &["a"]] {
            assert!(all.differs(&name("l"), &held(wrong)).is_some(), "{wrong:?}");
        }
        let delete = Write::Key(KeyWrite::Del { keys: vec![name("l")] });
        all.strong(Timestamp(8), None, &delete);
        assert_eq!(all.differs(&name("l"), &held(&[])), None);
        let counts = ["a", "b", "c"].map(|value| all.pushes(&name("l"), &name(value)));
        assert_eq!(counts, [1, 1, 0], "the deletion takes nothing back");
    }

    #[test]
    fn a_field_that_wins_though_it_had_to_lose_is_found() {
        let set = |value| {
            let (key, fields) = (name("h"), vec![(name("f"), name(value))]);
            Write::Hash(HashWrite::Set { key, fields, ok_reply: false })
        };
        let mut all = Collections::default();
        all.strong(Timestamp(5), None, &set("a"));
        let over = decide(&mut all, 6, operation(1, 1, 4, &[], set("b"))).unwrap_err();
        assert!(over.contains("over the strong write"), "{over}");
        decide(&mut all, 7, operation(1, 9, 5, &[], set("c"))).unwrap();
        let older = decide(&mut all, 8, operation(2, 3, 5, &[], set("d"))).unwrap_err();
        assert!(older.contains("took effect over"), "{older}");
        let held = |value| Reply::Map(vec![(Reply::Bulk(name("f")), Reply::Bulk(name(value)))]);
        assert_eq!(all.differs(&name("h"), &held("c")), None);
        assert!(all.differs(&name("h"), &held("d")).is_some());
        // Of two fields one loses, and the other takes effect.
        let (key, fields) = (name("h"), vec![(name("f"), name("e")), (name("g"), name("e"))]);
        let both = Write::Hash(HashWrite::Set { key, fields, ok_reply: false });
        let mut all = Collections::default();
        all.strong(Timestamp(8), None, &set("b"));
        decide(&mut all, 9, operation(2, 4, 6, &[], both.clone())).unwrap();
        let pair = |field, value| (Reply::Bulk(name(field)), Reply::Bulk(name(value)));
        assert_eq!(all.differs(&name("h"), &Reply::Map(vec![pair("f", "b"), pair("g", "e")])), None);
        all.strong(Timestamp(10), None, &both);
        assert!(
            decide(&mut all, 11, operation(2, 5, 6, &[], both)).is_err(),
            "both lose, and the verdict does not say so"
        );
    }
}
