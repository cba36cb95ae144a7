/** Adding a site: it goes on while another page is shown, until the endpoint is there or it is cancelled. */
import { asError, request } from '../lib/api';
import type { CommandError, NewSite } from '../lib/bindings';
import { receiver } from '../lib/receiver.svelte';
import { place, router } from '../lib/route.svelte';
import { toasts } from '../lib/toasts.svelte';

interface Attempt {
  name: string;
  /** Where the endpoint is to come from. */
  service: string;
  since: Date;
  /** The sites there were before. */
  before: ReadonlySet<string>;
  cancelled: boolean;
}

const EMPTY = { name: '', address: '', key: '', service: '' };

class Pairing {
  /** What is in the form. Kept while another page is shown, and while the list beside it comes and goes. */
  draft = $state({ ...EMPTY });
  running = $state.raw<Attempt | null>(null);
  error = $state.raw<CommandError | null>(null);

  /** Adds a site, and shows it when somebody still waits for that. */
  async add(site: NewSite): Promise<void> {
    const service = site.push_service ?? receiver.status?.default_push_service ?? '';
    const before = new Set(receiver.sites.map((known) => known.id));
    const attempt: Attempt = { name: site.name, service, since: new Date(), before, cancelled: false };
    this.running = attempt;
    this.error = null;
    try {
      const added = await request({ request: 'add_site', ...site });
      if (attempt.cancelled) {
        await request({ request: 'remove_site', site: added.id });
        return;
      }
      this.clear();
      await receiver.refresh();
      if (atForm()) {
        router.go(place('sites', added.id));
      } else {
        toasts.show(`${added.name} added`);
      }
    } catch (thrown) {
      if (!attempt.cancelled) {
        this.error = asError(thrown);
        if (!atForm()) {
          toasts.show(`${site.name} was not added: ${this.error.message}`, { failed: true });
        }
      }
    } finally {
      if (this.running === attempt) {
        this.running = null;
      }
    }
  }

  clear(): void {
    this.draft = { ...EMPTY };
    this.error = null;
  }

  /** Takes back what is there of it. Nobody has the subscription yet, so nothing is lost. */
  cancel(): void {
    const attempt = this.running;
    if (attempt === null) {
      return;
    }
    attempt.cancelled = true;
    this.running = null;
    const started = receiver.sites.find((site) => site.name === attempt.name && !attempt.before.has(site.id));
    if (started !== undefined) {
      // If this fails, the site is removed when its endpoint comes.
      void request({ request: 'remove_site', site: started.id }).catch(() => undefined);
    }
  }
}

function atForm(): boolean {
  const { page, item } = router.current;
  return page === 'sites' && item === 'add';
}

export const pairing = new Pairing();
