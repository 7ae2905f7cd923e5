//! Docs that cannot be wrong, because they are run or compared.

use std::fs;
use std::process::Command;

use servertree_tests::{Engine, Program, Service, only_on, workspace_root};

#[tokio::test]
async fn the_tour_runs_as_printed() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let readme = fs::read_to_string(workspace_root().join("README.md")).unwrap();
    let (_, tour) = readme.split_once("## A tour in five minutes").expect("a tour in the README");
    run_as_printed(tour.split_once("\n## ").map_or(tour, |(tour, _)| tour)).await;
}

#[tokio::test]
async fn the_examples_of_the_api_run_as_printed() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    run_as_printed(&fs::read_to_string(workspace_root().join("docs/API.md")).unwrap()).await;
}

#[tokio::test]
async fn the_commands_of_operations_run_as_printed() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    run_as_printed(&fs::read_to_string(workspace_root().join("docs/operations.md")).unwrap()).await;
}

/// Runs each command of a page against a new service: it must succeed, and print what the block below it says. In that
/// block `…` stands for anything.
async fn run_as_printed(page: &str) {
    let service = Service::start().await;
    let folder = service.folder().to_owned();
    let steps: Vec<(&str, &str)> = blocks(page);
    assert!(steps.len() >= 6, "only {} steps", steps.len());
    // One shell for all of them, as a reader has; after each step it prints a mark.
    let mut script = String::from("set -e\n");
    for (command, _) in &steps {
        // The only thing that differs from the page: where the service listens.
        script += &command.replace("http://127.0.0.1:8080", service.base());
        script += "\necho; echo ===end-of-step===\n";
    }
    let output = tokio::task::spawn_blocking(move || {
        let programs = Program::Servertree.path().parent().unwrap().display().to_string();
        let path = format!("{programs}:/usr/local/bin:/usr/bin:/bin");
        Command::new("bash").current_dir(folder).env("PATH", path).args(["-c", &script]).output().unwrap()
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
        // The next block, if that is one of output.
        let expected =
            rest.split_once("```").and_then(|(_, block)| block.strip_prefix("text\n")?.split_once("```"));
        steps.push((command, expected.map_or("…", |(expected, _)| expected)));
    }
    steps
}

/// Whether `text` is `pattern`, with `…` for anything.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, others)) = pattern.split_once('…') else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let (middle, last) = others.rsplit_once('…').unwrap_or(("", others));
    for part in middle.split('…') {
        match rest.find(part) {
            Some(place) => rest = &rest[place + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[test]
fn patterns_match_what_they_say() {
    for (pattern, text, expected) in [
        ("ab", "ab", true),
        ("ab", "abc", false),
        ("a…", "abc", true),
        ("…c", "abc", true),
        ("a…c", "abcbc", true),
        ("a…b…c", "a-b-c", true),
        ("a…c…b", "a-b-c", false),
        ("a…c", "abcd", false),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
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
