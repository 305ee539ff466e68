//! What a person can say. What it means is in the module of each command.

use crate::exit;
use crate::run::{self, Request};
use clap::{Args, Parser, Subcommand, ValueEnum};
use client::Session;
use proto::level::{Ladder, milliseconds};
use proto::limits::MAX_REPLICAS;
use std::path::PathBuf;
use std::time::Duration;

/// Quartet: a distributed key-value store, replicated, with a consistency level for every request, for any Redis client.
#[derive(Debug, Parser)]
#[command(name = "quartet", version, after_help = exit::TABLE, max_term_width = 110)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one node
    #[command(after_help = START_EXAMPLES)]
    Start(Start),
    /// Run a cluster of node processes on this machine
    #[command(after_help = DEV_EXAMPLES)]
    Dev(Dev),
    /// Print a key's value (exit 1 if it is absent)
    #[command(after_help = GET_EXAMPLES)]
    Get(Get),
    /// Write a key
    #[command(after_help = PUT_EXAMPLES)]
    Put(Put),
    /// Delete a key (exit 1 if it was absent)
    Del(Del),
    /// Write a key only if it holds a certain value (exit 3 if not)
    #[command(after_help = CAS_EXAMPLES)]
    Cas(Cas),
    /// Add to the number that a key holds, and print the new one
    Incr(Incr),
    /// Append to a key's value, and print the new length in bytes
    Append(Append),
    /// Show the writes of a key that were superseded, and by what
    #[command(after_help = CONFLICTS_EXAMPLES)]
    Conflicts(Conflicts),
    /// Send batches of requests, each at its level, all files at once (exit 0 if all went well)
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Keep a shopping cart at causal level: login, put, remove, get, finalize
    #[command(after_help = CART_EXAMPLES)]
    Cart(Cart),
    /// Show on a cluster of its own what Quartet does
    Demo(Demo),
    /// Show nodes, links, shards and leaders
    Status(Status),
    /// Show where a key lives: slot, shard, leader and replicas
    Where(Where),
    /// Cut or slow links between nodes, halt a node, heal: on nodes that were started with --allow-faults
    #[command(after_help = FAULT_EXAMPLES)]
    Fault(Fault),
    /// Judge a recorded history against a consistency level (exit 6 if it breaks it)
    Check(Check),
    /// Empty the damaged data folder of a node that does not run, so that the next start fills it from the other nodes
    #[command(after_help = REBUILD_WORDS)]
    Rebuild(Rebuild),
}

const REBUILD_WORDS: &str = "\
For a node that refuses to start because its log or a snapshot is damaged or gone. What is in the folder is set aside into a folder damaged-<time> inside it and not
deleted; the files identity, founder, founding and folder stay. After the next start the node takes no part in anything until it has the state of each shard from the
others, so a majority of each shard's other replicas must run. What only this node had is lost: writes below sequential that it had answered and nobody else had yet.";

/// What is to be rebuilt.
#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    /// The node's data folder
    pub(crate) data: PathBuf,
}

const START_EXAMPLES: &str = "\
Examples:
  quartet start --data /var/lib/quartet
      A cluster of one node.
  quartet start --data /var/lib/quartet --listen 10.0.0.1 --cluster-secret-file /etc/quartet/secret \\
      --join 10.0.0.1:7201,10.0.0.2:7201,10.0.0.3:7201 --bootstrap-expect 3
      The same on each of three machines, with its own --listen: a cluster of three once they have found each other.

The password for clients and the secret for peers come from files or from QUARTET_REQUIREPASS and QUARTET_CLUSTER_SECRET.";

const DEV_EXAMPLES: &str = "\
Examples:
  quartet dev
      Three nodes; data below ./quartet-dev. Ctrl-C stops them; started again, the data is there.
  quartet dev --nodes 5 --data /tmp/five --port 8001 --json
      Five nodes; one line of JSON on stdout once they serve.

Node i of a cluster at port P speaks RESP at P+i-1, HTTP at P+100+i-1, and to its peers at P+200+i-1.";

const FAULT_EXAMPLES: &str = "\
Examples, with `quartet dev` running:
  quartet fault cut 1 2           nodes 1 and 2 do not hear each other
  quartet fault oneway 1 2        what node 1 says to node 2 is lost; the other way flows
  quartet fault isolate 3         node 3 and all others do not hear each other
  quartet fault delay 10          what nodes say to each other takes 10 ms longer, each way
  quartet fault delay 10 1 2      the same between nodes 1 and 2 alone
  quartet fault pause 2 --for 5s  node 2 stands still, then goes on by itself
  quartet fault                   what is cut and slow now, as each node knows it
  quartet fault heal 1 2          that link is whole again
  quartet fault heal              everything is whole again

Clients still reach every node. Any node that is not paused takes the command, also one that is cut
off. It ends when every node that it concerns has it: the fault is there, or healed, from then on.";

const RUN_EXAMPLES: &str = "\
Lines, one request each; blanks round , and ::: mean nothing:
  1, 1, color ::: red     set, linearizable
  3, 2, color             get, causal
The first number is the level: 1 linearizable, 2 sequential, 3 causal, 4 eventual; the second: 1 set, 2 get.

Examples:
  quartet run alice.txt bob.txt
      Two sessions at once, alice's at node 1 and bob's at node 2.
  quartet run --json --pin alice.txt | jq .
      One object a line, and the report last; alice takes her node's word for everything.
  quartet run '1, 1, color ::: red' '4, 2, color'
      Single requests, one session.
  quartet run --each '4, 2, color'
      One client at each node sends this line. With files, each of them sends it at its end.";

const CART_EXAMPLES: &str = "\
Examples:
  quartet cart login alice
  quartet cart put 'two apples'
  quartet cart get
  quartet cart remove 'two apples'
  quartet cart finalize
  quartet cart
      Reads such lines from stdin: login alice, put two apples, get …

Who is logged in and what the session has seen is kept in the file that --state names.";

const GET_EXAMPLES: &str = "\
Examples:
  quartet get greeting
  quartet get --consistency sequential greeting
      From any replica that is not behind the session.
  quartet get --consistency 'linearizable;50ms, sequential' --meta greeting
      The newest value if a majority can be asked within 50 ms, else what a replica has; stderr says which.
  quartet get --consistency sequential --session TOKEN greeting
      Not older than what the session with this token wrote or saw: `quartet put --meta …` says the token.";

const PUT_EXAMPLES: &str = "\
Examples:
  quartet put greeting hello
  quartet put --ttl 60 session:42 active
  quartet put picture - < cat.jpg
  quartet put dashes -- --value-that-begins-with-them";

const CONFLICTS_EXAMPLES: &str = "\
Examples:
  quartet conflicts lock
      What was taken at causal or eventual and was not applied: strong writes win, and then the newest.
  quartet conflicts --consistency eventual --json lock
      What the node at hand knows, for programs.";

const CAS_EXAMPLES: &str = "\
Examples:
  quartet cas lock free taken
  quartet cas --absent lock taken";

/// How to reach the cluster.
#[derive(Debug, Args)]
pub(crate) struct Access {
    /// The RESP address of any node; several with commas
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:7001", value_delimiter = ',')]
    pub(crate) at: Vec<String>,
    /// Give up after so many milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub(crate) deadline: u64,
    /// A file whose first line is the password [else: the environment's QUARTET_REQUIREPASS]
    #[arg(long, value_name = "FILE")]
    pub(crate) requirepass_file: Option<PathBuf>,
}

impl Access {
    pub(crate) fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline)
    }
}

/// What one operation is to promise, and whether to say what it did.
#[derive(Debug, Args)]
pub(crate) struct Promise {
    /// The level, or levels to try one after the other: sequential, or "linearizable;50ms, sequential"
    #[arg(long, value_name = "LADDER", default_value = "linearizable")]
    pub(crate) consistency: Ladder,
    /// Go on from the session with this token: what it wrote and saw is seen
    #[arg(long, value_name = "TOKEN")]
    pub(crate) session: Option<Session>,
    /// How old the state that answers a read may be, as 500ms or 2s
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) max_staleness: Option<Duration>,
    /// Print on stderr, as one line of JSON, what was achieved: level, session, age, version, node
    #[arg(long)]
    pub(crate) meta: bool,
}

/// How safe a write below sequential is to be.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Safety {
    /// On how many nodes a write that is answered at causal or eventual is durable before that [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=MAX_REPLICAS as i64))]
    pub(crate) acks: Option<u8>,
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    /// The folder of this node's data; made if it is missing
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// The address to listen on
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub(crate) listen: String,
    /// The address that others reach this node at [default: the one it listens on]
    #[arg(long, value_name = "HOST")]
    pub(crate) advertise: Option<String>,
    /// The port for the Redis protocol
    #[arg(long, value_name = "PORT", default_value_t = 7001)]
    pub(crate) resp_port: u16,
    /// One more port for the Redis protocol, whose connections start with this level or ladder; may be given again
    #[arg(long, value_name = "LADDER=PORT", value_parser = level_port)]
    pub(crate) level_port: Vec<(Ladder, u16)>,
    /// The port for HTTP
    #[arg(long, value_name = "PORT", default_value_t = 7101)]
    pub(crate) http_port: u16,
    /// The port for peers
    #[arg(long, value_name = "PORT", default_value_t = 7201)]
    pub(crate) peer_port: u16,
    /// Peer addresses of nodes to form a cluster with; may name this node itself
    #[arg(long, value_name = "HOST:PORT,…", value_delimiter = ',')]
    pub(crate) join: Vec<String>,
    /// Form a cluster when so many nodes have found each other
    #[arg(long, value_name = "N")]
    pub(crate) bootstrap_expect: Option<usize>,
    /// Copies of each shard; chosen when the cluster forms, and kept [default: 3; fewer while there are fewer nodes]
    #[arg(long, value_name = "N")]
    pub(crate) replicas: Option<u32>,
    /// Shards; chosen when the cluster forms, and kept [default: 32]
    #[arg(long, value_name = "N")]
    pub(crate) shards: Option<u32>,
    /// Refuse writes that grow the data beyond so many bytes (suffixes k, m, g) [default: no limit]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub(crate) memory_limit: Option<u64>,
    /// A file whose first line is the password for clients [else: the environment's QUARTET_REQUIREPASS]
    #[arg(long, value_name = "FILE")]
    pub(crate) requirepass_file: Option<PathBuf>,
    /// A file whose first line is the secret that nodes prove to each other [else: QUARTET_CLUSTER_SECRET]
    #[arg(long, value_name = "FILE")]
    pub(crate) cluster_secret_file: Option<PathBuf>,
    /// Let every client cut this node's links and halt it (`quartet fault`); for trying things out only
    #[arg(long)]
    pub(crate) allow_faults: bool,
    /// End when the process with this id, which must be the parent, ends (`dev` says this)
    #[arg(long, value_name = "PID", hide = true)]
    pub(crate) exit_with_parent: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// How many nodes [default: 3, or as many as the folder has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=7))]
    pub(crate) nodes: Option<u64>,
    /// The folder of the cluster's data; made if it is missing
    #[arg(long, value_name = "DIR", default_value = "./quartet-dev")]
    pub(crate) data: PathBuf,
    /// The first node's RESP port [default: 7001, or the folder's]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..=65_000))]
    pub(crate) port: Option<u16>,
    /// Once the cluster serves, print one line of JSON that describes it
    #[arg(long)]
    pub(crate) json: bool,
    /// Show the nodes' logs on stderr instead of writing them to files
    #[arg(long)]
    pub(crate) verbose: bool,
    /// A file whose first line is the password for clients [else: the environment's QUARTET_REQUIREPASS]
    #[arg(long, value_name = "FILE")]
    pub(crate) requirepass_file: Option<PathBuf>,
    /// A file whose first line is the secret that nodes prove to each other [else: QUARTET_CLUSTER_SECRET]
    #[arg(long, value_name = "FILE")]
    pub(crate) cluster_secret_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) promise: Promise,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Put {
    pub(crate) key: String,
    /// The value; `-` reads it from stdin
    #[arg(allow_negative_numbers = true)]
    pub(crate) value: String,
    /// Delete the key after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) ttl: Option<u64>,
    #[command(flatten)]
    pub(crate) promise: Promise,
    #[command(flatten)]
    pub(crate) safety: Safety,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Del {
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) promise: Promise,
    #[command(flatten)]
    pub(crate) safety: Safety,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "quartet cas [OPTIONS] KEY OLD NEW\n       quartet cas [OPTIONS] --absent KEY NEW"
)]
pub(crate) struct Cas {
    pub(crate) key: String,
    /// The value that the key must hold; with --absent the one to write
    #[arg(value_name = "OLD", allow_negative_numbers = true)]
    pub(crate) first: String,
    /// The value to write
    #[arg(value_name = "NEW", allow_negative_numbers = true)]
    pub(crate) second: Option<String>,
    /// The key must be absent
    #[arg(long)]
    pub(crate) absent: bool,
    #[command(flatten)]
    pub(crate) promise: Promise,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Incr {
    pub(crate) key: String,
    /// What to add; may be negative
    #[arg(default_value_t = 1, allow_negative_numbers = true)]
    pub(crate) by: i64,
    #[command(flatten)]
    pub(crate) promise: Promise,
    #[command(flatten)]
    pub(crate) safety: Safety,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Append {
    pub(crate) key: String,
    /// What to append; `-` reads it from stdin
    #[arg(allow_negative_numbers = true)]
    pub(crate) value: String,
    #[command(flatten)]
    pub(crate) promise: Promise,
    #[command(flatten)]
    pub(crate) safety: Safety,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Conflicts {
    pub(crate) key: String,
    /// Print one JSON object, as HTTP's /conflicts/KEY answers it
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) promise: Promise,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Files of requests (`-` is stdin), or requests themselves
    #[arg(value_name = "FILE|LINE", required_unless_present = "each")]
    pub(crate) what: Vec<String>,
    /// A line that every client sends after its own; may be given again
    #[arg(long, value_name = "LINE", value_parser = request)]
    pub(crate) each: Vec<Request>,
    /// Keep each client to its node, also when that fails
    #[arg(long)]
    pub(crate) pin: bool,
    /// Print one JSON object a request, and the report as a last one
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) safety: Safety,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Cart {
    /// login NAME, put ITEM, remove ITEM, get or finalize; left out, lines of these are read from stdin
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<String>,
    /// (login) Keep the cart as a list, not as a set
    #[arg(long)]
    pub(crate) list: bool,
    /// Go on from the session with this token, too: what it wrote and saw is seen besides what the kept one did
    #[arg(long, value_name = "TOKEN")]
    pub(crate) session: Option<Session>,
    /// The file that keeps the name and the session from one call to the next
    #[arg(long, value_name = "FILE", default_value = "./quartet-dev/cart.json")]
    pub(crate) state: PathBuf,
    #[command(flatten)]
    pub(crate) safety: Safety,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    #[command(subcommand)]
    pub(crate) what: Demonstration,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Demonstration {
    /// Cut a node off, show what each level answers on each side, heal, and show what settled
    Levels,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print what the node said, as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Show it again every second, until Ctrl-C
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Where {
    pub(crate) key: String,
    /// Print what the node said, as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

/// What can be done about faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FaultAction {
    /// Show what is cut and slow
    List,
    /// Cut a link, both directions
    Cut,
    /// Lose what the first node says to the second
    Oneway,
    /// Cut a node from all others
    Isolate,
    /// Let a link, or all links, take so many milliseconds more, each way
    Delay,
    /// Make a link, or everything, whole again
    Heal,
    /// Let a node stand still for a while
    Pause,
}

#[derive(Debug, Args)]
#[command(override_usage = "quartet fault [list] [OPTIONS]
       quartet fault cut|oneway A B [OPTIONS]
       quartet fault isolate A [OPTIONS]
       quartet fault delay MS [A B] [OPTIONS]
       quartet fault pause A [--for TIME] [OPTIONS]
       quartet fault heal [A B] [OPTIONS]")]
pub(crate) struct Fault {
    /// What to do [default: list]
    #[arg(value_enum)]
    pub(crate) action: Option<FaultAction>,
    /// The nodes, by number; with delay, the milliseconds come first
    #[arg(value_name = "NODE")]
    pub(crate) numbers: Vec<u64>,
    /// How long a paused node stands still, such as 500ms or 5s; 60s at most [default: 10s]
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) span: Option<String>,
    /// Print what the node said, as JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The history: one JSON object a line (docs/history.md); `-` reads stdin
    pub(crate) file: PathBuf,
    /// The level that it must keep; `all` is every one that its operations call for
    #[arg(long, default_value = "all", value_parser = ["all", "linearizable", "sequential", "causal", "eventual"])]
    pub(crate) level: String,
    /// Where a level is broken, draw the smallest counterexample into this file, for a browser
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// A line of `run` that asks for something.
fn request(text: &str) -> Result<Request, String> {
    run::parse(text)?.ok_or_else(|| "the line is empty".to_owned())
}

/// `sequential=7011`, or `linearizable;50ms, sequential=7011`.
fn level_port(text: &str) -> Result<(Ladder, u16), String> {
    let (ladder, port) =
        text.rsplit_once('=').ok_or("write a level, an equals sign and a port, as in sequential=7011")?;
    let port = port.trim().parse().map_err(|_| format!("{port:?} is no port; write one from 1 to 65535"))?;
    Ladder::parse(ladder.as_bytes()).map(|ladder| (ladder, port)).map_err(|bad| bad.0)
}

/// `500ms` and the like.
fn span(text: &str) -> Result<Duration, String> {
    milliseconds(text.as_bytes())
        .map(Duration::from_millis)
        .ok_or_else(|| "write a time such as 500ms or 2s, at most 600s".to_owned())
}

/// `512m` and the like.
fn bytes(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let (digits, factor) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 1 << 10),
        Some(b'm') => (&lower[..lower.len() - 1], 1 << 20),
        Some(b'g') => (&lower[..lower.len() - 1], 1 << 30),
        _ => (lower, 1),
    };
    let number =
        digits.parse::<u64>().map_err(|error| format!("{error}; write a number of bytes such as 512m"))?;
    number.checked_mul(factor).ok_or_else(|| "more bytes than there are".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes_take_suffixes() {
        assert_eq!(bytes("17"), Ok(17));
        assert_eq!(bytes("512m"), Ok(512 << 20));
        assert_eq!(bytes("2GB"), Ok(2 << 30));
        assert!(bytes("m").is_err());
        assert!(bytes("99999999999g").is_err());
    }

    #[test]
    fn a_port_may_stand_for_a_level() {
        let (ladder, port) = level_port("linearizable;50ms, sequential=7011").unwrap();
        assert_eq!((&*ladder.to_string(), port), ("linearizable;50ms, sequential", 7011));
        assert!(level_port("sequential").unwrap_err().contains("sequential=7011"));
        assert!(level_port("strong=7011").unwrap_err().contains("unknown consistency level"));
        assert!(level_port("sequential=x").unwrap_err().contains("no port"));
    }

    #[test]
    fn a_level_and_a_session_can_be_said() {
        let said = |words: &[&str]| {
            let all = ["quartet", "get", "k"].iter().chain(words);
            Arguments::try_parse_from(all).map_err(|error| error.to_string())
        };
        let arguments = said(&[
            "--consistency",
            "linearizable;50ms, sequential",
            "--max-staleness",
            "2s",
            "--session",
            "abc",
        ]);
        let Command::Get(get) = arguments.unwrap().command else { panic!("another command") };
        assert_eq!(get.promise.consistency.to_string(), "linearizable;50ms, sequential");
        assert_eq!(get.promise.max_staleness, Some(Duration::from_secs(2)));
        assert_eq!(get.promise.session.unwrap().to_string(), "abc");
        assert!(said(&["--consistency", "strong"]).unwrap_err().contains("unknown consistency level"));
        assert!(said(&["--max-staleness", "0ms"]).unwrap_err().contains("500ms"));
        assert!(said(&["--session", "a b"]).unwrap_err().contains("no session token"));
    }

    #[test]
    fn acks_are_a_number_of_nodes_and_belong_to_what_is_taken_below_sequential() {
        let said = |words: &str| {
            let all = ["quartet"].into_iter().chain(words.split(' '));
            Arguments::try_parse_from(all).map_err(|error| error.to_string())
        };
        let Ok(Command::Put(put)) = said("put k v --acks 2").map(|said| said.command) else {
            panic!("no put")
        };
        assert_eq!(put.safety.acks, Some(2));
        let Ok(Command::Cart(cart)) = said("cart --acks 3 get").map(|said| said.command) else {
            panic!("no cart")
        };
        assert_eq!(cart.safety.acks, Some(3));
        for bad in ["0", "8", "-1", "two", "2.5", "256"] {
            let why = said(&format!("incr k --acks={bad}")).unwrap_err();
            assert!(why.contains("--acks") && why.contains(bad), "{why}");
        }
        assert!(said("put k v --acks 8").unwrap_err().contains("1..=7"));
        for none in ["get k", "cas k a b", "conflicts k"] {
            assert!(said(&format!("{none} --acks 2")).is_err(), "{none}: nothing is taken there");
        }
    }

    #[test]
    fn options_may_follow_values() {
        let arguments =
            Arguments::try_parse_from(["quartet", "cas", "k", "old", "new", "--at", "h:1"]).unwrap();
        let Command::Cas(cas) = arguments.command else { panic!("another command") };
        assert_eq!((&*cas.first, cas.second.as_deref(), &*cas.access.at[0]), ("old", Some("new"), "h:1"));
        let arguments = Arguments::try_parse_from(["quartet", "put", "k", "--ttl", "5", "-"]).unwrap();
        assert!(matches!(arguments.command, Command::Put(Put { ttl: Some(5), .. })));
    }

    #[test]
    fn faults_take_their_options_anywhere() {
        let arguments =
            Arguments::try_parse_from(["quartet", "fault", "--at", "h:1", "pause", "2", "--for", "5s"]);
        let Command::Fault(fault) = arguments.unwrap().command else { panic!("another command") };
        assert_eq!(
            (fault.action, &*fault.numbers, fault.span.as_deref()),
            (Some(FaultAction::Pause), &[2][..], Some("5s"))
        );
        assert!(Arguments::try_parse_from(["quartet", "fault", "sever", "1", "2"]).is_err());
        assert!(Arguments::try_parse_from(["quartet", "fault", "cut", "1", "two"]).is_err());
    }

    #[test]
    fn negative_numbers_are_numbers() {
        let arguments = Arguments::try_parse_from(["quartet", "incr", "k", "-5"]).unwrap();
        assert!(matches!(arguments.command, Command::Incr(Incr { by: -5, .. })));
    }
}
