/** What there is to see. */
export const NOW = Date.parse('2026-03-12T14:32:00Z');
const MOZILLA = 'wss://push.services.mozilla.com/';
const LOCAL = 'ws://127.0.0.1:45319/';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const subscription = (endpoint) => ({
  endpoint,
  expirationTime: null,
  keys: {
    p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
    auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  },
});
const ENDPOINT =
  'https://updates.push.services.mozilla.com/wpush/v1/gAAAAABpsdzE7Qq0mVx2cS5hYkq1Jb3w9kzXU0nR4tLhV8y2Gf6sPpW3aZ1eD7cBoMiKuTjNvHrQlSx5EgYdFbAw0OzIy8XkLmCn';

let sites = 0;
export const site = (name, more = {}) => ({
  id: `site${++sites}`,
  name,
  url: null,
  state: 'alert',
  state_label: 'Alerts',
  push_service: MOZILLA,
  snoozed: false,
  snoozed_until: null,
  sound: true,
  links: 'any',
  images: 'own',
  burst: '5/10',
  dnd_bypass: false,
  mapping: { title: null, body: null, link: null, image: null, tag: null },
  connected: true,
  needs_pairing: false,
  vapid_key: null,
  added_at: new Date(NOW - 40 * DAY).toISOString(),
  badge: null,
  subscription: subscription(ENDPOINT),
  ...more,
});

let entries = 1000;
export const entry = (name, ago, title, body = '', more = {}) => ({
  id: String(--entries),
  site: name,
  received_at: new Date(NOW - ago).toISOString(),
  title,
  body,
  navigate: null,
  image: null,
  tag: '',
  actions: [],
  read: true,
  disposition: 'shown',
  failure: null,
  ...more,
});

const NAMES = {
  long: 'Notifications of the Regional Association for the Preservation of Historic Bell Towers',
  word: 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft',
  arabic: 'أخبار الحي',
};

export function world(more = {}) {
  sites = 0;
  entries = 1000;
  const list = [
    site('Backups', {
      push_service: LOCAL,
      subscription: subscription('http://127.0.0.1:45319/wpush/v1/Zk3vQxY7b2mN'),
    }),
    site('Calendar', { url: 'https://calendar.example.org/', state: 'quiet', state_label: 'Quiet' }),
    site('Forum', {
      url: 'https://forum.example.org/',
      needs_pairing: true,
      state_label: 'Needs pairing again',
    }),
    site('Home', {
      url: 'https://home.example.net/',
      vapid_key: 'BNbxGYNMhEIi9zrneh7mqV4oUanjLUK3m-mYZBc62frMKrEoMk88r3Lk596T0ck9xlT-aok0fO1KXBLV4-XqxYM',
    }),
    site(NAMES.long, {
      url: 'https://towers.example.org/',
      state: 'history',
      state_label: 'History only',
    }),
    site('Shop', { url: 'https://shop.example.com/', state: 'blocked', state_label: 'Blocked' }),
    site(NAMES.arabic, { url: 'https://news.example.org/' }),
  ];
  const messages = [
    entry('Calendar', 20_000, 'Standup in ten minutes', 'Room 3, or by video', {
      read: false,
      navigate: 'https://calendar.example.org/event/77',
    }),
    entry(
      'Home',
      6 * MINUTE,
      'The washing machine is done',
      'Cotton, 40 °C. It used 0.6 kWh and 48 litres.\n\nThe door unlocks in two minutes.',
      {
        read: false,
        navigate: 'https://home.example.net/laundry',
        image: 'https://pictures.example.net/machine.jpg',
        actions: [
          { title: 'Remind me in an hour', navigate: 'https://home.example.net/remind?in=60' },
          {
            title: 'Show on the manufacturer’s page',
            navigate: 'https://washing.example.com/device/12',
          },
          { title: 'Unlock', navigate: null },
        ],
      },
    ),
    entry('Backups', 2 * HOUR, 'Backup finished', '12.4 GiB in 18 minutes, 3 files skipped'),
    entry(
      'Forum',
      5 * HOUR,
      'Anna replied to “Hanging a bell without a crane”',
      'We used two chain hoists and a beam.',
      {
        navigate: 'https://mirror.example.com/t/4821',
      },
    ),
    entry('Forum', 7 * HOUR, 'Forum', '', {
      failure: 'the message is not encrypted for these keys',
      disposition: 'recorded',
    }),
    entry(
      NAMES.arabic,
      9 * HOUR,
      'انقطاع المياه غدًا من الثامنة حتى العاشرة',
      'يرجى تخزين كمية كافية من الماء قبل ذلك الوقت.',
      {
        navigate: 'https://news.example.org/1',
      },
    ),
    entry(
      NAMES.long,
      DAY,
      'The general assembly of the association has been moved to the great hall of the town museum because of the unexpectedly large number of registrations',
      `${NAMES.word} ${'Please bring your membership card and be there a quarter of an hour early. '.repeat(12)}`,
      { disposition: 'recorded', navigate: `https://towers.example.org/${'assembly/'.repeat(12)}` },
    ),
    entry('Backups', 2 * DAY, 'Backup finished', '12.1 GiB in 17 minutes'),
    entry('Calendar', 4 * DAY, 'Invitation: Bell casting, a visit to the foundry', 'Saturday at ten'),
    entry('Backups', 40 * DAY, 'Backup failed', 'The disk is full', { read: false }),
    entry('Backups', 400 * DAY, 'Backup set up'),
  ];
  return {
    now: NOW,
    status: {
      push_services: [
        { url: MOZILLA, connected: true, reason: null },
        { url: LOCAL, connected: true, reason: null },
      ],
      default_push_service: MOZILLA,
      first_run: false,
      do_not_disturb: 'off',
      locked: null,
      quiet: false,
      condition: 'unread',
      headline: 'Connected to 2 push services',
      ...more.status,
    },
    sites: more.sites ?? list,
    entries: more.entries ?? messages,
    raw: {
      998: '{"web_push":8030,"notification":{"title":"The washing machine is done","body":"Cotton, 40 °C","navigate":"https://home.example.net/laundry"},"markup":"<img src=x onerror=alert(1)>"}',
      997: 'Backup finished\n12.4 GiB in 18 minutes, 3 files skipped',
      996: JSON.stringify({
        kind: 'reply',
        topic: {
          id: 4821,
          title: 'Hanging a bell without a crane',
          path: '/t/4821',
          tags: ['bells', 'rigging'],
        },
        post: {
          by: { name: 'Anna', avatar: null },
          excerpt: 'We used two chain hoists and a beam.',
          first: false,
        },
        'mirror/url': 'https://mirror.example.com/t/4821',
      }),
      992: 214,
      ...more.raw,
    },
    fail: more.fail ?? {},
    hang: more.hang ?? [],
    local: LOCAL,
    saves: '/home/anna/Documents/belfry-sites.json',
    opens: { name: 'belfry-sites.json', sealed: false },
    imports: [],
    settings: [
      { key: 'push-service', value: MOZILLA, is_default: true },
      { key: 'dnd-schedule', value: 'off', is_default: true },
      { key: 'history-days', value: '90', is_default: true },
      { key: 'history-per-site', value: '10000', is_default: true },
      { key: 'ca-file', value: 'off', is_default: true },
    ],
    checks: [
      { check: 'keyring', severity: 'ok', code: null, message: 'GNOME Keyring, unlocked', remedy: null },
      {
        check: 'database',
        severity: 'ok',
        code: null,
        message: 'encrypted, 7 sites, 11 messages',
        remedy: null,
      },
      {
        check: 'notifications',
        severity: 'warning',
        code: 'notifications-limited',
        message: 'xfce4-notifyd shows no buttons and takes no clicks',
        remedy: 'use `belfry inbox` to open links, or another notification server',
      },
      { check: 'push-service', severity: 'ok', code: null, message: `${MOZILLA} answers`, remedy: null },
      {
        check: 'push-service',
        severity: 'error',
        code: 'push-service-unreachable',
        message: `${LOCAL}: connection refused`,
        remedy:
          'check the network and the address; Belfry keeps trying, and the push service keeps messages meanwhile',
      },
    ],
  };
}

export const many = () => ({
  sites: Array.from({ length: 100 }, (_, n) =>
    site(`Site ${String(n + 1).padStart(3, '0')}`, { id: `many${n + 1}` }),
  ),
  entries: Array.from({ length: 300 }, (_, n) =>
    entry(
      `Site ${String((n % 100) + 1).padStart(3, '0')}`,
      n * 31 * MINUTE,
      `Message ${300 - n}`,
      'All is well',
      {
        read: n > 120,
      },
    ),
  ),
});

export const offline = {
  push_services: [
    {
      url: MOZILLA,
      connected: false,
      reason: 'no address found for push.services.mozilla.com: the network seems to be down',
    },
    { url: LOCAL, connected: true, reason: null },
  ],
  condition: 'offline',
  headline: 'Not connected to Mozilla',
};

export const beginning = {
  push_services: [],
  first_run: true,
  condition: 'ok',
  headline: 'Choose a push service to begin',
};
