import { screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { world } from '../../scenes/world.mjs';
import { asked, click, open, passes, press, rows, there } from '../window-for-tests';

test('a deleted message comes back when it is undone', async () => {
  await open('#/inbox/997');
  const before = rows();
  await press('Delete');
  expect(asked('delete_entries')).toEqual([{ request: 'delete_entries', ids: ['997'] }]);
  expect(rows()).toEqual(before.filter((id) => id !== '997'));
  expect(screen.getByTestId('toast').textContent).toContain('1 message deleted');
  await passes(9000);
  await press('z', { ctrlKey: true });
  expect(asked('restore_entries')).toEqual([{ request: 'restore_entries', ids: ['997'] }]);
  expect(rows()).toEqual(before);
  expect(screen.queryByTestId('toast')).toBeNull();
});

test('what was deleted within ten seconds is undone together, whatever page is shown', async () => {
  await open('#/inbox/997');
  const before = rows();
  await press('Delete');
  await passes(5000);
  await press('Delete');
  expect(screen.getByTestId('toast').textContent).toContain('2 messages deleted');
  await press('3', { ctrlKey: true });
  await click(screen.getByText('Undo'));
  expect(asked('restore_entries').map(({ ids }) => ids)).toEqual([['997', '996']]);
  await press('1', { ctrlKey: true });
  expect(rows()).toEqual(before);
});

test('after ten seconds nothing is offered that the receiver cannot do', async () => {
  await open('#/inbox/997');
  await press('Delete');
  await passes(9000);
  await press('Delete');
  await passes(2000);
  await click(screen.getByText('Undo'));
  expect(asked('restore_entries').map(({ ids }) => ids)).toEqual([['996']]);
  await press('Delete');
  await passes(10_001);
  expect(screen.queryByTestId('toast')).toBeNull();
  await press('z', { ctrlKey: true });
  expect(asked('restore_entries')).toHaveLength(1);
});

test('one that is gone for good does not keep the others from coming back', async () => {
  await open('#/inbox/997');
  await press('Delete');
  await press('Delete');
  there.purged = ['997'];
  await click(screen.getByText('Undo'));
  expect(rows()).toContain('996');
  expect(rows()).not.toContain('997');
  expect(screen.getByTestId('toast').textContent).toContain('no entry has the id 997');
});

test('a message that cannot be deleted stays in sight', async () => {
  await open('#/inbox/997', world({ fail: { delete_entries: { code: 'storage', message: 'disk full' } } }));
  const before = rows();
  await press('Delete');
  expect(rows()).toEqual(before);
  expect(screen.getByTestId('toast').textContent).toContain('disk full');
});
