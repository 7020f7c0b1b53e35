//! Compiles the kernels for the emulator, which tests use in place of a card, and the calls of PETSc. Without the features
//! `emulator` and `petsc` it does nothing.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "emulator")]
    emulator::build();
    #[cfg(feature = "petsc")]
    petsc::build();
}

#[cfg(feature = "petsc")]
mod petsc {
    /// The oldest PETSc whose functions `native.c` calls.
    const OLDEST: &str = "3.18";

    pub fn build() {
        for file in ["src/petsc/native.c", "bindings/petsc/multigrad_petsc.h"] {
            println!("cargo::rerun-if-changed={file}");
        }
        // The name of the file is PETSc.pc or petsc.pc.
        let find = |name| pkg_config::Config::new().atleast_version(OLDEST).probe(name);
        let library = find("PETSc").or_else(|_| find("petsc"));
        let library = match library {
            Ok(library) => library,
            Err(e) => {
                println!(
                    "cargo::error=the feature `petsc` needs PETSc {OLDEST} or later and pkg-config; install them (Debian, Ubuntu: apt install petsc-dev pkg-config) or set PKG_CONFIG_PATH to the folder of PETSc.pc"
                );
                println!("cargo::error={}", e.to_string().lines().next().unwrap_or_default());
                std::process::exit(1);
            }
        };
        // The compiler of MPI knows where its headers and libraries are.
        let mpicc = std::env::var("MPICC").unwrap_or_else(|_| "mpicc".into());
        let mut build = cc::Build::new();
        if std::process::Command::new(&mpicc).arg("--version").output().is_ok_and(|o| o.status.success()) {
            build.compiler(&mpicc);
            for word in
                words(&mpicc, "--showme:link").or_else(|| words(&mpicc, "-link_info")).unwrap_or_default()
            {
                if let Some(folder) = word.strip_prefix("-L") {
                    println!("cargo::rustc-link-search=native={folder}");
                } else if let Some(name) = word.strip_prefix("-l") {
                    println!("cargo::rustc-link-lib={name}");
                }
            }
        }
        build
            .file("src/petsc/native.c")
            .includes(&library.include_paths)
            .warnings(true)
            .compile("multigrad_petsc");
    }

    /// What the compiler of MPI prints for this option.
    fn words(mpicc: &str, option: &str) -> Option<Vec<String>> {
        let output =
            std::process::Command::new(mpicc).arg(option).output().ok().filter(|o| o.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).split_whitespace().map(String::from).collect())
    }
}

#[cfg(feature = "emulator")]
mod emulator {
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};

    /// Suffix, REAL, ACC.
    const PRECISIONS: [(&str, &str, &str); 3] =
        [("f64", "double", "double"), ("f32", "float", "float"), ("mixed", "float", "double")];

    pub fn build() {
        println!("cargo::rerun-if-changed=kernels");
        let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        let folder = Path::new("kernels");
        let mut sources: Vec<PathBuf> = std::fs::read_dir(folder)
            .expect("the folder kernels")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "cu"))
            .collect();
        sources.sort();
        sources.push(folder.join("emulator/faults.h"));
        let mut unit = String::from("#include \"prelude.h\"\n");
        let mut table = String::new();
        for path in &sources {
            let text = std::fs::read_to_string(path).expect("a kernel file");
            let file = path.strip_prefix(folder).expect("a file of the folder").display();
            writeln!(unit, "#include \"{file}\"").expect("a string");
            for line in text.lines() {
                let rest = line.strip_prefix("KERNEL(").or_else(|| line.strip_prefix("BLOCK_KERNEL("));
                if let Some((name, _)) = rest.and_then(|r| r.split_once(',')) {
                    writeln!(table, "    EMULATED({name}),").expect("a string");
                }
            }
        }
        for (suffix, real, acc) in PRECISIONS {
            let mut text = unit.clone();
            writeln!(
                text,
                "const struct emulated_kernel emulated_{suffix}[] = {{\n{table}    {{ 0, 0, 0, 0 }}\n}};"
            )
            .expect("a string");
            let file = out.join(format!("kernels_{suffix}.c"));
            std::fs::write(&file, text).expect("the build folder");
            compiler()
                .define("SUFFIX", suffix)
                .define("REAL", real)
                .define("ACC", acc)
                .file(file)
                // Calls to `checks.c` before every access to memory; a compiler without it checks nothing.
                .flag_if_supported("-fsanitize=thread")
                .compile(&format!("emulated_{suffix}"));
        }
        let runtime = ["runtime.c", "checks.c"].map(|file| folder.join("emulator").join(file));
        compiler().files(runtime).compile("emulated_runtime");
    }

    fn compiler() -> cc::Build {
        let mut build = cc::Build::new();
        build
            .include("kernels")
            .std("c11")
            .flag_if_supported("-ffp-contract=off")
            .opt_level(2)
            .warnings(true);
        build.flag_if_supported("-Wno-unused-function").flag_if_supported("-Wno-unknown-pragmas");
        build
    }
}
