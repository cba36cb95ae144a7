import { fireEvent, screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { world } from '../../scenes/world.mjs';
import { asked, click, emit, open, passes, there } from '../window-for-tests';

test('silence by the clock is saved as the receiver writes it', async () => {
  await open('#/settings');
  await click(screen.getByTestId('silent-hours'));
  await fireEvent.change(screen.getByTestId('silent-hours-start'), { target: { value: '21:30' } });
  await click(screen.getByLabelText('Saturday'));
  await click(screen.getByLabelText('Sunday'));
  await click(screen.getByText('Save'));
  const key = 'dnd-schedule';
  expect(asked('set_setting').at(-1)).toEqual({
    request: 'set_setting',
    key,
    value: '21:30-07:00,mon,tue,wed,thu,fri',
    confirmed: false,
  });
  expect(screen.queryByText('Save')).toBeNull();
  there.status.quiet = true;
  emit('belfry', { event: 'changed' });
  await passes(0);
  expect(screen.getByText(/On by the clock/)).toBeTruthy();
  expect(screen.getByLabelText<HTMLInputElement>('Saturday').checked).toBe(false);
  await click(screen.getByTestId('silent-hours'));
  there.fail = { set_setting: { code: 'storage', message: 'disk full' } };
  await click(screen.getByText('Save'));
  expect(screen.getByRole('alert').textContent).toContain('Disk full');
  there.fail = {};
  await click(screen.getByText('Save'));
  expect(asked('set_setting').at(-1)).toEqual({
    request: 'set_setting',
    key,
    value: 'off',
    confirmed: false,
  });
});

test('how much of the history is kept is chosen, and less of it is warned of', async () => {
  const wanted = world();
  wanted.settings = wanted.settings.map((setting) =>
    setting.key === 'history-days' ? { ...setting, value: '14' } : setting,
  );
  await open('#/settings', wanted);
  const days = screen.getByTestId<HTMLSelectElement>('history-days');
  expect(days.selectedOptions[0]?.textContent).toBe('14 days');
  expect([...days.options].map(({ value }) => value)).toEqual(['7', '14', '30', '90', '365', 'off']);
  await fireEvent.change(days, { target: { value: 'off' } });
  await passes(0);
  expect(screen.queryByText(/deleted for good/)).toBeNull();
  await fireEvent.change(screen.getByTestId('history-per-site'), { target: { value: '100' } });
  await passes(0);
  expect(screen.getByText(/deleted for good/)).toBeTruthy();
  await click(screen.getByText('Save'));
  expect(asked('set_setting').map(({ key, value }) => [key, value])).toEqual([
    ['history-days', 'off'],
    ['history-per-site', '100'],
  ]);
  expect(screen.queryByText('Save')).toBeNull();
});

test('a limit that deletes messages asks first, and each for itself', async () => {
  await open('#/settings', { ...world(), beyond: { '7': 983, '100': 1 } });
  const limits = () => asked('set_setting').map(({ key, value, confirmed }) => [key, value, confirmed]);
  const stored = () => there.settings.map(({ value }) => value);
  const before = stored();
  const days = screen.getByTestId<HTMLSelectElement>('history-days');
  await fireEvent.change(days, { target: { value: '7' } });
  await fireEvent.change(screen.getByTestId('history-per-site'), { target: { value: '100' } });
  await click(screen.getByText('Save'));
  const question = () => screen.getByRole('dialog').textContent;
  expect(question()).toMatch(
    /Delete 983 messages\?.*They are\s+older than 7 days\. This cannot be\s+undone/s,
  );
  expect(screen.queryByRole('alert')).toBeNull();
  await click(screen.getByText('Keep them'));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(stored()).toEqual(before);
  expect(days.value).toBe('7');
  await click(screen.getByText('Save'));
  await click(screen.getByTestId('history-confirm'));
  expect(question()).toMatch(/Delete 1 message\?.*It is\s+not among the newest 100 messages of a site/s);
  await click(screen.getByTestId('history-confirm'));
  expect(limits()).toEqual([
    ['history-days', '7', false],
    ['history-days', '7', false],
    ['history-days', '7', true],
    ['history-per-site', '100', false],
    ['history-per-site', '100', true],
  ]);
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(screen.getByText('Saved')).toBeTruthy();
  expect(screen.queryByText('Save')).toBeNull();
});

test('a push service that no site is at can be removed, and comes back', async () => {
  const wanted = world();
  const url = 'wss://push.example.org/';
  wanted.status.push_services = [...wanted.status.push_services, { url, connected: true, reason: null }];
  await open('#/settings', wanted);
  const listed = () => screen.getAllByTestId('push-service').map((item) => item.textContent);
  expect(listed()).toHaveLength(3);
  expect(listed()[1]).toContain('Backups');
  // The others are where new sites go, and where one is.
  await click(screen.getByTestId('push-service-remove'));
  expect(asked('remove_push_service')).toEqual([{ request: 'remove_push_service', url }]);
  expect(listed()).toHaveLength(2);
  await click(screen.getByText('Undo'));
  expect(asked('add_push_service')).toEqual([{ request: 'add_push_service', url }]);
  expect(listed()[2]).toContain('push.example.org');
});

test('what a check found is shown with what to do and its code', async () => {
  await open('#/settings');
  await click(screen.getByText('Check everything', { selector: 'button' }));
  expect(screen.getByText('notifications-limited')).toBeTruthy();
  expect(screen.getByText(/What to do: use `belfry inbox`/)).toBeTruthy();
  await click(screen.getByText('Copy the result'));
  expect(there.copied).toContain('notifications: warning (notifications-limited): xfce4-notifyd');
});

test('silence lasts an hour or until tomorrow at eight', async () => {
  await open('#/settings');
  await click(screen.getByText('For 1 hour'));
  const [{ value } = { value: 'off' }] = asked('set_do_not_disturb');
  const left = typeof value === 'object' ? new Date(value.until).getTime() - Date.now() : 0;
  expect(left / 60_000).toBeCloseTo(60, 0);
  await click(screen.getByText('Switch off'));
  expect(there.status.do_not_disturb).toBe('off');
});
