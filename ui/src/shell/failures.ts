/** What happened, what Belfry does about it by itself, and the one thing to do. */
import type { ErrorCode } from '../lib/bindings';

interface Words {
  title: string;
  meanwhile: string;
  remedy: string;
}

const WAITS =
  'Belfry is not connected meanwhile. Push services keep what arrives for as long as its sender allows.';

const FAILURES: Partial<Record<ErrorCode, Words>> = {
  keyring: {
    title: 'The keyring is locked or does not answer',
    meanwhile: `It holds the keys that your messages are encrypted for. ${WAITS}`,
    remedy: 'Unlock the keyring, or start the service that keeps it, and try again.',
  },
  storage: {
    title: 'What Belfry has stored cannot be read',
    meanwhile: `Nothing was changed or deleted. ${WAITS}`,
    remedy:
      'See in the details what is wrong: often a full disk or a file that may not be read. Then try again.',
  },
  'profile-in-use': {
    title: 'Another program uses this profile',
    meanwhile: 'It goes on receiving; only this window cannot show what it receives.',
    remedy: 'End the program named in the details, and try again.',
  },
  timeout: {
    title: 'The receiver does not answer',
    meanwhile:
      'It may be waiting for something, such as the keyring’s password. What has arrived stays stored.',
    remedy: 'See whether a password is asked for, and try again.',
  },
};

const OTHER: Words = {
  title: 'Belfry cannot receive',
  meanwhile: `What has arrived stays stored. ${WAITS}`,
  remedy: 'Try again. If it happens every time, the details say why.',
};

export function explain(code: ErrorCode): Words {
  return FAILURES[code] ?? OTHER;
}
