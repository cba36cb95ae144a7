import { readFileSync } from 'node:fs';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

/** The workspace's version: the window names the one it was built with. */
function version(): string {
  const manifest = readFileSync(new URL('../Cargo.toml', import.meta.url), 'utf8');
  const found = /^version = "([^"]+)"/m.exec(manifest)?.[1];
  if (found === undefined) {
    throw new Error('../Cargo.toml names no version');
  }
  return found;
}

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  define: { __VERSION__: JSON.stringify(version()) },
  build: {
    sourcemap: false,
    // The window's policy takes no `data:` fonts or scripts, and nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/test-setup.ts'],
    // A busy machine is no failure.
    testTimeout: 30_000,
  },
});
