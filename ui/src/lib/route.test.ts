import { expect, test } from 'vitest';
import { parse, place } from './route.svelte';

test('places are understood, and anything else is the inbox', () => {
  expect(parse('#/sites/add')).toEqual({ page: 'sites', item: 'add' });
  expect(parse('#/inbox/12')).toEqual({ page: 'inbox', item: '12' });
  expect(parse('#/inbox/12/open')).toEqual({ page: 'inbox', item: '12', link: null });
  expect(parse('#/inbox/12/open/1')).toEqual({ page: 'inbox', item: '12', link: 1 });
  expect(parse('#/inbox/12/open/x')).toEqual({ page: 'inbox', item: '12', link: null });
  expect(parse('#/inbox/12/else')).toEqual({ page: 'inbox', item: '12' });
  expect(parse('#/settings/x')).toEqual({ page: 'settings', item: null });
  for (const hash of ['', '#', '#/', '#/nowhere', '#/%zz']) {
    expect(parse(hash)).toEqual({ page: 'inbox', item: null });
  }
  expect(parse('#/sites/%zz')).toEqual({ page: 'sites', item: null });
});

test('a place leads to itself', () => {
  expect(parse(place('sites', 'a/b ü'))).toEqual({ page: 'sites', item: 'a/b ü' });
});
