// @amplitude/analytics-node through crashes of the server: tells which exposures it was told are delivered.
import * as amplitude from '@amplitude/analytics-node';
import { key, report, url } from './sender.mjs';
import { pause } from './story.mjs';

const exposures = Number(process.argv[5]);
await amplitude.init(key, { serverUrl: `${url}/2/httpapi`, flushIntervalMillis: 50, flushQueueSize: 10 }).promise;

const results = [];
for (let number = 0; number < exposures; number += 1) {
  const user_id = `restart-user-${number}`;
  const result = amplitude.track('$exposure', { flag_key: 'checkout', variant: 'treatment' }, { user_id });
  results.push(result.promise.then(({ code }) => [user_id, code]));
  await pause(8);
}
const told = await Promise.all(results);
const delivered = told.filter(([, code]) => code === 200).map(([user]) => user);
report('@amplitude/analytics-node', { delivered, codes: [...new Set(told.map(([, code]) => code))] });
