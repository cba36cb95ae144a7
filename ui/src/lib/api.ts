/** The way to the receiver. What it answers is typed by what it was asked. */
import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { CommandError, Event, ImportedSite, PushSubscription, Request, Response } from './bindings';

/** Which answer belongs to which request; `api.rs` says so in words. */
const ANSWERS = {
  status: 'status',
  add_site: 'site',
  list_sites: 'sites',
  show_site: 'site',
  set_site: 'site',
  disconnect_site: 'site',
  remove_site: 'removed',
  export_sites: 'exported',
  import_sites: 'imported',
  list_entries: 'entries',
  show_entry: 'entry',
  list_payloads: 'payloads',
  preview_mapping: 'preview',
  show_picture: 'picture',
  mark_read: 'done',
  delete_entries: 'done',
  restore_entries: 'done',
  open_entry: 'done',
  set_do_not_disturb: 'status',
  set_default_push_service: 'status',
  unlock: 'done',
  list_push_services: 'push_services',
  add_push_service: 'push_services',
  remove_push_service: 'push_services',
  list_settings: 'settings',
  set_setting: 'settings',
  diagnose: 'checks',
} as const satisfies Record<Request['request'], Response['response']>;

/** A file that all sites were written to. */
export interface WrittenSites {
  /** Where it is. */
  file: string;
  sites: number;
  /** The names of those that are in it without keys, though keys were wanted. */
  without_keys: string[];
}

/** A file of sites. */
export interface SitesFile {
  name: string;
  /** Whether it takes a passphrase. */
  sealed: boolean;
}

type Named<K extends Request['request']> = Extract<Response, { response: (typeof ANSWERS)[K] }>;

/** What the receiver answers to a request of kind `K`. */
export type Answer<K extends Request['request']> = Named<K> extends { value: infer V } ? V : undefined;

/** Asks the receiver. Rejects with a `CommandError`, whatever went wrong. */
export async function request<R extends Request>(request: R): Promise<Answer<R['request']>> {
  const response = await call<Response>('request', { request });
  if (response?.response !== ANSWERS[request.request]) {
    throw { code: 'internal', message: 'the receiver answered something else' } satisfies CommandError;
  }
  return ('value' in response ? response.value : undefined) as Answer<R['request']>;
}

/** Puts text on the clipboard. */
export function copyText(text: string): Promise<void> {
  return call('copy_text', { text });
}

/** The URL of this user's own push service, running or not; `null` before its first start. */
export function localPushService(): Promise<string | null> {
  return call('local_push_service');
}

/** The same, which is started when it is not running. Takes seconds then. */
export function startLocalPushService(): Promise<string> {
  return call('start_local_push_service');
}

/** What was written to a file that a person chose; `null` when none was chosen. With a passphrase the keys are in it. */
export function exportSites(passphrase: string | null): Promise<WrittenSites | null> {
  return call('export_sites', { passphrase });
}

/** What the file is that a person chose to import; `null` when none was chosen. */
export function chooseSitesFile(): Promise<SitesFile | null> {
  return call('choose_sites_file');
}

/** Makes the sites of the file that was chosen last, all or none. */
export function importSites(passphrase: string | null): Promise<ImportedSite[]> {
  return call('import_sites', { passphrase });
}

/** Hears what happens, until the function it gives is called. */
export function onEvent(hear: (event: Event) => void): Promise<() => void> {
  return listen<Event>('belfry', ({ payload }) => hear(payload));
}

/** Hears where else in the window somebody wants to be: a place such as `#/sites/add`. */
export function onNavigate(go: (place: string) => void): Promise<() => void> {
  return listen<string>('navigate', ({ payload }) => go(payload));
}

/** The canonical line that senders take: these members in this order, and no other. */
export function subscriptionLine({ endpoint, expirationTime, keys }: PushSubscription): string {
  return JSON.stringify({ endpoint, expirationTime, keys: { p256dh: keys.p256dh, auth: keys.auth } });
}

/** Anything thrown, as the error it tells of. Tauri itself rejects with plain text. */
export function asError(thrown: unknown): CommandError {
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'message' in thrown) {
    return thrown as CommandError;
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: 'internal', message };
}

async function call<T>(command: string, parameters?: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(command, parameters);
  } catch (thrown) {
    throw asError(thrown);
  }
}
