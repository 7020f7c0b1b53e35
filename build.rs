//! Compiles the kernels for the emulator, which tests use in place of a card. Without the feature `emulator` it does
//! nothing.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "emulator")]
    emulator::build();
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
