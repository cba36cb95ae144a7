import type { CommandError, Entry, Event, Request, Setting, Site, Status } from '../src/lib/bindings';

export interface World {
  status: Status;
  sites: Site[];
  entries: Entry[];
  raw: Record<string, string>;
  fail: Partial<Record<Request['request'], CommandError>>;
  hang: Request['request'][];
  unlock?: CommandError;
  settings: Setting[];
  purged?: string[];
  copied?: string;
  asked?: Request[];
}

/** Returns the way to tell the page of an event. */
export function install(world: World): (event: 'belfry' | 'navigate', payload: Event | string) => void;
