use exposure_core::Rejection;

/// An event that its format could not read, with what is known of its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused<'b> {
    /// The field at fault and what is wrong with it.
    pub rejection: Rejection,
    /// The user, empty where it was not readable.
    pub user_id: &'b str,
    /// The device, empty where it was not readable.
    pub device_id: &'b str,
    /// The sender library, empty where it was not named.
    pub library: &'b str,
    /// The event as it came: JSON.
    pub event: &'b str,
}
