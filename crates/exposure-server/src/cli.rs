use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::command::{explain, export, flags, import, keys, tail, track, user, verify};
use crate::config::ServeFlags;
use crate::environment::Environment;
use crate::failure::Result;
use crate::{load, serve};

/// Takes in experiment exposures, keeps who has which variant, and says why.
#[derive(Debug, Parser)]
#[command(name = "exposure", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a server over a data directory
    Serve(ServeFlags),
    /// Send one exposure
    Track(track::Options),
    /// Show the experiment properties of a user or a device
    User(user::Options),
    /// Show why a user has, or has not, a variant of a flag
    Explain(explain::Options),
    /// List flags with their variants, or what each sender sent
    Flags(flags::Options),
    /// Follow the changes of properties
    Tail(tail::Options),
    /// Send events out of files
    Import(import::Options),
    /// Write what the server knows as JSON lines
    Export(export::Options),
    /// List, create and revoke API keys
    Keys(keys::Options),
    /// Check a data directory that no server uses
    Verify(verify::Options),
    /// Generate load, measure it, and check that the server's counts equal what was sent
    Load(load::Options),
}

/// Runs the command that the arguments name.
pub(crate) fn main(environment: &Environment) -> ExitCode {
    // A wrong argument ends here, with an explanation and code 2.
    let cli = Cli::parse();
    match run(cli.command, environment) {
        Ok(code) => code,
        Err(failure) => {
            let text = failure.to_string();
            if !text.is_empty() {
                // Nobody is left to tell if this fails too.
                let _told = writeln!(io::stderr(), "exposure: {text}");
            }
            failure.exit_code()
        }
    }
}

fn run(command: Command, environment: &Environment) -> Result<ExitCode> {
    match command {
        Command::Serve(flags) => serve::run(&flags, environment)?,
        Command::Track(options) => return track::run(&options, environment),
        Command::User(options) => user::run(&options, environment)?,
        Command::Explain(options) => explain::run(&options, environment)?,
        Command::Flags(options) => flags::run(&options, environment)?,
        Command::Tail(options) => tail::run(&options, environment)?,
        Command::Import(options) => return import::run(&options, environment),
        Command::Export(options) => export::run(&options, environment)?,
        Command::Keys(options) => keys::run(&options, environment)?,
        Command::Verify(options) => verify::run(&options)?,
        Command::Load(options) => return load::run(&options, environment),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_well_formed() {
        Cli::command().debug_assert();
    }
}
