/** The hours of silence as the setting `dnd-schedule` writes them: `22:00-07:00,mon,tue`. */
export interface Schedule {
  start: string;
  end: string;
  /** From Monday on. */
  days: readonly boolean[];
}

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

export const EVERY_DAY: readonly boolean[] = DAYS.map(() => true);

/** `null`: there are none. */
export function parseSchedule(text: string): Schedule | null {
  const [hours = '', ...parts] = text.split(',').map((part) => part.trim());
  const [start, end] = hours.split('-');
  if (start === undefined || end === undefined) {
    return null;
  }
  const names: readonly string[] = DAYS;
  const days = DAYS.map(() => false);
  for (const part of parts) {
    const [first = -1, last = first] = part.split('-').map((name) => names.indexOf(name));
    const length = first < 0 || last < 0 ? 0 : ((last - first + DAYS.length) % DAYS.length) + 1;
    for (let nth = 0; nth < length; nth += 1) {
      // `fri-mon` goes over the weekend.
      days[(first + nth) % DAYS.length] = true;
    }
  }
  return { start, end, days: days.includes(true) ? days : EVERY_DAY };
}

export function writeSchedule({ start, end, days }: Schedule): string {
  const named = days.every(Boolean) ? [] : DAYS.filter((_, day) => days[day]);
  return [`${start}-${end}`, ...named].join(',');
}

/** The times of day to choose from, each half hour, with the stored one among them. */
export function times(stored?: string): string[] {
  const halves = Array.from(
    { length: 48 },
    (_, half) => `${String(half >> 1).padStart(2, '0')}:${half % 2 === 0 ? '00' : '30'}`,
  );
  return [...new Set(stored === undefined ? halves : [...halves, stored])].sort();
}
