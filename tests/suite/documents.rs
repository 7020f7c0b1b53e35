//! The documents: links lead somewhere, the manual lists its pages, and pictures exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn documents() -> Vec<PathBuf> {
    let in_docs = std::fs::read_dir("docs").unwrap().map(|e| e.unwrap().path());
    let own = ["README.md", "DESIGN.md", "CHANGELOG.md"].map(PathBuf::from);
    in_docs.filter(|p| p.extension().is_some_and(|e| e == "md")).chain(own).collect()
}

/// The targets of the links of a document, outside of code.
fn links(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for (number, part) in text.split("```").enumerate() {
        if number % 2 == 0 {
            targets.extend(
                part.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_string())),
            );
        }
    }
    targets
}

#[test]
fn links_and_pictures_exist() {
    let mut seen = 0;
    for document in documents() {
        let folder = document.parent().unwrap_or(Path::new("."));
        for target in links(&std::fs::read_to_string(&document).unwrap()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.starts_with("http") {
                continue;
            }
            assert!(folder.join(file).exists(), "{}: {target}", document.display());
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen} links: the test reads nothing");
}

#[test]
fn the_manual_lists_all_of_its_pages() {
    let listed: BTreeSet<String> =
        links(&std::fs::read_to_string("docs/SUMMARY.md").unwrap()).into_iter().collect();
    for page in documents().iter().filter(|p| p.starts_with("docs") && !p.ends_with("SUMMARY.md")) {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(listed.contains(&name), "{name} is not in docs/SUMMARY.md");
    }
    assert!(listed.len() > 10);
}
