/**
 * Pictures of every page and state, light and dark, wide and narrow, under the window's own Content-Security-Policy. Fails
 * when the page breaks that policy, when something is wider than the window, or when axe finds anything.
 *
 * node scenes/run.mjs [FOLDER] [NAME…]
 */
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { install } from './receiver.mjs';
import { SCENES } from './scenes.mjs';
import { NOW } from './world.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [folder = here('../screenshots'), ...names] = process.argv.slice(2);
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
const SIZES = { wide: { width: 960, height: 640 }, narrow: { width: 480, height: 640 } };

const { csp } = JSON.parse(await readFile(here('../../src-tauri/tauri.conf.json'), 'utf8')).app.security;
const policy = Object.entries(csp)
  .map((directive) => directive.join(' '))
  .join('; ');
const axe = await readFile(here('../node_modules/axe-core/axe.min.js'), 'utf8');

const server = createServer(async (request, response) => {
  const path = new URL(request.url, 'http://localhost').pathname;
  try {
    const file = await readFile(join(here('../dist'), path === '/' ? 'index.html' : path));
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'text/html');
    response.end(file);
  } catch {
    response.writeHead(404).end();
  }
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const origin = `http://127.0.0.1:${server.address().port}/`;

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const complaints = [];
await mkdir(folder, { recursive: true });

const queue = SCENES.filter(({ name }) => names.length === 0 || names.includes(name)).flatMap((scene) =>
  ['light', 'dark'].flatMap((colorScheme) =>
    Object.entries(SIZES).map(([size, viewport]) => ({ scene, colorScheme, size, viewport })),
  ),
);
await Promise.all(Array.from({ length: 4 }, takePictures));

await browser.close();
server.close();
for (const complaint of complaints) {
  console.error(complaint);
}
process.exitCode = complaints.length === 0 ? 0 : 1;

async function takePictures() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { scene, size, ...options } = next;
    const title = `${scene.name}-${size}-${options.colorScheme}`;
    const complain = (text) => complaints.push(`${title}: ${text}`);
    await picture(scene, options, title, complain).catch((error) => complain(error.message));
  }
}

async function picture(scene, options, title, complain) {
  const context = await browser.newContext({
    ...options,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => complain(error.message));
  // Chromium reports what the policy refuses as an error of the console.
  page.on('console', (message) => message.type() === 'error' && complain(message.text()));
  await page.clock.setFixedTime(NOW);
  // As Tauri does (`freezePrototype`).
  await page.addInitScript(() => Object.freeze(Object.prototype));
  await page.addInitScript(`window.emit = (${install})(${JSON.stringify(scene.world())})`);
  await page.goto(origin + (scene.at ?? ''));
  await page.locator('main').waitFor();
  await settled(page);
  for (const step of scene.steps ?? []) {
    await step(page);
    await settled(page);
  }
  await page.screenshot({ path: join(folder, `${title}.png`) });
  const tooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  if (tooWide) {
    complain('wider than the window');
  }
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const { id, help, nodes } of violations) {
    complain(
      `${id}: ${help}: ${nodes.map((node) => `${node.target} (${node.any[0]?.message ?? ''})`).join(', ')}`,
    );
  }
  await context.close();
}

/** Typing pauses for 150 ms before it asks; then two frames, or the picture shows what was there before. */
async function settled(page) {
  await page.waitForTimeout(200);
  await page.evaluate(
    () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn()))),
  );
}
