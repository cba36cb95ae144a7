/**
 * A receiver for pictures and tests, put in the place of Tauri's way to Rust. Runs in the page: it may use nothing from
 * outside. What it was asked is in `world.asked`.
 *
 * `world`: `{ now, status, sites, entries, raw, pictures, fail, hang, unlock, settings, checks }`. `fail` names an error by request, `hang` requests that get no answer.
 */
export function install(world) {
  const callbacks = new Map();
  const listeners = new Map();
  let number = 0;
  let deleted = [];

  const emit = (event, payload) => {
    for (const [id, handler] of listeners.get(event) ?? []) {
      callbacks.get(handler)?.({ event, id, payload });
    }
  };
  const changed = () => emit('belfry', { event: 'changed' });
  const refuse = (code, message) => {
    throw { code, message };
  };
  const unread = (name) =>
    world.entries.filter((entry) => !entry.read && (!name || entry.site === name)).length;
  const status = () => ({ ...world.status, unread: unread() });
  const services = () =>
    world.status.push_services.map((service) => ({
      ...service,
      default: service.url === world.status.default_push_service,
      sites: world.sites.filter((site) => site.push_service === service.url).map(({ name }) => name),
    }));
  const summary = ({ subscription: _, ...site }) => ({ ...site, unread: unread(site.name) });
  const siteOf = (key) =>
    world.sites.find((site) => site.id === key || site.name === key) ??
    refuse('not-found', `no site is called "${key}"`);
  const entryOf = (id) =>
    world.entries.find((entry) => entry.id === id) ?? refuse('not-found', `no entry has the id ${id}`);

  const label = (site) => {
    const words = { alert: 'Alerts', quiet: 'Quiet', history: 'History only', blocked: 'Blocked' };
    const snoozed = site.snoozed_until !== null && /alert|quiet/.test(site.state);
    const time = snoozed && new Date(site.snoozed_until).toTimeString().slice(0, 5);
    site.snoozed = snoozed && site.connected && !site.needs_pairing;
    site.state_label = !site.connected
      ? 'Blocked and disconnected'
      : site.needs_pairing
        ? 'Needs pairing again'
        : snoozed
          ? `Snoozed until ${time}`
          : words[site.state];
  };

  /** As the receiver finds it: text, number, true or false. */
  const at = (document, pointer) => {
    let value = document;
    for (const name of pointer.split('/').slice(1)) {
      const key = name.replaceAll('~1', '/').replaceAll('~0', '~');
      value = typeof value === 'object' && value !== null ? value[key] : undefined;
    }
    return value === undefined || value === null || typeof value === 'object' ? null : String(value);
  };

  const answers = {
    status: () => ({ response: 'status', value: status() }),
    list_sites: () => ({ response: 'sites', value: world.sites.map(summary) }),
    show_site: ({ site }) => ({ response: 'site', value: { ...siteOf(site), unread: 0 } }),
    list_entries({ site, search, unread, limit }) {
      const name = site && siteOf(site).name;
      const words = (search ?? '').toLowerCase();
      const value = world.entries.filter(
        (entry) =>
          (!name || entry.site === name) &&
          (!unread || !entry.read) &&
          `${entry.title} ${entry.body}`.toLowerCase().includes(words),
      );
      return { response: 'entries', value: value.slice(0, limit ?? 50) };
    },
    show_entry: ({ id }) => ({
      response: 'entry',
      value: { entry: entryOf(id), raw: world.raw[id] ?? null },
    }),
    list_payloads({ site }) {
      const { name } = siteOf(site);
      const value = world.entries
        .filter((entry) => entry.site === name && world.raw[entry.id] !== undefined)
        .map(({ id, received_at }) => {
          const raw = world.raw[id];
          return typeof raw === 'number'
            ? { id, received_at, text: null, size: raw }
            : { id, received_at, text: raw, size: raw.length };
        });
      return { response: 'payloads', value };
    },
    preview_mapping({ id, pointers }) {
      const { title, body, navigate, image, tag } = entryOf(id);
      const preview = { title, body, navigate, image, tag, remarks: [] };
      let document = null;
      try {
        document = JSON.parse(world.raw[id]);
      } catch {
        // Plain text.
      }
      for (const { field, pointer } of pointers.filter(({ pointer }) => pointer !== '')) {
        const found = at(document, pointer);
        if (!pointer.startsWith('/')) {
          const message = 'a JSON pointer begins with a slash, such as /notification/title';
          preview.remarks.push({ field, invalid: true, message });
        } else if (found === null) {
          preview.remarks.push({ field, invalid: false, message: 'no text is there in this message' });
        } else if (field === 'link') {
          preview.navigate = new URL(found, 'https://forum.example.org/').href;
        } else {
          preview[field] = found;
        }
      }
      return { response: 'preview', value: preview };
    },
    show_picture({ id }) {
      const value = world.pictures?.[id];
      if (!value) refuse('rejected', "only pictures from the site's own host are loaded");
      return { response: 'picture', value };
    },
    mark_read({ ids }) {
      world.entries = world.entries.map((entry) =>
        ids.includes(entry.id) ? { ...entry, read: true } : entry,
      );
      changed();
      return { response: 'done' };
    },
    delete_entries({ ids }) {
      deleted.push(...ids.map(entryOf));
      world.entries = world.entries.filter((entry) => !ids.includes(entry.id));
      changed();
      return { response: 'done' };
    },
    restore_entries({ ids }) {
      const found = ids.map(
        (id) =>
          deleted.find((entry) => entry.id === id && !world.purged?.includes(id)) ??
          refuse('not-found', `no entry has the id ${id}`),
      );
      deleted = deleted.filter((entry) => !found.includes(entry));
      world.entries = [...world.entries, ...found].sort((one, other) => other.id - one.id);
      changed();
      return { response: 'done' };
    },
    open_entry({ id, action, confirmed }) {
      const entry = entryOf(id);
      const site = world.sites.find(({ name }) => name === entry.site);
      const link = action === null ? entry.navigate : entry.actions[action].navigate;
      if (
        site?.links === 'ask' &&
        !confirmed &&
        new URL(link).host !== (site.url && new URL(site.url).host)
      ) {
        const reason = 'the link leaves the site';
        emit('belfry', { event: 'failed', site: entry.site, reason });
        refuse('unconfirmed', reason);
      }
      return { response: 'done' };
    },
    set_site({ site, changes }) {
      const found = siteOf(site);
      for (const { key, value } of changes) {
        if (key === 'snooze') found.snoozed_until = value;
        else if (key === 'paired') found.needs_pairing = false;
        else if (key === 'map') found.mapping = { ...found.mapping, [value.field]: value.pointer };
        else found[key] = value;
        const anew = key === 'push_service' || (key === 'state' && !found.connected && value !== 'blocked');
        if (anew) {
          const keys = { p256dh: 'BNew', auth: 'new' };
          const subscription = { endpoint: 'https://push.example/new', expirationTime: null, keys };
          Object.assign(found, { connected: true, needs_pairing: true, subscription });
        }
      }
      label(found);
      changed();
      return { response: 'site', value: found };
    },
    disconnect_site({ site }) {
      const found = siteOf(site);
      Object.assign(found, { connected: false, state: 'blocked', needs_pairing: false });
      delete found.subscription;
      label(found);
      changed();
      return { response: 'site', value: found };
    },
    remove_site({ site }) {
      const found = siteOf(site);
      world.sites = world.sites.filter((other) => other !== found);
      changed();
      return { response: 'removed', value: { unregistered: true } };
    },
    set_do_not_disturb({ value }) {
      world.status.do_not_disturb = value;
      changed();
      return { response: 'status', value: status() };
    },
    set_default_push_service({ url }) {
      if (!url.startsWith('ws')) refuse('invalid', 'a push service is `mozilla` or a ws:// or wss:// URL');
      Object.assign(world.status, { default_push_service: url, first_run: false });
      changed();
      return { response: 'status', value: status() };
    },
    list_push_services: () => ({ response: 'push_services', value: services() }),
    add_push_service({ url }) {
      world.status.push_services = [...world.status.push_services, { url, connected: false, reason: null }];
      changed();
      return { response: 'push_services', value: services() };
    },
    remove_push_service({ url }) {
      const found = services().find((service) => service.url === url);
      if (found.default || found.sites.length > 0) refuse('invalid', `${url} is in use`);
      world.status.push_services = world.status.push_services.filter((service) => service.url !== url);
      changed();
      return { response: 'push_services', value: services() };
    },
    list_settings: () => ({ response: 'settings', value: world.settings }),
    set_setting({ key, value, confirmed }) {
      const deletes = world.beyond?.[value];
      if (deletes && !confirmed) {
        const message = `${key} ${value} would delete ${deletes} messages for good: confirm with --yes`;
        throw { code: 'unconfirmed', message, deletes };
      }
      if (key === 'dnd-schedule' && !/^(off|\d\d:\d\d-\d\d:\d\d(,\w{3})*)$/.test(value)) {
        refuse('invalid', 'dnd-schedule is such as 22:00-07:00 or 22:00-07:00,mon-fri');
      }
      world.settings = world.settings.map((setting) =>
        setting.key === key ? { key, value, is_default: false } : setting,
      );
      changed();
      return { response: 'settings', value: world.settings };
    },
    // `world.unlock`: the keyring's answer, an error; none: it opens.
    unlock() {
      if (world.unlock) throw world.unlock;
      world.status.locked = null;
      world.fail = {};
      emit('belfry', { event: 'unlocked' });
      return { response: 'done' };
    },
    diagnose: () => ({ response: 'checks', value: world.checks }),
  };

  const commands = {
    'plugin:event|listen'({ event, handler }) {
      const id = ++number;
      const of = listeners.get(event) ?? new Map();
      listeners.set(event, of.set(id, handler));
      return id;
    },
    'plugin:event|unlisten': ({ event, eventId }) => void listeners.get(event)?.delete(eventId),
    copy_text: ({ text }) => void (world.copied = text),
    local_push_service: () => world.local,
    start_local_push_service: () => (world.local = 'ws://127.0.0.1:45319/'),
    export_sites({ passphrase }) {
      const without_keys = world.sites.filter((site) => !site.subscription).map(({ name }) => name);
      (world.passphrases ??= []).push(passphrase);
      if (world.fail.export_sites) throw world.fail.export_sites;
      return (
        world.saves && {
          file: world.saves,
          sites: world.sites.length,
          without_keys: passphrase === null ? [] : without_keys,
        }
      );
    },
    choose_sites_file() {
      if (world.fail.choose_sites_file) throw world.fail.choose_sites_file;
      return world.opens;
    },
    async import_sites({ passphrase }) {
      (world.passphrases ??= []).push(passphrase);
      if (world.hang.includes('import_sites')) await new Promise((go) => (world.release = go));
      if (world.fail.import_sites) throw world.fail.import_sites;
      world.sites = [...world.sites, ...world.imports.map(({ site }) => site)];
      changed();
      return world.imports;
    },
    request({ request }) {
      const { request: name, ...parameters } = request;
      (world.asked ??= []).push(request);
      if (world.hang.includes(name)) return new Promise(() => {});
      if (world.fail[name]) throw world.fail[name];
      return answers[name](parameters);
    },
  };

  window.world = world;
  window.__TAURI_EVENT_PLUGIN_INTERNALS__ = { unregisterListener() {} };
  window.__TAURI_INTERNALS__ = {
    invoke: async (command, parameters) => structuredClone(await commands[command](parameters ?? {})),
    transformCallback(callback) {
      callbacks.set(++number, callback);
      return number;
    },
    unregisterCallback: (id) => callbacks.delete(id),
  };
  return emit;
}
