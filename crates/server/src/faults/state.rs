//! One node's faults: whether it takes orders, what is cut, what is slow, and whether it is about to stand still.
//!
//! In memory only: a node that is started again has no faults of its own. The other end of a cut still drops both directions; of a slow link it
//! still holds what it says itself.

use super::cuts::Cuts;
use super::delays::Delays;
use super::{Delay, Direction, Known, Order, OrderAnswer};
use proto::ids::NodeId;
use proto::limits::MAX_FAULT_PAUSE_MS;
use serde::Serialize;
use std::time::Duration;

/// What status shows of a node's faults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct FaultView {
    /// Whether the node was started with `--allow-faults`.
    pub allowed: bool,
    /// What is cut, as far as it knows.
    pub cuts: Vec<Direction>,
    /// What is slow, as far as it knows.
    pub delays: Vec<Delay>,
}

/// The core's status, and the faults that it does not know of.
#[derive(Serialize)]
pub(crate) struct StatusWithFaults<'a> {
    /// What the core says.
    #[serde(flatten)]
    pub status: &'a node::status::Status,
    /// What the body adds.
    pub faults: &'a FaultView,
}

/// One node's faults.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    is_allowed: bool,
    cuts: Cuts,
    delays: Delays,
    pause: Option<Duration>,
    has_changed: bool,
}

impl Faults {
    /// No faults. Orders are refused for ever unless they are allowed.
    pub(crate) fn new(is_allowed: bool) -> Faults {
        Faults {
            is_allowed,
            cuts: Cuts::default(),
            delays: Delays::default(),
            pause: None,
            has_changed: true,
        }
    }

    /// Whether the node was started with `--allow-faults`.
    pub(crate) fn is_allowed(&self) -> bool {
        self.is_allowed
    }

    /// Whether what `from` says to `to` is lost.
    pub(crate) fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cuts.covers(from, to)
    }

    /// How long what these two say to each other is held.
    pub(crate) fn delay(&self, a: NodeId, b: NodeId) -> Option<Duration> {
        self.delays.between(a, b)
    }

    /// Does what the order says, at once; a pause begins with [`Faults::take_pause`].
    pub(crate) fn obey(&mut self, order: &Order, giver: NodeId) -> OrderAnswer {
        if !self.is_allowed {
            return OrderAnswer::NotAllowed;
        }
        let before = (self.cuts.clone(), self.delays.clone());
        match order {
            Order::Cut(directions) => self.cuts.cut(directions),
            Order::Delay(delays) => self.delays.delay(delays),
            Order::Heal(directions) => {
                self.cuts.heal(directions);
                self.delays.heal(directions);
            }
            Order::HealAll => {
                self.cuts.heal_all();
                self.delays.heal_all();
            }
            Order::Pause(ms) => self.pause = Some(Duration::from_millis((*ms).min(MAX_FAULT_PAUSE_MS))),
            Order::Tell => {}
        }
        let now = Known { cuts: self.cuts.list(), delays: self.delays.list() };
        if (&self.cuts, &self.delays) != (&before.0, &before.1) {
            self.has_changed = true;
            let cuts = now.cuts.iter().map(|cut| format!("{}→{} cut", cut.from, cut.to));
            let slow = |delay: &Delay| format!("{}–{} {} ms", delay.nodes[0], delay.nodes[1], delay.ms);
            let shown: Vec<_> = cuts.chain(now.delays.iter().map(slow)).collect();
            let shown = if shown.is_empty() { "none".to_owned() } else { shown.join(", ") };
            tracing::warn!("fault: by order of node {giver} the faults of links are now: {shown}");
        }
        OrderAnswer::Obeyed(now)
    }

    /// The pause that was ordered, once.
    pub(crate) fn take_pause(&mut self) -> Option<Duration> {
        self.pause.take()
    }

    /// What status shows, if it has changed since the last call.
    pub(crate) fn take_news(&mut self) -> Option<FaultView> {
        std::mem::take(&mut self.has_changed).then(|| FaultView {
            allowed: self.is_allowed,
            cuts: self.cuts.list(),
            delays: self.delays.list(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_does_not_allow_faults_obeys_nothing() {
        let (one, two) = (NodeId(1), NodeId(2));
        let mut faults = Faults::new(false);
        for order in [Order::Cut(Direction::both(one, two).into()), Order::Pause(1), Order::Tell] {
            assert_eq!(faults.obey(&order, one), OrderAnswer::NotAllowed);
        }
        assert!(!faults.is_cut(one, two) && faults.take_pause().is_none());
    }

    #[test]
    fn orders_hold_until_they_are_healed_and_pauses_are_bounded() {
        let (one, two) = (NodeId(1), NodeId(2));
        let mut faults = Faults::new(true);
        assert_eq!(faults.take_news().map(|view| view.cuts.len()), Some(0));
        faults.obey(&Order::Cut(vec![Direction { from: one, to: two }]), one);
        assert!(faults.is_cut(one, two) && !faults.is_cut(two, one));
        assert_eq!(faults.take_news().map(|view| view.cuts.len()), Some(1));
        faults.obey(&Order::Tell, one);
        assert_eq!(faults.take_news(), None);
        let delay = Delay { nodes: [one, two], ms: 10 };
        faults.obey(&Order::Delay(vec![delay]), one);
        assert_eq!(faults.delay(two, one), Some(Duration::from_millis(10)));
        assert_eq!(faults.take_news().map(|view| view.delays), Some(vec![delay]));
        faults.obey(&Order::Heal(Direction::both(one, two).into()), one);
        assert!(!faults.is_cut(one, two) && faults.delay(one, two).is_none());
        faults.obey(&Order::Delay(vec![delay]), one);
        assert_eq!(faults.obey(&Order::HealAll, two), OrderAnswer::Obeyed(Known::default()));
        assert!(!faults.is_cut(one, two) && faults.delay(one, two).is_none());
        faults.obey(&Order::Pause(u64::MAX), one);
        assert_eq!(faults.take_pause(), Some(Duration::from_millis(MAX_FAULT_PAUSE_MS)));
        assert_eq!(faults.take_pause(), None);
    }
}
