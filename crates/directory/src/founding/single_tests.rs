//! One founder, and words put into the mouths of the others: the rules that storms seldom reach, one by one.

use super::*;
use crate::address::Address;
use proto::ids::ClusterId;
use proto::time::Mono;

struct Lone {
    founding: Founding,
    now: Mono,
    /// The newest round that it told.
    round: u64,
    outputs: Vec<Output>,
}

fn founder(number: u16) -> Founder {
    let at = |offset: u16| Address::new("10.0.0.1", 7_000 + number + offset);
    Founder { id: 900 + u128::from(number), peer: at(0), resp: at(100), http: at(200) }
}

fn set(cluster: u8, members: &[u16]) -> FoundingSet {
    FoundingSet {
        cluster: ClusterId([cluster; 16]),
        token_key: [cluster; 32],
        members: members.iter().map(|&number| founder(number)).collect(),
        replicas: 3,
        shards: 8,
    }
}

impl Lone {
    /// Founder 1 of three, who knows founders 2 and 3.
    fn new(stored: Option<FoundingSet>) -> Lone {
        let join = vec![founder(2).peer, founder(3).peer];
        let drawn = Drawn { cluster: ClusterId([1; 16]), token_key: [1; 32] };
        let wanted = Wanted { expect: 3, join, replicas: 3, shards: 8 };
        let stored = stored.map(|set| StoredFounding { set, founded: false });
        let founding = Founding::new(founder(1), wanted, drawn, stored);
        let mut lone = Lone { founding, now: Mono(0), round: 0, outputs: Vec::new() };
        lone.pass_ms(0);
        lone
    }

    fn step(&mut self, input: Input) {
        self.founding.step(self.now, input);
        while let Some(output) = self.founding.drain() {
            if let Output::Send { message, .. } = &output {
                self.round = message.round;
            }
            self.outputs.push(output);
        }
    }

    fn pass_ms(&mut self, ms: u64) {
        self.now.0 += ms * 1_000_000;
        self.step(Input::Tick);
    }

    /// A founder says something, having just heard this one.
    fn hear(&mut self, from: &Founder, stage: Stage) {
        let round = self.round;
        self.hear_with_echo(from, stage, Some(round));
    }

    fn hear_with_echo(&mut self, from: &Founder, stage: Stage, echo: Option<u64>) {
        let view = FoundingMessage {
            founder: from.clone(),
            expect: 3,
            replicas: 3,
            shards: 8,
            round: self.round,
            dialed: founder(1).peer,
            answers: Vec::new(),
            heard: echo.iter().map(|&echo| (founder(1).id, echo)).collect(),
            knows: Vec::new(),
            stage,
        };
        self.step(Input::Message(view));
    }

    fn stores(&self) -> Vec<&StoredFounding> {
        self.outputs
            .iter()
            .filter_map(|output| if let Output::Store(what) = output { Some(what) } else { None })
            .collect()
    }

    fn agree(&mut self, echo: impl Fn(u64) -> Option<u64>) {
        let choice: Vec<u128> = [1, 2, 3].map(|number| founder(number).id).to_vec();
        for number in [2, 3] {
            let echo = echo(self.round);
            self.hear_with_echo(&founder(number), Stage::Seeking { choice: choice.clone() }, echo);
        }
    }
}

#[test]
fn a_confirmation_of_another_set_is_not_counted() {
    let mut lone = Lone::new(Some(set(5, &[1, 2, 3])));
    lone.hear(&founder(2), Stage::Confirmed { set: set(5, &[1, 2, 3]) });
    lone.hear(&founder(3), Stage::Confirmed { set: set(6, &[1, 3, 4]) });
    // The same cluster id, but other members: not the set that was confirmed here.
    lone.hear(&founder(3), Stage::Confirmed { set: set(5, &[1, 3, 4]) });
    assert_eq!(lone.stores(), Vec::<&StoredFounding>::new());
    lone.hear(&founder(3), Stage::Confirmed { set: set(5, &[1, 2, 3]) });
    assert_eq!(lone.stores(), [&StoredFounding { set: set(5, &[1, 2, 3]), founded: true }]);
    assert!(
        !lone.outputs.iter().any(|output| matches!(output, Output::Founded(_))),
        "founded before it is durable"
    );
    lone.step(Input::Stored);
    assert!(lone.outputs.iter().any(|output| matches!(output, Output::Founded(_))));
}

#[test]
fn only_fresh_echoes_make_a_proposal() {
    let echoes: [fn(u64) -> Option<u64>; 4] =
        [|_| None, |round| Some(round.wrapping_sub(1_000)), |round| Some(round + 1), |_| Some(0)];
    for echo in echoes {
        let mut lone = Lone::new(None);
        lone.agree(echo);
        assert!(lone.stores().is_empty());
    }
    let mut late = Lone::new(None);
    let early = late.round;
    for _ in 0..20 {
        late.pass_ms(200);
    }
    late.agree(|_| Some(early));
    assert!(late.stores().is_empty(), "an echo of four seconds ago counts");
    late.agree(Some);
    assert_eq!(late.stores(), [&StoredFounding { set: set(1, &[1, 2, 3]), founded: false }]);
}

#[test]
fn a_proposal_waits_until_all_say_the_same_choice() {
    let mut lone = Lone::new(None);
    let other = vec![founder(2).id, founder(3).id, founder(4).id];
    lone.hear(&founder(2), Stage::Seeking { choice: other });
    lone.hear(&founder(3), Stage::Seeking { choice: Vec::new() });
    assert!(lone.stores().is_empty());
    lone.agree(Some);
    assert_eq!(lone.stores().len(), 1);
}

#[test]
fn only_a_set_that_was_wanted_and_whose_folders_are_there_is_confirmed() {
    let offer = |set: &FoundingSet| {
        let mut lone = Lone::new(None);
        lone.hear(&founder(2), Stage::Confirmed { set: set.clone() });
        lone.stores().len()
    };
    assert_eq!(offer(&set(5, &[1, 2, 3])), 1);
    assert_eq!(offer(&FoundingSet { replicas: 5, ..set(5, &[1, 2, 3]) }), 0);
    assert_eq!(offer(&FoundingSet { shards: 9, ..set(5, &[1, 2, 3]) }), 0);
    assert_eq!(offer(&set(5, &[1, 2])), 0);
    assert_eq!(offer(&set(5, &[1, 2, 3, 4])), 0);
    assert_eq!(offer(&set(5, &[2, 3, 4])), 0);
    let mut moved = set(5, &[1, 2, 3]);
    moved.members[0].http.port += 1;
    assert_eq!(offer(&moved), 0);

    let mut lone = Lone::new(None);
    let replacement = Founder { id: 77, ..founder(3) };
    lone.hear(&replacement, Stage::Seeking { choice: Vec::new() });
    lone.hear(&founder(2), Stage::Confirmed { set: set(5, &[1, 2, 3]) });
    assert!(lone.stores().is_empty(), "confirmed with a data folder that is gone");
}

#[test]
fn nothing_is_confirmed_twice() {
    let mut lone = Lone::new(None);
    lone.hear(&founder(2), Stage::Confirmed { set: set(5, &[1, 2, 3]) });
    lone.hear(&founder(3), Stage::Confirmed { set: set(6, &[1, 2, 3]) });
    lone.step(Input::Stored);
    lone.hear(&founder(3), Stage::Confirmed { set: set(6, &[1, 2, 3]) });
    lone.step(Input::Stored);
    assert_eq!(lone.stores(), [&StoredFounding { set: set(5, &[1, 2, 3]), founded: false }]);
}

#[test]
fn in_a_crowd_every_address_must_answer_first() {
    let mut lone = Lone::new(None);
    lone.hear(&founder(4), Stage::Seeking { choice: Vec::new() });
    lone.hear(&founder(5), Stage::Seeking { choice: Vec::new() });
    // Founder 6 is known, but does not hear this node: six addresses, so two sets of three could be disjoint.
    lone.hear_with_echo(&founder(6), Stage::Seeking { choice: Vec::new() }, None);
    lone.agree(Some);
    assert!(lone.stores().is_empty());
    lone.hear(&founder(6), Stage::Seeking { choice: Vec::new() });
    assert_eq!(lone.stores().len(), 1);
}

#[test]
fn while_another_set_is_unsettled_nothing_is_proposed() {
    let mut lone = Lone::new(None);
    let members = set(6, &[4, 5, 6]).members;
    lone.hear(
        &founder(4),
        Stage::Elsewhere { cluster: ClusterId([6; 16]), members: members.clone(), founded: false },
    );
    lone.agree(Some);
    assert!(lone.stores().is_empty());
    lone.hear(&founder(4), Stage::Elsewhere { cluster: ClusterId([6; 16]), members, founded: true });
    assert!(matches!(lone.outputs.last(), Some(Output::Refused(why)) if why.contains("already founded by")));
}
