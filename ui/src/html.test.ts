import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(svelte|ts)$/.test(name) && !name.endsWith('.test.ts'))
  .map((name) => ({ name, text: readFileSync(`src/${name}`, 'utf8') }));

const naming = (pattern: RegExp) => sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name);

test('nothing is ever inserted as HTML', () => {
  expect(sources.length).toBeGreaterThan(30);
  expect(naming(/\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|DOMParser/)).toEqual(
    [],
  );
});

test('nothing is inline that the window’s policy refuses', () => {
  expect(
    naming(/\sstyle=|svelte\/transition|\btransition:|\bin:|\bout:|\banimate:|\beval\(|new Function/),
  ).toEqual([]);
});
