/** Every page and state: where it is, what there is, and what is done before the picture is taken. */
import { beginning, entry, many, offline, site, world } from './world.mjs';

const click = (id) => (page) => page.getByTestId(id).click();
const row = (n) => (page) => page.getByTestId('inbox-entry').nth(n).click();
const press = (key) => (page) => page.keyboard.press(key);
const name = (text) => (page) => page.getByTestId('site-name').fill(text);
const end = (page) =>
  page
    .locator('.settings, [data-scrolls]')
    .first()
    .evaluate((e) => e.scrollTo(0, e.scrollHeight));

/** What arrives above must not move what somebody reads. */
async function arrivals(page) {
  const selected = page.locator('[data-row][aria-current]');
  // A narrow window shows the message only.
  const where = async () => (await selected.boundingBox())?.y ?? 0;
  const before = await where();
  const pushes = [1, 2, 3].map((n) => ({
    ...entry('Site 001', 0, `Arrival ${n}`),
    id: String(9000 + n),
    read: false,
  }));
  await page.evaluate((pushes) => {
    for (const push of pushes) {
      window.world.entries.unshift(push);
      window.emit('belfry', { ...push, event: 'push' });
    }
  }, pushes);
  await page.waitForTimeout(300);
  const after = await where();
  if (!(Math.abs(before - after) < 1)) {
    throw new Error(`the selected message moved from ${before} to ${after}`);
  }
}

/** Scrolls to what is asked for and no further. */
const shown = (id) => (page) =>
  page.getByTestId(id).evaluate((e) => {
    const area = e.closest('[data-scrolls]');
    area.scrollTo(0, area.scrollTop + e.getBoundingClientRect().top - area.getBoundingClientRect().top - 12);
  });
async function payloads(page) {
  await page.getByText('Messages as they came').click();
  await page.waitForTimeout(200);
  await shown('site-payloads')(page);
}
async function passphrases(page) {
  await page.getByTestId('sites-passphrase').fill('correct horse');
  await page.getByTestId('sites-passphrase-again').fill('correct horse');
}
const field = (name) => (page) => page.getByTestId(`map-${name}`).focus();
const value = (name) => (page) => page.getByTestId('payload-text').getByRole('button', { name }).click();
const mapped = () => {
  const there = world();
  there.sites[2].mapping = {
    title: '/topic/title',
    body: '/post/excerpt',
    link: '/topic/path',
    image: '/post/by/avatar',
    tag: '/topic/id',
  };
  return there;
};

const none = () => world({ sites: [], entries: [] });
const asking = () => {
  const there = world();
  there.sites[2].links = 'ask';
  return there;
};
const firstRun = () => world({ sites: [], entries: [], status: beginning });
const failing = (code, message) => () => world({ fail: { status: { code, message } } });

const KEYRING =
  'the keyring did not answer: Platform secure storage failure: zbus error: I/O error: failed to read from socket';

const SAVE =
  'cannot write /media/anna/STICK/belfry-sites.json: Read-only file system (os error 30). Choose another folder';

export const SCENES = [
  { name: 'starting', world: () => world({ hang: ['status'] }) },
  { name: 'first-run', world: firstRun },
  {
    name: 'first-run-own-refused',
    world: firstRun,
    steps: [
      (page) => page.getByTestId('push-service-own').check(),
      (page) => page.getByTestId('push-service-url').fill('https://push.example.org/'),
      click('firstrun-continue'),
    ],
  },
  { name: 'first-run-connecting', world: firstRun, steps: [click('firstrun-continue')] },
  { name: 'inbox', world },
  { name: 'inbox-message', world, steps: [row(1)] },
  {
    name: 'inbox-raw',
    world,
    steps: [row(1), (page) => page.getByRole('button', { name: 'Show raw' }).click()],
  },
  { name: 'inbox-foreign-link', world, steps: [row(3)] },
  {
    name: 'inbox-undecryptable',
    world,
    steps: [row(4), (page) => page.getByText('Details', { exact: true }).click()],
  },
  { name: 'inbox-right-to-left', world, steps: [row(5)] },
  {
    name: 'inbox-leaving',
    world: asking,
    steps: [row(3), click('entry-open')],
  },
  {
    name: 'inbox-leaving-long',
    world: () => {
      const there = asking();
      there.entries[3].navigate = `https://${'very-long-subdomain.'.repeat(10)}example.com/${'path/'.repeat(80)}`;
      return there;
    },
    steps: [row(3), click('entry-open')],
  },
  { name: 'inbox-long', world, steps: [row(6)] },
  { name: 'inbox-deleted', world, steps: [row(2), press('Delete')] },
  {
    name: 'inbox-nothing-found',
    world,
    steps: [(page) => page.getByPlaceholder('Search').fill('carillon')],
  },
  { name: 'inbox-unread', world, steps: [(page) => page.getByLabel('Unread').check()] },
  { name: 'inbox-empty', world: () => world({ entries: [] }) },
  {
    name: 'inbox-unreadable',
    world: () => world({ fail: { list_entries: { code: 'storage', message: 'the database is damaged' } } }),
  },
  {
    name: 'inbox-many',
    world: () => world(many()),
    steps: [(page) => page.locator('.scroller').evaluate((e) => e.scrollTo(0, e.scrollHeight))],
  },
  {
    name: 'inbox-arrival',
    world: () => world(many()),
    steps: [row(20), arrivals],
  },
  { name: 'sites-empty', world: none, at: '#/sites' },
  { name: 'sites', world, at: '#/sites' },
  { name: 'sites-many', world: () => world(many()), at: '#/sites/many50' },
  {
    name: 'site-payloads',
    world,
    at: '#/sites/site3',
    steps: [payloads, field('title'), value('"title": '), field('body'), value('"excerpt": '), field('link')],
  },
  {
    name: 'site-payloads-preview',
    world: mapped,
    at: '#/sites/site3',
    steps: [
      shown('site-payloads'),
      (page) => page.getByTestId('map-image').fill('picture'),
      shown('map-title'),
    ],
  },
  {
    name: 'site-payloads-text',
    world,
    at: '#/sites/site1',
    steps: [payloads],
  },
  {
    name: 'site-payloads-none',
    world,
    at: '#/sites/site6',
    steps: [payloads],
  },
  { name: 'site-add', world: none, at: '#/sites/add' },
  {
    name: 'site-add-options',
    world,
    at: '#/sites/add',
    steps: [name('Weather'), (page) => page.getByText('More options').click()],
  },
  {
    name: 'site-add-waiting',
    world: () => world({ hang: ['add_site'] }),
    at: '#/sites/add',
    steps: [name('Weather'), click('site-add-submit')],
  },
  {
    name: 'site-add-failed',
    world: () =>
      world({
        fail: {
          add_site: {
            code: 'offline',
            message: 'no endpoint from wss://push.services.mozilla.com/ within 30 s: connection refused',
          },
        },
      }),
    at: '#/sites/add',
    steps: [name('Weather'), click('site-add-submit')],
  },
  { name: 'site', world, at: '#/sites/site2', steps: [click('copy-subscription')] },
  {
    name: 'site-commands',
    world,
    at: '#/sites/site2',
    steps: [(page) => page.getByText('Send from a program').click()],
  },
  {
    name: 'site-local',
    world,
    at: '#/sites/site1',
    steps: [(page) => page.getByText('Send from a program').click()],
  },
  { name: 'site-restricted', world, at: '#/sites/site4', steps: [end] },
  { name: 'site-needs-pairing', world, at: '#/sites/site3' },
  {
    name: 'site-snoozed',
    world,
    at: '#/sites/site1',
    steps: [
      click('site-snooze-hour'),
      (page) => page.getByTestId('site-snooze-off').scrollIntoViewIfNeeded(),
    ],
  },
  {
    name: 'site-options',
    world,
    at: '#/sites/site2',
    steps: [
      (page) => page.getByText('More', { exact: true }).click(),
      (page) => page.getByTestId('site-images-never').scrollIntoViewIfNeeded(),
    ],
  },
  { name: 'site-move', world, at: '#/sites/site2', steps: [click('site-move')] },
  { name: 'site-disconnect', world, at: '#/sites/site6', steps: [click('site-disconnect')] },
  {
    name: 'site-disconnected',
    world,
    at: '#/sites/site6',
    steps: [click('site-disconnect'), click('site-disconnect-confirm')],
  },
  { name: 'site-long-name', world, at: '#/sites/site5' },
  { name: 'site-right-to-left', world, at: '#/sites/site7' },
  {
    name: 'site-waiting',
    world: () => world({ status: offline, sites: [site('Weather', { subscription: undefined })] }),
    at: '#/sites/site8',
  },
  {
    name: 'site-renamed',
    world: () =>
      world({
        fail: {
          set_site: {
            code: 'exists',
            message: 'there is already a site called "Home": choose another name',
          },
        },
      }),
    at: '#/sites/site2',
    steps: [
      (page) => page.getByRole('textbox', { name: 'Name', exact: true }).fill('Home'),
      (page) => page.getByRole('button', { name: 'Save' }).click(),
    ],
  },
  { name: 'site-remove', world, at: '#/sites/site5', steps: [click('site-remove')] },
  { name: 'settings', world, at: '#/settings' },
  {
    name: 'settings-silent-hours',
    world,
    at: '#/settings',
    steps: [click('silent-hours'), (page) => page.getByLabel('Sunday').click()],
  },
  {
    name: 'settings-history',
    world: () => {
      const there = world();
      const url = 'wss://push.example.org/';
      there.status.push_services.push({ url, connected: true, reason: null });
      return there;
    },
    at: '#/settings',
    steps: [
      (page) => page.getByTestId('history-days').selectOption('30'),
      (page) => page.getByRole('button', { name: 'Check everything' }).scrollIntoViewIfNeeded(),
    ],
  },
  {
    name: 'settings-history-deletes',
    world: () => ({ ...world(), beyond: { 100: 983 } }),
    at: '#/settings',
    steps: [
      (page) => page.getByTestId('history-per-site').selectOption('100'),
      (page) => page.getByRole('button', { name: 'Save' }).click(),
    ],
  },
  {
    name: 'settings-services',
    world: () => {
      const there = world();
      const url = 'wss://push.example.org/';
      there.status.push_services.push({ url, connected: true, reason: null });
      return there;
    },
    at: '#/settings',
    steps: [(page) => page.getByTestId('push-service-remove').scrollIntoViewIfNeeded()],
  },
  { name: 'sites-export', world, at: '#/settings', steps: [click('sites-export')] },
  {
    name: 'sites-export-keys',
    world: () => ({
      ...world(),
      fail: { export_sites: { code: 'storage', message: SAVE } },
    }),
    at: '#/settings',
    steps: [click('sites-export'), click('sites-export-keys'), passphrases, click('sites-export-save')],
  },
  {
    name: 'sites-exported',
    world: () => {
      const there = world();
      delete there.sites[5].subscription;
      return there;
    },
    at: '#/settings',
    steps: [click('sites-export'), click('sites-export-keys'), passphrases, click('sites-export-save')],
  },
  { name: 'sites-import', world, at: '#/settings', steps: [click('sites-import')] },
  {
    name: 'sites-import-sealed',
    world: () => ({
      ...world(),
      opens: { name: 'belfry-sites.json', sealed: true },
      fail: { import_sites: { code: 'invalid', message: 'the passphrase is wrong' } },
    }),
    at: '#/settings',
    steps: [
      click('sites-import'),
      (page) => page.getByTestId('sites-passphrase').fill('battery staple'),
      click('sites-import-confirm'),
    ],
  },
  {
    name: 'sites-import-taken',
    world: () => ({
      ...world(),
      fail: {
        import_sites: {
          code: 'exists',
          message:
            'there are sites with these names already: "Backups", "Home". Nothing was imported: rename or remove them here, or take them out of the file',
        },
      },
    }),
    at: '#/settings',
    steps: [click('sites-import'), click('sites-import-confirm')],
  },
  {
    name: 'sites-imported',
    world: () => ({
      ...world(),
      imports: [
        { site: site('Builds'), moved: true, reason: null },
        { site: site('Weather'), moved: false, reason: null },
        { site: site('Library'), moved: false, reason: 'no endpoint within 30 s: connection refused' },
        { site: site('Old shop', { connected: false }), moved: false, reason: null },
      ],
    }),
    at: '#/settings',
    steps: [click('sites-import'), click('sites-import-confirm')],
  },
  {
    name: 'settings-sites',
    world,
    at: '#/settings',
    steps: [shown('sites-export')],
  },
  { name: 'settings-end', world, at: '#/settings', steps: [end] },
  {
    name: 'settings-checked',
    world,
    at: '#/settings',
    steps: [
      (page) => page.getByRole('button', { name: 'Check everything' }).click(),
      (page) => page.getByRole('button', { name: 'Check again' }).scrollIntoViewIfNeeded(),
    ],
  },
  {
    name: 'settings-offline',
    world: () => world({ status: { ...offline, do_not_disturb: { until: '2026-03-13T08:00:00Z' } } }),
    at: '#/settings',
  },
  {
    name: 'settings-own-refused',
    world,
    at: '#/settings',
    steps: [
      (page) => page.getByTestId('push-service-own').check(),
      (page) => page.getByTestId('push-service-url').fill('https://push.example.org/'),
      (page) => page.getByRole('button', { name: 'Save' }).click(),
    ],
  },
  { name: 'failure-keyring', world: failing('keyring', KEYRING) },
  {
    name: 'failure-keyring-dismissed',
    world: () => ({
      ...failing('keyring', 'the keyring is locked')(),
      unlock: { code: 'keyring', trouble: 'prompt-dismissed', message: 'somebody dismissed its question' },
    }),
    steps: [click('unlock'), (page) => page.getByText('Details', { exact: true }).click()],
  },
  {
    name: 'failure-keyring-waiting',
    world: () => world({ status: { locked: 'the keyring is locked' }, hang: ['unlock'] }),
    steps: [click('unlock')],
  },
  {
    name: 'failure-storage-details',
    world: failing(
      'storage',
      'cannot open /home/anna/.local/share/belfry/belfry.db: Permission denied (os error 13)',
    ),
    steps: [(page) => page.getByText('Details', { exact: true }).click()],
  },
  { name: 'shortcuts', world, steps: [press('?')] },
];
