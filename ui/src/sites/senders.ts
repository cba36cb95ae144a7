/** Commands that send to a subscription. Only those are offered that can reach its endpoint. */
import { subscriptionLine } from '../lib/api';
import type { PushSubscription } from '../lib/bindings';

export interface Sender {
  id: string;
  name: string;
  note: string;
  command: string;
}

/** Seconds the push service keeps the message for a computer that is off: a day. */
const TTL = 86_400;

/** `restricted`: the endpoint takes pushes only from the owner of the sender's key. */
export function senders(subscription: PushSubscription, restricted: boolean): Sender[] {
  const line = subscriptionLine(subscription);
  const belfry: Sender = {
    id: 'belfry',
    name: 'belfry send',
    note: restricted
      ? 'Comes with Belfry. private_key.pem is the sender’s private key'
      : 'Comes with Belfry. Kept up to four weeks while this computer is off',
    command: `printf %s ${quoted(line)} | belfry send --to - ${restricted ? '--vapid-key private_key.pem ' : ''}--title 'Hello' --body 'It works'`,
  };
  const python: Sender = {
    id: 'pywebpush',
    name: 'Python, with pywebpush',
    note: 'The ttl matters: without it nothing is kept while this computer is off',
    command: [
      "python3 - <<'END'",
      'from pywebpush import webpush',
      `subscription = {"endpoint": ${JSON.stringify(subscription.endpoint)}, "keys": ${JSON.stringify(subscription.keys)}}`,
      `webpush(subscription, "Hello\\nIt works", ${restricted ? '"private_key.pem", {"sub": "mailto:you@example.org"}, ' : ''}ttl=${TTL})`,
      'END',
    ].join('\n'),
  };
  const all = [belfry, python];
  if (new URL(subscription.endpoint).protocol === 'https:' && !restricted) {
    all.push({
      id: 'web-push',
      name: 'Node, with web-push',
      note: 'Kept up to four weeks while this computer is off',
      command: [
        'npx web-push send-notification',
        `--endpoint=${quoted(subscription.endpoint)}`,
        `--key=${subscription.keys.p256dh}`,
        `--auth=${subscription.keys.auth}`,
        "--payload='Hello'",
      ].join(' '),
    });
  }
  return all;
}

/** As one word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
