/** The part of the history that is on screen. */
import { asError, request } from '../lib/api';
import type { CommandError, Entry, EntryId } from '../lib/bindings';
import { place, router } from '../lib/route.svelte';
import { toasts } from '../lib/toasts.svelte';
import { deletion } from './deletion.svelte';

const PAGE = 50;

class Inbox {
  site = $state<string | null>(null);
  search = $state('');
  unread = $state(false);
  limit = $state(PAGE);
  more = $state(false);
  loaded = $state(false);
  error = $state.raw<CommandError | null>(null);
  /** The entry in the detail, with its payload as it was stored. */
  opened = $state.raw<{ entry: Entry; raw: string | null } | null>(null);
  /** A link that is opened only when somebody has seen where it leads. */
  leaving = $state.raw<{ id: EntryId; action: number | null; site: string; url: string } | null>(null);
  #found = $state.raw<Entry[]>([]);
  #latest = 0;

  readonly entries = $derived(this.#found.filter((entry) => !deletion.pending.includes(entry.id)));
  readonly filtered = $derived(this.site !== null || this.search.trim() !== '' || this.unread);
  readonly selected = $derived(router.current.page === 'inbox' ? router.current.item : null);

  /** Asks for what the filters say. A slower answer to an earlier question is dropped. */
  async query(): Promise<void> {
    const mine = ++this.#latest;
    const { site, unread, limit } = this;
    const search = this.search.trim() || null;
    try {
      const found = await request({ request: 'list_entries', site, search, unread, limit: limit + 1 });
      if (mine === this.#latest) {
        this.more = found.length > limit;
        this.#found = this.#keepSelected(found.slice(0, limit));
        this.error = null;
        this.loaded = true;
      }
    } catch (thrown) {
      if (mine === this.#latest) {
        this.#failed(asError(thrown));
      }
    }
  }

  /** Shows an entry and marks it read; `null` shows none. */
  async open(id: EntryId | null): Promise<void> {
    if (id === null) {
      this.opened = null;
      return;
    }
    try {
      const shown = await request({ request: 'show_entry', id });
      if (this.selected === id) {
        this.opened = shown;
        if (!shown.entry.read) {
          await request({ request: 'mark_read', ids: [id] });
        }
      }
    } catch (thrown) {
      if (this.selected === id) {
        this.opened = null;
        if (asError(thrown).code === 'not-found') {
          router.go(place('inbox'));
        } else {
          toasts.show(asError(thrown).message, { failed: true });
        }
      }
    }
  }

  select(id: EntryId | null): void {
    router.go(place('inbox', id));
  }

  /** Selects the entry that many lines below; the first one when none is selected. */
  move(lines: 1 | -1): void {
    const at = this.entries.findIndex((entry) => entry.id === this.selected);
    const next = this.entries[at < 0 ? 0 : at + lines];
    if (next !== undefined) {
      this.select(next.id);
    }
  }

  /** Deletes an entry, and selects its neighbour where there is room for both. */
  delete(id: EntryId, stay: boolean): void {
    const at = this.entries.findIndex((entry) => entry.id === id);
    const next = this.entries[at + 1] ?? this.entries[at - 1];
    deletion.add(id);
    this.select(stay ? (next?.id ?? null) : null);
  }

  async follow(id: EntryId, action: number | null): Promise<void> {
    try {
      await request({ request: 'open_entry', id, action });
    } catch (thrown) {
      const error = asError(thrown);
      if (error.code === 'unconfirmed' && (await this.#ask(id, action))) {
        // The receiver tells everybody that it was refused.
        toasts.withdraw(error.message);
      } else {
        toasts.show(error.message, { failed: true });
      }
    }
  }

  /** Somebody has seen where it leads, and wants it opened. */
  async leave(): Promise<void> {
    const asked = this.leaving;
    this.leaving = null;
    if (asked === null) {
      return;
    }
    const { id, action } = asked;
    try {
      await request({ request: 'open_entry', id, action, confirmed: true });
    } catch (thrown) {
      toasts.show(asError(thrown).message, { failed: true });
    }
  }

  async markAllRead(): Promise<void> {
    const ids = this.entries.filter((entry) => !entry.read).map((entry) => entry.id);
    try {
      await request({ request: 'mark_read', ids });
    } catch (thrown) {
      toasts.show(asError(thrown).message, { failed: true });
    }
  }

  showMore(): void {
    this.limit += PAGE;
  }

  clearFilters(): void {
    this.site = null;
    this.search = '';
    this.unread = false;
  }

  /** Whether there is a link to ask about. It is the receiver's, not that of a list which may be older. */
  async #ask(id: EntryId, action: number | null): Promise<boolean> {
    try {
      const { entry } = await request({ request: 'show_entry', id });
      const url = action === null ? entry.navigate : entry.actions[action]?.navigate;
      this.leaving = url ? { id, action, site: entry.site, url } : null;
    } catch {
      this.leaving = null;
    }
    return this.leaving !== null;
  }

  /** Reading the selected entry must not take it away from under the eye. */
  #keepSelected(found: Entry[]): Entry[] {
    const kept = this.#found.find((entry) => entry.id === this.selected);
    if (!this.unread || kept === undefined || found.some((entry) => entry.id === kept.id)) {
      return found;
    }
    const newestFirst = (one: Entry, other: Entry) => Number(other.id) - Number(one.id);
    return [...found, { ...kept, read: true }].sort(newestFirst);
  }

  #failed(error: CommandError): void {
    if (error.code === 'not-found' && this.site !== null) {
      // The site it was about was removed or renamed.
      this.site = null;
      return;
    }
    this.error = error;
    this.loaded = true;
  }
}

export const inbox = new Inbox();
