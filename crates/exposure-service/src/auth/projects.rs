use exposure_store::ProjectId;

use super::ProjectRecord;
use crate::page::{Bounds, Query, Writer};
use crate::project::Tenant;
use crate::{
    Caller, Handle, Listing, Page, Position, ProjectInfo, ProjectSettings, Result, Scope,
    ServiceError,
};

/// The project that the first start makes; its admins administer the server.
pub(crate) const DEFAULT_PROJECT: &str = "default";

/// A project to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewProject {
    /// Its name: 1 to 63 lower-case letters, digits and hyphens. It never changes.
    pub name: String,
    /// Its name for people; empty is the name.
    pub display_name: String,
    /// What it asks for.
    pub settings: ProjectSettings,
}

impl Handle {
    /// Creates a project. Needs an `admin` key of project `default`.
    pub async fn create_project(&self, caller: &Caller, new: NewProject) -> Result<ProjectInfo> {
        caller.require_operator()?;
        check_name(&new.name)?;
        new.settings.check()?;
        check_display_name(&new.display_name)?;
        let _guard = self.administer().await;
        if self.directory().project_named(&new.name).is_some() {
            return Err(ServiceError::invalid(
                "project_id",
                format!("project `{}` exists already; choose another name", new.name),
            ));
        }
        let record = self.store_project(&new.name, &new.display_name, new.settings).await?;
        Ok(ProjectInfo::of(&record))
    }

    /// Lists projects by name: all of them for an operator, else the caller's own.
    pub fn list_projects(&self, caller: &Caller, page: &Page) -> Result<Listing<ProjectInfo>> {
        caller.require(Scope::Admin)?;
        let all = caller.require_operator().is_ok();
        let query = Query::new("projects", caller.project());
        let limit = page.limit(Bounds::SHORT)?;
        let after = query.place(page)?.map(|mut place| place.text()).transpose()?;
        let mut rest = self.directory().projects().into_iter().filter(|record| {
            (all || record.id() == caller.project())
                && after.as_ref().is_none_or(|after| record.name > *after)
        });
        let items: Vec<_> =
            rest.by_ref().take(limit).map(|record| ProjectInfo::of(&record)).collect();
        let next_page_token = match (rest.next(), items.last()) {
            (Some(_), Some(last)) => query.token(Writer::default().bytes(last.name.as_bytes())),
            _ => String::new(),
        };
        let position = Position::at(&self.store().feed_end());
        Ok(Listing { items, next_page_token, position })
    }

    /// Stores a project. The caller holds the guard of administration.
    pub(crate) async fn store_project(
        &self,
        name: &str,
        display_name: &str,
        settings: ProjectSettings,
    ) -> Result<ProjectRecord> {
        let numbers = self.directory().next_numbers();
        if numbers.n_projects >= self.settings().max_projects {
            return Err(ServiceError::new(
                exposure_core::ErrorCode::ResourceExhausted,
                format!("the server has its {} projects already", numbers.n_projects),
            ));
        }
        let display_name = if display_name.is_empty() { name } else { display_name };
        let record = ProjectRecord {
            number: numbers.project,
            name: name.to_owned(),
            display_name: display_name.to_owned(),
            created_us: self.now().as_micros(),
            settings,
        };
        self.store().put_document(&record.to_document()?).await?;
        let tenant = Tenant::load(self.store(), &record, self.settings()).await?;
        self.directory().add_project(record.clone(), tenant);
        Ok(record)
    }

    /// The project that a request names, where the caller may administer it.
    pub(crate) fn administered(&self, caller: &Caller, name: &str) -> Result<ProjectId> {
        caller.require(Scope::Admin)?;
        if name.is_empty() || name == caller.project_name() {
            return Ok(caller.project());
        }
        caller.require_operator()?;
        let (record, _) = self
            .directory()
            .project_named(name)
            .ok_or_else(|| ServiceError::not_found(format!("project `{name}` does not exist")))?;
        Ok(record.id())
    }
}

fn check_name(name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=63).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(ServiceError::invalid(
        "project_id",
        "`project_id` must have 1 to 63 lower-case letters, digits and hyphens",
    ))
}

pub(crate) fn check_display_name(name: &str) -> Result<()> {
    if name.chars().nth(200).is_none() && !name.contains('\0') {
        return Ok(());
    }
    Err(ServiceError::invalid(
        "display_name",
        "`display_name` may have at most 200 characters, and no NUL",
    ))
}
