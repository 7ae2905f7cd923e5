//! Holds the events of a context against the page that documents them.

use serde_json::Value;

use crate::event::{EventType, Publication};

/// Fails unless `page` has, for each event of a context, a heading with its name and below it a `json` block that is
/// just what the event's `data` is. `all` are those in the manifest, `examples` one of each.
pub fn assert_documented(page: &str, all: &[EventType], examples: &[Publication]) {
    let all: Vec<&str> = all.iter().map(|event| event.name).collect();
    let names: Vec<&str> = examples.iter().map(Publication::event_type).collect();
    assert_eq!(all, names, "the manifest and the examples name different events");
    for example in examples {
        let heading = format!("### {}\n", example.event_type());
        let section = page.split_once(&heading).map(|(_, section)| section);
        let section = section.unwrap_or_else(|| panic!("docs/EVENTS.md has no heading {heading}"));
        let block = section.split_once("```json\n").and_then(|(_, block)| block.split_once("```"));
        let documented: Value = block
            .and_then(|(block, _)| serde_json::from_str(block).ok())
            .unwrap_or_else(|| panic!("docs/EVENTS.md has no JSON below {heading}"));
        let actual: Value = serde_json::from_str(example.data()).expect("an event in JSON");
        assert_eq!(documented, actual, "docs/EVENTS.md shows {} otherwise than it is", example.event_type());
    }
}
