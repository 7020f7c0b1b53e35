//! The program `multigrad`.

fn main() -> std::process::ExitCode {
    multigrad::cli::main()
}
