import { fireEvent, screen, waitFor } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { beginning, world } from '../../scenes/world.mjs';
import { asked, click, emit, open, passes, there } from '../window-for-tests';

test('the first run connects nowhere before a choice, then leads to adding a site', async () => {
  await open('#/inbox', world({ sites: [], entries: [], status: beginning }));
  expect(screen.queryByTestId('nav-inbox')).toBeNull();
  await fireEvent.click(screen.getByTestId('push-service-own'));
  await fireEvent.input(screen.getByTestId('push-service-url'), { target: { value: 'https://x.example' } });
  await click(screen.getByTestId('firstrun-continue'));
  expect(screen.getByRole('alert').textContent).toContain('ws:// or wss:// URL');
  await fireEvent.click(screen.getByTestId('push-service-local'));
  await click(screen.getByTestId('firstrun-continue'));
  const url = 'ws://127.0.0.1:45319/';
  expect(asked('set_default_push_service').at(-1)).toEqual({ request: 'set_default_push_service', url });
  expect(screen.getByText(/Waiting for an answer from this computer/)).toBeTruthy();
  there.status = { ...there.status, push_services: [{ url, connected: true, reason: null }] };
  emit('belfry', { event: 'connected', push_service: url, uaid: 'new' });
  await passes(0);
  await waitFor(() => expect(screen.getByTestId('site-name')).toBeTruthy());
});
