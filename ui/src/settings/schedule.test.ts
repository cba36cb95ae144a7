import { expect, test } from 'vitest';
import { EVERY_DAY, parseSchedule, times, writeSchedule } from './schedule';

const on = (...days: number[]) => EVERY_DAY.map((_, day) => days.includes(day));

test('hours of silence are read as they are written', () => {
  expect(parseSchedule('off')).toBeNull();
  expect(parseSchedule('22:00-07:00')).toEqual({ start: '22:00', end: '07:00', days: EVERY_DAY });
  for (const text of ['22:00-07:00', '09:30-17:00,mon,wed', '00:00-00:00,sun']) {
    expect(writeSchedule(parseSchedule(text)!)).toBe(text);
  }
});

test('days may be ranges, also over the weekend', () => {
  expect(parseSchedule('22:00-07:00,mon-fri')?.days).toEqual(on(0, 1, 2, 3, 4));
  expect(parseSchedule('22:00-07:00,sat-mon,wed')?.days).toEqual(on(5, 6, 0, 2));
});

test('every half hour can be chosen, and what is stored', () => {
  expect(times()).toHaveLength(48);
  expect(times('22:00')).toEqual(times());
  expect(times('06:45').slice(13, 16)).toEqual(['06:30', '06:45', '07:00']);
});
