/** Which site is the next one in the list as it is shown. */
import { receiver } from '../lib/receiver.svelte';
import { place, router } from '../lib/route.svelte';
import type { Site } from '../lib/bindings';
import { sitesView } from './view.svelte';

export function listed(): Site[] {
  const words = sitesView.search.trim().toLocaleLowerCase();
  return receiver.sites.filter((site) => site.name.toLocaleLowerCase().includes(words));
}

export function moveInSites(lines: 1 | -1): void {
  const sites = listed();
  const at = sites.findIndex((site) => site.id === router.current.item);
  const next = sites[at < 0 ? 0 : at + lines];
  if (next !== undefined) {
    router.go(place('sites', next.id));
  }
}
