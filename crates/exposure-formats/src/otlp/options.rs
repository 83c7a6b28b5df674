/// What the conventions leave to the sender: the attributes that hold a device and an experiment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Attributes of an evaluation whose value is the device's id, the likeliest first.
    /// Default `device.id`, `app.device_id`.
    pub device_attributes: Vec<String>,
    /// Attributes of an evaluation whose value is the experiment's key, the likeliest first.
    /// Default `app.experiment_key`.
    pub experiment_attributes: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            device_attributes: vec!["device.id".to_owned(), "app.device_id".to_owned()],
            experiment_attributes: vec!["app.experiment_key".to_owned()],
        }
    }
}
