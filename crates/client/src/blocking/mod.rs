//! The blocking body: sockets and clock of the standard library around [`core`](crate::core).
//!
//! A [`Client`] is a handle: clones share connections, map and numbers, and each thread may use its own. Each operation under way holds one
//! connection; idle ones are kept, a few for each node. No thread runs when no operation does.

mod connection;

pub use connection::Connection;

use crate::answer::{Answer, Ttl};
use crate::core::{Attempt, Call, Command, Core, Failed, Step};
use crate::error::Error;
use crate::operations as ask;
use crate::options::{Options, SetOptions};
use crate::session::Session;
use crate::terms::Habits;
use bytes::Bytes;
use proto::level::Ladder;
use proto::reply::Reply;
use proto::time::Mono;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Idle connections kept for each node.
const IDLE_CONNECTIONS: usize = 32;

/// A handle to a cluster. Cheap to clone; clones share everything, their session too, and differ in what `with_deadline`, `at`, `max_staleness` and `in_session` say.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    habits: Habits,
}

#[derive(Debug)]
struct Shared {
    core: Mutex<Core>,
    idle: Mutex<HashMap<Arc<str>, Vec<Connection>>>,
    options: Options,
    birth: Instant,
}

impl Client {
    /// A client of the cluster that these addresses (`HOST:PORT`, Redis protocol) belong to; one is enough. Asks it once, so that a wrong
    /// address or password shows here and not later.
    ///
    /// # Errors
    /// `Invalid` for an address or password that is wrong, `Unreachable` if nobody answers by the deadline.
    pub fn connect<A: AsRef<str>>(addresses: &[A], options: Options) -> Result<Client, Error> {
        let client = Client::new(addresses, options)?;
        client.execute(&["PING"])?;
        Ok(client)
    }

    /// Like [`Client::connect`], without asking anybody.
    ///
    /// # Errors
    /// `Invalid` if there is no address, or one is not `HOST:PORT`.
    pub fn new<A: AsRef<str>>(addresses: &[A], options: Options) -> Result<Client, Error> {
        let addresses: Vec<String> = addresses.iter().map(|address| address.as_ref().to_owned()).collect();
        let core = Mutex::new(Core::new(&addresses, crate::name::random_name()?)?);
        let habits = Habits::new(options.deadline);
        let shared = Shared { core, idle: Mutex::new(HashMap::new()), options, birth: Instant::now() };
        Ok(Client { shared: Arc::new(shared), habits })
    }

    /// The same client with another deadline for each operation.
    pub fn with_deadline(&self, deadline: Duration) -> Client {
        self.with(|habits| habits.deadline = deadline)
    }

    /// The same client with operations at this level, or at a ladder of levels that are tried one after the other. Commands without a key ([`Client::scan`], DBSIZE) have no level to choose: they are
    /// linearizable, each shard by itself.
    pub fn at(&self, ladder: impl Into<Ladder>) -> Client {
        self.with(|habits| habits.ladder = ladder.into())
    }

    /// The same client with reads from a state that is at most so old; a read that cannot prove it ends as [`Behind`](crate::ErrorKind::Behind).
    pub fn max_staleness(&self, most: Duration) -> Client {
        self.with(|habits| habits.max_staleness = Some(most))
    }

    /// A handle whose writes, where they are answered at `causal` or `eventual`, are durable on so many nodes before that (1 to 7; one, unless said).
    #[must_use]
    pub fn acks(&self, nodes: u8) -> Client {
        self.with(|habits| habits.acks = Some(nodes))
    }

    /// The same client with operations of this session. Without it a client and its clones are one session of their own.
    pub fn in_session(&self, session: &Session) -> Client {
        self.with(|habits| (habits.session, habits.has_own_session) = (session.clone(), false))
    }

    /// The session that its operations belong to.
    pub fn session(&self) -> &Session {
        &self.habits.session
    }

    fn with(&self, change: impl FnOnce(&mut Habits)) -> Client {
        let mut client = self.clone();
        change(&mut client.habits);
        client
    }

    /// The addresses of all nodes that are known.
    pub fn addresses(&self) -> Vec<String> {
        locked(&self.shared.core).routing().addresses().map(|address| address.to_string()).collect()
    }

    /// The value; `None` if the key is absent.
    ///
    /// # Errors
    /// `Refused` if the key holds no string, and what every operation may end with ([`ErrorKind`](crate::ErrorKind)).
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Bytes>, Error> {
        self.run(ask::get(key.as_ref())?)?.value()
    }

    /// Writes the value. `Ok(false)`: the options' condition did not hold, nothing was changed.
    ///
    /// # Errors
    /// What every write may end with ([`ErrorKind`](crate::ErrorKind)).
    pub fn set(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        options: &SetOptions,
    ) -> Result<bool, Error> {
        self.run(ask::set(key.as_ref(), value.as_ref(), options)?)?.took_effect()
    }

    /// Writes `new` if the key holds exactly `expected` (`None`: if it is absent). `Ok(false)`: it did not, nothing was changed.
    ///
    /// # Errors
    /// `Refused` if the key holds no string, and what every write may end with.
    pub fn cas(
        &self,
        key: impl AsRef<[u8]>,
        expected: Option<&[u8]>,
        new: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.run(ask::cas(key.as_ref(), expected, new.as_ref())?)?.took_effect()
    }

    /// Deletes the key. `Ok(false)`: it was absent.
    ///
    /// # Errors
    /// What every write may end with.
    pub fn del(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.run(ask::del(key.as_ref())?)?.truth()
    }

    /// Adds `by` to the number that the key holds (0 if absent); the new number.
    ///
    /// # Errors
    /// `Refused` if the value is no 64-bit integer or would leave its range, and what every write may end with.
    pub fn incr(&self, key: impl AsRef<[u8]>, by: i64) -> Result<i64, Error> {
        self.run(ask::incr(key.as_ref(), by)?)?.integer()
    }

    /// Appends to the value (to nothing if absent); the new length in bytes.
    ///
    /// # Errors
    /// `Refused` if the key holds no string or would grow too long, and what every write may end with.
    pub fn append(&self, key: impl AsRef<[u8]>, suffix: impl AsRef<[u8]>) -> Result<i64, Error> {
        self.run(ask::append(key.as_ref(), suffix.as_ref())?)?.integer()
    }

    /// Whether the key is there.
    ///
    /// # Errors
    /// What every operation may end with.
    pub fn exists(&self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.run(ask::exists(key.as_ref())?)?.truth()
    }

    /// Has the key deleted after `ttl` (whole milliseconds, at least one). `Ok(false)`: it is absent.
    ///
    /// # Errors
    /// What every write may end with.
    pub fn expire(&self, key: impl AsRef<[u8]>, ttl: Duration) -> Result<bool, Error> {
        self.run(ask::expire(key.as_ref(), ttl)?)?.truth()
    }

    /// How long the key has to live.
    ///
    /// # Errors
    /// What every operation may end with.
    pub fn ttl(&self, key: impl AsRef<[u8]>) -> Result<Ttl, Error> {
        self.run(ask::ttl(key.as_ref())?)?.ttl()
    }

    /// The values of many keys, in their order. Each is read at the client's level; together they are no snapshot.
    ///
    /// # Errors
    /// What every operation may end with.
    pub fn mget<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<Bytes>>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.run(ask::mget(keys)?)?.values()
    }

    /// Writes many keys, one slot after the other: atomic within a slot only. Use `{tag}`s to keep keys in one slot.
    ///
    /// # Errors
    /// What every write may end with. The slots before the one that failed have been written.
    pub fn mset<K: AsRef<[u8]>, V: AsRef<[u8]>>(&self, pairs: &[(K, V)]) -> Result<(), Error> {
        ask::mset(pairs)?.into_iter().try_for_each(|command| self.run(command)?.took_effect().map(drop))
    }

    /// One step through all keys: the next cursor (0 = done) and some keys. Start with cursor 0; `count` is about how many keys are looked at.
    ///
    /// # Errors
    /// What every operation may end with.
    pub fn scan(
        &self,
        cursor: u64,
        pattern: Option<&[u8]>,
        count: usize,
    ) -> Result<(u64, Vec<Bytes>), Error> {
        self.run(ask::scan(cursor, pattern, count)?)?.page()
    }

    /// Any command, in the words of the Redis protocol. Writes to one slot are numbered like the operations above; others are repeated only while it
    /// is certain that nothing was applied.
    ///
    /// # Errors
    /// The command's own error as `Refused` or `Invalid`, and what every operation may end with.
    pub fn execute<W: AsRef<[u8]>>(&self, words: &[W]) -> Result<Reply, Error> {
        self.ask(words).map(|answer| answer.reply)
    }

    /// Like [`Client::execute`], with what was achieved: the level, the value's version, the moment that the answer stands for.
    ///
    /// # Errors
    /// As [`Client::execute`].
    pub fn ask<W: AsRef<[u8]>>(&self, words: &[W]) -> Result<Answer, Error> {
        let words = words.iter().map(|word| Bytes::copy_from_slice(word.as_ref())).collect();
        self.run(Command::from_words(words)?)
    }

    /// Any command that [`operations`](crate::operations) makes, with what was achieved.
    ///
    /// # Errors
    /// As [`Client::execute`].
    pub fn perform(&self, command: Command) -> Result<Answer, Error> {
        self.run(command)
    }

    fn run(&self, command: Command) -> Result<Answer, Error> {
        let shared = &*self.shared;
        let (terms, deadline) = (self.habits.terms(), self.habits.deadline);
        let after = terms.after.clone();
        let call = locked(&shared.core).begin(shared.now(), command, terms, deadline, shared.options.attempt);
        let mut running = Running { shared, call };
        loop {
            let step = running.call.next(shared.now(), locked(&shared.core).routing());
            match step {
                Step::Done(result) => {
                    self.habits.ended(&result, after.as_deref());
                    return result;
                }
                Step::Wait(until) => std::thread::sleep(until - shared.now()),
                Step::Attempt(attempt) => {
                    let outcome = shared.attempt(&attempt);
                    let mut core = locked(&shared.core);
                    match outcome {
                        Ok(replies) => running.call.answered(shared.now(), core.routing(), replies),
                        Err((how, what)) => running.call.failed(shared.now(), core.routing(), how, &what),
                    }
                }
            }
        }
    }
}

/// A call that gives its number back, also when its thread panics.
struct Running<'a> {
    shared: &'a Shared,
    call: Call,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        locked(&self.shared.core).finish(&mut self.call);
    }
}

impl Shared {
    fn now(&self) -> Mono {
        Mono(0) + self.birth.elapsed()
    }

    fn attempt(&self, attempt: &Attempt) -> Result<Vec<Reply>, (Failed, String)> {
        let until = self.birth + (attempt.until - Mono(0));
        let mut connection = match self.idle_connection(&attempt.to) {
            Some(connection) => connection,
            None => Connection::open_until(&attempt.to, self.options.password.as_deref(), until)?,
        };
        match connection.exchange(&attempt.commands, until) {
            Ok(replies) => {
                let mut idle = locked(&self.idle);
                let idle = idle.entry(attempt.to.clone()).or_default();
                if idle.len() < IDLE_CONNECTIONS {
                    idle.push(connection);
                }
                Ok(replies)
            }
            Err(failed) => {
                // Its sisters are likely to be as broken.
                locked(&self.idle).remove(&attempt.to);
                Err(failed)
            }
        }
    }

    /// An idle connection whose other end has not hung up.
    fn idle_connection(&self, address: &str) -> Option<Connection> {
        let mut idle = locked(&self.idle);
        let idle = idle.get_mut(address)?;
        while let Some(connection) = idle.pop() {
            if connection.is_quiet() {
                return Some(connection);
            }
        }
        None
    }
}

/// What a panic in another thread leaves is whole: every change under these locks is made by code that does not stop halfway.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
