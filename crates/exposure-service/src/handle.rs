use std::fmt;
use std::sync::Arc;

use exposure_core::Timestamp;
use exposure_store::Store;

use crate::auth::{DEFAULT_PROJECT, Digest, Directory, KeyRecord, ProjectRecord, new_secret};
use crate::intake::{Arrival, Beginning, Coming, Gate, Pressure};
use crate::meter::Meter;
use crate::project::Tenant;
use crate::query::FlagCache;
use crate::{Caller, Clock, Entropy, ProjectSettings, Result, Scopes, ServiceError, Settings};

/// The application, ready to be called. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: Settings,
    directory: Directory,
    /// One change of projects or keys at a time: numbers are given out in order.
    administration: futures::lock::Mutex<()>,
    in_flight: Gate,
    pressure: Pressure,
    coming: Coming,
    watches: Gate,
    scans: Gate,
    flag_cache: FlagCache,
    meter: Meter,
    started: Timestamp,
}

/// Of what may be under way, as much may be coming: some of it is done with before all of it
/// is whole.
const COMING: u64 = 4;

/// What the first start brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Whether the project `default` was created now.
    pub created_project: bool,
    /// The secret of a key that was made up now, with all scopes of project `default`. It can
    /// not be read again. `None` where there were keys before, or the key was given.
    pub api_key: Option<String>,
}

impl Handle {
    /// Opens the application over a store.
    ///
    /// Where the store has no project, it makes `default` and a key with all scopes: the given
    /// one, or one that it makes up and returns this once. A given key is valid afterwards in
    /// any case, unless it was revoked.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        settings: Settings,
        api_key: Option<&str>,
    ) -> Result<(Self, Bootstrap)> {
        let handle = Self {
            inner: Arc::new(Inner {
                started: clock.now(),
                store,
                clock,
                entropy,
                directory: Directory::default(),
                administration: futures::lock::Mutex::new(()),
                in_flight: Gate::new(settings.max_in_flight_bytes),
                coming: Coming::new(),
                pressure: Pressure::new(settings.max_wait, settings.max_in_flight_bytes),
                watches: Gate::new(settings.max_watches),
                scans: Gate::new(settings.max_scans),
                flag_cache: FlagCache::default(),
                meter: Meter::new(),
                settings,
            }),
        };
        handle.load().await?;
        let bootstrap = handle.bootstrap(api_key).await?;
        Ok((handle, bootstrap))
    }

    /// Who sends a key. Takes the same time for every key that is not valid.
    pub fn authenticate(&self, api_key: &str) -> Result<Caller> {
        let caller = self.inner.directory.authenticate(api_key);
        self.inner.meter.authenticated(caller.is_ok());
        caller
    }

    /// Counts another call with a key that was just found valid, and is not looked up again.
    pub fn authenticated_again(&self) {
        self.inner.meter.authenticated(true);
    }

    /// Lets a request of so many bytes in, before anything is done for it; it is under way until
    /// what is returned is dropped.
    ///
    /// # Errors
    /// Refuses it where what is under way already would have it wait for too long.
    pub fn arrive(&self, bytes: usize) -> Result<Arrival> {
        self.inner.pressure.enter(bytes).ok_or_else(|| self.pressed())
    }

    /// Lets a request begin to come, whose size is not known; what is returned is to be dropped
    /// when it is whole, and then [arrives](Self::arrive).
    ///
    /// # Errors
    /// Refuses it where one as large as the last ones would be, or where many more come at the
    /// same time than could be let in.
    pub fn begin(&self) -> Result<Beginning> {
        let (usual, limit) = self.inner.pressure.room().ok_or_else(|| self.pressed())?;
        self.inner.coming.begin(usual, limit.saturating_mul(COMING)).ok_or_else(|| self.pressed())
    }

    #[cold]
    fn pressed(&self) -> ServiceError {
        crate::meter::refused("wait");
        let max_wait = self.settings().max_wait.as_millis();
        let message = format!(
            "it would take longer than {max_wait} ms for all that came before; try again later"
        );
        ServiceError::exhausted(message, self.settings().retry_after)
    }

    /// What intake has under way and may have, for metrics: name and value.
    pub fn intake_figures(&self) -> [(&'static str, u64); 2] {
        let (under_way, limit) = self.inner.pressure.figures();
        [("under_way_bytes", under_way), ("limit_bytes", limit)]
    }

    /// The settings it was opened with.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The store's figures, for metrics: name and value.
    pub fn store_figures(&self) -> Vec<(&'static str, u64)> {
        self.inner.store.stats().values
    }

    /// Whether writes are refused at the moment, and why: what a readiness probe asks.
    pub fn write_refusal(&self) -> Option<ServiceError> {
        self.inner.store.write_refusal().map(Into::into)
    }

    /// Closes the store cleanly. Calls that come later fail as unavailable.
    pub async fn close(&self) -> Result<()> {
        Ok(self.inner.store.close().await?)
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &*self.inner.store
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.inner.meter
    }

    /// The time of the clock it was opened with.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn started(&self) -> Timestamp {
        self.inner.started
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.inner.entropy
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.inner.directory
    }

    pub(crate) fn in_flight(&self) -> &Gate {
        &self.inner.in_flight
    }

    pub(crate) fn watches(&self) -> &Gate {
        &self.inner.watches
    }

    pub(crate) fn scans(&self) -> &Gate {
        &self.inner.scans
    }

    pub(crate) fn flag_cache(&self) -> &FlagCache {
        &self.inner.flag_cache
    }

    pub(crate) async fn administer(&self) -> futures::lock::MutexGuard<'_, ()> {
        self.inner.administration.lock().await
    }

    async fn load(&self) -> Result<()> {
        for document in self.store().documents(crate::auth::PROJECT_PREFIX).await? {
            let record = ProjectRecord::from_document(&document)?;
            let tenant = Tenant::load(self.store(), &record, self.settings()).await?;
            self.directory().add_project(record, tenant);
        }
        for document in self.store().documents(crate::auth::KEY_PREFIX).await? {
            self.directory().add_key(KeyRecord::from_document(&document)?);
        }
        Ok(())
    }

    async fn bootstrap(&self, api_key: Option<&str>) -> Result<Bootstrap> {
        let _guard = self.administer().await;
        let known = self.directory().project_named(DEFAULT_PROJECT);
        let created_project = known.is_none();
        let project = match known {
            Some((record, _)) => record.id(),
            None => self.store_project(DEFAULT_PROJECT, "", ProjectSettings::default()).await?.id(),
        };
        let name = "all scopes, made at start";
        if let Some(secret) = api_key {
            match self.directory().find_key(&Digest::of(secret)) {
                Some(key) if key.revoked_us.is_some() => {
                    return Err(ServiceError::invalid(
                        "api_key",
                        "the given API key was revoked; give another one, or none",
                    ));
                }
                Some(_) => {}
                None => {
                    self.store_key(project, name, Scopes::all(), secret).await?;
                }
            }
            return Ok(Bootstrap { created_project, api_key: None });
        }
        // A crash between the two documents leaves a project without a key: make it now.
        if !self.directory().keys_of(project).is_empty() {
            return Ok(Bootstrap { created_project, api_key: None });
        }
        let secret = new_secret(self.entropy());
        self.store_key(project, name, Scopes::all(), &secret).await?;
        Ok(Bootstrap { created_project, api_key: Some(secret) })
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("store", &self.inner.store)
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}
