//! `start`: one node, in this process.

use crate::arguments::Start;
use crate::dev;
use crate::exit::{Exit, Failure};
use crate::secret::{CLUSTER_SECRET, REQUIREPASS, from_file_or_environment};
use directory::Address;
use server::config::Config;

pub(crate) fn run(arguments: &Start) -> Result<Exit, Failure> {
    if let Some(parent) = arguments.exit_with_parent {
        dev::exit_with_parent(parent)?;
    }
    observe::logging::to_stderr();
    let config = config(arguments)?;
    server::run(config).map_err(|refusal| Failure::bad_input(refusal.to_string()))?;
    Ok(Exit::Done)
}

fn config(arguments: &Start) -> Result<Config, Failure> {
    let secret = |file: &Option<std::path::PathBuf>, name| {
        from_file_or_environment(file.as_deref(), name).map(|secret| secret.map(String::into_bytes))
    };
    let join = arguments.join.iter().map(|address| address.parse::<Address>());
    let join =
        join.collect::<Result<_, _>>().map_err(|error| Failure::bad_input(format!("--join: {error}")))?;
    let mut config = Config::new(arguments.data.clone());
    config.listen.clone_from(&arguments.listen);
    config.advertise.clone_from(&arguments.advertise);
    config.resp_port = arguments.resp_port;
    config.level_ports.clone_from(&arguments.level_port);
    config.http_port = arguments.http_port;
    config.peer_port = arguments.peer_port;
    config.join = join;
    config.bootstrap_expect = arguments.bootstrap_expect;
    config.replicas = arguments.replicas.unwrap_or(config.replicas);
    config.shards = arguments.shards.unwrap_or(config.shards);
    config.password = secret(&arguments.requirepass_file, REQUIREPASS)?;
    config.secret = secret(&arguments.cluster_secret_file, CLUSTER_SECRET)?;
    config.memory_limit_bytes = arguments.memory_limit;
    config.allow_faults = arguments.allow_faults;
    Ok(config)
}
