import { expect, test } from 'vitest';
import { lines } from './json';

const text = (raw: string) =>
  lines(raw)
    ?.map(({ indent, name, text, comma }) => ' '.repeat(2 * indent) + name + text + comma)
    .join('\n');

test('it is what JSON.stringify makes of it', () => {
  const value = { b: 'x\n"', a: [1, -1.5, true, null, {}, [], [{ c: '' }]], 'a/b~c': { '': 0 } };
  expect(text(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
});

test('a pointer leads to every value that says something', () => {
  const found = lines('{"a/b":{"m~n":["x",{"":1}]},"no":null,"yes":false}') ?? [];
  expect(found.flatMap(({ pointer }) => pointer ?? [])).toEqual(['/a~1b/m~0n/0', '/a~1b/m~0n/1/', '/yes']);
});

test('JSON within a string, and after a byte order mark, is read as the receiver does', () => {
  expect(text(JSON.stringify('{"a":1}'))).toBe('{\n  "a": 1\n}');
  expect(text('\ufeff{"a":1}')).toBe('{\n  "a": 1\n}');
});

test('what is none, or too much, is left as text', () => {
  for (const raw of ['', 'Hello', '5', '"Hello"', 'null', '{', '['.repeat(100_000)]) {
    expect(lines(raw)).toBeNull();
  }
  expect(lines('['.repeat(60) + ']'.repeat(60))).toBeNull();
  expect(lines(JSON.stringify(Array.from({ length: 5000 }, (_, n) => n)))).toBeNull();
});

test('a member with a name that objects have is a member', () => {
  const found = lines('{"__proto__":{"title":"x"},"constructor":"y"}') ?? [];
  expect(found.flatMap(({ pointer }) => pointer ?? [])).toEqual(['/__proto__/title', '/constructor']);
});
