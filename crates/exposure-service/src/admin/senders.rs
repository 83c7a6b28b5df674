use std::collections::BTreeMap;

use exposure_core::Timestamp;
use exposure_store::SenderRow;

use crate::page::{Bounds, Query, Writer};
use crate::project::Tenant;
use crate::{Caller, Handle, Listing, Page, Position, Result, Scope, SenderAccount};

/// One sender library: what it sent, and what its clients say of what they tracked.
#[derive(Clone, Debug, PartialEq)]
pub struct Sender {
    /// What it sent, as the store has counted it from the beginning.
    pub sent: SenderRow,
    /// What its clients report; `None` where none did since the start.
    pub account: Option<SenderAccount>,
}

/// The senders of one project, for the metrics of the process.
#[derive(Clone, Debug, PartialEq)]
pub struct SenderFigures {
    /// The project's name.
    pub project: String,
    /// One for each sender library, by its name: as many as a project may have names of
    /// libraries, and one for all others.
    pub senders: Vec<Sender>,
}

impl Handle {
    /// What each sender library sent and reported, by its name, with the position it was true at.
    pub async fn senders(&self, caller: &Caller, page: &Page) -> Result<Listing<Sender>> {
        caller.require(Scope::Admin)?;
        let query = Query::new("senders", caller.project());
        let limit = page.limit(Bounds::SHORT)?;
        let after = query.place(page)?.map(|mut place| place.text()).transpose()?;
        let position = Position::at(&self.store().feed_end());
        let mut items = self.senders_of(&caller.tenant).await?;
        items.retain(|item| after.as_ref().is_none_or(|after| *item.sent.library > **after));
        let is_last = items.len() <= limit;
        items.truncate(limit);
        let next_page_token = match items.last() {
            Some(last) if !is_last => {
                query.token(Writer::default().bytes(last.sent.library.as_bytes()))
            }
            _ => String::new(),
        };
        Ok(Listing { items, next_page_token, position })
    }

    /// What every sender of every project sent and reported.
    pub async fn sender_figures(&self) -> Result<Vec<SenderFigures>> {
        let mut figures = Vec::new();
        for project in self.directory().projects() {
            let Some((project, tenant)) = self.directory().project(project.id()) else { continue };
            let senders = self.senders_of(&tenant).await?;
            figures.push(SenderFigures { project: project.name, senders });
        }
        Ok(figures)
    }

    /// Who sent events and who reported, by name: some did one of both.
    async fn senders_of(&self, tenant: &Tenant) -> Result<Vec<Sender>> {
        let rows = self.store().senders(tenant.id).await?;
        let mut accounts = tenant.accounts.by_library();
        let mut senders: BTreeMap<_, _> = rows
            .into_iter()
            .map(|sent| {
                let account = accounts.remove(&*sent.library);
                (sent.library.clone(), Sender { sent, account })
            })
            .collect();
        for (library, account) in accounts {
            let library = Box::<str>::from(&*library);
            let sent = SenderRow {
                library: library.clone(),
                accepted: 0,
                duplicates: 0,
                rejected: Vec::new(),
                last_received: None::<Timestamp>,
            };
            senders.insert(library, Sender { sent, account: Some(account) });
        }
        Ok(senders.into_values().collect())
    }
}
