use exposure_core::{ErrorCode, PropertyChange, Rejection, names};

use super::forms::each;
use crate::Arena;
use crate::json::{Value, each_item, each_member, pick};

/// What the properties of one event say of flags, gathered so that each flag gets one write.
#[derive(Debug)]
pub(crate) struct Writes<'b> {
    arena: &'b Arena,
    said: Vec<Said<'b>>,
    has_ignored: bool,
}

/// One member that says something of a flag.
#[derive(Clone, Copy, Debug)]
struct Said<'b> {
    flag_key: &'b str,
    by: By,
    /// The variant; `None` for an empty or non-string value, which says nothing.
    value: Option<&'b str>,
}

/// Where it was said. Of two values for one flag the one from the later place stands: what
/// tells the server to set a property counts more than what describes the assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Unset,
    Assigned,
    AssignedWithPrefix,
    Plain,
    Set,
}

/// What becomes of a flag that is set and unset at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precedence {
    /// Unset first, then set: the set stands.
    SetOverUnset,
    /// The same, but `off` beside an unset says why it is unset, and the unset stands.
    UnsetOverOff,
}

impl<'b> Writes<'b> {
    pub(crate) const fn new(arena: &'b Arena) -> Self {
        Self { arena, said: Vec::new(), has_ignored: false }
    }

    /// Reads `user_properties`: operations, and plain members beside them.
    pub(crate) fn user_properties(&mut self, json: &'b str) -> Result<(), Rejection> {
        if !json.starts_with('{') {
            self.has_ignored |= json != "null";
            return Ok(());
        }
        let (mut set, mut unset) = (None, None);
        each_member(json, self.arena, |name, json| match name {
            "$set" => set = Some(json),
            "$unset" => unset = Some(json),
            _ => self.property(name, json, By::Plain),
        })
        .map_err(|error| unreadable(&error))?;
        self.operation(unset, By::Unset)?;
        self.operation(set, By::Set)
    }

    /// Reads what a sender sets: an object.
    pub(crate) fn set(&mut self, json: &'b str) -> Result<(), Rejection> {
        self.operation(Some(json), By::Set)
    }

    /// Reads what a sender unsets: an object, or an array of names.
    pub(crate) fn unset(&mut self, json: &'b str) -> Result<(), Rejection> {
        if !json.starts_with('[') {
            return self.operation(Some(json), By::Unset);
        }
        each_item(json, |name| match Value::read(name, self.arena) {
            // As if it were unset with a value.
            Some(Value::Text(name)) => self.property(name, "\"-\"", By::Unset),
            _ => self.has_ignored = true,
        })
        .map_err(|error| unreadable(&error))
    }

    /// Reads only the operations among `user_properties`, where what stands beside them is what
    /// the user had, which no event did.
    pub(crate) fn operations(&mut self, json: &'b str) -> Result<(), Rejection> {
        if !json.starts_with('{') {
            return Ok(());
        }
        let [set, unset] =
            pick(json, self.arena, ["$set", "$unset"]).map_err(|error| unreadable(&error))?;
        self.operation(unset, By::Unset)?;
        self.operation(set, By::Set)
    }

    fn operation(&mut self, json: Option<&'b str>, by: By) -> Result<(), Rejection> {
        let Some(json) = json else { return Ok(()) };
        if !json.starts_with('{') {
            self.has_ignored |= json != "null";
            return Ok(());
        }
        each_member(json, self.arena, |name, json| self.property(name, json, by))
            .map_err(|error| unreadable(&error))
    }

    fn property(&mut self, name: &'b str, json: &'b str, by: By) {
        match names::flag_of_property(name) {
            Some(flag_key) => self.say(flag_key, json, by),
            None => self.has_ignored = true,
        }
    }

    /// Reads the `<flag>.variant` members of an assignment's own properties.
    pub(crate) fn assigned(&mut self, properties: Option<&'b str>) -> Result<(), Rejection> {
        each(properties, self.arena, |name, json| {
            let Some(name) = name.strip_suffix(".variant") else { return };
            match names::flag_of_property(name) {
                Some(flag_key) => self.say(flag_key, json, By::AssignedWithPrefix),
                None if name.is_empty() || name == names::PROPERTY_PREFIX => {}
                None => self.say(name, json, By::Assigned),
            }
        })
    }

    /// An assignment of `off` unsets, unless the user had the property `off` after it: what the
    /// event did to the properties is not there any more.
    pub(crate) fn off_beside(&mut self, user_properties: &'b str) -> Result<(), Rejection> {
        if !user_properties.starts_with('{') {
            return Ok(());
        }
        let mut off = Vec::new();
        each_member(user_properties, self.arena, |name, json| {
            if json == "\"off\"" {
                off.extend(names::flag_of_property(name));
            }
        })
        .map_err(|error| unreadable(&error))?;
        let is_off = |said: &&Said<'_>| said.by != By::Unset && said.value == Some("off");
        let mut unset: Vec<_> = self.said.iter().filter(is_off).map(|it| it.flag_key).collect();
        unset.retain(|flag_key| !off.contains(flag_key));
        let unset =
            unset.into_iter().map(|flag_key| Said { flag_key, by: By::Unset, value: Some("-") });
        self.said.extend(unset);
        Ok(())
    }

    fn say(&mut self, flag_key: &'b str, json: &'b str, by: By) {
        let value = match Value::read(json, self.arena) {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        self.said.push(Said { flag_key, by, value });
    }

    /// Whether there were other properties or operations.
    pub(crate) const fn has_ignored(&self) -> bool {
        self.has_ignored
    }

    /// Whether nothing was said of any flag.
    pub(crate) const fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// One change a flag, by flag key.
    pub(crate) fn finish(mut self, precedence: Precedence) -> &'b [PropertyChange<'b>] {
        if self.said.is_empty() {
            return &[];
        }
        // Stable: of a member given twice the last stays last. A sort, because there may be many.
        self.said.sort_by_key(|said| (said.flag_key, said.by));
        let changes: Vec<_> = self
            .said
            .chunk_by(|a, b| a.flag_key == b.flag_key)
            .filter_map(|said| change(said, precedence))
            .collect();
        self.arena.slice(&changes)
    }
}

fn change<'b>(said: &[Said<'b>], precedence: Precedence) -> Option<PropertyChange<'b>> {
    let (mut unset, mut variant) = (false, None);
    for of_one_place in said.chunk_by(|a, b| a.by == b.by) {
        let last = of_one_place.last()?;
        match (last.by, last.value) {
            (By::Unset, value) => unset = value.is_some(),
            (_, Some(value)) => variant = Some(value),
            (_, None) => {}
        }
    }
    if precedence == Precedence::UnsetOverOff && unset && variant == Some("off") {
        variant = None;
    }
    let flag_key = said.first()?.flag_key;
    (unset || variant.is_some()).then_some(PropertyChange { flag_key, variant })
}

#[cold]
fn unreadable(error: &serde_json::Error) -> Rejection {
    Rejection::new(ErrorCode::Invalid, "user_properties", format!("can not be read: {error}"))
}
