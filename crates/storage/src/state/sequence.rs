//! A persistent sequence that knows where each element stands: what every collection is made of.
//!
//! A tree whose leaves hold runs of elements and whose inner nodes count what is below them. Finding the n-th element, inserting before it, taking it out, and
//! finding the place of an element in a sorted sequence cost O(log n). A copy shares every node (`Arc`), and a change of one copy makes anew only the nodes on its
//! path: so a frozen slot and the living one differ by a few nodes, however large the collection, and no write ever copies more than `LEAF_ITEMS` elements and a few
//! times `FAN` pointers.
//!
//! Invariants: no leaf and no inner node but the root's is empty; a branch's count is the number of elements below it; a node is joined with a neighbour when it
//! has become small and both fit into one, so removals leave no trail of crumbs. The shape depends on the history and never shows.
//!
//! Not here: what is sorted how, digests, bytes (`elements`, `list`, `sorted_set`).

use std::ops::Range;
use std::sync::Arc;

/// Elements of a full leaf.
const LEAF_ITEMS: usize = 64;
/// Branches of a full inner node.
const FAN: usize = 32;

#[derive(Clone, Debug)]
enum Node<T> {
    Leaf(Vec<T>),
    Inner(Vec<Branch<T>>),
}

#[derive(Clone, Debug)]
struct Branch<T> {
    count: usize,
    node: Arc<Node<T>>,
}

/// A persistent sequence.
#[derive(Clone, Debug)]
pub struct Sequence<T> {
    root: Node<T>,
    len: usize,
}

impl<T> Default for Sequence<T> {
    fn default() -> Self {
        Sequence { root: Node::Leaf(Vec::new()), len: 0 }
    }
}

impl<T: Clone + PartialEq> PartialEq for Sequence<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<T: Clone + Eq> Eq for Sequence<T> {}

impl<T: Clone> Node<T> {
    fn count(&self) -> usize {
        match self {
            Node::Leaf(items) => items.len(),
            Node::Inner(branches) => branches.iter().map(|branch| branch.count).sum(),
        }
    }

    /// How many things it holds itself, and how many it may.
    fn width(&self) -> (usize, usize) {
        match self {
            Node::Leaf(items) => (items.len(), LEAF_ITEMS),
            Node::Inner(branches) => (branches.len(), FAN),
        }
    }

    /// The first element below; `None` only in an empty sequence.
    fn first(&self) -> Option<&T> {
        match self {
            Node::Leaf(items) => items.first(),
            Node::Inner(branches) => branches.first()?.node.first(),
        }
    }

    /// Inserts before the `index`-th element. What did not fit comes back, to stand right after this node.
    fn insert(&mut self, index: usize, value: T) -> Option<Node<T>> {
        match self {
            Node::Leaf(items) => {
                if items.len() == items.capacity() {
                    items.reserve_exact(2.max(items.len() / 4));
                }
                items.insert(index, value);
                part(items, index, LEAF_ITEMS).map(Node::Leaf)
            }
            Node::Inner(branches) => {
                let (at, index) = place(branches, index, true);
                let branch = &mut branches[at];
                branch.count += 1;
                let right = Arc::make_mut(&mut branch.node).insert(index, value)?;
                let count = right.count();
                branch.count -= count;
                branches.insert(at + 1, Branch { count, node: Arc::new(right) });
                part(branches, at + 1, FAN).map(Node::Inner)
            }
        }
    }

    fn remove(&mut self, index: usize) -> T {
        match self {
            Node::Leaf(items) => {
                let value = items.remove(index);
                if items.len() < items.capacity() / 2 {
                    items.shrink_to(items.len() + items.len() / 4);
                }
                value
            }
            Node::Inner(branches) => {
                let (at, index) = place(branches, index, false);
                let branch = &mut branches[at];
                branch.count -= 1;
                let value = Arc::make_mut(&mut branch.node).remove(index);
                if branch.count == 0 {
                    branches.remove(at);
                } else {
                    join_if_small(branches, at);
                }
                value
            }
        }
    }

    fn get_mut(&mut self, index: usize) -> &mut T {
        match self {
            Node::Leaf(items) => &mut items[index],
            Node::Inner(branches) => {
                let (at, index) = place(branches, index, false);
                Arc::make_mut(&mut branches[at].node).get_mut(index)
            }
        }
    }

    /// Puts what another node of the same height holds behind what is here.
    fn absorb(&mut self, other: Node<T>) {
        match (self, other) {
            (Node::Leaf(items), Node::Leaf(more)) => items.extend(more),
            (Node::Inner(branches), Node::Inner(more)) => branches.extend(more),
            _ => unreachable!("neighbours are of one height"),
        }
    }
}

/// The branch in which the `index`-th element is, and its index in there. `before`: to insert there, so the end of a branch will do.
fn place<T>(branches: &[Branch<T>], mut index: usize, before: bool) -> (usize, usize) {
    for (at, branch) in branches.iter().enumerate() {
        if index < branch.count || before && index == branch.count {
            return (at, index);
        }
        index -= branch.count;
    }
    unreachable!("the index is within the sequence")
}

/// Parts what has outgrown its node, just after something was put at `index`. Growth at an end leaves the other part full, so that a sequence that only
/// grows there wastes nothing.
fn part<U>(things: &mut Vec<U>, index: usize, most: usize) -> Option<Vec<U>> {
    if things.len() <= most {
        return None;
    }
    let at = if index + 1 == things.len() {
        most
    } else if index == 0 {
        1
    } else {
        things.len() / 2
    };
    let right = things.split_off(at);
    things.shrink_to(at);
    Some(right)
}

/// Joins the branch with a neighbour if it is less than a quarter full and the two leave some room in one node.
fn join_if_small<T: Clone>(branches: &mut Vec<Branch<T>>, at: usize) {
    let (width, most) = branches[at].node.width();
    if width >= most / 4 {
        return;
    }
    let fits =
        |other: usize| branches.get(other).is_some_and(|b| b.node.width().0 + width <= most - most / 4);
    let left = if fits(at + 1) {
        at
    } else if at > 0 && fits(at - 1) {
        at - 1
    } else {
        return;
    };
    let right = branches.remove(left + 1);
    branches[left].count += right.count;
    Arc::make_mut(&mut branches[left].node).absorb(Arc::unwrap_or_clone(right.node));
}

impl<T: Clone> Sequence<T> {
    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The `index`-th element.
    pub fn get(&self, index: usize) -> Option<&T> {
        let (items, start) = self.leaf_of(index)?;
        items.get(index - start)
    }

    /// The `index`-th element, to be changed. In a sorted sequence its order must stay.
    ///
    /// # Panics
    /// If there is no such element.
    pub fn get_mut(&mut self, index: usize) -> &mut T {
        assert!(index < self.len, "there is no element {index} of {}", self.len);
        self.root.get_mut(index)
    }

    /// Inserts before the `index`-th element; at the end if the index is the length.
    ///
    /// # Panics
    /// If the index is beyond the end.
    pub fn insert(&mut self, index: usize, value: T) {
        assert!(index <= self.len, "{index} is beyond the end of {} elements", self.len);
        self.len += 1;
        if let Some(right) = self.root.insert(index, value) {
            let left = std::mem::replace(&mut self.root, Node::Inner(Vec::with_capacity(2)));
            let Node::Inner(branches) = &mut self.root else { unreachable!("just made") };
            for node in [left, right] {
                branches.push(Branch { count: node.count(), node: Arc::new(node) });
            }
        }
    }

    /// Puts an element at the end.
    pub fn push(&mut self, value: T) {
        self.insert(self.len, value);
    }

    /// Takes the `index`-th element out.
    ///
    /// # Panics
    /// If there is no such element.
    pub fn remove(&mut self, index: usize) -> T {
        assert!(index < self.len, "there is no element {index} of {}", self.len);
        self.len -= 1;
        let value = self.root.remove(index);
        while let Node::Inner(branches) = &mut self.root {
            match &mut branches[..] {
                [] => self.root = Node::Leaf(Vec::new()),
                [_] => {
                    let only = branches.pop().expect("there is one");
                    self.root = Arc::unwrap_or_clone(only.node);
                }
                _ => break,
            }
        }
        value
    }

    /// In a sequence sorted so that those for which `before` holds come first: how many they are.
    pub fn partition_point(&self, before: impl Fn(&T) -> bool) -> usize {
        let (mut node, mut passed) = (&self.root, 0);
        loop {
            match node {
                Node::Leaf(items) => return passed + items.partition_point(&before),
                Node::Inner(branches) => {
                    let starts_before = |branch: &Branch<T>| branch.node.first().is_some_and(&before);
                    let at = branches.partition_point(starts_before).saturating_sub(1);
                    passed += branches[..at].iter().map(|branch| branch.count).sum::<usize>();
                    node = &branches[at].node;
                }
            }
        }
    }

    /// The leaf that holds the `index`-th element, and the index of its first.
    fn leaf_of(&self, index: usize) -> Option<(&[T], usize)> {
        if index >= self.len {
            return None;
        }
        let (mut node, mut within) = (&self.root, index);
        loop {
            match node {
                Node::Leaf(items) => return Some((items, index - within)),
                Node::Inner(branches) => {
                    let (at, rest) = place(branches, within, false);
                    (node, within) = (&branches[at].node, rest);
                }
            }
        }
    }

    /// All elements, in order.
    pub fn iter(&self) -> Iter<'_, T> {
        self.range(0..self.len)
    }

    /// The elements of these indices, in order, or with `rev` from the end. What is beyond the end is left out.
    pub fn range(&self, range: Range<usize>) -> Iter<'_, T> {
        let end = range.end.min(self.len);
        Iter { sequence: self, next: range.start.min(end), end, front: (&[], 0), back: (&[], 0) }
    }
}

impl<T: Clone> FromIterator<T> for Sequence<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut sequence = Sequence::default();
        items.into_iter().for_each(|item| sequence.push(item));
        sequence
    }
}

/// Elements of a [`Sequence`]: it remembers a leaf for each end, so that a step costs what it costs in a slice.
#[derive(Clone, Debug)]
pub struct Iter<'a, T> {
    sequence: &'a Sequence<T>,
    next: usize,
    end: usize,
    front: (&'a [T], usize),
    back: (&'a [T], usize),
}

fn within<T>((items, start): (&[T], usize), index: usize) -> Option<&T> {
    items.get(index.checked_sub(start)?)
}

impl<'a, T: Clone> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        if self.next >= self.end {
            return None;
        }
        if within(self.front, self.next).is_none() {
            self.front = self.sequence.leaf_of(self.next)?;
        }
        self.next += 1;
        within(self.front, self.next - 1)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end - self.next.min(self.end);
        (left, Some(left))
    }
}

impl<'a, T: Clone> DoubleEndedIterator for Iter<'a, T> {
    fn next_back(&mut self) -> Option<&'a T> {
        if self.next >= self.end {
            return None;
        }
        if within(self.back, self.end - 1).is_none() {
            self.back = self.sequence.leaf_of(self.end - 1)?;
        }
        self.end -= 1;
        within(self.back, self.end)
    }
}

impl<T: Clone> ExactSizeIterator for Iter<'_, T> {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A draw of its own, so that a failure repeats.
    struct Draw(u64);

    impl Draw {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % bound
        }
    }

    fn check(sequence: &Sequence<u32>, model: &[u32]) {
        assert_eq!(sequence.len(), model.len());
        assert!(sequence.iter().eq(model.iter()));
        assert!(sequence.iter().rev().eq(model.iter().rev()));
        sound(&sequence.root, true);
        assert_eq!(sequence.root.count(), model.len());
    }

    /// The invariants, and the height.
    fn sound(node: &Node<u32>, is_root: bool) -> usize {
        let (width, most) = node.width();
        assert!(width <= most && (is_root || width > 0));
        let Node::Inner(branches) = node else { return 0 };
        let heights: Vec<usize> = branches.iter().map(|branch| sound(&branch.node, false)).collect();
        assert!(heights.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(branches.iter().all(|branch| branch.count == branch.node.count()));
        heights[0] + 1
    }

    #[test]
    fn a_sequence_does_what_a_vector_does() {
        for (seed, bias) in [(1, 60), (2, 50), (3, 40), (4, 90)] {
            let (mut draw, mut sequence, mut model) = (Draw(seed), Sequence::default(), Vec::new());
            for step in 0..6000 {
                // Waves of growing and shrinking, at random places and at the ends.
                let bias = if (step / 1500) % 2 == 0 { bias } else { 100 - bias };
                if model.is_empty() || draw.below(100) < bias {
                    let at = match draw.below(4) {
                        0 => 0,
                        1 => model.len(),
                        _ => draw.below(model.len() + 1),
                    };
                    sequence.insert(at, step);
                    model.insert(at, step);
                } else {
                    let at = draw.below(model.len());
                    assert_eq!(sequence.remove(at), model.remove(at));
                }
                if !model.is_empty() {
                    let at = draw.below(model.len());
                    assert_eq!(sequence.get(at), Some(&model[at]));
                    *sequence.get_mut(at) += 1;
                    model[at] += 1;
                }
                if step % 499 == 0 {
                    check(&sequence, &model);
                }
            }
            check(&sequence, &model);
            let (from, to) = (model.len() / 3, model.len() / 2);
            assert!(sequence.range(from..to).eq(model[from..to].iter()));
            assert!(sequence.range(from..usize::MAX).rev().eq(model[from..].iter().rev()));
            while !model.is_empty() {
                let at = draw.below(model.len());
                assert_eq!(sequence.remove(at), model.remove(at));
            }
            check(&sequence, &model);
        }
    }

    #[test]
    fn a_sorted_sequence_finds_places() {
        let mut sequence = Sequence::default();
        let mut draw = Draw(9);
        let mut model: Vec<u32> = (0..5000).map(|_| draw.below(100_000) as u32).collect();
        for number in &model {
            sequence.insert(sequence.partition_point(|other| other < number), *number);
        }
        model.sort_unstable();
        check(&sequence, &model);
        for probe in (0..100_000).step_by(37) {
            let expected = model.partition_point(|&number| number < probe);
            assert_eq!(sequence.partition_point(|&number| number < probe), expected);
        }
    }

    #[test]
    fn growth_at_the_ends_fills_the_leaves_and_stays_flat() {
        let back: Sequence<u32> = (0..100_000).collect();
        assert_eq!(sound(&back.root, true), 3);
        let mut front = Sequence::default();
        (0..100_000).rev().for_each(|number| front.insert(0, number));
        assert_eq!(sound(&front.root, true), 3);
        assert!(front == back);
    }

    #[test]
    fn a_change_of_a_copy_leaves_the_original_and_nearly_all_nodes_alone() {
        fn leaves(node: &Node<u32>, into: &mut Vec<*const u32>) {
            match node {
                Node::Leaf(items) => into.push(items.as_ptr()),
                Node::Inner(branches) => branches.iter().for_each(|branch| leaves(&branch.node, into)),
            }
        }
        let original: Sequence<u32> = (0..100_000).collect();
        let mut copy = original.clone();
        *copy.get_mut(50_000) = 7;
        copy.remove(70_000);
        check(&original, &(0..100_000).collect::<Vec<_>>());
        let (mut before, mut after) = (Vec::new(), Vec::new());
        leaves(&original.root, &mut before);
        leaves(&copy.root, &mut after);
        let kept = after.iter().filter(|leaf| before.contains(leaf)).count();
        assert!(after.len() - kept <= 4, "{} of {} leaves were copied", after.len() - kept, after.len());
    }
}
