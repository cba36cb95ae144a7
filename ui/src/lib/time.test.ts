import { expect, test } from 'vitest';
import { coming, exact, relative, tomorrowMorning } from './time';

const NOW = new Date(2026, 2, 12, 14, 30);
const ago = (...[days, hours, minutes]: [number, number?, number?]) =>
  relative(new Date(2026, 2, 12 - days, 14 - (hours ?? 0), 30 - (minutes ?? 0)), NOW.getTime());

const words = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' });

test('within an hour it is minutes, on the same day hours, within a week days', () => {
  expect(ago(0)).toBe(words.format(0, 'second'));
  expect(ago(0, 0, 1)).toBe(words.format(-1, 'minute'));
  expect(ago(0, 0, 59)).toBe(words.format(-59, 'minute'));
  expect(ago(0, 13)).toBe(words.format(-13, 'hour'));
  expect(ago(1)).toBe(words.format(-1, 'day'));
  expect(ago(6)).toBe(words.format(-6, 'day'));
});

test('what came late in the evening is hours old in the night', () => {
  const evening = new Date(2026, 2, 11, 23, 0);
  expect(relative(evening, new Date(2026, 2, 12, 1, 30).getTime())).toBe(words.format(-2, 'hour'));
  expect(relative(evening, new Date(2026, 2, 12, 9, 0).getTime())).toBe(words.format(-1, 'day'));
});

test('after a week it is a date, of another year with the year', () => {
  expect(ago(10)).not.toContain('2026');
  expect(relative(new Date(2024, 11, 31), NOW.getTime())).toContain('2024');
});

test('a clock that was set back makes nothing come from the future', () => {
  expect(relative(new Date(2026, 2, 12, 18), NOW.getTime())).toBe(words.format(0, 'second'));
});

test('the exact time has seconds', () => {
  expect(exact(new Date(2026, 2, 12, 14, 30, 59))).toMatch(/30:59/);
});

test('tomorrow morning is at eight, whatever the time is now', () => {
  expect(tomorrowMorning(NOW)).toEqual(new Date(2026, 2, 13, 8));
  expect(tomorrowMorning(new Date(2026, 11, 31, 0, 5))).toEqual(new Date(2027, 0, 1, 8));
});

test('a time to come has its day unless that is today', () => {
  const time = (hour: number) =>
    new Intl.DateTimeFormat(undefined, { timeStyle: 'short' }).format(new Date(2026, 2, 12, hour));
  expect(coming(new Date(2026, 2, 12, 18), NOW.getTime())).toBe(time(18));
  expect(coming(new Date(2026, 2, 13, 8), NOW.getTime())).not.toBe(time(8));
});
