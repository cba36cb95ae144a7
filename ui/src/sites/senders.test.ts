import { expect, test } from 'vitest';
import type { PushSubscription } from '../lib/bindings';
import { senders } from './senders';

const subscription = (endpoint: string): PushSubscription => ({
  endpoint,
  expirationTime: null,
  keys: { p256dh: 'BCVx', auth: 'BTBZ' },
});
const offered = (endpoint: string, restricted = false) => senders(subscription(endpoint), restricted);
const ids = (...parameters: Parameters<typeof offered>) => offered(...parameters).map(({ id }) => id);

test('a sender that refuses http is not offered for an http endpoint', () => {
  expect(ids('https://push.example/1')).toEqual(['belfry', 'pywebpush', 'web-push']);
  expect(ids('http://127.0.0.1:45319/1')).toEqual(['belfry', 'pywebpush']);
});

test('an endpoint for one sender’s key is sent to with that key', () => {
  for (const { command } of offered('https://push.example/1', true)) {
    expect(command).toContain('private_key.pem');
  }
});

test('pywebpush is told how long to keep the message: its own default is not at all', () => {
  expect(offered('https://push.example/1')[1]?.command).toMatch(/ttl=86400/);
});

test('an endpoint cannot break out of the command', () => {
  const [belfry, , node] = offered("https://push.example/'; touch x; '");
  expect(belfry?.command).toContain(`'\\''; touch x; '\\''`);
  expect(node?.command).toContain(`--endpoint='https://push.example/'\\''; touch x; '\\'''`);
});
