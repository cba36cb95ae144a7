/** Where in the window one is. The address is the state, so that the tray and other programs can name a place. */
export type Page = 'inbox' | 'sites' | 'settings';

export interface Route {
  page: Page;
  /** The entry's or site's id; `add` on the page of sites. */
  item: string | null;
  /** The entry's link (`null`), or that of its button with this index, is wanted as well. */
  link?: number | null;
}

/** Understands `#/sites/add`, `#/inbox/12`, `#/inbox/12/open/0`, `#/settings`; anything else is the inbox. */
export function parse(hash: string): Route {
  const [page, item, wish, action] = hash.replace(/^#?\/?/, '').split('/');
  if (page === 'inbox' && item && wish === 'open') {
    const link = action !== undefined && /^\d+$/.test(action) ? Number(action) : null;
    return { page, item: decode(item), link };
  }
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
    const { page, item, link } = this.current;
    if (next.page !== page || next.item !== item || next.link !== link) {
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
