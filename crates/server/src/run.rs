//! One node from start to end: lock the folder, bind the ports, know or found the cluster, recover, serve.

use crate::body::{Body, RESP};
use crate::config::Config;
use crate::disk::FolderDisk;
use crate::driver::Driver;
use crate::faults::FaultView;
use crate::founding::{self, Ended};
use crate::fronts::resp::{Door, RespFront, Settings, Shared};
use crate::lanes::Lanes;
use crate::links::Me;
use crate::lock::FolderLock;
use crate::refusal::Refusal;
use directory::Member;
use directory::founding::{Founding, FoundingSet, StoredFounding, Wanted};
use node::core::Core;
use proto::commands::consistency::Consistency;
use proto::ids::{Incarnation, NodeId};
use proto::level::Level;
use std::sync::Arc;
use storage::identity::{self, Identity};

/// One core a node, for now; the number is fixed for the folder's life.
const CORES: u16 = 1;

/// Runs a node until it is stopped by a signal, which is success. When it serves, `/readyz` answers 200 and a line in the log says where.
///
/// # Errors
/// A sentence for the person who started it: why it does not start, or cannot go on.
pub fn run(config: Config) -> Result<(), Refusal> {
    config.check()?;
    let _lock = FolderLock::take(&config.data)?;
    let mut disk = FolderDisk::new(&config.data);
    // Before anything is written: a folder that cannot be used is told first.
    let known = identity::load(&mut disk).map_err(|error| Refusal::new(error.to_string()))?;
    let mut body = Body::new(&config)?;
    let (identity, set, founding) = match known {
        Some(identity) => again(&config, &mut disk, identity)?,
        None => match founding::run(&mut body, &config, &mut disk)? {
            Ended::Stopped => return Ok(()),
            Ended::Founded(set, founding) => first(&mut disk, set, founding)?,
        },
    };
    body.links.set_me(Me {
        cluster: Some(identity.cluster),
        node: identity.node,
        incarnation: identity.incarnation,
    });
    tracing::info!("node {} of cluster {}, start {}", identity.node, identity.cluster, identity.incarnation);
    let own = founding::founder(&config, 0);
    let member = Member {
        node: identity.node,
        incarnation: identity.incarnation,
        peer: own.peer,
        resp: own.resp,
        http: own.http,
    };
    let me = member.node;
    let served = format!("serves Redis clients at {} and HTTP at {}", member.resp, member.http);
    let core = start_core(&config, &mut disk, &body, identity, set, member)?;
    let lanes = Lanes::start(&config.data, &body.waker, &body.metrics).map_err(cannot_start)?;
    let resp = resp_front(&config, &mut body, me)?;
    Driver::new(body, core, founding, resp, lanes, me).run(|| tracing::info!("{served}"))
}

fn cannot_start(error: impl std::fmt::Display) -> Refusal {
    Refusal::new(format!("the node cannot start: {error}"))
}

type Known = (Identity, FoundingSet, Box<Founding>);

/// The first start in a cluster that has just been founded.
fn first(disk: &mut FolderDisk, set: FoundingSet, founding: Box<Founding>) -> Result<Known, Refusal> {
    let founder = founding::founder_id(disk)?;
    let node =
        set.node_id_of(founder).ok_or_else(|| Refusal::new("the cluster was founded without this node"))?;
    let stored = StoredFounding { set: set.clone(), founded: true };
    let identity = Identity {
        cluster: set.cluster,
        node,
        incarnation: Incarnation(1),
        cores: CORES,
        founding: stored.encode(),
    };
    identity::store(disk, &identity).map_err(|error| Refusal::new(error.to_string()))?;
    Ok((identity, set, founding))
}

/// Another start of a node that has its folder.
fn again(config: &Config, disk: &mut FolderDisk, mut identity: Identity) -> Result<Known, Refusal> {
    if identity.cores != CORES {
        return Err(Refusal::new(format!(
            "the data folder was made for {} cores, and this Quartet runs {CORES}; start the version that made it",
            identity.cores
        )));
    }
    let stored = StoredFounding::decode(&identity.founding)
        .map_err(|why| Refusal::new(format!("the file `identity` in the data folder is damaged: {why}")))?;
    identity.incarnation = Incarnation(identity.incarnation.0 + 1);
    identity::store(disk, &identity).map_err(|error| Refusal::new(error.to_string()))?;
    let set = stored.set.clone();
    let id = founding::founder_id(disk)?;
    let me = set.member(id).cloned().unwrap_or_else(|| founding::founder(config, id));
    let wanted =
        Wanted { expect: set.members.len(), join: Vec::new(), replicas: set.replicas, shards: set.shards };
    let founding = Founding::new(me, wanted, founding::drawn(), Some(stored));
    Ok((identity, set, Box::new(founding)))
}

fn start_core(
    config: &Config,
    disk: &mut FolderDisk,
    body: &Body,
    identity: Identity,
    set: FoundingSet,
    member: Member,
) -> Result<Core, Refusal> {
    let mut settings = node::config::Config::new(identity, set, member, crate::random::number());
    settings.memory_limit_bytes = config.memory_limit_bytes;
    Core::start(settings, disk, body.clock.now()).map_err(|error| Refusal::new(error.to_string()))
}

fn resp_front(config: &Config, body: &mut Body, me: NodeId) -> Result<RespFront, Refusal> {
    let listener = body.resp_listener.take().expect("the front is made once");
    let run_id: [u8; 20] = crate::random::bytes();
    let shared = Shared {
        password: body.password.clone(),
        settings: Settings::new(
            config.listen.clone(),
            config.resp_port,
            config.memory_limit_bytes,
            config.password.is_some(),
        ),
        metrics: body.metrics.clone(),
        started: body.clock.mono(),
        run_id: run_id.iter().map(|byte| format!("{byte:02x}")).collect(),
        listening: body.resp_address,
        commands_processed: 0,
        answers_by_level: [0; Level::ALL.len()],
        connections_received: 0,
        connections_refused: 0,
        input_bytes: 0,
        output_bytes: 0,
        memory_peak_bytes: 0,
        faults: Arc::new(FaultView::default()),
    };
    let mut doors = vec![Door { listener, consistency: Consistency::default() }];
    for (ladder, listener) in body.level_listeners.drain(..) {
        doors.push(Door {
            listener,
            consistency: Consistency { ladder: Some(ladder), ..Consistency::default() },
        });
    }
    RespFront::new(doors, RESP, body.poll.registry(), me, body.open.clone(), shared).map_err(cannot_start)
}
