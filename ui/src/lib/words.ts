/** The words and looks that more than one page uses. What a state is called comes from the receiver. */
import type { Badge, Site, SiteState } from './bindings';
import { coming } from './time';

export const MOZILLA = 'wss://push.services.mozilla.com/';

export const STATES: readonly { value: SiteState; label: string; meaning: string }[] = [
  { value: 'alert', label: 'Alerts', meaning: 'A notification with sound' },
  { value: 'quiet', label: 'Quiet', meaning: 'A notification without sound' },
  { value: 'history', label: 'History only', meaning: 'In the inbox, without a notification' },
  {
    value: 'blocked',
    label: 'Blocked',
    meaning: 'Discarded unread. The subscription stays, so you can allow it again',
  },
];

/** A site's state in words. The end of a snooze is told like every time here: by the locale. */
export function stateLabel({ snoozed, snoozed_until, state_label }: Site, now: number): string {
  return snoozed && snoozed_until !== null
    ? `Snoozed until ${coming(new Date(snoozed_until), now)}`
    : state_label;
}

/** A push service as people call it. */
export function serviceName(url: string): string {
  if (url === MOZILLA) {
    return 'Mozilla';
  }
  return isLoopback(url) ? 'this computer' : host(url);
}

/** Whether a URL leads to this computer. */
export function isLoopback(url: string): boolean {
  const name = parseUrl(url)?.hostname ?? '';
  return name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name);
}

/** In ASCII: what looks like another host, or hides characters, shows itself as `xn--…`. */
export function host(url: string): string {
  return parseUrl(url)?.host || address(url);
}

/** A link as a browser is given it. In ASCII, so that nothing in it changes places or is not seen. */
export function address(url: string): string {
  return parseUrl(url)?.href ?? url.replace(/[^ -~]+/g, '?');
}

/** The host of a link, where that is not the site's own. */
export function foreignHost(link: string | null, site: string | null): string | null {
  if (link === null) {
    return null;
  }
  const own = site === null ? null : host(site);
  return host(link) === own ? null : host(link);
}

/** What somebody typed as a site's address. The receiver judges it; `example.org` only lacks its beginning. */
export function asAddress(text: string): string | null {
  const typed = text.trim();
  if (typed === '') {
    return null;
  }
  return /^[a-z][a-z0-9+.-]*:/i.test(typed) && !/^[^/]*:\d+(\/|$)/.test(typed) ? typed : `https://${typed}`;
}

/** The first letter or digit of a name, whatever its script. */
export function initial(name: string): string {
  const found = /[\p{L}\p{N}]/u.exec(name)?.[0] ?? '?';
  return found.toLocaleUpperCase();
}

/** The hue, in degrees, of a name: always the same one. */
export function hue(name: string): number {
  // FNV-1a: names that differ by one letter get colours far apart.
  let hash = 0x811c9dc5;
  for (const character of name.normalize()) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return ((hash >>> 8) % 24) * 15;
}

/** What the receiver says of an error, which goes on after a colon elsewhere, as a sentence of its own. */
export function sentence(text: string): string {
  // What begins with a name, a URL or a path begins so.
  return /^\p{Ll}+[ ,]/u.test(text) ? text.charAt(0).toLocaleUpperCase() + text.slice(1) : text;
}

export function count(number: number, one: string, many: string): string {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

/** What a site asks to see beside its name. */
export function badgeLabel(badge: Badge): string {
  return badge === 'flag' ? '•' : badge.count.toLocaleString();
}

/** The same in words. */
export function badgeName(badge: Badge): string {
  return badge === 'flag' ? 'The site has news' : `The site has ${badge.count.toLocaleString()} new`;
}

function parseUrl(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null;
}
