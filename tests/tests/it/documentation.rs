//! Docs that cannot be wrong, because they are run or compared.

use std::fs;
use std::process::Command;

use servertree_tests::{Service, workspace_root};
use tempfile::TempDir;

/// The README's tour, as printed: each command must succeed, and print what the block below it says. In that block `…`
/// stands for anything.
#[tokio::test]
async fn the_tour_runs_as_printed() {
    let service = Service::start().await;
    let folder = TempDir::new().unwrap();
    let readme = fs::read_to_string(workspace_root().join("README.md")).unwrap();
    let (_, tour) = readme.split_once("## A tour in five minutes").expect("a tour in the README");
    let tour = tour.split_once("\n## ").map_or(tour, |(tour, _)| tour);
    let steps: Vec<(&str, &str)> = blocks(tour);
    assert!(steps.len() >= 6, "the tour has {} steps", steps.len());
    // One shell for all of them, as a reader has; after each step it prints a mark.
    let mut script = String::from("set -e\n");
    for (command, _) in &steps {
        // The only thing that differs from the page: where the service listens.
        script += &command.replace("http://127.0.0.1:8080", service.base());
        script += "\necho; echo ===end-of-step===\n";
    }
    let output = tokio::task::spawn_blocking(move || {
        Command::new("bash").current_dir(folder.path()).args(["-c", &script]).output().unwrap()
    })
    .await
    .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    for ((command, expected), actual) in steps.iter().zip(printed.split("===end-of-step===")) {
        assert!(matches(expected.trim(), actual.trim()), "{command}\nprints\n{actual}\nand not\n{expected}");
    }
    service.stop().await;
}

/// Pairs of a `sh` block and the `text` block that follows it, if one does.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let mut steps = Vec::new();
    for part in text.split("```sh\n").skip(1) {
        let (command, rest) = part.split_once("```").expect("a block that ends");
        let expected = rest.split_once("```text\n").and_then(|(_, block)| block.split_once("```"));
        steps.push((command, expected.map_or("…", |(expected, _)| expected)));
    }
    steps
}

/// Whether `text` is `pattern`, with `…` for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    for (place, part) in pattern.split('…').enumerate() {
        match (place, rest.find(part)) {
            (0, Some(0)) | (1.., Some(_)) => rest = &rest[rest.find(part).unwrap() + part.len()..],
            _ => return false,
        }
    }
    rest.is_empty() || pattern.ends_with('…')
}

#[test]
fn the_readme_lists_every_setting_with_its_default() {
    let readme = fs::read_to_string(workspace_root().join("README.md")).unwrap();
    let defaults = fs::read_to_string(workspace_root().join("config/default.toml")).unwrap();
    let mut section = "";
    for line in defaults.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((key, value)) = line.split_once(" = ") {
            let row = format!("| `{section}.{key}` | `{value}` |");
            assert!(readme.contains(&row), "the README has no row {row}");
        }
    }
}

/// Links within the docs lead somewhere.
#[test]
fn links_lead_somewhere() {
    let root = workspace_root();
    let listed = Command::new("git").args(["ls-files", "*.md"]).current_dir(root).output().unwrap();
    for page in String::from_utf8(listed.stdout).unwrap().lines() {
        let text = fs::read_to_string(root.join(page)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                let path = root.join(page).parent().unwrap().join(target);
                assert!(path.exists(), "{page} links to {link}, which is not there");
            }
        }
    }
}
