/** The whole window, with a receiver that is not there. Each test opens it anew. */
import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, beforeEach, vi } from 'vitest';
import { install, type World } from '../scenes/receiver.mjs';
import { world } from '../scenes/world.mjs';
import App from './App.svelte';
import { deletion } from './inbox/deletion.svelte';
import { inbox } from './inbox/inbox.svelte';
import type { Request } from './lib/bindings';
import { receiver } from './lib/receiver.svelte';
import { router } from './lib/route.svelte';
import { pairing } from './sites/pairing.svelte';

/** What there is behind the window, and what it was asked. */
export let there: World;
/** Tells the window of an event. */
export let emit: ReturnType<typeof install>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
});

afterEach(async () => {
  await deletion.undo();
  inbox.leaving = null;
  inbox.clearFilters();
  pairing.clear();
  cleanup();
  await tick();
  vi.useRealTimers();
  receiver.status = null;
  receiver.failure = null;
});

export async function open(at: string, wanted: World = world()) {
  there = wanted;
  emit = install(there);
  router.go(at);
  render(App);
  await passes(0);
}

/** Lets what is under way come to its end. */
export async function passes(milliseconds: number) {
  await vi.advanceTimersByTimeAsync(milliseconds);
  for (let round = 0; round < 20; round += 1) {
    await Promise.resolve();
    await tick();
  }
}

export async function press(key: string, init: KeyboardEventInit = {}, on: Element = document.body) {
  await fireEvent.keyDown(on, { key, ...init });
  await passes(0);
}

export async function click(element: Element) {
  await fireEvent.click(element);
  await passes(0);
}

export async function type(field: Element, value: string) {
  await fireEvent.input(field, { target: { value } });
  await passes(0);
}

/** The messages that are listed. */
export const rows = () => screen.queryAllByTestId('inbox-entry').map((row) => row.dataset.id);

/** The requests of one kind. */
export const asked = <K extends Request['request']>(kind: K) =>
  (there.asked ?? []).filter((request) => request.request === kind) as Extract<Request, { request: K }>[];
