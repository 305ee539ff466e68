//! A network address as people write it: a host name or IP address, and a port.
//!
//! Names are not resolved here; the body does that each time it connects, so that a name may move. Addresses order by host, then by
//! port as a number, which is what gives nodes on one host ids in the order of their ports.

use proto::limits::MAX_HOST_BYTES;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// `HOST:PORT`, with brackets around an IPv6 host when printed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    /// A name, an IPv4 address, or an IPv6 address without brackets. 1 to `MAX_HOST_BYTES` bytes.
    pub host: String,
    /// From 1.
    pub port: u16,
}

/// Why a text is no address; says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError(String);

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// Puts an address together. What the parser would refuse, [`Address::check`] refuses.
    pub fn new(host: impl Into<String>, port: u16) -> Address {
        Address { host: host.into(), port }
    }

    /// Whether this can be an address at all. Decoders call it on what came from outside.
    pub fn check(&self) -> Result<(), AddressError> {
        let host = &self.host;
        if host.is_empty() {
            return Err(AddressError(
                "the host is missing; write HOST:PORT, for example 10.0.0.7:7201".to_owned(),
            ));
        }
        if host.len() > MAX_HOST_BYTES {
            return Err(AddressError(format!(
                "a host name of {} bytes is too long; the limit is {MAX_HOST_BYTES}",
                host.len()
            )));
        }
        if let Some(odd) =
            host.chars().find(|&c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%')))
        {
            return Err(AddressError(format!(
                "{odd:?} cannot stand in a host name; write HOST:PORT, for example 10.0.0.7:7201"
            )));
        }
        if self.port == 0 {
            return Err(AddressError(format!(
                "port 0 of {host} cannot be connected to; write a port from 1 to 65535"
            )));
        }
        Ok(())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let hint = "write HOST:PORT, for example 10.0.0.7:7201 or [fd00::7]:7201";
        let shown: String = text.chars().take(80).collect();
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest
                .split_once(']')
                .ok_or_else(|| AddressError(format!("{shown:?} lacks the closing ]; {hint}")))?;
            let port = rest
                .strip_prefix(':')
                .ok_or_else(|| AddressError(format!("{shown:?} has no port; {hint}")))?;
            (host, port)
        } else {
            let (host, port) = text
                .rsplit_once(':')
                .ok_or_else(|| AddressError(format!("{shown:?} has no port; {hint}")))?;
            if host.contains(':') {
                return Err(AddressError(format!("{shown:?}: an IPv6 address stands in brackets; {hint}")));
            }
            (host, port)
        };
        if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(AddressError(format!("{shown:?}: the port is not a number; {hint}")));
        }
        let port: u16 = port
            .parse()
            .map_err(|_| AddressError(format!("{shown:?}: the port is not between 1 and 65535; {hint}")))?;
        let address = Address::new(host, port);
        address.check().map_err(|AddressError(why)| AddressError(format!("{shown:?}: {why}")))?;
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_parsed_back() {
        for text in ["127.0.0.1:7201", "node-1.example:1", "[::1]:65535", "[fe80::1%eth0]:80"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("[::1]:7201".parse::<Address>().unwrap(), Address::new("::1", 7201));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("localhost", "no port"),
            ("", "no port"),
            (":7201", "host is missing"),
            ("a:b", "not a number"),
            ("a:", "not a number"),
            ("a:+1", "not a number"),
            ("a:65536", "between 1 and 65535"),
            ("a:0", "port 0"),
            ("::1:7201", "brackets"),
            ("[::1", "closing ]"),
            ("[::1]7201", "no port"),
            ("[]:7201", "host is missing"),
            ("a b:7201", "cannot stand in a host name"),
            ("http://a:7201", "brackets"),
        ] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(part), "{text:?} gives {error:?}");
        }
        let long = format!("{}:1", "a".repeat(MAX_HOST_BYTES + 1));
        assert!(long.parse::<Address>().unwrap_err().to_string().contains("too long"));
    }

    #[test]
    fn ports_order_as_numbers() {
        assert!(Address::new("a", 999) < Address::new("a", 7201));
        assert!(Address::new("a", 7201) < Address::new("b", 1));
    }
}
