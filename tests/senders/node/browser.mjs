// Runs a page in headless Chromium: a script of pages/, bundled with its SDKs, over HTTP from an origin of its own.
//
// A fourth argument names the page. EXPOSURE_CHROMIUM is the browser.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';
import puppeteer from 'puppeteer-core';
import { flags, key, report, url } from './sender.mjs';

const name = process.argv[5];
const bundle = await esbuild.build({
  entryPoints: [fileURLToPath(new URL(`pages/${name}.mjs`, import.meta.url))],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'browser',
  logLevel: 'silent',
});
const script = bundle.outputFiles[0].text;
const inline = script.replaceAll('</script', '<\\/script');
const page = `<!doctype html><title>shop</title><script type="module">${inline}</script>`;

const site = createServer((_, response) => response.setHeader('content-type', 'text/html; charset=utf-8').end(page));
site.listen(0, '127.0.0.1');
await once(site, 'listening');

// Root, as in a container, has no sandbox.
const browser = await puppeteer.launch({
  executablePath: process.env.EXPOSURE_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
});
try {
  const tab = await browser.newPage();
  const said = [];
  tab.on('console', (message) => said.push(message.text()));
  const broken = new Promise((_, reject) => tab.once('pageerror', reject));
  const query = new URLSearchParams({ url, key, flags });
  await tab.goto(`http://127.0.0.1:${site.address().port}/?${query}`);
  try {
    await Promise.race([broken, tab.waitForFunction('globalThis.told !== undefined', { timeout: 60_000 })]);
  } catch (error) {
    throw new Error(`the page did not end: ${said.join('\n')}`, { cause: error });
  }
  const { sdk, ...told } = await tab.evaluate('globalThis.told');
  // Leaving the page is when browsers' SDKs send what they still hold.
  await tab.goto('about:blank');
  await new Promise((resolve) => setTimeout(resolve, 500));
  report(sdk, { ...told, said });
} finally {
  await browser.close();
  site.close();
}
