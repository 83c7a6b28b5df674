// @amplitude/experiment-react-native-client with @amplitude/analytics-react-native, as far as they run under node: what
// a phone has and node has not stands in native.mjs.
import { fileURLToPath, pathToFileURL } from 'node:url';
import esbuild from 'esbuild';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const outfile = here(`react-native-bundle-${process.pid}.mjs`);
await esbuild.build({
  entryPoints: [here('react-native-story.mjs')],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  mainFields: ['main'],
  logLevel: 'silent',
  alias: { 'react-native': here('native.mjs'), '@react-native-async-storage/async-storage': here('native.mjs') },
});
await import(pathToFileURL(outfile).href);
// An app never ends by itself: its flags are polled for.
process.exit(0);
