//! Where each instant stands from left to right: in the order of time, as narrow as the labels allow.
//!
//! A picture to scale would show nothing: operations take microseconds, and may be minutes apart. So only the order of
//! sendings and answers is true in it, and the figures stand at the axis.

use std::collections::BTreeMap;

/// One bar: from its sending to its answer (`None`: it never came), and how wide it must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from_ns: u64,
    pub(super) to_ns: Option<u64>,
    pub(super) width: usize,
}

/// The place of each instant, and the width of all. Instants stand at least `gap` apart, and none closer than its bar is wide.
pub(super) fn columns(spans: &[Span], gap: usize) -> (BTreeMap<u64, usize>, usize) {
    let mut places: BTreeMap<u64, usize> = BTreeMap::new();
    for span in spans {
        places.insert(span.from_ns, 0);
        places.extend(span.to_ns.map(|ns| (ns, 0)));
    }
    let mut next = 0;
    let mut end = 0;
    for ns in places.keys().copied().collect::<Vec<u64>>() {
        let ending = spans.iter().filter(|span| span.to_ns == Some(ns) && span.from_ns < ns);
        let needed = ending.map(|span| places[&span.from_ns] + span.width).max().unwrap_or(0);
        let at = next.max(needed);
        places.insert(ns, at);
        next = at + gap;
    }
    for span in spans {
        let from = places[&span.from_ns];
        let to = span.to_ns.map_or(next, |ns| places[&ns]);
        end = end.max(to).max(from + span.width);
    }
    (places, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_stand_in_their_order_and_bars_have_room_for_their_labels() {
        let span = |from_ns, to_ns, width| Span { from_ns, to_ns, width };
        let (places, end) =
            columns(&[span(10, Some(20), 8), span(15, Some(1_000_000), 3), span(30, None, 9)], 2);
        assert_eq!(places, BTreeMap::from([(10, 0), (15, 2), (20, 8), (30, 10), (1_000_000, 12)]));
        assert_eq!(end, 19);
        assert_eq!(columns(&[], 2), (BTreeMap::new(), 0));
    }
}
