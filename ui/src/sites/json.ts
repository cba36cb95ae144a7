/** JSON as indented lines, each value with its place: what somebody points at. */

export interface Line {
  indent: number;
  /** The member's name as it is written, with its colon; empty in an array and where something ends. */
  name: string;
  text: string;
  /** A comma, where another value follows. */
  comma: string;
  /** The JSON pointer (RFC 6901) of a text, number or true/false; `null` of everything else. */
  pointer: string | null;
}

/** More is shown as the text it is. */
const MOST_LINES = 500;
const DEEPEST = 50;

/** `null` when it is no JSON object or array, or too much of one. */
export function lines(raw: string): Line[] | null {
  const found = structure(raw);
  if (found === null) {
    return null;
  }
  const all: Line[] = [];
  return write(all, found, 0, '', '', '') ? all : null;
}

/** Some senders make it a JSON string once too often; the receiver reads that as well. */
function structure(raw: string): object | null {
  let value = parsed(raw.replace(/^\ufeff/, ''));
  if (typeof value === 'string') {
    value = parsed(value);
  }
  return typeof value === 'object' ? value : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether it was not too much. */
function write(
  all: Line[],
  value: unknown,
  indent: number,
  name: string,
  pointer: string,
  comma: string,
): boolean {
  if (indent > DEEPEST || all.length >= MOST_LINES) {
    return false;
  }
  if (typeof value !== 'object' || value === null) {
    const text = JSON.stringify(value);
    all.push({ indent, name, text, comma, pointer: value === null ? null : pointer });
    return true;
  }
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const members = Object.entries(value);
  if (members.length === 0) {
    all.push({ indent, name, text: open + close, comma, pointer: null });
    return true;
  }
  all.push({ indent, name, text: open, comma: '', pointer: null });
  const whole = members.every(([key, member], index) => {
    const label = Array.isArray(value) ? '' : `${JSON.stringify(key)}: `;
    const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return write(all, member, indent + 1, label, place, index < members.length - 1 ? ',' : '');
  });
  all.push({ indent, name: '', text: close, comma, pointer: null });
  return whole;
}
