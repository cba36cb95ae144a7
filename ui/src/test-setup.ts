import { clearMocks } from '@tauri-apps/api/mocks';
import { tick } from 'svelte';
import { afterEach } from 'vitest';

afterEach(async () => {
  await tick();
  clearMocks();
});
