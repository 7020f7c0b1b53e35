//! Compilation of every kernel for every architecture, without spills, and errors of the compiler.

use super::*;
use std::collections::BTreeMap;

/// The compiler, unless it is missing and optional.
fn compiler() -> Option<Compiler> {
    match Compiler::find() {
        Ok(compiler) => Some(compiler),
        Err(e) => {
            assert!(e.is_device() && e.to_string().contains("NVRTC"), "{e}");
            let required = std::env::var_os("MULTIGRAD_NVRTC").is_some_and(|v| v == "required");
            assert!(!required, "{e}");
            None
        }
    }
}

#[derive(Debug, Default)]
struct Usage {
    registers: usize,
    stack: usize,
    spilled: usize,
}

/// Registers, stack and spills of every kernel in a log.
fn usage(log: &str) -> BTreeMap<String, Usage> {
    let mut kernels: BTreeMap<String, Usage> = BTreeMap::new();
    let mut name = String::new();
    for line in log.lines() {
        if let Some((_, rest)) = line.split_once("Compiling entry function '") {
            name = rest.split('\'').next().unwrap().to_owned();
        }
        let number_before = |what: &str| -> Option<usize> {
            line.split_once(what)?.0.split_whitespace().next_back()?.parse().ok()
        };
        let kernel = kernels.entry(name.clone()).or_default();
        kernel.registers = kernel.registers.max(number_before(" registers").unwrap_or(0));
        kernel.stack = kernel.stack.max(number_before(" bytes stack frame").unwrap_or(0));
        kernel.spilled += number_before(" bytes spill stores").unwrap_or(0);
        kernel.spilled += number_before(" bytes spill loads").unwrap_or(0);
    }
    kernels.remove("");
    kernels
}

#[test]
fn every_file_is_listed() {
    let mut files: Vec<String> = std::fs::read_dir("kernels")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".cu"))
        .collect();
    files.sort();
    files.insert(0, "prelude.h".into());
    let listed: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, files);
}

/// A function that is called but not checked would panic if it is missing.
#[test]
fn every_function_is_looked_for() {
    let mut called: Vec<&str> = include_str!("compile.rs")
        .split("sys::nvrtc")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next())
        .filter(|name| name.starts_with(char::is_uppercase) && !["Program", "Version"].contains(name))
        .collect();
    called.sort_unstable();
    called.dedup();
    let listed: Vec<&str> = FUNCTIONS.iter().map(|name| &name[5..]).collect();
    assert_eq!(called, listed);
}

#[test]
fn spills_are_seen() {
    let log = "ptxas info    : Compiling entry function 'a' for 'sm_90'\n\
               ptxas         .     8 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads\n\
               ptxas info    : Used 255 registers, used 1 barriers\n";
    let usage = usage(log);
    let a = &usage["a"];
    assert_eq!((usage.len(), a.registers, a.stack, a.spilled), (1, 255, 8, 28));
}

#[test]
fn every_kernel_compiles() {
    let Some(compiler) = compiler() else { return };
    let mut kernels: Vec<&str> = FILES
        .iter()
        .flat_map(|(_, text)| text.lines())
        .filter_map(|line| line.strip_prefix("KERNEL(").or_else(|| line.strip_prefix("BLOCK_KERNEL(")))
        .filter_map(|rest| Some(rest.split_once(',')?.0))
        .collect();
    kernels.sort_unstable();
    assert!(!kernels.is_empty());
    let mut targets = vec![Target::Portable(80)];
    targets
        .extend([75, 80, 90].into_iter().filter(|a| compiler.architectures.contains(a)).map(Target::Machine));
    assert!(targets.len() >= 3, "{compiler:?}");
    println!("{:<32} {:>10} {:>9} {:>6} {:>8}", "kernel", "target", "registers", "stack", "spilled");
    let mut spilled = Vec::new();
    for precision in Precision::ALL {
        for &target in &targets {
            let options =
                if matches!(target, Target::Machine(_)) { &["--ptxas-options=-v"][..] } else { &[] };
            let machine = matches!(target, Target::Machine(_));
            let made = compiler.compile(&text(), precision, target, options).unwrap();
            for line in made.log.lines().filter(|line| line.contains("warning")) {
                println!("{line}");
            }
            if !machine {
                let portable = String::from_utf8(made.image).unwrap();
                for kernel in &kernels {
                    let entry = format!(".entry {kernel}_{}(", precision.suffix());
                    assert!(portable.contains(&entry), "{entry}");
                }
                continue;
            }
            assert!(made.image.starts_with(b"\x7fELF"));
            let usage = usage(&made.log);
            for (kernel, u) in &usage {
                let target = target.to_string();
                println!("{kernel:<32} {target:>10} {:>9} {:>6} {:>8}", u.registers, u.stack, u.spilled);
                assert!(u.registers > 0, "{}", made.log);
                if u.spilled > 0 {
                    spilled.push(format!("{kernel} {target} {}", u.spilled));
                }
            }
            let mut expected: Vec<String> =
                kernels.iter().map(|kernel| format!("{kernel}_{}", precision.suffix())).collect();
            expected.sort();
            assert!(usage.keys().eq(&expected), "{usage:?}\n{expected:?}");
        }
    }
    assert!(spilled.is_empty(), "registers are spilled: {spilled:?}");
}

#[test]
fn a_complaint_names_file_and_line() {
    let Some(compiler) = compiler() else { return };
    let target = Target::Machine(*compiler.architectures.last().unwrap());
    let broken = text().replacen("u64 q = INDEX;", "u64 q = INDEX", 1);
    let error = compiler.compile(&broken, Precision::F32, target, &[""; 0]).unwrap_err();
    let (file, source) = FILES.iter().find(|(_, source)| source.contains("u64 q = INDEX;")).unwrap();
    let line = source.lines().position(|line| line.contains("u64 q = INDEX;")).unwrap() + 2;
    assert!(error.is_device());
    let message = error.to_string();
    assert!(message.contains(&format!("{file}({line}): error")), "{message}");
    assert!(message.contains(&format!("the kernels in f32 for {target}")), "{message}");
    assert!(message.lines().count() <= LINES + 1, "{message}");
}

#[test]
fn what_is_compiled_for() {
    let architectures = vec![75, 80, 86, 90, 100, 120];
    let compiler = Compiler { version: Version(13, 0), architectures };
    assert_eq!(compiler.target(Version(9, 0)).unwrap(), Target::Machine(90));
    assert_eq!(compiler.target(Version(8, 9)).unwrap(), Target::Portable(86));
    assert_eq!(compiler.target(Version(12, 1)).unwrap(), Target::Portable(120));
    let error = compiler.target(Version(7, 0)).unwrap_err();
    assert!(error.is_device() && error.to_string().contains("13.0"), "{error}");
}
