//! What a key can hold: bytes, or a collection of one of four shapes.
//!
//! Collections stand behind an `Arc`: a slot that is copied because a snapshot holds it copies pointers, and a change then copies one collection's root and one path
//! (`sequence`). A collection that becomes empty deletes its key ([`ShardState::edit`](super::ShardState::edit)); none is ever kept empty.

use super::blob::Blob;
use super::elements::{Elements, Field, Member};
use super::list::List;
use super::sorted_set::SortedSet;
use std::sync::Arc;

/// What a collection occupies beside its elements.
const COLLECTION_BYTES: usize = 128;

/// A typed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Bytes.
    String(Blob),
    /// Members without order.
    Set(Arc<Elements<Member>>),
    /// Fields with values.
    Hash(Arc<Elements<Field>>),
    /// Elements in the order of their coming.
    List(Arc<List>),
    /// Members with scores.
    SortedSet(Arc<SortedSet>),
}

impl Value {
    /// The name of its type, as TYPE tells it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::String(_) => "string",
            Value::Set(_) => "set",
            Value::Hash(_) => "hash",
            Value::List(_) => "list",
            Value::SortedSet(_) => "zset",
        }
    }

    /// Whether it is a collection without elements, which no key may hold.
    pub(super) fn is_empty_collection(&self) -> bool {
        !matches!(self, Value::String(_)) && self.elements() == 0
    }

    /// How many elements a collection has. A string has none.
    pub(super) fn elements(&self) -> usize {
        match self {
            Value::String(_) => 0,
            Value::Set(set) => set.len(),
            Value::Hash(hash) => hash.len(),
            Value::List(list) => list.len(),
            Value::SortedSet(sorted) => sorted.len(),
        }
    }

    /// What stands for a collection's elements in its item's digest.
    pub(super) fn elements_sum(&self) -> u128 {
        match self {
            Value::String(_) => 0,
            Value::Set(set) => set.sum(),
            Value::Hash(hash) => hash.sum(),
            Value::List(list) => list.sum(),
            Value::SortedSet(sorted) => sorted.members().sum(),
        }
    }

    /// Bytes that live outside of the value itself.
    pub(super) fn heap_bytes(&self) -> usize {
        let elements = match self {
            Value::String(content) => return content.heap_bytes(),
            Value::Set(set) => set.bytes(),
            Value::Hash(hash) => hash.bytes(),
            Value::List(list) => list.bytes(),
            Value::SortedSet(sorted) => sorted.bytes(),
        };
        COLLECTION_BYTES + elements as usize
    }
}

/// A shape of collection, so that what is the same for all is written once.
pub trait Collection: Clone + Default {
    /// The collection in a value of this shape.
    fn of(value: &Value) -> Option<&Self>;
    /// The same, to be changed: copied first if a snapshot holds it too.
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    /// As a value.
    fn into_value(self) -> Value;
}

macro_rules! collections {
    ($($shape:ty => $variant:ident,)*) => {
        $(impl Collection for $shape {
            fn of(value: &Value) -> Option<&Self> {
                if let Value::$variant(collection) = value { Some(collection) } else { None }
            }

            fn of_mut(value: &mut Value) -> Option<&mut Self> {
                if let Value::$variant(collection) = value { Some(Arc::make_mut(collection)) } else { None }
            }

            fn into_value(self) -> Value {
                Value::$variant(Arc::new(self))
            }
        })*
    };
}

collections! {
    Elements<Member> => Set,
    Elements<Field> => Hash,
    List => List,
    SortedSet => SortedSet,
}
