//! CONFIG: what clients and Redis's tools ask for by Redis's names.
//!
//! Most names are knobs of Redis that mean nothing here: they can be set, keep their value until the node stops, and change nothing. A few say how this node really is and cannot be
//! set. Names that are neither answer empty to GET and an error to SET.

use super::glob::glob_matches;
use bytes::Bytes;
use proto::limits::MAX_CONNECTIONS;
use proto::reply::Reply;
use std::collections::BTreeMap;

/// Knobs with the value that they begin with.
const KNOBS: &[(&str, &str)] = &[
    ("active-expire-effort", "1"),
    ("activedefrag", "no"),
    ("activerehashing", "yes"),
    ("aof-use-rdb-preamble", "yes"),
    ("auto-aof-rewrite-min-size", "67108864"),
    ("auto-aof-rewrite-percentage", "100"),
    ("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"),
    ("client-query-buffer-limit", "1073741824"),
    ("cluster-allow-reads-when-down", "no"),
    ("cluster-node-timeout", "15000"),
    ("cluster-require-full-coverage", "yes"),
    ("dynamic-hz", "yes"),
    ("hash-max-listpack-entries", "512"),
    ("hash-max-listpack-value", "64"),
    ("hash-max-ziplist-entries", "512"),
    ("hash-max-ziplist-value", "64"),
    ("hll-sparse-max-bytes", "3000"),
    ("hz", "10"),
    ("latency-monitor-threshold", "0"),
    ("lazyfree-lazy-eviction", "no"),
    ("lazyfree-lazy-expire", "no"),
    ("lazyfree-lazy-server-del", "no"),
    ("lazyfree-lazy-user-del", "no"),
    ("lazyfree-lazy-user-flush", "no"),
    ("lfu-decay-time", "1"),
    ("lfu-log-factor", "10"),
    ("list-compress-depth", "0"),
    ("list-max-listpack-size", "-2"),
    ("list-max-ziplist-size", "-2"),
    ("loglevel", "notice"),
    ("lua-time-limit", "5000"),
    ("maxmemory-clients", "0"),
    ("maxmemory-eviction-tenacity", "10"),
    ("maxmemory-policy", "noeviction"),
    ("maxmemory-samples", "5"),
    ("min-replicas-max-lag", "10"),
    ("min-replicas-to-write", "0"),
    ("no-appendfsync-on-rewrite", "no"),
    ("notify-keyspace-events", ""),
    ("proto-max-bulk-len", "536870912"),
    ("rdb-key-save-delay", "0"),
    ("rdbcompression", "yes"),
    ("repl-backlog-size", "1048576"),
    ("repl-diskless-sync", "yes"),
    ("repl-diskless-sync-delay", "5"),
    ("repl-ping-replica-period", "10"),
    ("repl-timeout", "60"),
    ("save", ""),
    ("set-max-intset-entries", "512"),
    ("set-max-listpack-entries", "128"),
    ("slowlog-log-slower-than", "10000"),
    ("slowlog-max-len", "128"),
    ("stop-writes-on-bgsave-error", "yes"),
    ("stream-node-max-bytes", "4096"),
    ("stream-node-max-entries", "100"),
    ("tcp-keepalive", "300"),
    ("timeout", "0"),
    ("zset-max-listpack-entries", "128"),
    ("zset-max-listpack-value", "64"),
    ("zset-max-ziplist-entries", "128"),
    ("zset-max-ziplist-value", "64"),
];
const MAX_VALUE_SHOWN_BYTES: usize = 1024;

/// All settings of a node as CONFIG shows them.
#[derive(Debug)]
pub(crate) struct Settings {
    knobs: BTreeMap<&'static str, String>,
    facts: BTreeMap<&'static str, String>,
}

impl Settings {
    /// `port` and `bind` as they are; `memory_limit_bytes` as `maxmemory`.
    pub(crate) fn new(
        bind: String,
        port: u16,
        memory_limit_bytes: Option<u64>,
        has_password: bool,
    ) -> Settings {
        let facts = [
            ("appendfsync", "always".to_owned()),
            ("appendonly", "yes".to_owned()),
            ("bind", bind),
            ("cluster-enabled", "yes".to_owned()),
            ("databases", "1".to_owned()),
            ("maxclients", MAX_CONNECTIONS.to_string()),
            ("maxmemory", memory_limit_bytes.unwrap_or(0).to_string()),
            ("port", port.to_string()),
            // That there is one may be known; what it is, not.
            ("requirepass", if has_password { "(set)" } else { "" }.to_owned()),
        ];
        Settings {
            knobs: KNOBS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            facts: facts.into(),
        }
    }

    /// CONFIG GET pattern…
    pub(crate) fn get(&self, patterns: &[Bytes]) -> Reply {
        let all: BTreeMap<&str, &String> =
            self.knobs.iter().chain(&self.facts).map(|(name, value)| (*name, value)).collect();
        let wanted = |name: &str| {
            patterns.iter().any(|pattern| glob_matches(&pattern.to_ascii_lowercase(), name.as_bytes()))
        };
        Reply::Map(
            all.into_iter()
                .filter(|(name, _)| wanted(name))
                .map(|(name, value)| (Reply::bulk(name), Reply::bulk(value.clone())))
                .collect(),
        )
    }

    /// CONFIG SET name value…: all or nothing.
    pub(crate) fn set(&mut self, pairs: &[Bytes]) -> Reply {
        let mut changes = Vec::new();
        if !pairs.len().is_multiple_of(2) {
            return Reply::error("ERR wrong number of arguments for 'config|set' command");
        }
        for pair in pairs.chunks(2) {
            let name = String::from_utf8_lossy(&pair[0]).to_ascii_lowercase();
            if self.facts.contains_key(name.as_str()) {
                // Tools that set what is already so are content.
                if self.facts[name.as_str()].as_bytes() == &pair[1][..] {
                    continue;
                }
                return Reply::error(format!(
                    "ERR CONFIG SET failed (possibly related to argument '{name}') - this is set when the node is started (see quartet start --help)"
                ));
            }
            let Some((known, _)) = self.knobs.get_key_value(name.as_str()) else {
                let shown: String = name.chars().take(64).collect();
                return Reply::error(format!(
                    "ERR Unknown option or number of arguments for CONFIG SET - '{shown}'"
                ));
            };
            let value = &pair[1][..pair[1].len().min(MAX_VALUE_SHOWN_BYTES)];
            changes.push((*known, String::from_utf8_lossy(value).into_owned()));
        }
        self.knobs.extend(changes);
        Reply::OK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<Bytes> {
        words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
    }

    #[test]
    fn knobs_keep_what_they_are_set_to_and_facts_do_not_change() {
        let mut settings = Settings::new("127.0.0.1".into(), 7001, None, true);
        assert_eq!(settings.set(&words(&["HZ", "50", "save", "900 1"])), Reply::OK);
        assert_eq!(settings.get(&words(&["hz"])), Reply::Map(vec![(Reply::bulk("hz"), Reply::bulk("50"))]));
        assert!(settings.set(&words(&["hz", "1", "port", "1"])).is_error());
        assert_eq!(settings.get(&words(&["h?"])), Reply::Map(vec![(Reply::bulk("hz"), Reply::bulk("50"))]));
        assert!(settings.set(&words(&["nonsense", "1"])).is_error());
        assert_eq!(settings.get(&words(&["nonsense*"])), Reply::Map(vec![]));
        assert_eq!(settings.set(&words(&["appendonly", "yes"])), Reply::OK);
        let shown = format!("{:?}", settings.get(&words(&["requirepass"])));
        assert!(shown.contains("(set)"));
    }

    #[test]
    fn knobs_are_sorted_and_in_lower_case() {
        assert!(KNOBS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
