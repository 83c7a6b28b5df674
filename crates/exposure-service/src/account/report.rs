use super::DropReason;
use crate::{Caller, Handle, Result, Scope};

/// An account as a client reports it, not checked yet.
#[derive(Clone, Debug, Default)]
pub struct ReportedAccount<'a> {
    /// Names one run of the client, 1 to 64 characters.
    pub client_id: &'a str,
    /// What was tracked: the sum of the next four.
    pub tracked: i64,
    /// What was delivered.
    pub delivered: i64,
    /// Repeats of what was delivered.
    pub deduplicated: i64,
    /// What was dropped; counts of one reason add up. At most 32.
    pub dropped: Vec<(DropReason, i64)>,
    /// What is under way.
    pub pending: i64,
    /// Those of `tracked` that an earlier run left on disk.
    pub recovered: i64,
    /// Each provider's part; those of one name add up. At most 16.
    pub providers: Vec<ReportedProvider<'a>>,
    /// Whether more came than its transport kept.
    pub is_cut: bool,
}

/// One provider's part of an account.
#[derive(Clone, Debug, Default)]
pub struct ReportedProvider<'a> {
    /// Its name, 1 to 64 characters.
    pub name: &'a str,
    /// Whether delivery needs it.
    pub required: bool,
    /// What it was to have: the sum of the next three.
    pub offered: i64,
    /// What it acknowledged.
    pub delivered: i64,
    /// What it will never have; counts of one reason add up. At most 32.
    pub dropped: Vec<(DropReason, i64)>,
    /// What it has not answered for yet.
    pub pending: i64,
}

/// What became of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reported {
    /// It is the client's last one now.
    Kept,
    /// A later one of the client came before it.
    Outdated,
    /// It can not be true.
    Ignored,
}

impl Handle {
    /// Keeps the account of a client of this sender library, unless a later one is kept
    /// already. One that can not be true is counted and otherwise ignored: the events that it
    /// came with are worth more than it.
    ///
    /// # Errors
    /// Fails only where the caller may not send events.
    pub fn report_account(
        &self,
        caller: &Caller,
        library: &str,
        account: &ReportedAccount<'_>,
    ) -> Result<()> {
        caller.require(Scope::Ingest)?;
        let tenant = &caller.tenant;
        let library = tenant.libraries.admit(library);
        let reported = match account.check() {
            Ok(figures) => tenant.accounts.keep(library, account.client_id, figures, self.now()),
            Err(nonsense) => {
                if tenant.accounts.ignore(library) {
                    let (project, reason) = (&*tenant.name, nonsense.to_string());
                    tracing::warn!(
                        project,
                        library,
                        reason,
                        "a client's account can not be true and is ignored; further ones of the library are counted"
                    );
                }
                Reported::Ignored
            }
        };
        self.meter().account(reported);
        Ok(())
    }
}
