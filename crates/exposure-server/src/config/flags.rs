use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::settings::{SPECS, Spec};
use crate::environment::PREFIX;

/// The flags of `serve`: one for each setting, as text.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServeFlags {
    /// What the flags gave, by the name of the setting.
    pub(crate) given: BTreeMap<&'static str, String>,
    /// The file that `--config` named.
    pub(crate) config: Option<String>,
    /// Whether to show the settings instead of serving.
    pub(crate) print_config: bool,
}

impl Spec {
    /// The flag without its dashes.
    pub(super) fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The variable.
    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_uppercase())
    }

    fn arg(&self) -> Arg {
        let default = match self.default {
            "" => String::new(),
            default => format!(" [default: {default}]"),
        };
        let help = self.help.trim().trim_end_matches('.');
        Arg::new(self.name)
            .long(self.flag())
            .value_name(self.value_name)
            .help(format!("{help}{default} [env: {}]", self.variable()))
    }
}

impl Args for ServeFlags {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new("config")
                    .long("config")
                    .value_name("FILE")
                    .help("A TOML file of these settings, with _ for - [env: EXPOSURE_CONFIG]"),
            )
            .arg(
                Arg::new("print-config")
                    .long("print-config")
                    .action(ArgAction::SetTrue)
                    .help("Show each setting and where it came from, and end"),
            )
            .args(SPECS.iter().map(Spec::arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ServeFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let text = |name| matches.get_one::<String>(name).cloned();
        let given = SPECS.iter().filter_map(|spec| Some((spec.name, text(spec.name)?)));
        Ok(Self {
            given: given.collect(),
            config: text("config"),
            print_config: matches.get_flag("print-config"),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
