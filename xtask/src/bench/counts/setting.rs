//! What counts depend on besides the code: where it differs they can not be compared.

use crate::bench::machine::version;

/// Compiler, C library and valgrind, each as it names its version, and the processor's kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) rustc: String,
    pub(super) libc: String,
    pub(super) valgrind: String,
    /// With or without AVX2, on which libraries decide when they run. What is newer, valgrind hides.
    pub(super) processor: String,
}

impl Setting {
    /// That of this machine.
    pub(super) fn read() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let avx2 =
            if cpuinfo.split_whitespace().any(|flag| flag == "avx2") { " with AVX2" } else { "" };
        Self {
            rustc: version("rustc", "--version"),
            libc: version("ldd", "--version"),
            valgrind: version("valgrind", "--version"),
            processor: format!("{}{avx2}", std::env::consts::ARCH),
        }
    }

    /// What would have to be otherwise here for counts to be comparable, as a noun phrase.
    pub(super) fn differs_from(&self, here: &Self) -> Option<String> {
        let pairs = [
            (&self.rustc, &here.rustc),
            (&self.libc, &here.libc),
            (&self.valgrind, &here.valgrind),
            (&self.processor, &here.processor),
        ];
        let differing: Vec<_> = pairs
            .into_iter()
            .filter(|(recorded, here)| recorded != here)
            .map(|(recorded, here)| format!("`{recorded}` in place of `{here}`"))
            .collect();
        (!differing.is_empty()).then(|| {
            format!(
                "{} (or counts recorded here: `cargo xtask bench counts --record`)",
                differing.join(" and ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_differs() {
        let here = Setting::read();
        assert_eq!(here.differs_from(&here.clone()), None);
        let other = Setting { rustc: "rustc 9.9.9".to_owned(), ..here.clone() };
        let needs = other.differs_from(&here).unwrap();
        assert!(needs.starts_with("`rustc 9.9.9` in place of `rustc"), "{needs}");
    }
}
