import { afterEach, expect, test } from 'vitest';
import { SHEET, shortcut } from './shortcuts';

afterEach(() => document.body.replaceChildren());

function press(key: string, on: string = 'body', init: KeyboardEventInit = {}) {
  if (on !== 'body') {
    document.body.innerHTML = on;
  }
  const event = new KeyboardEvent('keydown', { key, bubbles: true, ...init });
  let asked = null;
  const listen = (event: KeyboardEvent) => (asked = shortcut(event));
  addEventListener('keydown', listen);
  (document.body.firstElementChild ?? document.body).dispatchEvent(event);
  removeEventListener('keydown', listen);
  return asked;
}

test('every key of the sheet means something', () => {
  const names: Record<string, string> = { '↓': 'ArrowDown', '↑': 'ArrowUp', Esc: 'Escape' };
  for (const { keys } of SHEET) {
    const control = keys[0] === 'Ctrl';
    for (const key of control ? keys.slice(1) : keys) {
      expect(press(names[key] ?? key, 'body', { ctrlKey: control }), key).not.toBeNull();
    }
  }
});

test('typing is left alone', () => {
  for (const key of ['j', 'k', '?', 'Delete', 'Enter', 'ArrowDown']) {
    expect(press(key, '<input type="search">'), key).toBeNull();
  }
  expect(press('z', '<input type="text">', { ctrlKey: true })).toBeNull();
  expect(press('Escape', '<input type="text">')).toBe('back');
  expect(press('f', '<input type="text">', { ctrlKey: true })).toBe('search');
});

test('enter presses the button that has the focus, and opens from a row', () => {
  expect(press('Enter', '<button>')).toBeNull();
  expect(press('Enter', '<a href="#/settings">')).toBeNull();
  expect(press('Enter', '<a href="#/inbox/1" data-row>')).toBe('open');
});

test('arrows belong to radio buttons and to what scrolls', () => {
  expect(press('ArrowDown', '<input type="radio">')).toBeNull();
  expect(press('ArrowDown', '<article data-scrolls>')).toBeNull();
  expect(press('j', '<article data-scrolls>')).toBe('next');
});

test('other modifiers mean something else', () => {
  expect(press('1', 'body', { altKey: true, ctrlKey: true })).toBeNull();
  expect(press('z', 'body', { ctrlKey: true, shiftKey: true })).toBeNull();
  expect(press('1')).toBeNull();
});
