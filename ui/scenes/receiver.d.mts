import type {
  CommandError,
  Entry,
  EntryPicture,
  Event,
  ImportedSite,
  Request,
  Setting,
  Site,
  Status,
} from '../src/lib/bindings';
import type { SitesFile } from '../src/lib/api';

export interface World {
  status: Status;
  sites: Site[];
  entries: Entry[];
  /** By the entry's id; a number is the size of what is no text. */
  raw: Record<string, string | number>;
  pictures?: Record<string, EntryPicture>;
  fail: Partial<Record<Request['request'] | 'choose_sites_file', CommandError>>;
  hang: Request['request'][];
  /** The URL of the push service of this computer's own. */
  local: string | null;
  /** What a person answers when asked for a file. */
  saves: string | null;
  opens: SitesFile | null;
  imports: ImportedSite[];
  /** Has an import that hangs go on. */
  release?: () => void;
  /** Those that were given with a file. */
  passphrases?: (string | null)[];
  unlock?: CommandError;
  settings: Setting[];
  /** How many messages a limit of the history deletes, by its value. */
  beyond?: Record<string, number>;
  purged?: string[];
  copied?: string;
  asked?: Request[];
}

/** Returns the way to tell the page of an event. */
export function install(world: World): (event: 'belfry' | 'navigate', payload: Event | string) => void;
