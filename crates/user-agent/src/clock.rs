//! Time for sessions: counts the time asleep, so that a deadline that passed in the night is past in the morning, and an
//! alarm that rings then.

use std::future::pending;
use std::time::Duration;

use tokio::time::sleep;
use webpush::autopush::Moment;

/// Where the system has no timer that counts sleep, a deadline is looked at this often.
const NAP: Duration = Duration::from_secs(60);

/// Tells the time since some fixed start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    /// How long a test's machine has slept.
    #[cfg(test)]
    slept: std::sync::Arc<tokio::sync::watch::Sender<Duration>>,
}

impl Clock {
    pub(crate) fn now(&self) -> Moment {
        Moment(since_start() + self.slept())
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, reason = "a test's clock does use it")]
    fn slept(&self) -> Duration {
        Duration::ZERO
    }

    #[cfg(test)]
    fn slept(&self) -> Duration {
        *self.slept.borrow()
    }

    /// The machine sleeps and wakes.
    #[cfg(test)]
    pub(crate) fn sleep(&self, span: Duration) {
        self.slept.send_modify(|slept| *slept += span);
    }

    #[cfg(not(test))]
    #[allow(clippy::unused_self, reason = "a test's clock does use it")]
    async fn woke(&self) {
        pending().await
    }

    #[cfg(test)]
    async fn woke(&self) {
        let mut slept = self.slept.subscribe();
        let _ = slept.changed().await;
    }
}

/// Since the machine was started.
#[cfg(target_os = "linux")]
fn since_start() -> Duration {
    unix_time(rustix::time::ClockId::Boottime)
}

/// Since the machine was started: this clock does count sleep on macOS.
#[cfg(all(unix, not(target_os = "linux")))]
fn since_start() -> Duration {
    unix_time(rustix::time::ClockId::Monotonic)
}

#[cfg(unix)]
fn unix_time(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

/// Since this was first called. On Windows this clock counts sleep.
#[cfg(not(unix))]
fn since_start() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// Waits for moments of a [`Clock`]. tokio's own timers do not count sleep: one set for a minute would ring a minute
/// of being awake later.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: Clock,
    #[cfg(target_os = "linux")]
    timer: Option<linux::Timer>,
}

impl Alarm {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            #[cfg(target_os = "linux")]
            timer: linux::Timer::new().inspect_err(|error| tracing::debug!(%error, "no timer")).ok(),
        }
    }

    /// Returns at this moment, or at once when it has passed; never for `None`.
    pub(crate) async fn at(&mut self, moment: Option<Moment>) {
        let Some(moment) = moment else { return pending().await };
        loop {
            let left = moment.0.saturating_sub(self.clock.now().0);
            if left.is_zero() {
                return;
            }
            let clock = self.clock.clone();
            tokio::select! {
                () = self.pass(left) => {}
                () = clock.woke() => {}
            }
        }
    }

    /// Waits for this long, or less.
    async fn pass(&mut self, span: Duration) {
        #[cfg(target_os = "linux")]
        if let Some(timer) = &mut self.timer {
            match timer.pass(span).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::debug!(%error, "the timer failed");
                    self.timer = None;
                }
            }
        }
        sleep(span.min(NAP)).await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// A timer of the kernel that counts sleep and wakes nobody before it is due.
    #[derive(Debug)]
    pub(super) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            let timer =
                timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
            #[expect(deprecated, reason = "sound for an `OwnedFd`; its successor is unsafe, which we forbid")]
            AsyncFd::with_interest(timer, Interest::READABLE).map(Self)
        }

        /// Returns after this long, or earlier: what a setting before has left may be noticed now.
        pub(super) async fn pass(&mut self, span: Duration) -> io::Result<()> {
            let span = Timespec::try_from(span).map_err(io::Error::other)?;
            let never = Timespec { tv_sec: 0, tv_nsec: 0 };
            let once = Itimerspec { it_interval: never, it_value: span };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
            self.0.readable().await?.clear_ready();
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn the_alarm_rings_at_its_moment_again_and_again() {
        let clock = Clock::default();
        let mut alarm = Alarm::new(clock.clone());
        #[cfg(target_os = "linux")]
        assert!(alarm.timer.is_some());
        for milliseconds in [30, 5, 0, 20] {
            let moment = clock.now() + Duration::from_millis(milliseconds);
            alarm.at(Some(moment)).await;
            assert!(clock.now() >= moment);
            alarm.at(Some(moment)).await;
        }
    }

    #[tokio::test]
    async fn an_alarm_set_for_later_replaces_the_one_before() {
        let clock = Clock::default();
        let mut alarm = Alarm::new(clock.clone());
        let start = clock.now();
        tokio::select! {
            biased;
            () = alarm.at(Some(start + Duration::from_millis(1))) => panic!("not due yet"),
            () = std::future::ready(()) => {}
        }
        std::thread::sleep(Duration::from_millis(5));
        let later = start + Duration::from_millis(40);
        alarm.at(Some(later)).await;
        assert!(clock.now() >= later);
    }

    #[tokio::test]
    async fn a_deadline_that_passed_in_sleep_rings_on_waking() {
        let clock = Clock::default();
        let mut alarm = Alarm::new(clock.clone());
        let began = Instant::now();
        let morning = clock.now() + Duration::from_secs(8 * 3600);
        let ringing = tokio::spawn(async move { alarm.at(Some(morning)).await });
        tokio::task::yield_now().await;
        clock.sleep(Duration::from_secs(9 * 3600));
        ringing.await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(3600));
    }
}
