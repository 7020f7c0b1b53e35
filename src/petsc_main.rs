//! The program `multigrad-petsc`.

fn main() -> std::process::ExitCode {
    multigrad::cli::petsc_main()
}
