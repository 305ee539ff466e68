//! A node that is stopped hands over first: clients see no failed operation.

use crate::support::harness::TestCluster;
use crate::support::workload::Load;

#[test]
fn a_rolling_restart_under_load_fails_no_operation() {
    let mut cluster = TestCluster::start(3);
    let client = cluster.client();
    let load = Load::start(&client, "rolling");
    for id in 1..=3 {
        load.goes_on(300);
        cluster.stop(id).expect("it stops well");
        load.goes_on(300);
        cluster.restart(id).expect("it starts");
        cluster.serves();
    }
    load.goes_on(300);
    let history = load.finish();
    assert!(history.errors.is_empty(), "{:?}", history.errors);
    history.is_linearizable();
    history.is_all_there(&client);
    cluster.leads_evenly();
    eprintln!("longest operation: {:?}", history.longest);
}
