/** What happened, what Belfry does about it by itself, and the one thing to do. */
import type { CommandError, ErrorCode, Trouble } from '../lib/bindings';

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
    remedy: 'Unlock it, and Belfry goes on by itself.',
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

/** Where the code alone would say too little. */
const TROUBLES: Partial<Record<Trouble, Words>> = {
  'keyring-absent': {
    title: 'There is no keyring',
    meanwhile: `It would hold the keys that your messages are encrypted for. ${WAITS}`,
    remedy: 'Start the service that keeps it, such as GNOME Keyring or KWallet. Belfry goes on by itself.',
  },
  'keyring-item-damaged': {
    title: 'What the keyring holds for Belfry is damaged',
    meanwhile: `Nothing was changed or deleted. ${WAITS}`,
    remedy: 'Restore the keyring from a backup, and try again.',
  },
  'database-key-missing': {
    title: 'The key to what Belfry has stored is not in the keyring',
    meanwhile: `Nothing was changed or deleted. ${WAITS}`,
    remedy: 'Unlock the keyring that was used so far, or restore it.',
  },
};

export function explain({ code, trouble }: CommandError): Words {
  return (trouble && TROUBLES[trouble]) ?? FAILURES[code] ?? OTHER;
}

/** Whether the keyring's password may be all that is missing. */
export function opensWithPassword({ code, trouble }: CommandError): boolean {
  return code === 'keyring' && trouble !== 'keyring-absent' && trouble !== 'keyring-item-damaged';
}
