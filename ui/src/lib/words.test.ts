import { expect, test } from 'vitest';
import {
  address,
  asAddress,
  badgeLabel,
  badgeName,
  foreignHost,
  host,
  hue,
  initial,
  isLoopback,
  sentence,
  serviceName,
} from './words';

/** Looks like apple.com: five Cyrillic letters. */
const LOOK_ALIKE = 'https://\u0430\u0440\u0440\u04cf\u0435.com/';
const INVISIBLE = /[^\x20-\x7e]/;

test('no host disguises itself', () => {
  expect(host(LOOK_ALIKE)).toBe('xn--80ak6aa92e.com');
  expect(address(LOOK_ALIKE)).toBe('https://xn--80ak6aa92e.com/');
  expect(foreignHost(LOOK_ALIKE, 'https://apple.com/')).toBe('xn--80ak6aa92e.com');
  // What comes before the @ is a name, and a host ends at the first slash.
  expect(host('https://apple.com@evil.example/')).toBe('evil.example');
  expect(host('https://evil.example\\@apple.com/')).toBe('evil.example');
  // The soft hyphen and the zero-width space do not count in a host; a fullwidth stop is a stop.
  expect(host('https://app\u00ad\u200ble\uff0ecom/')).toBe('apple.com');
});

test('nothing in a link changes places or is not seen', () => {
  for (const url of [
    'https://evil.example/\u202emoc.elppa//:sptth',
    'https://evil.example/?\u2066a\u2069#\u200b\u200f',
    // No URL at all.
    'https://\u202eevil.example/ x',
    'moc.elppa\u202e\ud800',
  ]) {
    expect(address(url)).not.toMatch(INVISIBLE);
    expect(host(url)).not.toMatch(INVISIBLE);
  }
  expect(host('https://evil.example/\u202emoc.elppa//:sptth')).toBe('evil.example');
});

test('a link’s host is shown when it is not the site’s own', () => {
  expect(foreignHost('https://site.example/a', 'https://site.example/')).toBeNull();
  expect(foreignHost('https://site.example.evil/a', 'https://site.example/')).toBe('site.example.evil');
  expect(foreignHost('https://site.example:8443/a', 'https://site.example/')).toBe('site.example:8443');
  expect(foreignHost('https://site.example/a', null)).toBe('site.example');
  expect(foreignHost(null, null)).toBeNull();
});

test('push services are called as the receiver calls them', () => {
  expect(serviceName('wss://push.services.mozilla.com/')).toBe('Mozilla');
  expect(serviceName('ws://127.0.0.1:45319/')).toBe('this computer');
  expect(serviceName('wss://push.example/')).toBe('push.example');
});

test('this computer is not a name that only looks like it', () => {
  expect(['ws://127.9.0.1/', 'ws://[::1]:1/', 'http://localhost:1/'].every(isLoopback)).toBe(true);
  expect(['ws://127.0.0.1.example/', 'ws://192.168.0.1/', 'wss://localhost.example/'].some(isLoopback)).toBe(
    false,
  );
});

test('an address may lack its beginning', () => {
  expect(asAddress(' example.org ')).toBe('https://example.org');
  expect(asAddress('localhost:8080/x')).toBe('https://localhost:8080/x');
  expect(asAddress('http://example.org')).toBe('http://example.org');
  expect(asAddress('ftp://example.org')).toBe('ftp://example.org');
  expect(asAddress('  ')).toBeNull();
});

test('a site’s colour stays, and its initial is a letter of any script', () => {
  expect(hue('Backups')).toBe(hue('Backups'));
  expect(new Set(['Backups', 'Calendar', 'Forum', 'Home', 'Shop'].map(hue)).size).toBeGreaterThan(3);
  expect(['  “backups”', 'أخبار', '🔔 7'].map(initial)).toEqual(['B', 'أ', '7']);
  expect(initial('🔔')).toBe('?');
});

test('a site’s own count is shown and said', () => {
  expect([badgeLabel('flag'), badgeName('flag')]).toEqual(['•', 'The site has news']);
  expect([badgeLabel({ count: 12 }), badgeName({ count: 12 })]).toEqual(['12', 'The site has 12 new']);
});

test('what the receiver says becomes a sentence, and what begins with a name keeps it', () => {
  expect(sentence('the disk is full')).toBe('The disk is full');
  expect(sentence('élan is missing')).toBe('Élan is missing');
  for (const text of [
    'wss://push.example/: refused',
    'xfce4-notifyd shows no buttons',
    '/tmp/a is gone',
    '',
  ]) {
    expect(sentence(text)).toBe(text);
  }
});
