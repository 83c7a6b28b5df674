//! Reads requests as a server would, and says in words what was read.

use exposure_core::{
    Admission, Admitted, DeviceId, ExperimentKey, InsertId, Rejection, Rules, Subject, Timestamp,
    UserId, admit,
};
use exposure_formats::{Arena, BodyError, Headers, Protocol, Request, Upload, inflate};
use serde_json::{Value, json};

/// When a request of a test is received: 2026-05-28T20:26:40Z.
pub(crate) const RECEIVED: Timestamp = Timestamp::from_micros(1_780_000_000_000_000);

/// Some headers.
#[derive(Default)]
pub(crate) struct These(pub(crate) Vec<(&'static str, String)>);

impl Headers for These {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// A request of a test.
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: These,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn post(target: &str, body: impl Into<Vec<u8>>) -> Self {
        let target = target.to_owned();
        Self { method: "POST", target, headers: These::default(), body: body.into() }
    }

    pub(crate) fn get(target: &str) -> Self {
        Self { method: "GET", ..Self::post(target, "") }
    }

    pub(crate) fn json(target: &str, body: &Value) -> Self {
        Self::post(target, body.to_string())
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.0.push((name, value.to_owned()));
        self
    }

    /// What a server reads in it.
    pub(crate) fn with<T>(
        &self,
        then: impl FnOnce(Protocol, Result<Upload<'_>, BodyError>) -> T,
    ) -> T {
        self.with_request(|protocol, request| then(protocol, protocol.read(request, &Arena::new())))
    }

    /// The request as a server looks at it.
    pub(crate) fn with_request<T>(&self, then: impl FnOnce(Protocol, &Request<'_>) -> T) -> T {
        let (path, query) = Request::split_target(&self.target);
        let coding = self.headers.get("content-encoding").unwrap_or_default();
        let body = inflate(&self.body, coding, 1 << 24).unwrap();
        let request = Request {
            method: self.method,
            path,
            query,
            headers: &self.headers,
            body: &body,
            received: RECEIVED,
        };
        let Some(protocol) = Protocol::of(&request) else { panic!("{path} is nobody's") };
        then(protocol, &request)
    }

    /// The keys, the likeliest first.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.with(|_, upload| upload.unwrap().keys.into_iter().map(str::to_owned).collect())
    }

    /// Each event in words.
    pub(crate) fn events(&self) -> Vec<String> {
        self.with(|protocol, upload| {
            let rules = Rules::new(protocol.dialect(), RECEIVED);
            upload
                .unwrap()
                .events
                .iter()
                .map(|event| match event {
                    Err(refused) => fault(&refused.rejection),
                    Ok(incoming) => match admit(incoming, &rules) {
                        Err(rejection) => fault(&rejection),
                        Ok(Admission::Ignored) => "ignored".to_owned(),
                        Ok(Admission::Event(event)) => words(&event),
                    },
                })
                .collect()
        })
    }

    /// The only event, in words.
    pub(crate) fn event(&self) -> String {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    /// What the only event says when it happened, relative to its receipt, in milliseconds.
    pub(crate) fn age_ms(&self) -> i64 {
        self.with(|protocol, upload| {
            let rules = Rules::new(protocol.dialect(), RECEIVED);
            let upload = upload.unwrap();
            let [Ok(incoming)] = upload.events.as_slice() else { panic!("{:?}", upload.events) };
            let Ok(Admission::Event(event)) = admit(incoming, &rules) else {
                panic!("{incoming:?}")
            };
            RECEIVED.since(event.time) / 1000
        })
    }
}

fn fault(rejection: &Rejection) -> String {
    format!("{} {}", rejection.field, rejection.code)
}

/// Who, what, and the writes: `user:u device:d exposure f=on@run`.
pub(crate) fn words(event: &Admitted<'_>) -> String {
    let mut words = Vec::new();
    words.extend(event.ids.user().map(|id| format!("user:{}", id.as_str())));
    words.extend(event.ids.device().map(|id| format!("device:{}", id.as_str())));
    words.push(event.kind().as_str().to_owned());
    match event.subject {
        Subject::Exposure { flag, variant, experiment_key, writes, .. } => {
            let variant = variant.map_or(" unset".into(), |it| format!("={}", it.as_str()));
            let key = experiment_key.map_or(String::new(), |it| format!("@{}", it.as_str()));
            words.push(format!("{}{variant}{key}", flag.as_str()));
            if !writes {
                words.push("(no write)".to_owned());
            }
        }
        Subject::Plain(_) => {}
        Subject::Outcome { event_type, .. } => words.push(event_type.to_owned()),
    }
    for write in &event.extra {
        let variant = write.change.variant().map_or(" unset".into(), |it| format!("={it}"));
        words.push(format!("+{}{variant}", write.flag.as_str()));
    }
    words.join(" ")
}

/// An admitted exposure as the captures' expectations write it, its source aside.
pub(crate) fn record(event: &Admitted<'_>) -> Option<Value> {
    let (flag, variant, experiment_key) = event.exposed()?;
    let micros = event.time.as_micros();
    Some(json!({
        "user_id": event.ids.user().map(UserId::as_str),
        "device_id": event.ids.device().map(DeviceId::as_str),
        "flag_key": flag.as_str(),
        "variant": variant?.as_str(),
        "experiment_key": experiment_key.map(ExperimentKey::as_str),
        "time_ms": (micros + 500).div_euclid(1000),
        "insert_id": event.insert_id.map(InsertId::as_str),
    }))
}
