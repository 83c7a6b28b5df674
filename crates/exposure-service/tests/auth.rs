//! Keys: made, listed, revoked, and what each may do.
#![cfg(test)]

mod common;

use std::sync::Arc;

use common::{Bench, Counter, KEY, TestClock, all_pages};
use exposure_core::ErrorCode;
use exposure_service::{
    Handle, NewApiKey, NewProject, Page, ProfileQuery, ProfileRef, RejectFilter, Scope, Scopes,
    SeriesQuery, Settings, WatchFrom,
};
use exposure_store::Store;
use exposure_store::memory::MemoryStore;
use exposure_testkit::{ManualClock, block_on};

fn open(
    store: &Arc<MemoryStore>,
    key: Option<&str>,
) -> exposure_service::Result<(Handle, exposure_service::Bootstrap)> {
    let clock = TestClock(ManualClock::at(common::NOW));
    let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(store);
    block_on(Handle::open(
        store,
        Arc::new(clock),
        Arc::new(Counter::default()),
        Settings::default(),
        key,
    ))
}

#[test]
fn the_first_start_makes_a_project_and_tells_its_key_once() {
    let store = Arc::new(MemoryStore::new());
    let (handle, first) = open(&store, None).unwrap();
    assert!(first.created_project);
    let key = first.api_key.expect("a key is made");
    assert!(key.starts_with("exp_") && key.len() == 68, "{key}");
    let caller = handle.authenticate(&key).unwrap();
    assert_eq!((caller.project_name(), caller.scopes()), ("default", Scopes::all()));
    // Nothing that is stored holds the secret.
    for document in block_on(store.documents("")).unwrap() {
        let text = String::from_utf8_lossy(&document.bytes).into_owned();
        assert!(!text.contains(&key["exp_".len()..]), "{text}");
    }
    let (again, second) = open(&store, None).unwrap();
    assert_eq!((second.created_project, second.api_key), (false, None));
    assert_eq!(again.authenticate(&key).unwrap().key(), caller.key());
    // A given key is added beside it, once.
    for _ in 0..2 {
        let (given, third) = open(&store, Some("my-own-key")).unwrap();
        assert_eq!(third.api_key, None);
        let caller = given.authenticate("my-own-key").unwrap();
        let keys = given.list_api_keys(&caller, "", &Page::default()).unwrap();
        assert_eq!(keys.items.len(), 2);
    }
}

#[test]
fn a_key_that_is_not_valid_is_refused() {
    let bench = Bench::new();
    for wrong in ["", "exp_", "exp_tes", "exp_testt", "EXP_TEST", " exp_test", "\0"] {
        let error = bench.handle.authenticate(wrong).unwrap_err();
        assert_eq!(error.code, ErrorCode::Unauthenticated, "{wrong:?}");
    }
    let caller = bench.handle.authenticate(KEY).unwrap();
    let new = NewApiKey { scopes: Scopes::all(), ..NewApiKey::default() };
    let (key, secret) = block_on(bench.handle.create_api_key(&caller, new)).unwrap();
    let other = bench.handle.authenticate(&secret).unwrap();
    assert_eq!(other.key(), key.id);
    let revoked = block_on(bench.handle.revoke_api_key(&caller, key.id)).unwrap();
    assert!(revoked.revoked.is_some());
    let again = block_on(bench.handle.revoke_api_key(&caller, key.id)).unwrap();
    assert_eq!(again, revoked, "once more changes nothing");
    for handle in [&bench.handle, &bench.reopen().handle] {
        let error = handle.authenticate(&secret).unwrap_err();
        assert_eq!(error.code, ErrorCode::Unauthenticated);
    }
    let error = open(&bench.store, Some(&secret)).unwrap_err();
    assert_eq!(error.field.as_deref(), Some("api_key"), "a revoked key is not brought back");
}

#[test]
fn a_key_may_do_what_its_scopes_say() {
    let bench = Bench::new();
    let handle = &bench.handle;
    let page = Page::default();
    let someone = ProfileRef { user_id: Some("ann"), device_id: None };
    let admin_calls = |caller: &exposure_service::Caller| {
        let new = NewApiKey { scopes: Scopes::all(), ..NewApiKey::default() };
        [
            block_on(handle.create_project(caller, NewProject::default())).map(|_| ()),
            handle.list_projects(caller, &page).map(|_| ()),
            block_on(handle.create_api_key(caller, new)).map(|_| ()),
            handle.list_api_keys(caller, "", &page).map(|_| ()),
            block_on(handle.revoke_api_key(caller, caller.key())).map(|_| ()),
            block_on(handle.rejected_events(caller, &RejectFilter::default(), &page)).map(|_| ()),
            block_on(handle.senders(caller, &page)).map(|_| ()),
            block_on(handle.retire_flag(caller, "flag")).map(|_| ()),
            block_on(handle.erase_user(caller, "ann")).map(|_| ()),
            block_on(handle.state_hash(caller)).map(|_| ()),
            handle.server_info(caller).map(|_| ()),
        ]
    };
    let read_calls = |caller: &exposure_service::Caller| {
        [
            block_on(handle.properties(caller, someone)).map(|_| ()),
            block_on(handle.batch_properties(caller, &[someone])).map(|_| ()),
            block_on(handle.explain(caller, someone, "flag", &page)).map(|_| ()),
            block_on(handle.list_flags(caller, &page)).map(|_| ()),
            block_on(handle.list_profiles(caller, &ProfileQuery::default(), &page)).map(|_| ()),
            block_on(handle.flag_exposures(caller, &SeriesQuery::default(), &page)).map(|_| ()),
            block_on(handle.usage(caller, None, None, &page)).map(|_| ()),
            handle.watch(caller, WatchFrom::Now).map(|_| ()),
        ]
    };
    let is_denied = |result: &exposure_service::Result<()>| {
        result.as_ref().is_err_and(|error| error.code == ErrorCode::PermissionDenied)
    };
    for scope in [Scope::Ingest, Scope::Read] {
        assert!(admin_calls(&bench.key(&[scope])).iter().all(is_denied), "{scope:?}");
    }
    for scope in [Scope::Ingest, Scope::Admin] {
        assert!(read_calls(&bench.key(&[scope])).iter().all(is_denied), "{scope:?}");
    }
    assert!(!read_calls(&bench.key(&[Scope::Read])).iter().any(is_denied));
    assert!(!admin_calls(&bench.key(&[Scope::Admin])).iter().any(is_denied));
    let new = NewApiKey::default();
    let error = block_on(handle.create_api_key(&bench.caller, new)).unwrap_err();
    assert_eq!((error.code, error.field.as_deref()), (ErrorCode::Missing, Some("scopes")));
}

#[test]
fn an_admin_of_another_project_ends_at_its_project() {
    let bench = Bench::new();
    let handle = &bench.handle;
    for name in ["", "Upper", "a b", "ä", &"x".repeat(64)] {
        let new = NewProject { name: name.into(), ..NewProject::default() };
        let error = block_on(handle.create_project(&bench.caller, new)).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("project_id"), "{name}");
    }
    for name in ["shop", "blog"] {
        let new = NewProject { name: name.into(), ..NewProject::default() };
        let made = block_on(handle.create_project(&bench.caller, new.clone())).unwrap();
        assert_eq!((&*made.name, &*made.display_name), (name, name));
        assert!(block_on(handle.create_project(&bench.caller, new)).is_err(), "only once");
    }
    let new = NewApiKey { project: "shop".into(), scopes: Scopes::all(), ..NewApiKey::default() };
    let (_, secret) = block_on(handle.create_api_key(&bench.caller, new.clone())).unwrap();
    let shop = handle.authenticate(&secret).unwrap();
    assert_eq!(shop.project_name(), "shop");
    let code = |result: exposure_service::Result<()>| result.unwrap_err().code;
    let denied = ErrorCode::PermissionDenied;
    let elsewhere = NewApiKey { project: "blog".into(), ..new };
    assert_eq!(code(block_on(handle.create_api_key(&shop, elsewhere)).map(|_| ())), denied);
    assert_eq!(code(handle.list_api_keys(&shop, "blog", &Page::default()).map(|_| ())), denied);
    let revoke = block_on(handle.revoke_api_key(&shop, bench.caller.key()));
    assert_eq!(code(revoke.map(|_| ())), ErrorCode::NotFound);
    let names = |caller| {
        let projects = all_pages(1, |page| handle.list_projects(caller, page));
        projects.into_iter().map(|project| project.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&bench.caller), ["blog", "default", "shop"]);
    assert_eq!(names(&shop), ["shop"]);
    let gone = handle.list_api_keys(&bench.caller, "gone", &Page::default());
    assert_eq!(code(gone.map(|_| ())), ErrorCode::NotFound);
}

#[test]
fn projects_do_not_see_each_other() {
    let bench = Bench::new();
    let handle = &bench.handle;
    let new = NewProject { name: "shop".into(), ..NewProject::default() };
    block_on(handle.create_project(&bench.caller, new)).unwrap();
    let new = NewApiKey { project: "shop".into(), scopes: Scopes::all(), ..NewApiKey::default() };
    let (_, secret) = block_on(handle.create_api_key(&bench.caller, new)).unwrap();
    let shop = handle.authenticate(&secret).unwrap();
    let mut watch = handle.watch(&shop, WatchFrom::Beginning).unwrap();
    let hash = |caller| block_on(handle.state_hash(caller)).unwrap().0;
    let (empty, of_shop) = (hash(&bench.caller), hash(&shop));
    let event =
        exposure_store::suite::history::Event::exposure("ann", "flag", Some("on"), common::NOW);
    bench.send(&[event]);
    let ann = ProfileRef { user_id: Some("ann"), device_id: None };
    assert_eq!(block_on(handle.properties(&shop, ann)).unwrap().0.properties, []);
    assert_eq!(block_on(handle.list_flags(&shop, &Page::default())).unwrap().items, []);
    assert_eq!(block_on(handle.usage(&shop, None, None, &Page::default())).unwrap().items, []);
    assert_eq!(common::drain(&mut watch), []);
    assert_ne!(hash(&bench.caller), empty);
    assert_eq!(hash(&shop), of_shop, "nor that there was an event");
}
