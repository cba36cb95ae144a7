/** Times as people read them, by the system's locale. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });
const SHORT_DATE = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const LONG_DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });
const CLOCK_WITH_SECONDS = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: 'long', hour: 'numeric', minute: '2-digit' });

/** How long ago: in words for a week, then a date. A clock that was set back makes nothing "in 3 hours". */
export function relative(time: Date, now: number): string {
  const passed = Math.max(0, now - time.getTime());
  if (passed < MINUTE) {
    return AGO.format(0, 'second');
  }
  if (passed < HOUR) {
    return AGO.format(-Math.floor(passed / MINUTE), 'minute');
  }
  const days = daysBetween(time, new Date(now));
  if (days === 0 || passed < 6 * HOUR) {
    return AGO.format(-Math.floor(passed / HOUR), 'hour');
  }
  if (days < 7) {
    return AGO.format(-days, 'day');
  }
  return (time.getFullYear() === new Date(now).getFullYear() ? SHORT_DATE : LONG_DATE).format(time);
}

/** With date and seconds. */
export function exact(time: Date): string {
  return EXACT.format(time);
}

/** The time of day. */
export function timeOfDay(time: Date, seconds = false): string {
  return (seconds ? CLOCK_WITH_SECONDS : CLOCK).format(time);
}

/** A time of day such as `22:00`, as people here write it. */
export function clockTime(time: string): string {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return CLOCK.format(new Date(2024, 0, 1, hour, minute));
}

/** A near time to come: of today only the time of day. */
export function coming(time: Date, now: number): string {
  const days = daysBetween(new Date(now), time);
  if (days === 0) {
    return CLOCK.format(time);
  }
  return days < 7 ? WEEKDAY.format(time) : `${LONG_DATE.format(time)}, ${CLOCK.format(time)}`;
}

export function date(time: Date): string {
  return LONG_DATE.format(time);
}

/** The days' names, from Monday on. */
export function weekdays(): { short: string; long: string }[] {
  const name = (day: number, weekday: 'short' | 'long') =>
    new Intl.DateTimeFormat(undefined, { weekday }).format(new Date(2024, 0, 1 + day));
  return Array.from({ length: 7 }, (_, day) => ({ short: name(day, 'short'), long: name(day, 'long') }));
}

/** The next morning at eight that is not today's. */
export function tomorrowMorning(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 8);
}

export function inOneHour(now: Date): Date {
  return new Date(now.getTime() + HOUR);
}

function daysBetween(earlier: Date, later: Date): number {
  const midnight = (time: Date) => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();
  return Math.round((midnight(later) - midnight(earlier)) / DAY);
}
