// @segment/analytics-node through crashes of the server: tells which exposures it was told are delivered.
import { Analytics } from '@segment/analytics-node';
import { key, report, url } from './sender.mjs';
import { pause } from './story.mjs';

const exposures = Number(process.argv[5]);
const analytics = new Analytics({ writeKey: key, host: url, flushInterval: 50, flushAt: 10 });
const delivered = [];
const failed = [];
const properties = { flag_key: 'checkout', variant: 'treatment' };
for (let number = 0; number < exposures; number += 1) {
  const userId = `restart-user-${number}`;
  analytics.track({ userId, event: '$exposure', properties }, (error) => (error ? failed : delivered).push(userId));
  await pause(8);
}
await analytics.closeAndFlush();
report('@segment/analytics-node', { delivered, failed });
