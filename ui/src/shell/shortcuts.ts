/** The keyboard: which keys mean what, wherever the focus is. */
export type Shortcut =
  | 'inbox'
  | 'sites'
  | 'settings'
  | 'search'
  | 'add'
  | 'next'
  | 'previous'
  | 'open'
  | 'delete'
  | 'undo'
  | 'back'
  | 'help';

/** As the sheet lists them. */
export const SHEET: readonly { keys: string[]; does: string }[] = [
  { keys: ['Ctrl', '1'], does: 'Inbox' },
  { keys: ['Ctrl', '2'], does: 'Sites' },
  { keys: ['Ctrl', '3'], does: 'Settings' },
  { keys: ['Ctrl', 'F'], does: 'Search' },
  { keys: ['Ctrl', 'N'], does: 'Add a site or script' },
  { keys: ['J', '↓'], does: 'Next in the list' },
  { keys: ['K', '↑'], does: 'Previous in the list' },
  { keys: ['Enter'], does: 'Open the message’s link' },
  { keys: ['Delete'], does: 'Delete the message' },
  { keys: ['Ctrl', 'Z'], does: 'Undo deleting' },
  { keys: ['Esc'], does: 'Back' },
  { keys: ['?'], does: 'This list' },
];

const WITH_CONTROL: Record<string, Shortcut> = {
  '1': 'inbox',
  '2': 'sites',
  '3': 'settings',
  f: 'search',
  n: 'add',
  z: 'undo',
};

const PLAIN: Record<string, Shortcut> = {
  j: 'next',
  k: 'previous',
  arrowdown: 'next',
  arrowup: 'previous',
  enter: 'open',
  delete: 'delete',
  escape: 'back',
  '?': 'help',
};

/** What a key press asks for. What a focused control needs for itself is left to it. */
export function shortcut(event: KeyboardEvent): Shortcut | null {
  if (event.defaultPrevented || event.isComposing || event.altKey) {
    return null;
  }
  const key = event.key.toLowerCase();
  const target = event.target instanceof Element ? event.target : null;
  const typing = target?.closest('input:not([type=radio], [type=checkbox]), textarea, select') != null;
  if (event.ctrlKey || event.metaKey) {
    const found = event.shiftKey ? undefined : WITH_CONTROL[key];
    return found === undefined || (typing && found === 'undo') ? null : found;
  }
  const found = PLAIN[key];
  if (found === undefined || (typing && found !== 'back')) {
    return null;
  }
  const own = target?.closest('button, summary, input, [role=dialog], dialog, a:not([data-row])') != null;
  if (found === 'open' && own) {
    return null;
  }
  const scrolls = target?.closest('input[type=radio], [data-scrolls]') != null;
  return scrolls && key.startsWith('arrow') ? null : found;
}
