/** What the receiver says of itself, kept current by its events. */
import { asError, localPushService, onEvent, onNavigate, request } from './api';
import type { CommandError, Event, Site, Status } from './bindings';
import { clock } from './clock.svelte';
import { router } from './route.svelte';
import { toasts } from './toasts.svelte';

class Receiver {
  status = $state.raw<Status | null>(null);
  /** By name. */
  sites = $state.raw<Site[]>([]);
  /** The push service of this user's own on this computer, if there is one. */
  local = $state<string | null>(null);
  /** Why there is no receiver to ask: the state of the whole window. */
  failure = $state.raw<CommandError | null>(null);
  /** Grows when anything may have changed: views ask anew. */
  revision = $state(0);
  /** The latest arrival in words, for those who do not see the list. */
  arrival = $state('');
  asking = $state(false);
  #again = false;
  #running: Promise<void> | null = null;

  /** Listens from now on, then asks for the first time. */
  async start(): Promise<() => void> {
    const stops = await Promise.all([
      onEvent((event) => this.hear(event)),
      onNavigate((place) => router.go(place)),
    ]).catch((thrown) => {
      this.failure = asError(thrown);
      return [];
    });
    await this.refresh();
    return () => stops.forEach((stop) => stop());
  }

  hear(event: Event): void {
    // It changes nothing that is shown here, and the push that it follows has just been asked about.
    if (event.event === 'handed') return;
    if (event.event === 'push' && event.disposition !== 'discarded') {
      this.arrival = `New message from ${event.site}: ${event.title}`;
    } else if (event.event === 'failed') {
      toasts.show(event.site === null ? event.reason : `${event.site}: ${event.reason}`, { failed: true });
    }
    void this.refresh();
  }

  /** Asks anew, and is done when that is answered. What comes meanwhile is asked for once, afterwards. */
  refresh(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#askUntilCurrent();
    return this.#running;
  }

  site(name: string): Site | undefined {
    return this.sites.find((site) => site.name === name);
  }

  async #askUntilCurrent(): Promise<void> {
    this.asking = true;
    while (this.#again) {
      this.#again = false;
      await this.#ask();
    }
    this.asking = false;
    this.#running = null;
  }

  async #ask(): Promise<void> {
    try {
      const [status, sites, local] = await Promise.all([
        request({ request: 'status' }),
        request({ request: 'list_sites' }),
        // Where that cannot be told, none is called so.
        localPushService().catch(() => null),
      ]);
      this.status = status;
      this.sites = sites;
      this.local = local;
      this.failure = status.locked === null ? null : { code: 'keyring', message: status.locked };
      this.revision += 1;
      clock.tick();
    } catch (thrown) {
      this.failure = asError(thrown);
    }
  }
}

export const receiver = new Receiver();
