//! Bugs that others have had, planted in every node, and a story that ends otherwise then. So the stories are no decoration.
//!
//! Built only with the feature `planted` (`docs/simulator.md`). What general search finds of the same bugs stands in `planted.rs`.

#![cfg(feature = "planted")]

mod teller;

use node::planted::Planted;
use sim::stories::Story;
use teller::Teller;

/// Whether a story ends as recorded in a cluster with this bug.
fn ends_as_recorded(planted: Planted, name: &str) -> bool {
    let file = format!("{}/tests/stories/{name}.story", env!("CARGO_MANIFEST_DIR"));
    let recorded = std::fs::read_to_string(file).expect("the story is there");
    let told = std::panic::catch_unwind(|| goldenscript::generate(&mut Teller(Story::with(planted)), &recorded));
    matches!(told, Ok(Ok(told)) if told == recorded)
}

#[test]
fn matrix() {
    let root = format!("{}/tests/stories", env!("CARGO_MANIFEST_DIR"));
    let mut names = vec![];
    for folder in std::fs::read_dir(&root).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            names.push(path.strip_prefix(&root).unwrap().to_str().unwrap().replace(".story", ""));
        }
    }
    names.sort();
    if let Ok(show) = std::env::var("SHOW") {
        let (bug, name) = show.split_once(':').unwrap();
        for planted in sim::run::PLANTED {
            if format!("{planted:?}") == bug {
                let recorded = std::fs::read_to_string(format!("{root}/{name}.story")).unwrap();
                println!("{}", goldenscript::generate(&mut Teller(Story::with(planted)), &recorded).unwrap());
            }
        }
        return;
    }
    for planted in sim::run::PLANTED {
        let by: Vec<&String> = names.iter().filter(|name| !ends_as_recorded(planted, name)).collect();
        println!("MATRIX {planted:?} {by:?}");
    }
}
