import type { SiteChange } from '../lib/bindings';

/** Changes the site that is shown. Gives why it could not be changed; `null` when it was. */
export type ChangeSite = (changes: SiteChange[]) => Promise<string | null>;
