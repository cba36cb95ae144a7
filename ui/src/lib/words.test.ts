import { expect, test } from 'vitest';
import { asAddress, foreignHost, hue, initial, isLoopback, serviceName } from './words';

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
