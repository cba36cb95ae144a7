import { screen } from '@testing-library/svelte';
import { expect, test } from 'vitest';
import { site, world } from '../../scenes/world.mjs';
import { place, router } from '../lib/route.svelte';
import { click, open, passes, there, type } from '../window-for-tests';

const field = (id: string) => screen.getByTestId<HTMLInputElement>(id);

test('sites are exported without keys unless they are asked for', async () => {
  await open('#/settings');
  await click(screen.getByTestId('sites-export'));
  expect(field('sites-export-settings').checked).toBe(true);
  there.saves = null;
  await click(screen.getByTestId('sites-export-save'));
  expect(screen.queryByTestId('sites-exported')).toBeNull();
  there.saves = '/tmp/sites.json';
  await click(screen.getByTestId('sites-export-save'));
  expect(there.passphrases).toEqual([null, null]);
  expect(screen.getByRole('dialog').textContent).toContain('7 sites exported');
  expect(screen.getByTestId('sites-exported').textContent).toBe('/tmp/sites.json');
});

test('keys are sealed with a passphrase typed twice, which is forgotten at once', async () => {
  const wanted = world();
  delete wanted.sites[5]!.subscription;
  wanted.fail.export_sites = { code: 'storage', message: 'cannot write it: the disk is full' };
  await open('#/settings', wanted);
  await click(screen.getByTestId('sites-export'));
  await click(screen.getByTestId('sites-export-keys'));
  await type(field('sites-passphrase'), 'correct horse');
  await type(field('sites-passphrase-again'), 'correct house');
  await click(screen.getByTestId('sites-export-save'));
  expect(there.passphrases).toBeUndefined();
  expect(screen.getByRole('alert').textContent).toContain('differ');
  for (const again of [false, true]) {
    await type(field('sites-passphrase'), 'correct horse');
    await type(field('sites-passphrase-again'), 'correct horse');
    await click(screen.getByTestId('sites-export-save'));
    if (!again) {
      expect(screen.getByRole('alert').textContent).toContain('the disk is full');
      expect(field('sites-passphrase').value + field('sites-passphrase-again').value).toBe('');
      there.fail = {};
    }
  }
  expect(there.passphrases).toEqual(['correct horse', 'correct horse']);
  expect(screen.getByText(/^There is no subscription at hand/).textContent).toContain('Shop');
});

test('an import asks first, and says what has become of each site', async () => {
  const { subscription: _, ...blocked } = site('Old shop', { id: 'old', connected: false, state: 'blocked' });
  await open('#/settings');
  there.imports = [
    { site: site('Builds'), moved: false, reason: null },
    { site: site('Late'), moved: false, reason: 'no answer within 30 s' },
    { site: blocked, moved: false, reason: null },
  ];
  await click(screen.getByTestId('sites-import'));
  expect(screen.getByRole('dialog').textContent).toContain('Import the sites of belfry-sites.json?');
  expect(there.passphrases).toBeUndefined();
  await click(screen.getByText('Cancel'));
  expect(screen.queryByRole('dialog')).toBeNull();
  await click(screen.getByTestId('sites-import'));
  await click(screen.getByTestId('sites-import-confirm'));
  expect(there.passphrases).toEqual([null]);
  const said = screen.getAllByTestId('sites-imported').map((one) => one.textContent?.trim());
  expect(said).toEqual([
    expect.stringMatching(/^Builds\s+Give its sender the new subscription$/),
    expect.stringMatching(/^Late\s+No subscription yet: no answer within 30 s/),
    expect.stringMatching(/^Old shop\s+Blocked and disconnected, as it was$/),
  ]);
  expect(screen.queryByText(/Quit Belfry where/)).toBeNull();
  const address = place('sites', there.imports[0]!.site.id);
  expect(screen.getByText('Builds').closest('a')?.getAttribute('href')).toBe(address);
  router.go(address);
  await passes(0);
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(screen.getByRole('group', { name: 'Builds' })).toBeTruthy();
});

test('a sealed file takes its passphrase, once more when it was wrong', async () => {
  await open('#/settings');
  there.opens = { name: 'sealed.json', sealed: true };
  there.imports = [{ site: site('Builds'), moved: true, reason: null }];
  there.fail = { import_sites: { code: 'invalid', message: 'the passphrase is wrong' } };
  await click(screen.getByTestId('sites-import'));
  await type(field('sites-passphrase'), 'battery staple');
  await click(screen.getByTestId('sites-import-confirm'));
  expect(screen.getByTestId('sites-import-problem').textContent).toContain('passphrase is wrong');
  expect(field('sites-passphrase').value).toBe('');
  there.fail = {};
  await type(field('sites-passphrase'), 'correct horse');
  await click(screen.getByTestId('sites-import-confirm'));
  expect(there.passphrases).toEqual(['battery staple', 'correct horse']);
  expect(screen.getByTestId('sites-imported').textContent).toContain('Goes on with its subscription');
  expect(screen.getByText(/Quit Belfry where/)).toBeTruthy();
});

test('a file that cannot be read is told of, and none that was not chosen', async () => {
  await open('#/settings');
  there.opens = null;
  await click(screen.getByTestId('sites-import'));
  expect(screen.queryByRole('dialog')).toBeNull();
  there.fail = { choose_sites_file: { code: 'invalid', message: 'it is no file of sites: choose another' } };
  await click(screen.getByTestId('sites-import'));
  expect(screen.getByRole('alert').textContent).toContain('choose another');
  expect(screen.queryByRole('dialog')).toBeNull();
});

test('what has ended after its question was closed is told below', async () => {
  await open('#/settings');
  there.hang = ['import_sites'];
  await click(screen.getByTestId('sites-import'));
  await click(screen.getByTestId('sites-import-confirm'));
  expect(screen.getByTestId<HTMLButtonElement>('sites-import-confirm').disabled).toBe(true);
  there.imports = [{ site: site('Builds'), moved: true, reason: null }];
  await click(screen.getByText('Cancel'));
  there.release!();
  await click(document.body);
  expect(screen.getByTestId('toast').textContent).toContain('1 site imported');
});
