//! Hand-written stories over real cores, with recorded output: one test a story, so that the one that fails is named.
//!
//! What a story can say stands in `docs/simulator.md`. `UPDATE_GOLDENFILES=1 cargo nextest run -p sim --test stories` records what is told anew: read the difference.

use goldenscript::{Argument, Command, Context};
use sim::stories::{Line, Story};
use std::error::Error;

#[derive(Default)]
struct Teller(Story);

impl goldenscript::Runner for Teller {
    type Command = Command;

    fn run(&mut self, command: &Command, context: &Context) -> Result<String, Box<dyn Error>> {
        let words = command.args.iter().map(|argument| match argument {
            Argument::Positional(value) => value.clone(),
            Argument::KeyValue(key, value) => format!("{key}={value}"),
            other => other.to_string(),
        });
        let words: Vec<String> = std::iter::once(command.name.clone()).chain(words).collect();
        let tags: Vec<&str> = context.tags.iter().map(String::as_str).collect();
        let line = Line { who: context.prefix.as_deref(), words: &words, tags: &tags };
        Ok(self.0.tell(line)?)
    }
}

/// The stories of each folder. One that is not named here fails `every_story_is_told`.
macro_rules! stories {
    ($($folder:ident { $($name:ident)* })*) => {
        $(mod $folder {
            $(#[test]
            fn $name() -> std::io::Result<()> {
                let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories/", stringify!($folder), "/", stringify!($name), ".story");
                goldenscript::run(&mut super::Teller::default(), file)
            })*
        })*

        #[test]
        fn every_story_is_told() {
            let told: Vec<&str> = vec![$($(concat!(stringify!($folder), "/", stringify!($name), ".story")),*),*];
            let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories");
            let folders = std::fs::read_dir(root).expect("the folder of stories").map(|entry| entry.expect("a name").path());
            let files = folders.flat_map(|folder| std::fs::read_dir(folder).expect("a folder of stories"));
            for file in files.map(|entry| entry.expect("a name").path()) {
                let name = file.strip_prefix(root).expect("below the root").to_str().expect("text").to_owned();
                assert!(told.contains(&name.as_str()), "{name} is not named in crates/sim/tests/stories.rs");
            }
        }
    };
}

stories! {
    elections {
        first
    }
}
