import { fireEvent, screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { entry, site, world } from '../../scenes/world.mjs';
import { router } from '../lib/route.svelte';
import { asked, click, emit, open, passes, press, rows, there } from '../window-for-tests';

test('a link that leaves a site is asked about, naming its host as text', async () => {
  await open('#/inbox/996');
  there.sites.find(({ name }) => name === 'Forum')!.links = 'ask';
  await press('Enter');
  expect(screen.getByTestId('link-host').textContent).toBe('mirror.example.com');
  expect(screen.queryByTestId('toast')).toBeNull();
  await click(screen.getByText('Cancel'));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(asked('open_entry').every(({ confirmed }) => confirmed !== true)).toBe(true);
  await click(screen.getByTestId('entry-open'));
  await click(screen.getByTestId('link-confirm'));
  expect(asked('open_entry').at(-1)).toEqual({
    request: 'open_entry',
    id: '996',
    action: null,
    confirmed: true,
  });
  expect(screen.queryByRole('dialog')).toBeNull();
});

test('a link to a look-alike is asked about by the host that it really leads to', async () => {
  const wanted = world();
  const there = wanted.entries.find(({ id }) => id === '996')!;
  there.navigate = 'https://\u0430\u0440\u0440\u04cf\u0435.com/\u202egnp.yadirf';
  wanted.sites.find(({ name }) => name === 'Forum')!.links = 'ask';
  await open('#/inbox/996', wanted);
  expect(screen.getByTestId('entry-open').textContent?.trim()).toBe('Open xn--80ak6aa92e.com');
  await press('Enter');
  expect(screen.getByTestId('link-host').textContent).toBe('xn--80ak6aa92e.com');
  expect(screen.getByTestId('link-address').textContent).toBe(
    'https://xn--80ak6aa92e.com/%E2%80%AEgnp.yadirf',
  );
  await click(screen.getByText('Cancel'));
});

test('a click on a notification whose link is asked about leads to the question', async () => {
  const wanted = world();
  wanted.sites.find(({ name }) => name === 'Forum')!.links = 'ask';
  await open('#/inbox/996/open', wanted);
  expect(screen.getByTestId('link-host').textContent).toBe('mirror.example.com');
  expect(asked('open_entry')).toEqual([{ request: 'open_entry', id: '996', action: null }]);
  await click(screen.getByText('Cancel'));
  expect(router.current).toEqual({ page: 'inbox', item: '996' });
  // Once more, with the window where it was.
  emit('navigate', '#/inbox/996/open');
  await passes(0);
  expect(screen.getByTestId('link-host').textContent).toBe('mirror.example.com');
});

test('a command is copied as it stands', async () => {
  const command = "curl -d 'activationToken=7c5b42a1' 'https://cloud.example/'";
  await open(
    '#/inbox/2000',
    world({ entries: [entry('Backups', 0, 'Confirm', '', { id: '2000', command })] }),
  );
  expect(screen.getByTestId('entry-command').textContent).toBe(command);
  await click(screen.getByTestId('copy-command'));
  expect(there.copied).toBe(command);
});

test('a push appears without anything being lost', async () => {
  await open('#/inbox/998');
  const before = rows();
  const arrived = entry('Backups', 0, 'Just now', '', { id: '2000', read: false });
  there.entries = [arrived, ...there.entries];
  emit('belfry', { event: 'push', ...arrived, disposition: 'shown' });
  await passes(0);
  expect(rows()).toEqual(['2000', ...before]);
  expect(router.current.item).toBe('998');
  expect(screen.getByRole('log').textContent).toBe('New message from Backups: Just now');
  expect(screen.getByTestId('inbox-unread-count').textContent).toContain('3');
});

test('a message is read when it is shown, and stays while only unread ones are listed', async () => {
  await open('#/inbox');
  await fireEvent.click(screen.getByLabelText('Unread'));
  await passes(0);
  expect(rows()).toEqual(['999', '998', '990']);
  router.go('#/inbox/998');
  await passes(0);
  expect(asked('mark_read').map(({ ids }) => ids)).toEqual([['998']]);
  expect(rows()).toEqual(['999', '998', '990']);
  router.go('#/inbox/999');
  await passes(0);
  expect(rows()).toEqual(['999', '990']);
});

test('what a push contains is text', async () => {
  const evil = '<img src=x onerror="window.hit=1"><script>window.hit=1</' + 'script>';
  const wanted = world({ sites: [site(evil)] });
  wanted.entries = [
    entry(evil, 0, evil, evil, { id: '5', actions: [{ title: evil, navigate: 'https://evil.example/' }] }),
  ];
  wanted.raw = { 5: evil };
  await open('#/inbox/5', wanted);
  await click(screen.getByText('Show raw'));
  expect(screen.getByTestId('entry-title').textContent).toBe(evil);
  expect(screen.getByTestId('entry-body').textContent).toBe(evil);
  expect(screen.getByTestId('entry-raw').textContent).toBe(evil);
  expect(document.querySelector('img, script')).toBeNull();
});

test('the host of a link is named when it is not the site’s own', async () => {
  await open('#/inbox/996');
  expect(screen.getByTestId('entry-open').textContent).toContain('mirror.example.com');
  router.go('#/inbox/999');
  await passes(0);
  expect(screen.getByTestId('entry-open').textContent?.trim()).toBe('Open link');
});

test('a picture comes from the receiver and from nowhere else', async () => {
  const picture = { png: 'iVBORw0KGgo=', width: 40, height: 20 };
  await open('#/inbox/998', { ...world(), pictures: { 998: picture } });
  expect(screen.getByTestId('entry-picture').getAttribute('src')).toBe('data:image/png;base64,iVBORw0KGgo=');
  expect(document.body.innerHTML).not.toContain('machine.jpg');
  router.go('#/inbox/997');
  await passes(0);
  expect(screen.queryByTestId('entry-picture')).toBeNull();
  expect(asked('show_picture')).toEqual([{ request: 'show_picture', id: '998' }]);
});

test('a picture that is not shown says why', async () => {
  await open('#/inbox/998');
  const missing = screen.getByTestId('entry-picture-missing').textContent;
  expect(missing).toContain('pictures.example.net');
  expect(missing).toContain("only pictures from the site's own host are loaded");
});
