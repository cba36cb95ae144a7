import type {
  CommandError,
  Entry,
  EntryPicture,
  Event,
  Request,
  Setting,
  Site,
  Status,
} from '../src/lib/bindings';

export interface World {
  status: Status;
  sites: Site[];
  entries: Entry[];
  /** By the entry's id; a number is the size of what is no text. */
  raw: Record<string, string | number>;
  pictures?: Record<string, EntryPicture>;
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
