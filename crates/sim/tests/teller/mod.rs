//! Between `goldenscript`, which reads stories and compares, and `sim::stories`, which tells them.

use goldenscript::{Argument, Command, Context};
use sim::stories::{Line, Story};
use std::error::Error;

/// Tells one story.
#[derive(Default)]
pub(crate) struct Teller(pub(crate) Story);

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
