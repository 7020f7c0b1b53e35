//! The order of modules: every `crate::` path in `src` names a module of a lower floor, or the same
//! module. Files of tests (`*_tests.rs`) are exempt: the test of a generator may use the direct
//! solver above it.

use std::path::Path;

/// Lowest floor first; modules of one floor do not see each other unless listed in `BESIDE`.
const FLOORS: [&[&str]; 14] = [
    &["error", "memory", "parallel", "simd"],
    &["limits"],
    &["sparse", "gallery"],
    &["backend", "operator", "optimise"],
    &["krylov", "newton", "schwarz"],
    &["autodiff", "engine"],
    &["cycle_tape", "functions", "setup"],
    &["multigrid"],
    &["solver"],
    &["learn"],
    &["gpu", "petsc"],
    &["integrations", "plot"],
    &["report"],
    &["cli"],
];

/// Imports within a floor: (from, of).
const BESIDE: [(&str, &str); 2] = [("gallery", "sparse"), ("operator", "backend")];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|names| names.contains(&module))
}

fn visit(path: &Path, check: &mut dyn FnMut(&Path, &str)) {
    if path.is_dir() {
        let mut entries: Vec<_> = std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        entries.iter().for_each(|p| visit(p, check));
    } else if path.extension().is_some_and(|e| e == "rs") && !path.to_string_lossy().ends_with("_tests.rs") {
        check(path, &std::fs::read_to_string(path).unwrap());
    }
}

/// The module that a file belongs to, and the modules that its code names as `crate::module`.
fn imports(root: &Path, path: &Path, text: &str) -> Option<(String, Vec<String>)> {
    let own = path.strip_prefix(root).ok()?.components().next()?.as_os_str().to_str()?;
    let own = own.trim_end_matches(".rs").to_string();
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let named = code.flat_map(|line| {
        line.split("crate::")
            .skip(1)
            .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
    });
    Some((own, named.collect()))
}

#[test]
fn imports_go_down_only() {
    let root = Path::new("src");
    let (mut files, mut edges) = (0, 0);
    visit(root, &mut |path, text| {
        let (own, named) = imports(root, path, text).unwrap();
        if ["lib", "main", "petsc_main"].contains(&own.as_str()) {
            return;
        }
        files += 1;
        let here = floor(&own).unwrap_or_else(|| panic!("{own} is on no floor"));
        for module in named.iter().filter(|m| **m != own) {
            let there = floor(module).unwrap_or_else(|| panic!("{}: crate::{module}?", path.display()));
            let beside = BESIDE.contains(&(own.as_str(), module.as_str()));
            assert!(
                there < here || beside,
                "{}: {own} imports {module}, which is not below it",
                path.display()
            );
            edges += 1;
        }
    });
    assert!(files > 60 && edges > 100, "{files} files, {edges} imports: the test reads nothing");
}

#[test]
fn an_upward_import_would_be_seen() {
    let (own, named) =
        imports(Path::new("/s"), Path::new("/s/sparse/a.rs"), "use crate::learn::Trainer;\n// crate::cli\n")
            .unwrap();
    assert_eq!((own.as_str(), named), ("sparse", vec!["learn".to_string()]));
    assert!(floor("learn") > floor("sparse"));
}
