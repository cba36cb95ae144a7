/** The whole window, with a receiver that is not there. */
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { install, type World } from '../scenes/receiver.mjs';
import { beginning, entry, site, world } from '../scenes/world.mjs';
import App from './App.svelte';
import { deletion } from './inbox/deletion.svelte';
import { inbox } from './inbox/inbox.svelte';
import type { Request } from './lib/bindings';
import { receiver } from './lib/receiver.svelte';
import { router } from './lib/route.svelte';
import { pairing } from './sites/pairing.svelte';

let there: World;
let emit: ReturnType<typeof install>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
});

afterEach(async () => {
  await deletion.undo();
  inbox.leaving = null;
  inbox.clearFilters();
  pairing.clear();
  cleanup();
  await tick();
  vi.useRealTimers();
  receiver.status = null;
  receiver.failure = null;
});

async function open(at: string, wanted: World = world()) {
  there = wanted;
  emit = install(there);
  router.go(at);
  render(App);
  await passes(0);
}

/** Lets what is under way come to its end. */
async function passes(milliseconds: number) {
  await vi.advanceTimersByTimeAsync(milliseconds);
  for (let round = 0; round < 20; round += 1) {
    await Promise.resolve();
    await tick();
  }
}

async function press(key: string, init: KeyboardEventInit = {}, on: Element = document.body) {
  await fireEvent.keyDown(on, { key, ...init });
  await passes(0);
}

async function click(element: Element) {
  await fireEvent.click(element);
  await passes(0);
}

const rows = () => screen.queryAllByTestId('inbox-entry').map((row) => row.dataset.id);
const asked = <K extends Request['request']>(kind: K) =>
  (there.asked ?? []).filter((request) => request.request === kind) as Extract<Request, { request: K }>[];

test('a deleted message comes back when it is undone', async () => {
  await open('#/inbox/997');
  const before = rows();
  await press('Delete');
  expect(asked('delete_entries')).toEqual([{ request: 'delete_entries', ids: ['997'] }]);
  expect(rows()).toEqual(before.filter((id) => id !== '997'));
  expect(screen.getByTestId('toast').textContent).toContain('1 message deleted');
  await passes(9000);
  await press('z', { ctrlKey: true });
  expect(asked('restore_entries')).toEqual([{ request: 'restore_entries', ids: ['997'] }]);
  expect(rows()).toEqual(before);
  expect(screen.queryByTestId('toast')).toBeNull();
});

test('what was deleted within ten seconds is undone together, whatever page is shown', async () => {
  await open('#/inbox/997');
  const before = rows();
  await press('Delete');
  await passes(5000);
  await press('Delete');
  expect(screen.getByTestId('toast').textContent).toContain('2 messages deleted');
  await press('3', { ctrlKey: true });
  await click(screen.getByText('Undo'));
  expect(asked('restore_entries').map(({ ids }) => ids)).toEqual([['997', '996']]);
  await press('1', { ctrlKey: true });
  expect(rows()).toEqual(before);
});

test('after ten seconds nothing is offered that the receiver cannot do', async () => {
  await open('#/inbox/997');
  await press('Delete');
  await passes(9000);
  await press('Delete');
  await passes(2000);
  await click(screen.getByText('Undo'));
  expect(asked('restore_entries').map(({ ids }) => ids)).toEqual([['996']]);
  await press('Delete');
  await passes(10_001);
  expect(screen.queryByTestId('toast')).toBeNull();
  await press('z', { ctrlKey: true });
  expect(asked('restore_entries')).toHaveLength(1);
});

test('one that is gone for good does not keep the others from coming back', async () => {
  await open('#/inbox/997');
  await press('Delete');
  await press('Delete');
  there.purged = ['997'];
  await click(screen.getByText('Undo'));
  expect(rows()).toContain('996');
  expect(rows()).not.toContain('997');
  expect(screen.getByTestId('toast').textContent).toContain('no entry has the id 997');
});

test('a message that cannot be deleted stays in sight', async () => {
  await open('#/inbox/997', world({ fail: { delete_entries: { code: 'storage', message: 'disk full' } } }));
  const before = rows();
  await press('Delete');
  expect(rows()).toEqual(before);
  expect(screen.getByTestId('toast').textContent).toContain('disk full');
});

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

test('the keyboard reaches everything', async () => {
  await open('#/inbox');
  await press('j');
  await press('j');
  expect(router.current.item).toBe('998');
  await press('k');
  expect(router.current.item).toBe('999');
  await press('Enter');
  expect(asked('open_entry')).toEqual([{ request: 'open_entry', id: '999', action: null }]);
  await press('Escape');
  expect(router.current).toEqual({ page: 'inbox', item: null });
  await press('f', { ctrlKey: true });
  expect(document.activeElement).toBe(screen.getByPlaceholderText('Search'));
  await press('n', { ctrlKey: true });
  expect(document.activeElement).toBe(screen.getByTestId('site-name'));
  await press('2', { ctrlKey: true });
  expect(screen.getByTestId('nav-sites').getAttribute('aria-current')).toBe('page');
  await press('?');
  expect(screen.getByRole('dialog', { hidden: true }).textContent).toContain('Undo deleting');
});

test('a locked keyring is said with what to do, and unlocking helps', async () => {
  const message = 'org.freedesktop.Secret.Error.IsLocked';
  await open('#/inbox', world({ fail: { status: { code: 'keyring', message } } }));
  expect(screen.getByRole('heading').textContent).toContain('keyring is locked');
  await click(screen.getByText('Copy details'));
  expect(there.copied).toBe(`keyring: ${message}`);
  await passes(60_000);
  expect(asked('unlock')).toEqual([]);
  await click(screen.getByTestId('unlock'));
  expect(asked('unlock')).toHaveLength(1);
  expect(rows()).not.toEqual([]);
});

test('a keyring that is locked while the window is open shows so, and goes on by itself', async () => {
  await open('#/inbox');
  const locked = { code: 'keyring' as const, trouble: 'keyring-locked' as const, message: 'it is locked' };
  there.status.locked = 'the keyring is locked';
  there.fail = { list_sites: locked, list_entries: locked, show_entry: locked };
  emit('belfry', { event: 'locked', reason: 'the keyring is locked', code: 'keyring-locked' });
  await passes(0);
  expect(screen.getByTestId('unlock')).toBeTruthy();
  there.status.locked = null;
  there.fail = {};
  emit('belfry', { event: 'unlocked' });
  await passes(0);
  expect(rows()).not.toEqual([]);
  expect(asked('unlock')).toEqual([]);
});

test('while the keyring asks that is said, and a dismissed question is in the details', async () => {
  const message = 'the keyring is locked';
  await open('#/inbox', world({ status: { locked: message } }));
  there.hang = ['unlock'];
  await click(screen.getByTestId('unlock'));
  expect(screen.getByText('Waiting for the keyring’s password…')).toBeTruthy();
  expect(screen.getByTestId<HTMLButtonElement>('unlock').disabled).toBe(true);
  cleanup();
  const unlock = { code: 'keyring' as const, trouble: 'prompt-dismissed' as const, message: 'dismissed' };
  await open('#/inbox', { ...world({ status: { locked: message } }), unlock });
  await click(screen.getByTestId('unlock'));
  expect(document.querySelector('pre')?.textContent).toBe(`keyring: ${message}\nprompt-dismissed: dismissed`);
  expect(screen.getByTestId<HTMLButtonElement>('unlock').disabled).toBe(false);
  expect(asked('unlock')).toHaveLength(1);
});

test('a password is not asked for where it would not help', async () => {
  const error = { code: 'keyring' as const, trouble: 'keyring-absent' as const, message: 'nothing there' };
  await open('#/inbox', world({ fail: { status: error } }));
  expect(screen.queryByTestId('unlock')).toBeNull();
  there.fail = {};
  await click(screen.getByText('Try again'));
  expect(rows()).not.toEqual([]);
});

test('an engine that comes back by itself shows the pages again', async () => {
  await open('#/inbox', world({ fail: { status: { code: 'storage', message: 'disk full' } } }));
  expect(rows()).toEqual([]);
  there.fail = {};
  emit('belfry', { event: 'changed' });
  await passes(0);
  expect(rows()).not.toEqual([]);
});

test('what fails behind the window is told', async () => {
  await open('#/inbox');
  emit('belfry', { event: 'failed', site: 'Shop', reason: 'a link was refused' });
  await passes(0);
  expect(screen.getByTestId('toast').textContent).toContain('Shop: a link was refused');
});

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
  expect(screen.getByText('disk full')).toBeTruthy();
  expect(radio('blocked').checked).toBe(true);
});

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
  expect(screen.getByRole('alert').textContent).toContain('no endpoint within 30 s');
  expect(screen.getByTestId<HTMLInputElement>('site-name').value).toBe('Weather');
});

test('while something is asked, the keyboard means only that', async () => {
  await open('#/sites/site2');
  await click(screen.getByTestId('site-remove'));
  await press('j', {}, screen.getByRole('dialog'));
  expect(router.current.item).toBe('site2');
});

test('a site is snoozed for an hour, until tomorrow, and no more', async () => {
  await open('#/sites/site1');
  const until = () => new Date(there.sites[0]!.snoozed_until ?? NaN);
  await click(screen.getByTestId('site-snooze-hour'));
  expect((until().getTime() - Date.now()) / 60_000).toBeCloseTo(60, 0);
  const { state_label } = there.sites[0]!;
  expect(state_label).toMatch(/^Snoozed until \d\d:\d\d$/);
  expect(screen.getAllByText(state_label)).toHaveLength(2);
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
  expect(asked('set_site').map(({ changes }) => changes)).toEqual([
    [{ key: 'sound', value: false }],
    [{ key: 'dnd_bypass', value: true }],
    [{ key: 'burst', value: 'off' }],
    [{ key: 'links', value: 'ask' }],
  ]);
  await click(screen.getByTestId('site-burst'));
  expect(there.sites[0]!.burst).toBe('5/10');
  there.fail = { set_site: { code: 'storage', message: 'disk full' } };
  await click(screen.getByTestId('site-sound'));
  expect(screen.getByRole('alert').textContent).toContain('disk full');
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
  expect(screen.getByRole('alert').textContent).toContain('it said no');
  there.fail = {};
  await click(screen.getByTestId('site-move-confirm'));
  expect(there.sites[1]!.push_service).toBe('ws://127.0.0.1:45319/');
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(screen.getByRole('note').textContent).toContain('new subscription');
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

const map = (field: string) => screen.getByTestId<HTMLInputElement>(`map-${field}`);
const typeInto = async (input: HTMLElement, value: string) => {
  await fireEvent.input(input, { target: { value } });
  await passes(200);
};

async function openPayloads(at: string, wanted?: World) {
  await open(at, wanted);
  const details = screen.getByTestId<HTMLDetailsElement>('site-payloads');
  details.open = true;
  await fireEvent(details, new Event('toggle'));
  await passes(200);
}

test('what a site sends is asked for only when somebody wants to see it', async () => {
  await open('#/sites/site3');
  expect(asked('list_payloads')).toEqual([]);
  cleanup();
  await openPayloads('#/sites/site3');
  expect(asked('list_payloads')).toEqual([{ request: 'list_payloads', site: 'site3' }]);
  await click(screen.getByLabelText('Copy the message as it came'));
  expect(there.copied).toBe(there.raw[996]);
});

test('a value that is clicked becomes the place of the chosen field, and is saved', async () => {
  await openPayloads('#/sites/site3');
  await click(screen.getByText('"Hanging a bell without a crane"'));
  expect(map('title').value).toBe('/topic/title');
  await fireEvent.focus(map('link'));
  await click(screen.getByText('"https://mirror.example.com/t/4821"'));
  expect(map('link').value).toBe('/mirror~1url');
  await passes(200);
  const preview = screen.getByTestId('map-preview').textContent;
  expect(preview).toContain('Hanging a bell without a crane');
  expect(preview).toContain('https://mirror.example.com/t/4821');
  await click(screen.getByTestId('map-save'));
  expect(asked('set_site').map(({ changes }) => changes)).toEqual([
    [
      { key: 'map', value: { field: 'title', pointer: '/topic/title' } },
      { key: 'map', value: { field: 'link', pointer: '/mirror~1url' } },
    ],
  ]);
  expect(screen.queryByTestId('map-save')).toBeNull();
  await click(screen.getByTestId('map-clear'));
  await passes(200);
  await click(screen.getByTestId('map-save'));
  expect(there.sites[2]!.mapping.title).toBeNull();
});

test('a place that is none is told beside its field, and cannot be saved', async () => {
  await openPayloads('#/sites/site3');
  await typeInto(map('body'), 'excerpt');
  expect(map('body').getAttribute('aria-invalid')).toBe('true');
  const remark = () =>
    document.getElementById(map('body').getAttribute('aria-describedby') ?? '')?.textContent;
  expect(remark()).toContain('begins with a slash');
  expect(screen.getByTestId<HTMLButtonElement>('map-save').disabled).toBe(true);
  await typeInto(map('body'), '/nothing');
  expect(remark()).toContain('No text is there');
  expect(map('body').getAttribute('aria-invalid')).toBe('false');
  there.fail = { set_site: { code: 'storage', message: 'disk full' } };
  await click(screen.getByTestId('map-save'));
  expect(screen.getByRole('alert').textContent).toContain('disk full');
  expect(map('body').value).toBe('/nothing');
  await click(screen.getByText('Discard changes'));
  expect(map('body').value).toBe('');
});

test('arrows lead from value to value, of which Tab reaches one', async () => {
  await openPayloads('#/sites/site3');
  const values = [...screen.getByTestId('payload-text').querySelectorAll('button')];
  const reached = () => values.filter((value) => value.tabIndex === 0).map((value) => value.textContent);
  expect(reached()).toEqual(['"reply"']);
  values[0]!.focus();
  await press('ArrowDown', {}, values[0]);
  expect(document.activeElement).toBe(values[1]);
  await passes(0);
  expect(reached()).toEqual(['4821']);
  await press('ArrowUp', {}, values[1]);
  expect(document.activeElement).toBe(values[0]);
});

test('a message that is no JSON is text, one that is no text says so', async () => {
  const evil = '<img src=x onerror="window.hit=1">';
  const wanted = world();
  wanted.raw[997] = evil;
  wanted.raw[992] = 214;
  await openPayloads('#/sites/site1', wanted);
  expect(screen.getByTestId('payload-text').textContent).toBe(evil);
  expect(document.querySelector('img')).toBeNull();
  await fireEvent.change(screen.getByLabelText('Message'), { target: { value: '992' } });
  await passes(200);
  expect(screen.getByText(/This one is binary: 214 bytes/)).toBeTruthy();
  expect(screen.queryByTestId('payload-text')).toBeNull();
});

test('removing asks, naming the site', async () => {
  await open('#/sites/site2');
  await click(screen.getByTestId('site-remove'));
  expect(asked('remove_site')).toEqual([]);
  expect(screen.getByRole('dialog').textContent).toContain('Remove Calendar?');
  await click(screen.getByTestId('site-remove-confirm'));
  expect(there.sites.map(({ name }) => name)).not.toContain('Calendar');
});

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

test('silence by the clock is saved as the receiver writes it', async () => {
  await open('#/settings');
  await click(screen.getByTestId('silent-hours'));
  await fireEvent.input(screen.getByTestId('silent-hours-start'), { target: { value: '21:30' } });
  await click(screen.getByLabelText('Saturday'));
  await click(screen.getByLabelText('Sunday'));
  await click(screen.getByText('Save'));
  const key = 'dnd-schedule';
  expect(asked('set_setting').at(-1)).toEqual({
    request: 'set_setting',
    key,
    value: '21:30-07:00,mon,tue,wed,thu,fri',
  });
  expect(screen.queryByText('Save')).toBeNull();
  there.status.quiet = true;
  emit('belfry', { event: 'changed' });
  await passes(0);
  expect(screen.getByText(/On by the clock/)).toBeTruthy();
  expect(screen.getByLabelText<HTMLInputElement>('Saturday').checked).toBe(false);
  await click(screen.getByTestId('silent-hours'));
  there.fail = { set_setting: { code: 'storage', message: 'disk full' } };
  await click(screen.getByText('Save'));
  expect(screen.getByRole('alert').textContent).toContain('disk full');
  there.fail = {};
  await click(screen.getByText('Save'));
  expect(asked('set_setting').at(-1)).toEqual({ request: 'set_setting', key, value: 'off' });
});

test('how much of the history is kept is chosen, and less of it is warned of', async () => {
  const wanted = world();
  wanted.settings = wanted.settings.map((setting) =>
    setting.key === 'history-days' ? { ...setting, value: '14' } : setting,
  );
  await open('#/settings', wanted);
  const days = screen.getByTestId<HTMLSelectElement>('history-days');
  expect(days.selectedOptions[0]?.textContent).toBe('14 days');
  expect([...days.options].map(({ value }) => value)).toEqual(['7', '14', '30', '90', '365', 'off']);
  await fireEvent.change(days, { target: { value: 'off' } });
  await passes(0);
  expect(screen.queryByText(/deleted for good/)).toBeNull();
  await fireEvent.change(screen.getByTestId('history-per-site'), { target: { value: '100' } });
  await passes(0);
  expect(screen.getByText(/deleted for good/)).toBeTruthy();
  await click(screen.getByText('Save'));
  expect(asked('set_setting').map(({ key, value }) => [key, value])).toEqual([
    ['history-days', 'off'],
    ['history-per-site', '100'],
  ]);
  expect(screen.queryByText('Save')).toBeNull();
});

test('a push service that no site is at can be removed, and comes back', async () => {
  const wanted = world();
  const url = 'wss://push.example.org/';
  wanted.status.push_services = [...wanted.status.push_services, { url, connected: true, reason: null }];
  await open('#/settings', wanted);
  const listed = () => screen.getAllByTestId('push-service').map((item) => item.textContent);
  expect(listed()).toHaveLength(3);
  expect(listed()[1]).toContain('Backups');
  // The others are where new sites go, and where one is.
  await click(screen.getByTestId('push-service-remove'));
  expect(asked('remove_push_service')).toEqual([{ request: 'remove_push_service', url }]);
  expect(listed()).toHaveLength(2);
  await click(screen.getByText('Undo'));
  expect(asked('add_push_service')).toEqual([{ request: 'add_push_service', url }]);
  expect(listed()[2]).toContain('push.example.org');
});

test('what a check found is shown with what to do and its code', async () => {
  await open('#/settings');
  await click(screen.getByText('Check everything', { selector: 'button' }));
  expect(screen.getByText('notifications-limited')).toBeTruthy();
  expect(screen.getByText(/What to do: use `belfry inbox`/)).toBeTruthy();
  await click(screen.getByText('Copy the result'));
  expect(there.copied).toContain('notifications: warning (notifications-limited): xfce4-notifyd');
});

test('silence lasts an hour or until tomorrow at eight', async () => {
  await open('#/settings');
  await click(screen.getByText('For 1 hour'));
  const [{ value } = { value: 'off' }] = asked('set_do_not_disturb');
  const left = typeof value === 'object' ? new Date(value.until).getTime() - Date.now() : 0;
  expect(left / 60_000).toBeCloseTo(60, 0);
  await click(screen.getByText('Switch off'));
  expect(there.status.do_not_disturb).toBe('off');
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
