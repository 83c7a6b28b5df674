// @segment/analytics-node: exposures as Amplitude's documentation has them tracked through Segment.
import { Analytics } from '@segment/analytics-node';
import { key, report, url } from './sender.mjs';
import { story } from './story.mjs';

const analytics = new Analytics({ writeKey: key, host: url });
const failures = [];
analytics.on('error', (error) => failures.push(String(error.reason ?? error.code)));
const ids = ({ user, device }) => ({ userId: user, anonymousId: device });

await story({
  expose: (who, flag_key, variant, { id } = {}) =>
    analytics.track({ ...ids(who), event: '$exposure', properties: { flag_key, variant }, messageId: id }),
  identify: (who) => analytics.identify({ ...ids(who), traits: { plan: 'pro' } }),
  purchase: (who) => analytics.track({ ...ids(who), event: 'Order Completed', properties: { revenue: 1 } }),
  bad: (who) => analytics.track({ ...ids(who), event: '$exposure', properties: { variant: 'treatment' } }),
});
await analytics.closeAndFlush();
report('@segment/analytics-node', { failures });
