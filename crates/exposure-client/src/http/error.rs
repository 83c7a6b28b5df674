/// Why a provider over HTTP was not built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpProviderError {
    /// The address is none.
    #[error("`{0}` is no address; give one such as http://127.0.0.1:8080/path")]
    Address(String),
    /// The address asks for TLS, which was not built in.
    #[error("`{0}` asks for TLS; build with the feature `tls`, or give an address of http://")]
    NoTls(String),
    /// TLS can not be used here.
    #[error("TLS can not be used: {0}")]
    Tls(String),
    /// There is no key.
    #[error("the key is empty; give the one of the project that takes the exposures")]
    NoKey,
}
