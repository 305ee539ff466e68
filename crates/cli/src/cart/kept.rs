//! What is kept from one call of `cart` to the next: whose cart it is, what the session has seen, and where the nodes are, so that the next call finds one when this one's is down.

use super::Shape;
use crate::exit::Failure;
use crate::visit::Place;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The contents of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) name: String,
    pub(super) list: bool,
    pub(super) token: Option<String>,
    /// The newest stamp that was given out or seen.
    pub(super) newest: u64,
    /// `HOST:PORT` of each node, the one that was asked last first.
    pub(super) nodes: Vec<String>,
}

impl Kept {
    pub(super) fn shape(&self) -> Shape {
        if self.list { Shape::List } else { Shape::Set }
    }

    pub(super) fn remember_places(&mut self, here: &Place, all: &[Place]) {
        let others = all.iter().filter(|place| *place != here);
        self.nodes = [here].into_iter().chain(others).map(|place| place.address.clone()).collect();
    }
}

/// Nothing, where nobody has logged in.
pub(super) fn load(file: &Path) -> Result<Option<Kept>, Failure> {
    match std::fs::read_to_string(file) {
        Ok(text) => serde_json::from_str(&text).map(Some).map_err(|error| {
            Failure::bad_input(format!(
                "{} is damaged ({error}); move it away, or log in anew",
                file.display()
            ))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::bad_input(format!("cannot read {}: {error}", file.display()))),
    }
}

pub(super) fn save(file: &Path, kept: &Kept) -> Result<(), Failure> {
    let text = serde_json::to_string(kept).expect("texts and numbers are valid JSON");
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    // A reader finds the old file or the new one, never half of one.
    let aside = file.with_extension("new");
    let written =
        made.and_then(|()| std::fs::write(&aside, text + "\n")).and_then(|()| std::fs::rename(&aside, file));
    written.map_err(|error| {
        Failure::bad_input(format!(
            "cannot write {}: {error}; choose another file with --state",
            file.display()
        ))
    })
}

/// Reads what might be a kept session; for the fuzz targets.
pub(super) fn read_all(text: &str) {
    if let Ok(kept) = serde_json::from_str::<Kept>(text) {
        let again = serde_json::to_string(&kept).expect("texts and numbers are valid JSON");
        assert_eq!(serde_json::from_str::<Kept>(&again).ok(), Some(kept));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new folder").join("cart.json");
        assert_eq!(load(&file).unwrap(), None);
        let mut kept = Kept {
            name: "alice".to_owned(),
            list: true,
            token: Some("abc".to_owned()),
            newest: u64::MAX,
            nodes: Vec::new(),
        };
        let place = |node| Place { node, address: format!("h:{node}") };
        kept.remember_places(&place(2), &[place(1), place(2), place(3)]);
        assert_eq!(kept.nodes, ["h:2", "h:1", "h:3"]);
        save(&file, &kept).unwrap();
        assert_eq!(load(&file).unwrap(), Some(kept));
        std::fs::write(&file, "{").unwrap();
        assert!(load(&file).is_err());
    }
}
