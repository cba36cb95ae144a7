import { screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { world } from '../../scenes/world.mjs';
import { coming } from '../lib/time';
import { asked, click, emit, open, passes, there } from '../window-for-tests';

test('the subscription is copied as one canonical line, the endpoint alone', async () => {
  await open('#/sites/site1');
  const { endpoint, keys } = there.sites[0]!.subscription!;
  await click(screen.getByTestId('copy-subscription'));
  expect(there.copied).toBe(
    `{"endpoint":"${endpoint}","expirationTime":null,"keys":{"p256dh":"${keys.p256dh}","auth":"${keys.auth}"}}`,
  );
  expect(screen.getByTestId('toast').textContent).toContain('Subscription copied');
  await click(screen.getByTestId('copy-endpoint'));
  expect(there.copied).toBe(endpoint);
});

test('a site is blocked and allowed again; what is refused is not shown as chosen', async () => {
  await open('#/sites/site1');
  const radio = (state: string) => screen.getByTestId<HTMLInputElement>(`site-state-${state}`);
  await click(radio('blocked'));
  expect(there.sites[0]!.state).toBe('blocked');
  there.fail = { set_site: { code: 'storage', message: 'disk full' } };
  await click(radio('alert'));
  expect(screen.getByText('Disk full')).toBeTruthy();
  expect(radio('blocked').checked).toBe(true);
});

test('a site is snoozed for an hour, until tomorrow, and no more', async () => {
  await open('#/sites/site1');
  const until = () => new Date(there.sites[0]!.snoozed_until ?? NaN);
  await click(screen.getByTestId('site-snooze-hour'));
  expect((until().getTime() - Date.now()) / 60_000).toBeCloseTo(60, 0);
  // In the list, above and below: one clock.
  const end = coming(until(), Date.now());
  expect(screen.getAllByText(`Snoozed until ${end}`)).toHaveLength(2);
  expect(screen.getByText(new RegExp(`^No notifications until ${end}\\.`))).toBeTruthy();
  await click(screen.getByTestId('site-snooze-morning'));
  expect(until().getHours()).toBe(8);
  expect(until().getTime()).toBeGreaterThan(Date.now());
  await click(screen.getByTestId('site-snooze-off'));
  expect(there.sites[0]!.snoozed_until).toBeNull();
  expect(screen.queryByTestId('site-snooze-off')).toBeNull();
  await click(screen.getByTestId('site-state-history'));
  expect(screen.queryByTestId('site-snooze-hour')).toBeNull();
});

test('what a site may do besides is changed one by one', async () => {
  await open('#/sites/site1');
  await click(screen.getByTestId('site-sound'));
  await click(screen.getByTestId('site-dnd-bypass'));
  await click(screen.getByTestId('site-burst'));
  await click(screen.getByTestId('site-links-ask'));
  expect(screen.getByTestId<HTMLInputElement>('site-images-own').checked).toBe(true);
  await click(screen.getByTestId('site-images-never'));
  expect(asked('set_site').map(({ changes }) => changes)).toEqual([
    [{ key: 'sound', value: false }],
    [{ key: 'dnd_bypass', value: true }],
    [{ key: 'burst', value: 'off' }],
    [{ key: 'links', value: 'ask' }],
    [{ key: 'images', value: 'never' }],
  ]);
  await click(screen.getByTestId('site-burst'));
  expect(there.sites[0]!.burst).toBe('5/10');
  there.fail = { set_site: { code: 'storage', message: 'disk full' } };
  await click(screen.getByTestId('site-sound'));
  expect(screen.getByRole('alert').textContent).toContain('Disk full');
  expect(screen.getByTestId<HTMLInputElement>('site-sound').checked).toBe(false);
});

test('a site to be paired again says so until its sender has the subscription', async () => {
  await open('#/sites/site3');
  expect(screen.getByRole('note').textContent).toContain('Copy the new one');
  await click(screen.getByTestId('site-paired'));
  expect(asked('set_site').map(({ changes }) => changes)).toEqual([[{ key: 'paired' }]]);
  expect(screen.queryByRole('note')).toBeNull();
});

test('a site is moved to another push service, and then has to be paired again', async () => {
  await open('#/sites/site2');
  await click(screen.getByTestId('site-move'));
  expect(screen.getByRole('dialog').textContent).toContain('its sender must be given');
  expect(screen.getByTestId<HTMLButtonElement>('site-move-confirm').disabled).toBe(true);
  await click(screen.getByTestId('push-service-local'));
  there.fail = { set_site: { code: 'rejected', message: 'it said no' } };
  await click(screen.getByTestId('site-move-confirm'));
  expect(screen.getByRole('alert').textContent).toContain('It said no');
  there.fail = {};
  await click(screen.getByTestId('site-move-confirm'));
  expect(there.sites[1]!.push_service).toBe('ws://127.0.0.1:45319/');
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(screen.getByRole('note').textContent).toContain('new subscription');
});

test('a site that is still moving says so, and can be kept where it is', async () => {
  const wanted = world();
  const here = wanted.sites[1]!.push_service;
  wanted.sites[1]!.moving_to = { push_service: 'wss://push.example/', vapid_key: null };
  await open('#/sites/site2', wanted);
  expect(screen.getByTestId('site-moving').textContent).toContain('wss://push.example/');
  await click(screen.getByTestId('site-move'));
  expect(screen.getByTestId<HTMLInputElement>('push-service-url').value).toBe('wss://push.example/');
  expect(screen.getByTestId<HTMLButtonElement>('site-move-confirm').disabled).toBe(true);
  await click(screen.getByTestId('push-service-mozilla'));
  await click(screen.getByTestId('site-move-confirm'));
  expect(asked('set_site').at(-1)?.changes).toEqual([{ key: 'push_service', value: here }]);
  expect(screen.getByText(/stays where it is/)).toBeTruthy();
});

test('a blocked site is disconnected after a question, and gets a new subscription when it is allowed', async () => {
  await open('#/sites/site1');
  expect(screen.queryByTestId('site-disconnect')).toBeNull();
  await click(screen.getByTestId('site-state-blocked'));
  await click(screen.getByTestId('site-disconnect'));
  expect(asked('disconnect_site')).toEqual([]);
  expect(screen.getByRole('dialog').textContent).toContain('Disconnect Backups?');
  await click(screen.getByTestId('site-disconnect-confirm'));
  expect(asked('disconnect_site')).toEqual([{ request: 'disconnect_site', site: 'site1' }]);
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(screen.queryByTestId('copy-subscription')).toBeNull();
  expect(screen.getByText(/It was given up/)).toBeTruthy();
  await click(screen.getByTestId('site-state-alert'));
  await click(screen.getByTestId('copy-endpoint'));
  expect(there.copied).toBe('https://push.example/new');
});

test('waiting for another subscription can be ended, and the site stays', async () => {
  await open('#/sites/site6');
  await click(screen.getByTestId('site-disconnect'));
  await click(screen.getByTestId('site-disconnect-confirm'));
  there.hang = ['set_site'];
  await click(screen.getByTestId('site-state-quiet'));
  Object.assign(there.sites[5]!, { connected: true, state: 'quiet' });
  emit('belfry', { event: 'changed' });
  await passes(0);
  expect(screen.getByText(/Waiting for the endpoint from Mozilla/)).toBeTruthy();
  await click(screen.getByText('Cancel', { selector: 'button' }));
  expect(asked('disconnect_site')).toHaveLength(2);
  expect(asked('remove_site')).toEqual([]);
  expect(screen.getByText(/It was given up/)).toBeTruthy();
});

test('removing asks, naming the site', async () => {
  await open('#/sites/site2');
  await click(screen.getByTestId('site-remove'));
  expect(asked('remove_site')).toEqual([]);
  expect(screen.getByRole('dialog').textContent).toContain('Remove Calendar?');
  await click(screen.getByTestId('site-remove-confirm'));
  expect(there.sites.map(({ name }) => name)).not.toContain('Calendar');
});

test('only the push service of this computer’s own is marked as such', async () => {
  const another = 'ws://127.0.0.1:8080/';
  await open('#/sites/site1');
  const marked = (choice: string) => screen.getByTestId<HTMLInputElement>(`push-service-${choice}`).checked;
  await click(screen.getByTestId('site-move'));
  expect(marked('local')).toBe(true);
  await click(screen.getByText('Cancel'));
  there.sites[0]!.push_service = another;
  emit('belfry', { event: 'changed' });
  await passes(0);
  await click(screen.getByTestId('site-move'));
  expect(marked('local')).toBe(false);
  expect(marked('own')).toBe(true);
  expect(screen.getByTestId<HTMLInputElement>('push-service-url').value).toBe(another);
});
