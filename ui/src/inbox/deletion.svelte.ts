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
  /** Of the pending ones, those that can no longer be undone. */
  #sent = new Set<EntryId>();

  /** What is deleted within ten seconds of the one before is undone together with it. */
  add(id: EntryId): void {
    if (this.pending.includes(id)) {
      return;
    }
    this.pending = [...this.pending, id];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), SECONDS * 1000);
    const waiting = this.pending.length - this.#sent.size;
    const text = `${count(waiting, 'message', 'messages')} deleted`;
    this.#toast = toasts.show(text, { undo: () => this.undo(), seconds: SECONDS });
  }

  undo(): void {
    clearTimeout(this.#timer);
    toasts.dismiss(this.#toast);
    this.pending = this.pending.filter((id) => this.#sent.has(id));
  }

  /** Deletes for good. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    toasts.dismiss(this.#toast);
    const ids = this.pending.filter((id) => !this.#sent.has(id));
    if (ids.length === 0) {
      return;
    }
    ids.forEach((id) => this.#sent.add(id));
    try {
      await this.#delete(ids);
      await receiver.refresh();
    } catch (thrown) {
      toasts.show(asError(thrown).message, { failed: true });
    }
    ids.forEach((id) => this.#sent.delete(id));
    this.pending = this.pending.filter((id) => !ids.includes(id));
  }

  /** One that is gone already, with its site or by another program, must not save the others: all or none is the rule. */
  async #delete(ids: EntryId[]): Promise<void> {
    try {
      await request({ request: 'delete_entries', ids });
    } catch (thrown) {
      if (asError(thrown).code !== 'not-found') {
        throw thrown;
      }
      if (ids.length > 1) {
        await Promise.all(ids.map((id) => this.#delete([id])));
      }
    }
  }
}

export const deletion = new Deletion();
