//! Time for sessions: counts the time asleep, so that a deadline that passed in the night is past in the morning.

use webpush::autopush::Moment;

/// Now, since the machine was started.
#[cfg(target_os = "linux")]
pub(crate) fn now() -> Moment {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Moment(std::time::Duration::new(seconds, nanoseconds))
}

/// Now, since this was first called. On Windows this clock counts sleep, on macOS it does not.
#[cfg(not(target_os = "linux"))]
pub(crate) fn now() -> Moment {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    Moment(START.elapsed())
}
