import { cleanup, fireEvent, screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import type { World } from '../../scenes/receiver.mjs';
import { world } from '../../scenes/world.mjs';
import { asked, click, open, passes, press, there } from '../window-for-tests';

const map = (field: string) => screen.getByTestId<HTMLInputElement>(`map-${field}`);

const typeInto = async (input: HTMLElement, value: string) => {
  await fireEvent.input(input, { target: { value } });
  await passes(200);
};

async function openPayloads(at: string, wanted?: World) {
  await open(at, wanted);
  const details = screen.getByTestId<HTMLDetailsElement>('site-payloads');
  details.open = true;
  await fireEvent(details, new Event('toggle'));
  await passes(200);
}

test('what a site sends is asked for only when somebody wants to see it', async () => {
  await open('#/sites/site3');
  expect(asked('list_payloads')).toEqual([]);
  cleanup();
  await openPayloads('#/sites/site3');
  expect(asked('list_payloads')).toEqual([{ request: 'list_payloads', site: 'site3' }]);
  await click(screen.getByLabelText('Copy the message as it came'));
  expect(there.copied).toBe(there.raw[996]);
});

test('a value that is clicked becomes the place of the chosen field, and is saved', async () => {
  await openPayloads('#/sites/site3');
  await click(screen.getByText('"Hanging a bell without a crane"'));
  expect(map('title').value).toBe('/topic/title');
  await fireEvent.focus(map('link'));
  await click(screen.getByText('"https://mirror.example.com/t/4821"'));
  expect(map('link').value).toBe('/mirror~1url');
  await passes(200);
  const preview = screen.getByTestId('map-preview').textContent;
  expect(preview).toContain('Hanging a bell without a crane');
  expect(preview).toContain('https://mirror.example.com/t/4821');
  await click(screen.getByTestId('map-save'));
  expect(asked('set_site').map(({ changes }) => changes)).toEqual([
    [
      { key: 'map', value: { field: 'title', pointer: '/topic/title' } },
      { key: 'map', value: { field: 'link', pointer: '/mirror~1url' } },
    ],
  ]);
  expect(screen.queryByTestId('map-save')).toBeNull();
  await click(screen.getByTestId('map-clear'));
  await passes(200);
  await click(screen.getByTestId('map-save'));
  expect(there.sites[2]!.mapping.title).toBeNull();
});

test('a place that is none is told beside its field, and cannot be saved', async () => {
  await openPayloads('#/sites/site3');
  await typeInto(map('body'), 'excerpt');
  expect(map('body').getAttribute('aria-invalid')).toBe('true');
  const remark = () =>
    document.getElementById(map('body').getAttribute('aria-describedby') ?? '')?.textContent;
  expect(remark()).toContain('begins with a slash');
  expect(screen.getByTestId<HTMLButtonElement>('map-save').disabled).toBe(true);
  await typeInto(map('body'), '/nothing');
  expect(remark()).toContain('No text is there');
  expect(map('body').getAttribute('aria-invalid')).toBe('false');
  there.fail = { set_site: { code: 'storage', message: 'disk full' } };
  await click(screen.getByTestId('map-save'));
  expect(screen.getByRole('alert').textContent).toContain('Disk full');
  expect(map('body').value).toBe('/nothing');
  await click(screen.getByText('Discard changes'));
  expect(map('body').value).toBe('');
});

test('arrows lead from value to value, of which Tab reaches one', async () => {
  await openPayloads('#/sites/site3');
  const values = [...screen.getByTestId('payload-text').querySelectorAll('button')];
  const reached = () => values.filter((value) => value.tabIndex === 0).map((value) => value.textContent);
  expect(reached()).toEqual(['"reply"']);
  values[0]!.focus();
  await press('ArrowDown', {}, values[0]);
  expect(document.activeElement).toBe(values[1]);
  await passes(0);
  expect(reached()).toEqual(['4821']);
  await press('ArrowUp', {}, values[1]);
  expect(document.activeElement).toBe(values[0]);
});

test('a message that is no JSON is text, one that is no text says so', async () => {
  const evil = '<img src=x onerror="window.hit=1">';
  const wanted = world();
  wanted.raw[997] = evil;
  wanted.raw[992] = 214;
  await openPayloads('#/sites/site1', wanted);
  expect(screen.getByTestId('payload-text').textContent).toBe(evil);
  expect(document.querySelector('img')).toBeNull();
  await fireEvent.change(screen.getByLabelText('Message'), { target: { value: '992' } });
  await passes(200);
  expect(screen.getByText(/This one is binary: 214 bytes/)).toBeTruthy();
  expect(screen.queryByTestId('payload-text')).toBeNull();
});
