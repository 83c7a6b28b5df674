// What a sender program is given, and what it tells: one line of JSON at its end.
import { readFileSync } from 'node:fs';

/** The server's URL, a key of it, and the URL of whoever serves flags and settings. */
export const [url, key, flags] = process.argv.slice(2);

/** The version of an installed package. */
export function version(name) {
  const manifest = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}

/** Tells the SDK's version, and more. The program ends by itself once the SDK has nothing left to send. */
export function report(name, told = {}) {
  console.log(JSON.stringify({ sdk: name, version: version(name), ...told }));
}
