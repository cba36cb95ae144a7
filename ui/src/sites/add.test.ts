import { fireEvent, screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { site, world } from '../../scenes/world.mjs';
import { asked, click, emit, open, passes, there } from '../window-for-tests';
import { pairing } from './pairing.svelte';

test('adding that takes long can be cancelled, and leaves nothing', async () => {
  await open('#/sites/add', world({ hang: ['add_site'] }));
  await fireEvent.input(screen.getByTestId('site-name'), { target: { value: 'Weather' } });
  await click(screen.getByTestId('site-add-submit'));
  expect(screen.getByText(/Waiting for the endpoint for Weather from Mozilla/)).toBeTruthy();
  there.sites = [...there.sites, site('Weather', { id: 'new' })];
  emit('belfry', { event: 'changed' });
  await passes(0);
  await click(screen.getByText('Cancel', { selector: 'button' }));
  expect(asked('remove_site')).toEqual([{ request: 'remove_site', site: 'new' }]);
  expect(screen.getByTestId('site-name')).toBeTruthy();
});

test('what was typed stays when adding fails, though the site is listed meanwhile', async () => {
  const error = { code: 'offline' as const, message: 'no endpoint within 30 s' };
  await open('#/sites/add', world({ sites: [], fail: { add_site: error } }));
  there.hang = ['add_site'];
  await fireEvent.input(screen.getByTestId('site-name'), { target: { value: 'Weather' } });
  await fireEvent.input(screen.getByPlaceholderText('https://example.org'), {
    target: { value: 'x.example' },
  });
  await click(screen.getByTestId('site-add-submit'));
  there.sites = [site('Weather')];
  emit('belfry', { event: 'changed' });
  await passes(0);
  expect(screen.getByText(/Waiting for the endpoint/)).toBeTruthy();
  pairing.cancel();
  there.sites = [];
  there.hang = [];
  emit('belfry', { event: 'changed' });
  await passes(0);
  expect(screen.getByTestId<HTMLInputElement>('site-name').value).toBe('Weather');
  await click(screen.getByTestId('site-add-submit'));
  expect(asked('add_site').at(-1)).toMatchObject({ name: 'Weather', url: 'https://x.example' });
  expect(screen.getByRole('alert').textContent).toContain('No endpoint within 30 s');
  expect(screen.getByTestId<HTMLInputElement>('site-name').value).toBe('Weather');
});
