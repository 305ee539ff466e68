//! INFO: what this node is and has done, in the fields that Redis's clients and tools look for.
//!
//! Fields that mean nothing here are left out, except those that a widespread client waits for or fails without.

use super::context::Context;
use super::session::REDIS_VERSION;
use bytes::Bytes;
use node::status::Status;
use proto::level::Level;
use std::fmt::Write;

const DEFAULT: [&str; 9] =
    ["server", "clients", "memory", "persistence", "stats", "replication", "cpu", "cluster", "keyspace"];

/// The text of the sections that are asked for.
pub(super) fn text(asked: &[Bytes], context: &mut Context<'_>) -> String {
    let asked: Vec<String> =
        asked.iter().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).collect();
    let all = asked.is_empty()
        || asked.iter().any(|name| ["all", "default", "everything"].contains(&name.as_str()));
    let status = context.core.status(context.now);
    let mut out = String::new();
    for section in DEFAULT {
        if all || asked.iter().any(|name| name == section) {
            if !out.is_empty() {
                out.push_str("\r\n");
            }
            let mut title = section.to_owned();
            title[..1].make_ascii_uppercase();
            let title = if section == "cpu" { "CPU" } else { &title };
            let _ = write!(out, "# {title}\r\n");
            for (name, value) in fields(section, &status, context) {
                let _ = write!(out, "{name}:{value}\r\n");
            }
        }
    }
    out
}

type Field = (&'static str, String);

fn field(name: &'static str, value: impl ToString) -> Field {
    (name, value.to_string())
}

fn fields(section: &str, status: &Status, context: &mut Context<'_>) -> Vec<Field> {
    match section {
        "server" => server(status, context),
        "clients" => vec![
            field("connected_clients", context.others.iter().flatten().count() + 1),
            field("cluster_connections", 0),
            field("maxclients", proto::limits::MAX_CONNECTIONS),
            field("blocked_clients", 0),
        ],
        "memory" => memory(status, context),
        "persistence" => vec![
            field("loading", 0),
            field("async_loading", 0),
            field("rdb_changes_since_last_save", 0),
            field("rdb_bgsave_in_progress", 0),
            field("rdb_last_bgsave_status", "ok"),
            field("aof_enabled", 1),
            field("aof_rewrite_in_progress", 0),
            field("aof_rewrite_scheduled", 0),
            field("aof_last_bgrewrite_status", "ok"),
            field("aof_last_write_status", "ok"),
            field("aof_current_size", status.log.disk_bytes),
        ],
        "stats" => stats(context),
        "replication" => vec![
            field("role", "master"),
            field("connected_slaves", 0),
            field("master_failover_state", "no-failover"),
            field("master_replid", &context.shared.run_id),
            field("master_repl_offset", applied(status)),
            field("second_repl_offset", -1),
            field("repl_backlog_active", 0),
        ],
        "cluster" => vec![field("cluster_enabled", 1)],
        "keyspace" if status.keys > 0 => {
            vec![field("db0", format!("keys={},expires=0,avg_ttl=0", status.keys))]
        }
        "cpu" => cpu(),
        _ => Vec::new(),
    }
}

/// The nearest thing to a replication offset: how many entries this node has applied.
fn applied(status: &Status) -> u64 {
    status.shards.iter().filter_map(|shard| shard.local.as_ref()).map(|local| local.applied.0).sum()
}

fn server(status: &Status, context: &Context<'_>) -> Vec<Field> {
    let uptime_seconds = (context.now.mono - context.shared.started).as_secs();
    vec![
        field("redis_version", REDIS_VERSION),
        field("quartet_version", status.version),
        field("redis_git_sha1", "00000000"),
        field("redis_git_dirty", 0),
        field("redis_mode", "cluster"),
        field("os", std::env::consts::OS),
        field("arch_bits", usize::BITS),
        field("process_id", std::process::id()),
        field("run_id", &context.shared.run_id),
        field("tcp_port", context.shared.listening.port()),
        field("server_time_usec", context.now.wall_ms * 1000),
        field("uptime_in_seconds", uptime_seconds),
        field("uptime_in_days", uptime_seconds / 86_400),
        field("hz", 10),
    ]
}

fn memory(status: &Status, context: &mut Context<'_>) -> Vec<Field> {
    let resident = context.shared.resident_bytes();
    let human = |bytes: u64| format!("{:.2}M", bytes as f64 / 1_048_576.0);
    vec![
        field("used_memory", resident),
        field("used_memory_human", human(resident)),
        field("used_memory_rss", resident),
        field("used_memory_peak", context.shared.memory_peak_bytes),
        field("used_memory_peak_human", human(context.shared.memory_peak_bytes)),
        field("used_memory_dataset", status.data_bytes),
        field("used_memory_lua", 0),
        field("maxmemory", status.memory_limit_bytes.unwrap_or(0)),
        field("maxmemory_policy", "noeviction"),
        field("mem_fragmentation_ratio", "1.00"),
        field("mem_allocator", "system"),
        field("lazyfree_pending_objects", 0),
    ]
}

fn stats(context: &Context<'_>) -> Vec<Field> {
    let shared = &*context.shared;
    vec![
        field("total_connections_received", shared.connections_received),
        field("total_commands_processed", shared.commands_processed),
        field("answers_linearizable", shared.answers_by_level[Level::Linearizable as usize]),
        field("answers_sequential", shared.answers_by_level[Level::Sequential as usize]),
        field("instantaneous_ops_per_sec", 0),
        field("total_net_input_bytes", shared.input_bytes),
        field("total_net_output_bytes", shared.output_bytes),
        field("rejected_connections", shared.connections_refused),
        field("expired_keys", 0),
        field("evicted_keys", 0),
        field("keyspace_hits", 0),
        field("keyspace_misses", 0),
        field("pubsub_channels", 0),
        field("pubsub_patterns", 0),
        field("latest_fork_usec", 0),
        field("unexpected_error_replies", 0),
        field("total_error_replies", 0),
    ]
}

/// From `/proc`, in ticks of which Linux tells user programs that there are 100 a second.
fn cpu() -> Vec<Field> {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field is the program's name in brackets and may hold spaces.
    let mut numbers = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    let mut seconds = || numbers.next().and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0) / 100.0;
    vec![
        field("used_cpu_user", format!("{:.6}", seconds())),
        field("used_cpu_sys", format!("{:.6}", seconds())),
    ]
}
