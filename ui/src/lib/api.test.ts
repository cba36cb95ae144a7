import { mockIPC } from '@tauri-apps/api/mocks';
import { expect, test } from 'vitest';
import { asError, request, subscriptionLine } from './api';
import type { PushSubscription, Status } from './bindings';

const subscription: PushSubscription = {
  endpoint: 'https://push.example/wpush/v1/a"b',
  expirationTime: null,
  keys: { p256dh: 'BCVx', auth: 'BTBZ' },
};

test('the subscription that is copied is the canonical line and nothing more', () => {
  const line =
    '{"endpoint":"https://push.example/wpush/v1/a\\"b","expirationTime":null,"keys":{"p256dh":"BCVx","auth":"BTBZ"}}';
  expect(subscriptionLine(subscription)).toBe(line);
  const shuffled = { more: 1, keys: { auth: 'BTBZ', more: 2, p256dh: 'BCVx' } };
  expect(subscriptionLine({ ...subscription, ...shuffled })).toBe(line);
});

test('a request is sent as the receiver reads it, and answered by what belongs to it', async () => {
  let sent: unknown;
  mockIPC((command, parameters) => {
    sent = [command, parameters];
    return { response: 'entry', value: { entry: { id: '7' }, raw: 'text' } };
  });
  const { entry, raw } = await request({ request: 'show_entry', id: '7' });
  expect([entry.id, raw]).toEqual(['7', 'text']);
  expect(sent).toEqual(['request', { request: { request: 'show_entry', id: '7' } }]);
});

test('answers are typed by their request', async () => {
  mockIPC(() => ({ response: 'done' }));
  // Does not compile when the narrowing is lost.
  const done: undefined = await request({ request: 'mark_read', ids: [] });
  expect(done).toBeUndefined();
  const status: () => Promise<Status> = () => request({ request: 'status' });
  await expect(status()).rejects.toMatchObject({ code: 'internal' });
});

test('an answer to something else is an error', async () => {
  mockIPC(() => ({ response: 'sites', value: [] }));
  await expect(request({ request: 'status' })).rejects.toEqual({
    code: 'internal',
    message: 'the receiver answered something else',
  });
});

test('whatever is thrown arrives as an error with a code', async () => {
  mockIPC(() => {
    throw { code: 'keyring', message: 'locked' };
  });
  await expect(request({ request: 'status' })).rejects.toEqual({ code: 'keyring', message: 'locked' });
  expect(asError('command request not allowed')).toEqual({
    code: 'internal',
    message: 'command request not allowed',
  });
  expect(asError(new TypeError('no'))).toEqual({ code: 'internal', message: 'no' });
});
