//! `multigrad completions` and `multigrad man`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Verdict;
use super::arguments::Arguments;
use super::output::say;
use super::paths::check_outputs;
use crate::error::{Error, Result};
use crate::sparse::write_atomic;

/// Name of the program in completions and manual pages.
const NAME: &str = "multigrad";

#[derive(Debug, Args)]
pub struct Completions {
    /// Shell: bash, elvish, fish, powershell or zsh
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub struct Manual {
    /// Existing folder for the manual pages
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// Prints the completions for a shell.
pub fn completions(options: &Completions) -> Result<Verdict> {
    let mut text = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), NAME, &mut text);
    say(String::from_utf8_lossy(&text).trim_end());
    Ok(Verdict::Done)
}

/// Writes a manual page for the program and for every command.
pub fn manual(options: &Manual) -> Result<Verdict> {
    let mut program = Arguments::command().name(NAME);
    program.build();
    let mut pages = vec![(NAME.to_string(), program.clone())];
    for command in program.get_subcommands().filter(|c| !c.is_hide_set() && c.get_name() != "help") {
        pages.push((format!("{NAME}-{}", command.get_name()), command.clone()));
    }
    for (name, command) in pages {
        let path = options.folder.join(format!("{name}.1"));
        check_outputs([], [Some(path.as_path())])?;
        let mut text = Vec::new();
        let encode = |e| Error::io("write", &path, e);
        clap_mangen::Man::new(command).render(&mut text).map_err(encode)?;
        write_atomic(&path, |file| file.write_all(&text))?;
    }
    say(format_args!("manual pages are in {}", options.folder.display()));
    Ok(Verdict::Done)
}
