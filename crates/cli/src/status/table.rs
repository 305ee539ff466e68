//! A view as text for a person: nodes and links, then shards, in columns.

use super::view::{Cut, Delay, FaultsView, NodeView, ShardView, View};
use std::fmt::Write;

pub(super) fn render(view: &View) -> String {
    let mut out = String::new();
    let ready = if view.ready { "serving" } else { "not serving" };
    let mut line = |text: String| writeln!(out, "{text}").expect("a string takes all");
    line(format!("cluster  {}", view.cluster));
    line(format!("asked    node {} (version {}), {ready}", view.node, view.version));
    let limit =
        view.memory_limit_bytes.map_or("no limit".to_owned(), |limit| format!("limit {}", size(limit)));
    line(format!(
        "holds    {} of data ({limit}), {} of log, {} syncs",
        size(view.data_bytes),
        size(view.log.disk_bytes),
        view.log.syncs
    ));
    if view.undecided > 0 {
        line(format!(
            "waits    {} tentative writes for the log, {} of them hints",
            view.undecided, view.hints
        ));
    }
    let trouble = match view.disk.as_str() {
        "low" => Some("nearly full: writes that grow the data are refused"),
        "out" => Some("full: nothing is written, reads go on"),
        "stalled" => Some("does not answer, or did not a moment ago: this node leads nothing meanwhile"),
        _ => None,
    };
    if let Some(trouble) = trouble {
        let free = view.disk_free_bytes.map_or(String::new(), |bytes| format!(", {} are free", size(bytes)));
        line(format!("disk     {trouble}{free}"));
    }
    if view.rebuilding > 0 {
        line(format!(
            "rebuilds {} replicas from the other nodes; they take no part until then",
            view.rebuilding
        ));
    }
    let FaultsView { cuts, delays, .. } = &view.faults;
    if !cuts.is_empty() || !delays.is_empty() {
        line(format!("faults   {}", faults(cuts, delays)));
    }
    line(String::new());
    let nodes = view.nodes.iter().map(|node| node_row(view, node)).collect();
    line(columns(&["NODE", "STATE", "RESP", "HTTP", "PEER", "LEADS", "HEARS"], nodes));
    let shards = view.shards.iter().map(shard_row).collect();
    out.push_str(&columns(
        &["SHARD", "SLOTS", "LEADER", "REPLICAS", "TERM", "DECIDED", "APPLIED", "LAG", "KEYS"],
        shards,
    ));
    out.truncate(out.trim_end().len());
    out
}

/// Faults of links as people say them: `1–2 cut, 1→3 cut, 2–3 10 ms`.
pub(crate) fn faults(cuts: &[Cut], delays: &[Delay]) -> String {
    if cuts.is_empty() && delays.is_empty() {
        return "none".to_owned();
    }
    let shown =
        cuts.iter().filter_map(|&Cut { from, to }| match cuts.contains(&Cut { from: to, to: from }) {
            true if from < to => Some(format!("{from}–{to} cut")),
            true => None,
            false => Some(format!("{from}→{to} cut")),
        });
    let slow = delays.iter().map(|Delay { nodes: [a, b], ms }| format!("{a}–{b} {ms} ms"));
    shown.chain(slow).collect::<Vec<_>>().join(", ")
}

fn node_row(view: &View, node: &NodeView) -> Vec<String> {
    let state = match node.heard_ms_ago {
        Some(ms) if node.state != "up" => format!("{} for {}", node.state, span(ms)),
        _ => node.state.clone(),
    };
    let state = node.via.map_or(state.clone(), |via| format!("{state} via node {via}"));
    // Who hears whom, and since when not.
    let others = view.nodes.iter().filter(|other| other.id != node.id);
    let hears = others.map(|other| match node.hears.iter().find(|(id, _)| *id == other.id) {
        Some(&(id, ms)) if ms < 1_000 => format!("{id}"),
        Some(&(id, ms)) => format!("not {id} for {}", span(ms)),
        None => format!("not {}", other.id),
    });
    vec![
        node.id.to_string(),
        state,
        node.resp.clone(),
        node.http.clone(),
        node.peer.clone(),
        node.leads.to_string(),
        hears.collect::<Vec<_>>().join(", "),
    ]
}

fn shard_row(shard: &ShardView) -> Vec<String> {
    let replicas: Vec<String> = shard.replicas.iter().map(u64::to_string).collect();
    let mut row = vec![
        shard.shard.to_string(),
        format!("{}-{}", shard.first_slot, shard.last_slot),
        shard.leader.map_or("none".to_owned(), |leader| leader.to_string()),
        replicas.join(","),
    ];
    let local = shard.local.as_ref();
    let numbers = local.map(|local| [local.term, local.decided, local.applied, local.lag, local.keys]);
    match numbers {
        Some(numbers) => row.extend(numbers.map(|number| number.to_string())),
        None => row.extend(["-"; 5].map(str::to_owned)),
    }
    row
}

/// Columns as wide as their widest cell, two blanks apart.
pub(crate) fn columns(heads: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = vec![heads.iter().map(|&head| head.to_owned()).collect()];
    table.extend(rows);
    let width =
        |column: usize| table.iter().map(|row: &Vec<String>| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut out = String::new();
    for row in &table {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{} s", ms / 1_000),
        _ => format!("{} min", ms / 60_000),
    }
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut shown = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if shown < 1024.0 {
            break;
        }
        shown /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{shown:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::Reply;

    #[test]
    fn faults_are_told_by_pairs() {
        let all = [(1, 2), (1, 3), (2, 1), (3, 2)].map(|(from, to)| Cut { from, to });
        let slow = [Delay { nodes: [1, 3], ms: 10 }];
        assert_eq!(faults(&all, &[]), "1–2 cut, 1→3 cut, 3→2 cut");
        assert_eq!(faults(&all[..1], &slow), "1→2 cut, 1–3 10 ms");
        assert_eq!((faults(&[], &slow), faults(&[], &[])), ("1–3 10 ms".to_owned(), "none".to_owned()));
    }

    #[test]
    fn a_person_sees_who_leads_and_who_is_not_heard() {
        let json = r#"{"cluster":"00ff","node":1,"version":"0.1.0","ready":true,"data_bytes":2048,"memory_limit_bytes":null,
            "log":{"syncs":7,"disk_bytes":4194304},
            "nodes":[{"id":1,"resp":"a:1","http":"a:2","peer":"a:3","state":"up","heard_ms_ago":0,"hears":[[2,90]],"leads":1},
                     {"id":2,"resp":"b:1","http":"b:2","peer":"b:3","state":"silent","heard_ms_ago":5400,"hears":[[1,5400]],"leads":0}],
            "shards":[{"shard":0,"first_slot":0,"last_slot":16383,"replicas":[1,2],"leader":1,
                       "local":{"term":3,"decided":9,"applied":9,"lag":0,"snapshot":0,"keys":4}},
                      {"shard":1,"first_slot":0,"last_slot":1,"replicas":[2],"leader":null,"local":null}]}"#;
        let view = View::from_reply(&Reply::bulk(json.as_bytes().to_vec())).unwrap();
        let expected = "\
cluster  00ff
asked    node 1 (version 0.1.0), serving
holds    2.0 KiB of data (no limit), 4.0 MiB of log, 7 syncs

NODE  STATE           RESP  HTTP  PEER  LEADS  HEARS
1     up              a:1   a:2   a:3   1      2
2     silent for 5 s  b:1   b:2   b:3   0      not 1 for 5 s

SHARD  SLOTS    LEADER  REPLICAS  TERM  DECIDED  APPLIED  LAG  KEYS
0      0-16383  1       1,2       3     9        9        0    4
1      0-1      none    2         -     -        -        -    -";
        assert_eq!(render(&view), expected);
        assert_eq!(view.trouble(1).unwrap(), "node 1 knows no leader of shard 1");
        assert_eq!(view.leads(), [(1, 1), (2, 0)]);
    }
}
