//! A disk that is full, and one that hangs: what a node does about it, seen at a glance. The hostile version is the simulator.

mod cluster;

use cluster::{Cluster, text};
use node::io::Input;
use proto::error::ErrorKind;
use proto::ids::{GroupId, ShardId};
use proto::reply::Reply;

const MIB: u64 = 1 << 20;

fn free(cluster: &mut Cluster, at: usize, bytes: u64) {
    cluster.inputs.push_back((at, Input::DiskSpace { free_bytes: bytes }));
    for _ in 0..60 {
        cluster.round();
    }
}

fn leads(cluster: &Cluster, at: usize) -> usize {
    let core = cluster.cores[at].as_ref().expect("it runs");
    core.views().filter(|(group, view, _)| *group != GroupId::DIRECTORY && view.leads).count()
}

#[test]
fn a_full_disk_refuses_growth_and_nothing_else_until_there_is_space() {
    let mut cluster = Cluster::new(1, 1);
    cluster.ready();
    assert_eq!(cluster.call(0, "SET key value"), Reply::OK);
    free(&mut cluster, 0, 200 * MIB);
    assert_eq!(cluster.fails(0, "SET key other"), ErrorKind::DiskFull);
    assert_eq!(cluster.fails(0, "WITH key causal DO SET key other"), ErrorKind::DiskFull);
    assert_eq!(cluster.call(0, "GET key"), text("value"));
    assert_eq!(cluster.call(0, "DEL key"), Reply::Int(1));
    assert_eq!(cluster.cores[0].as_ref().expect("it runs").status(cluster.now).disk, "low");
    free(&mut cluster, 0, 300 * MIB);
    assert_eq!(cluster.fails(0, "SET key other"), ErrorKind::DiskFull, "a little more is not enough");
    free(&mut cluster, 0, 400 * MIB);
    assert_eq!(cluster.call(0, "SET key other"), Reply::OK);
}

#[test]
fn without_room_for_another_segment_nothing_is_written_and_reads_go_on() {
    let mut cluster = Cluster::new(1, 1);
    cluster.ready();
    assert_eq!(cluster.call(0, "SET key value"), Reply::OK);
    free(&mut cluster, 0, 0);
    let written =
        |cluster: &Cluster| cluster.cores[0].as_ref().expect("it runs").status(cluster.now).log.written_bytes;
    let before = written(&cluster);
    assert_eq!(cluster.fails(0, "DEL key"), ErrorKind::NoQuorum);
    assert_eq!(cluster.call(0, "GET key"), text("value"));
    assert_eq!(written(&cluster), before);
    free(&mut cluster, 0, 400 * MIB);
    assert_eq!(cluster.call(0, "SET key other"), Reply::OK);
}

#[test]
fn a_node_with_a_full_disk_gives_leadership_away_and_does_not_stop_the_others() {
    let mut cluster = Cluster::new(3, 6);
    cluster.ready();
    cluster.until("leaders are spread", |cluster| leads(cluster, 1) == 2);
    free(&mut cluster, 1, 0);
    cluster.until("it leads nothing", |cluster| leads(cluster, 1) == 0);
    for key in 0..20 {
        assert_eq!(cluster.call(1, &format!("SET key{key} value")), Reply::OK);
    }
    free(&mut cluster, 1, 400 * MIB);
    cluster.until("it has caught up", |cluster| {
        let applied = |at: usize| {
            let core = cluster.cores[at].as_ref().expect("it runs");
            core.views().map(|(group, _, applied)| (group, applied)).collect::<Vec<_>>()
        };
        applied(0) == applied(1)
    });
    cluster.until("leaders are spread again", |cluster| leads(cluster, 1) == 2);
}

#[test]
fn a_node_whose_disk_hangs_gives_leadership_away_without_it() {
    let mut cluster = Cluster::new(3, 6);
    cluster.ready();
    cluster.until("leaders are spread", |cluster| leads(cluster, 2) == 2);
    cluster.hanging = Some(2);
    // Something is on its way to its disk.
    let shard = cluster.cores[2].as_ref().expect("it runs").views().find(|(_, view, _)| view.leads);
    assert!(shard.is_some_and(|(group, ..)| group.shard() >= Some(ShardId(0))));
    for key in 0..20 {
        cluster.send(0, &format!("SET key{key} value"));
    }
    cluster.until("it leads nothing", |cluster| leads(cluster, 2) == 0);
    for key in 0..20 {
        assert_eq!(cluster.call(0, &format!("SET key{key} other")), Reply::OK);
    }
    cluster.disk_goes_on();
    cluster.until("leaders are spread again", |cluster| leads(cluster, 2) == 2);
}
