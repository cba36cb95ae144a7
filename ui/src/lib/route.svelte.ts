/** Where in the window one is. The address is the state, so that the tray and other programs can name a place. */
export type Page = 'inbox' | 'sites' | 'settings';

export interface Route {
  page: Page;
  /** The entry's or site's id; `add` on the page of sites. */
  item: string | null;
}

/** Understands `#/sites/add`, `#/inbox/12`, `#/settings`; anything else is the inbox. */
export function parse(hash: string): Route {
  const [page, item] = hash.replace(/^#?\/?/, '').split('/');
  if (page === 'inbox' || page === 'sites') {
    return { page, item: decode(item) };
  }
  return { page: page === 'settings' ? 'settings' : 'inbox', item: null };
}

function decode(item: string | undefined): string | null {
  try {
    return item ? decodeURIComponent(item) : null;
  } catch {
    return null;
  }
}

export function place(page: Page, item: string | null = null): string {
  return item === null ? `#/${page}` : `#/${page}/${encodeURIComponent(item)}`;
}

class Router {
  current = $state.raw(parse(location.hash));

  constructor() {
    addEventListener('hashchange', () => this.read());
  }

  read(): void {
    const next = parse(location.hash);
    if (next.page !== this.current.page || next.item !== this.current.item) {
      this.current = next;
    }
  }

  go(place: string): void {
    if (location.hash !== place) {
      location.hash = place;
    }
    this.read();
  }
}

export const router = new Router();
