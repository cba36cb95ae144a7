/** One line at the window's lower edge: what has just happened, and the way back where there is one. */
export interface Toast {
  id: number;
  text: string;
  failed: boolean;
  undo: (() => void) | null;
}

const SECONDS = 1000;

class Toasts {
  current = $state.raw<Toast | null>(null);
  #next = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Replaces what was there. Returns its number, for `dismiss`. */
  show(text: string, options: { failed?: boolean; undo?: () => void; seconds?: number } = {}): number {
    const { failed = false, undo = null, seconds = failed ? 8 : 4 } = options;
    clearTimeout(this.#timer);
    const id = this.#next++;
    this.current = { id, text, failed, undo };
    this.#timer = setTimeout(() => this.dismiss(id), seconds * SECONDS);
    return id;
  }

  /** Takes back a failure that is told in another way by now. */
  withdraw(message: string): void {
    if (this.current?.failed && this.current.text.endsWith(message)) {
      this.dismiss(this.current.id);
    }
  }

  dismiss(id: number): void {
    if (this.current?.id === id) {
      clearTimeout(this.#timer);
      this.current = null;
    }
  }
}

export const toasts = new Toasts();
