import type { CommandError, SettingKey } from '../lib/bindings';

/** Changes a setting. Gives why it could not be changed; `null` when it was. */
export type ChangeSetting = (
  key: SettingKey,
  value: string,
  /** Somebody has seen how many messages it deletes, and wants that. */
  confirmed?: boolean,
) => Promise<CommandError | null>;

/** What is chosen from, with what is chosen now among it. `off` comes last: it is the most. */
export function choices(usual: readonly number[], now: string): string[] {
  const numbers = new Set(usual);
  if (Number(now) > 0) {
    numbers.add(Number(now));
  }
  return [...[...numbers].sort((one, other) => one - other).map(String), 'off'];
}
