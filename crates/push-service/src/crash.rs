//! Named places at which a test lets the process die, as a power failure would: `BELFRY_CRASH_AT=NAME`. Not in release
//! builds.

/// Ends the process here, if the test wants that.
#[cfg(debug_assertions)]
pub(crate) fn point(name: &str) {
    if std::env::var_os("BELFRY_CRASH_AT").is_some_and(|wanted| wanted == name) {
        std::process::abort();
    }
}

/// Nothing.
#[cfg(not(debug_assertions))]
pub(crate) fn point(_name: &str) {}
