/** Choosing where new sites go. */
import { request, startLocalPushService } from './api';
import type { Chosen } from './PushServiceChoice.svelte';
import { receiver } from './receiver.svelte';
import { MOZILLA } from './words';

/** The choice that a push service's URL stands for. */
export function choiceOf(url: string): Chosen {
  if (url === MOZILLA) {
    return { choice: 'mozilla', url: '' };
  }
  return url === receiver.local ? { choice: 'local', url: '' } : { choice: 'own', url };
}

/** The push service's URL. This computer's own is started for that. */
export async function urlOf({ choice, url }: Chosen): Promise<string> {
  return choice === 'mozilla' ? MOZILLA : choice === 'local' ? await startLocalPushService() : url.trim();
}

/** Makes it the push service of new sites. Returns its URL. */
export async function choose(chosen: Chosen): Promise<string> {
  const status = await request({ request: 'set_default_push_service', url: await urlOf(chosen) });
  return status.default_push_service;
}
