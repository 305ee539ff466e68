//! `docs/redis.md` lists exactly the commands of the table, with the levels that each has. `REWRITE_DOCS=1 cargo test -p proto --test docs` rewrites the list.

use proto::commands::{Family, Row, table};
use proto::level::Level;

const BEGIN: &str = "<!-- table -->\n";
const END: &str = "<!-- /table -->";

fn rendered() -> String {
    let groups = [
        ("string", "Strings"),
        ("set", "Sets"),
        ("hash", "Hashes"),
        ("list", "Lists"),
        ("sorted-set", "Sorted sets"),
        ("generic", "Keys"),
        ("connection", "Connection"),
        ("server", "Server"),
        ("scripting", "Scripting"),
        ("cluster", "Cluster"),
        ("quartet", "Quartet's own"),
    ];
    assert!(table().iter().all(|row| groups.iter().any(|(group, _)| *group == row.group)));
    let mut text = String::new();
    for (group, title) in groups {
        let has_levels = table().iter().any(|row| row.group == group && row.takes_level());
        let columns = if has_levels { " linearizable | sequential | causal | eventual |" } else { "" };
        let rule = if has_levels { "---|---|---|---|" } else { "" };
        text.push_str(&format!("\n| {title} | |{columns}\n|---|---|{rule}\n"));
        let listed = |row: &&Row| row.group == group && (row.subcommands().is_empty() || row.takes(1));
        for row in table().iter().filter(listed) {
            let name = row.name.to_ascii_uppercase().replace('|', " ");
            let kind = match row.family {
                Family::Data(_) if row.is_write() => " (write)",
                _ => "",
            };
            let mark = |level| match (row.has_level(level), row.weak_condition()) {
                (true, "") => " ✓ |".to_owned(),
                (true, condition) if level.is_weak() => format!(" {condition} |"),
                (true, _) => " ✓ |".to_owned(),
                (false, _) => " |".to_owned(),
            };
            let marks: String = Level::ALL.into_iter().filter(|_| has_levels).map(mark).collect();
            text.push_str(&format!("| `{name}` | {}{kind} |{marks}\n", row.summary));
        }
    }
    text.push('\n');
    text
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test that reads, and if asked writes, one document")]
fn the_page_lists_the_commands_of_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/redis.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the table");
    let (listed, after) = rest.split_once(END).expect("the place has an end");
    if std::env::var_os("REWRITE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", rendered()))
            .expect("the page can be written");
        return;
    }
    assert_eq!(listed, rendered(), "run: REWRITE_DOCS=1 cargo test -p proto --test docs");
}
