/** Deleting that can be undone for ten seconds: until then the receiver is not told. */
import { asError, request } from '../lib/api';
import type { EntryId } from '../lib/bindings';
import { receiver } from '../lib/receiver.svelte';
import { toasts } from '../lib/toasts.svelte';
import { count } from '../lib/words';

const SECONDS = 10;

class Deletion {
  /** Deleted for the eye. */
  pending = $state.raw<readonly EntryId[]>([]);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #toast = 0;

  /** What is deleted within ten seconds of the one before is undone together with it. */
  add(id: EntryId): void {
    if (this.pending.includes(id)) {
      return;
    }
    this.pending = [...this.pending, id];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), SECONDS * 1000);
    const text = `${count(this.pending.length, 'message', 'messages')} deleted`;
    this.#toast = toasts.show(text, { undo: () => this.undo(), seconds: SECONDS });
  }

  undo(): void {
    clearTimeout(this.#timer);
    toasts.dismiss(this.#toast);
    this.pending = [];
  }

  /** Deletes for good. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    toasts.dismiss(this.#toast);
    const ids = [...this.pending];
    if (ids.length === 0) {
      return;
    }
    try {
      await request({ request: 'delete_entries', ids });
      await receiver.refresh();
    } catch (thrown) {
      // A site's removal takes its entries along: those are gone anyway.
      if (asError(thrown).code !== 'not-found') {
        toasts.show(asError(thrown).message, { failed: true });
      }
    }
    this.pending = this.pending.filter((id) => !ids.includes(id));
  }
}

export const deletion = new Deletion();
