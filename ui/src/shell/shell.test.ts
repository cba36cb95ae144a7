import { cleanup, screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { world } from '../../scenes/world.mjs';
import { router } from '../lib/route.svelte';
import { asked, click, emit, open, passes, press, rows, there } from '../window-for-tests';

test('the keyboard reaches everything', async () => {
  await open('#/inbox');
  await press('j');
  await press('j');
  expect(router.current.item).toBe('998');
  await press('k');
  expect(router.current.item).toBe('999');
  await press('Enter');
  expect(asked('open_entry')).toEqual([{ request: 'open_entry', id: '999', action: null }]);
  await press('Escape');
  expect(router.current).toEqual({ page: 'inbox', item: null });
  await press('f', { ctrlKey: true });
  expect(document.activeElement).toBe(screen.getByPlaceholderText('Search'));
  await press('n', { ctrlKey: true });
  expect(document.activeElement).toBe(screen.getByTestId('site-name'));
  await press('2', { ctrlKey: true });
  expect(screen.getByTestId('nav-sites').getAttribute('aria-current')).toBe('page');
  await press('?');
  expect(screen.getByRole('dialog', { hidden: true }).textContent).toContain('Undo deleting');
});

test('a locked keyring is said with what to do, and unlocking helps', async () => {
  const message = 'org.freedesktop.Secret.Error.IsLocked';
  await open('#/inbox', world({ fail: { status: { code: 'keyring', message } } }));
  expect(screen.getByRole('heading').textContent).toContain('keyring is locked');
  await click(screen.getByText('Copy details'));
  expect(there.copied).toBe(`keyring: ${message}`);
  await passes(60_000);
  expect(asked('unlock')).toEqual([]);
  await click(screen.getByTestId('unlock'));
  expect(asked('unlock')).toHaveLength(1);
  expect(rows()).not.toEqual([]);
});

test('a keyring that is locked while the window is open shows so, and goes on by itself', async () => {
  await open('#/inbox');
  const locked = { code: 'keyring' as const, trouble: 'keyring-locked' as const, message: 'it is locked' };
  there.status.locked = 'the keyring is locked';
  there.fail = { list_sites: locked, list_entries: locked, show_entry: locked };
  emit('belfry', { event: 'locked', reason: 'the keyring is locked', code: 'keyring-locked' });
  await passes(0);
  expect(screen.getByTestId('unlock')).toBeTruthy();
  there.status.locked = null;
  there.fail = {};
  emit('belfry', { event: 'unlocked' });
  await passes(0);
  expect(rows()).not.toEqual([]);
  expect(asked('unlock')).toEqual([]);
});

test('while the keyring asks that is said, and a dismissed question is in the details', async () => {
  const message = 'the keyring is locked';
  await open('#/inbox', world({ status: { locked: message } }));
  there.hang = ['unlock'];
  await click(screen.getByTestId('unlock'));
  expect(screen.getByText('Waiting for the keyring’s password…')).toBeTruthy();
  expect(screen.getByTestId<HTMLButtonElement>('unlock').disabled).toBe(true);
  cleanup();
  const unlock = { code: 'keyring' as const, trouble: 'prompt-dismissed' as const, message: 'dismissed' };
  await open('#/inbox', { ...world({ status: { locked: message } }), unlock });
  await click(screen.getByTestId('unlock'));
  expect(document.querySelector('pre')?.textContent).toBe(`keyring: ${message}\nprompt-dismissed: dismissed`);
  expect(screen.getByTestId<HTMLButtonElement>('unlock').disabled).toBe(false);
  expect(asked('unlock')).toHaveLength(1);
});

test('a password is not asked for where it would not help', async () => {
  const error = { code: 'keyring' as const, trouble: 'keyring-absent' as const, message: 'nothing there' };
  await open('#/inbox', world({ fail: { status: error } }));
  expect(screen.queryByTestId('unlock')).toBeNull();
  there.fail = {};
  await click(screen.getByText('Try again'));
  expect(rows()).not.toEqual([]);
});

test('an engine that comes back by itself shows the pages again', async () => {
  await open('#/inbox', world({ fail: { status: { code: 'storage', message: 'disk full' } } }));
  expect(rows()).toEqual([]);
  there.fail = {};
  emit('belfry', { event: 'changed' });
  await passes(0);
  expect(rows()).not.toEqual([]);
});

test('that a notification is on screen changes nothing here, so nothing is asked', async () => {
  await open('#/inbox');
  const before = asked('status').length;
  emit('belfry', { event: 'handed', ids: ['999'] });
  await passes(0);
  expect(asked('status')).toHaveLength(before);
  emit('belfry', { event: 'changed' });
  await passes(0);
  expect(asked('status')).toHaveLength(before + 1);
});

test('what fails behind the window is told', async () => {
  await open('#/inbox');
  emit('belfry', { event: 'failed', site: 'Shop', reason: 'a link was refused' });
  await passes(0);
  expect(screen.getByTestId('toast').textContent).toContain('Shop: a link was refused');
});

test('while something is asked, the keyboard means only that', async () => {
  await open('#/sites/site2');
  await click(screen.getByTestId('site-remove'));
  await press('j', {}, screen.getByRole('dialog'));
  expect(router.current.item).toBe('site2');
});
