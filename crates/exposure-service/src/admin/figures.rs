use exposure_store::SenderRow;

use crate::{Handle, Result};

/// What the senders of one project sent, for the metrics of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderFigures {
    /// The project's name.
    pub project: String,
    /// One row for each sender library, by its name: as many as a project may have names of
    /// libraries, and one for all others.
    pub senders: Vec<SenderRow>,
}

impl Handle {
    /// What every sender of every project sent, as the store has counted it from the beginning.
    pub async fn sender_figures(&self) -> Result<Vec<SenderFigures>> {
        let mut figures = Vec::new();
        for project in self.directory().projects() {
            let senders = self.store().senders(project.id()).await?;
            figures.push(SenderFigures { project: project.name, senders });
        }
        Ok(figures)
    }
}
