//! Room for connections: each takes a file descriptor.

/// Lets the process have as many as its administrator allows. Until it asks, that is 1024 on most systems, for the sake of
/// programs that count them in a fixed field.
#[cfg(unix)]
pub(crate) fn allow_all() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
    {
        tracing::debug!(%error, "the number of connections stays limited");
    }
}

/// Nothing: there is no such limit.
#[cfg(not(unix))]
pub(crate) fn allow_all() {}

#[cfg(all(test, unix))]
mod tests {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;

    #[test]
    fn as_many_connections_are_taken_as_the_administrator_allows() {
        let limit = getrlimit(Resource::Nofile);
        let fewer = limit.maximum.map(|maximum| maximum - 1);
        setrlimit(Resource::Nofile, Rlimit { current: fewer, ..limit }).unwrap();
        allow_all();
        assert_eq!(getrlimit(Resource::Nofile).current, limit.maximum);
    }
}
