//! Gives the shared library its name for the loader, which contains the version of the binary interface.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let argument = match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux" | "freebsd" | "netbsd" | "openbsd" | "android") => "-Wl,-soname,libmultigrad.so.0",
        Ok("macos") => "-Wl,-install_name,@rpath/libmultigrad.0.dylib",
        _ => return,
    };
    println!("cargo:rustc-cdylib-link-arg={argument}");
}
