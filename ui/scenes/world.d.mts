import type { Entry, Site, Status } from '../src/lib/bindings';
import type { World } from './receiver.mjs';

export const NOW: number;
export function world(more?: Partial<Omit<World, 'status'>> & { status?: Partial<Status> }): World;
export function site(name: string, more?: Partial<Site>): Site;
export function entry(site: string, ago: number, title: string, body?: string, more?: Partial<Entry>): Entry;
export const beginning: Partial<Status>;
