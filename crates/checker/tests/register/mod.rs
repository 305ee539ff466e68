//! A simulated key, the histories that its clients record, and ways to spoil them. All of it is drawn from one seed.

use checker::{OpName, Record, Status};

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

/// What a run looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) clients: u64,
    pub(crate) operations: u64,
    /// One operation in so many ends unknown.
    pub(crate) unknown_one_in: u64,
    /// How many different texts are written; few make many explanations possible.
    pub(crate) texts: u64,
    /// Which operations are drawn.
    pub(crate) mix: &'static [OpName],
    /// A bug of the store: one operation in so many is answered wrongly, or takes effect wrongly.
    pub(crate) bug_one_in: Option<u64>,
}

pub(crate) const EVERYTHING: &[OpName] =
    &[OpName::Get, OpName::Get, OpName::Set, OpName::Del, OpName::Cas, OpName::Incr, OpName::Append];
pub(crate) const TEXTS: &[OpName] =
    &[OpName::Get, OpName::Get, OpName::Get, OpName::Set, OpName::Del, OpName::Cas];
pub(crate) const NUMBERS: &[OpName] = &[OpName::Get, OpName::Incr, OpName::Incr, OpName::Del];

#[derive(Clone, Default)]
struct Key {
    value: Option<String>,
    version: u64,
}

struct Pending {
    record: Record,
    effect_ns: u64,
    end_ns: u64,
    /// Never takes effect.
    lost: bool,
}

/// Runs clients against one key and returns what they recorded.
pub(crate) fn history(random: &mut Random, shape: Shape) -> Vec<(usize, Record)> {
    let mut pending = Vec::new();
    let mut clock_of_client = vec![0; shape.clients as usize];
    for number in 0..shape.operations {
        let client = random.below(shape.clients);
        let invoke_ns = clock_of_client[client as usize] + random.below(6);
        let effect_ns = invoke_ns + random.below(8);
        let mut end_ns = effect_ns + random.below(8);
        clock_of_client[client as usize] = end_ns + 1;
        let op = shape.mix[random.below(shape.mix.len() as u64) as usize];
        let mut record = Record::invoked(format!("{client}.{number}"), op, "k", invoke_ns);
        let mut text = || match shape.texts {
            0 => format!("{number}"),
            texts => format!("{}", random.below(texts)),
        };
        match op {
            OpName::Get | OpName::Del => {}
            OpName::Set => record.value = Some(text()),
            OpName::Append => record.value = Some(text()[..1].to_owned()),
            OpName::Incr => record.value = Some(format!("{}", 1 + random.below(2))),
            OpName::Cas => {
                record.value = Some(text());
                record.expect = Some(text());
                if random.one_in(4) {
                    record.expect = None;
                }
            }
        }
        let unknown = random.one_in(shape.unknown_one_in);
        let mut effect_ns = effect_ns;
        if unknown {
            end_ns = u64::MAX;
            effect_ns += random.below(60);
        }
        pending.push(Pending { record, effect_ns, end_ns, lost: unknown && random.one_in(2) });
    }
    pending.sort_by_key(|pending| pending.effect_ns);

    let mut key = Key::default();
    let mut slot_deletion = 0;
    let mut older = Key::default();
    let mut clock = 0;
    for pending in &mut pending {
        clock += 1 + random.below(2);
        if random.one_in(8) {
            // Another key of the slot is deleted.
            slot_deletion = clock;
            clock += 1;
        }
        if random.one_in(4) {
            older = key.clone();
        }
        let buggy = shape.bug_one_in.is_some_and(|chances| random.one_in(chances));
        if !pending.lost {
            take_effect(pending, &mut key, &mut slot_deletion, clock, buggy.then(|| random.below(5)), &older);
        }
        if pending.end_ns != u64::MAX && pending.record.status != Status::Fail {
            pending.record.status = Status::Ok;
            pending.record.return_ns = Some(pending.end_ns);
        }
    }
    pending.sort_by_key(|pending| pending.record.invoke_ns);
    pending.into_iter().enumerate().map(|(place, pending)| (place + 1, pending.record)).collect()
}

fn take_effect(
    pending: &mut Pending,
    key: &mut Key,
    slot_deletion: &mut u64,
    clock: u64,
    bug: Option<u64>,
    older: &Key,
) {
    let record = &mut pending.record;
    let before = if bug == Some(0) { older.clone() } else { key.clone() };
    let seen_version = |key: &Key, slot: u64| if key.value.is_some() { key.version } else { slot };
    let number = |value: &Option<String>| value.as_ref().map_or(Some(0), |text| text.parse::<i64>().ok());
    let after = match record.op {
        OpName::Get => None,
        OpName::Set => Some(record.value.clone()),
        OpName::Del => before.value.is_some().then_some(None),
        OpName::Cas => (before.value == record.expect).then(|| record.value.clone()),
        OpName::Append => Some(Some(format!(
            "{}{}",
            before.value.clone().unwrap_or_default(),
            record.value.clone().unwrap()
        ))),
        OpName::Incr => {
            let delta: i64 = record.value.as_ref().unwrap().parse().unwrap();
            let sum = number(&before.value)
                .filter(|n| before.value.as_ref().is_none_or(|text| n.to_string() == *text));
            match sum {
                Some(sum) => Some(Some((sum + delta).to_string())),
                None => {
                    record.status = Status::Fail;
                    return;
                }
            }
        }
    };
    if matches!(record.op, OpName::Cas | OpName::Del) {
        record.swapped = Some(after.is_some());
    }
    let Some(mut after) = after else {
        record.version = Some(seen_version(&before, *slot_deletion));
        if record.op == OpName::Get {
            record.value = before.value.clone();
        }
        return;
    };
    record.version = Some(clock);
    record.result = match record.op {
        OpName::Incr => number(&after),
        OpName::Append => after.as_ref().map(|text| text.len() as i64),
        _ => None,
    };
    match bug {
        // Acknowledged and lost.
        Some(1) => return,
        // Applied twice.
        Some(2) if matches!(record.op, OpName::Incr | OpName::Append) => {
            after = match record.op {
                OpName::Incr => number(&after).map(|sum| (sum + 1).to_string()),
                _ => after.map(|text| format!("{text}{}", record.value.as_ref().unwrap())),
            };
        }
        // Reported as failed although it took effect.
        Some(3) => record.status = Status::Fail,
        _ => {}
    }
    if after.is_none() {
        *slot_deletion = clock;
    }
    *key = Key { value: after, version: clock };
}

/// Changes one thing in a recorded history; often, but not always, into something that no store can have shown.
pub(crate) fn spoil(random: &mut Random, records: &mut [(usize, Record)]) {
    let place = random.below(records.len() as u64) as usize;
    let other = records[random.below(records.len() as u64) as usize].1.clone();
    let record = &mut records[place].1;
    match random.below(8) {
        0 if record.status == Status::Ok => {
            record.version = record.version.map(|v| (v + random.below(3)).saturating_sub(1));
        }
        1 if record.status == Status::Ok => record.version = other.version.or(record.version),
        2 if record.op == OpName::Get => record.value = other.value,
        3 => record.invoke_ns = other.invoke_ns.min(record.return_ns.unwrap_or(u64::MAX)),
        4 => record.return_ns = record.return_ns.map(|end| end.saturating_sub(5).max(record.invoke_ns)),
        5 => {
            record.status = Status::Fail;
        }
        6 => record.swapped = record.swapped.map(|swapped| !swapped),
        7 => record.result = record.result.map(|result| result + 1),
        _ => {}
    }
    if record.return_ns.is_none() && record.status == Status::Ok {
        record.status = Status::Unknown;
    }
}
