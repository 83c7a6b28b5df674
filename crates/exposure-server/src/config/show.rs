use serde_json::json;

use super::resolve::{Origin, Resolved};
use super::settings::SPECS;
use crate::console::{Table, line};
use crate::failure::Result;

/// Writes every setting, its value and where it came from.
pub(crate) fn show(resolved: &Resolved) -> Result<()> {
    let mut table = Table::new(&["setting", "value", "from"]);
    for spec in SPECS {
        let Some((text, origin)) = resolved.values.get(spec.name) else { continue };
        let value = match (text.as_str(), spec.is_secret) {
            ("", _) => "(none)".to_owned(),
            (_, true) => "(given)".to_owned(),
            (text, false) => json!(text).to_string(),
        };
        let from = match origin {
            Origin::Flag(flag) => flag,
            Origin::Variable(variable) => variable,
            Origin::File(path) => path,
            Origin::Default => "default",
        };
        table.row([spec.name.to_owned(), value, from.to_owned()]);
    }
    table.print("")?;
    line("\nflags win over variables, variables over the file, the file over defaults")
}
