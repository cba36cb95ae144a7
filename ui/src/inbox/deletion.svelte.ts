/** Deleting at once, and taking that back for as long as the receiver can. */
import { asError, request } from '../lib/api';
import type { EntryId } from '../lib/bindings';
import { receiver } from '../lib/receiver.svelte';
import { toasts } from '../lib/toasts.svelte';
import { count } from '../lib/words';

/** How long the receiver keeps what was deleted. */
const SECONDS = 10;

class Deletion {
  /** Deleted for the eye, while the receiver does it. */
  pending = $state.raw<readonly EntryId[]>([]);
  /** What can be restored, and when it was deleted. */
  #restorable: { id: EntryId; at: number }[] = [];
  #running: Promise<void> = Promise.resolve();
  #toast = 0;

  /** What is deleted within ten seconds is undone together. */
  add(id: EntryId): void {
    if (this.pending.includes(id)) {
      return;
    }
    this.pending = [...this.pending, id];
    this.#restorable = [...this.#inTime(), { id, at: performance.now() }];
    const text = `${count(this.#restorable.length, 'message', 'messages')} deleted`;
    this.#toast = toasts.show(text, { undo: () => void this.undo(), seconds: SECONDS });
    // One after the other: undoing waits for what it undoes.
    this.#running = this.#running.then(() => this.#delete(id));
  }

  async undo(): Promise<void> {
    toasts.dismiss(this.#toast);
    await this.#running;
    const ids = this.#inTime().map(({ id }) => id);
    this.#restorable = [];
    if (ids.length > 0) {
      await this.#restore(ids);
      await receiver.refresh();
    }
  }

  #inTime(): { id: EntryId; at: number }[] {
    const now = performance.now();
    return this.#restorable.filter(({ at }) => now - at < SECONDS * 1000);
  }

  async #delete(id: EntryId): Promise<void> {
    try {
      await request({ request: 'delete_entries', ids: [id] });
    } catch (thrown) {
      this.#restorable = this.#restorable.filter((deleted) => deleted.id !== id);
      // One that is gone already, with its site or by another program, is what was wanted.
      if (asError(thrown).code !== 'not-found') {
        toasts.show(asError(thrown).message, { failed: true });
      }
    }
    await receiver.refresh();
    this.pending = this.pending.filter((other) => other !== id);
  }

  /** One that is gone for good, with its site or a moment too late, must not keep the others away: all or none is the rule. */
  async #restore(ids: EntryId[]): Promise<void> {
    try {
      await request({ request: 'restore_entries', ids });
    } catch (thrown) {
      if (asError(thrown).code === 'not-found' && ids.length > 1) {
        await Promise.all(ids.map((id) => this.#restore([id])));
      } else {
        toasts.show(asError(thrown).message, { failed: true });
      }
    }
  }
}

export const deletion = new Deletion();
