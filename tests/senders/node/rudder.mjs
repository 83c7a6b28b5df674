// @rudderstack/rudder-sdk-node: the same calls as Segment's, gzip by default.
import RudderAnalytics from '@rudderstack/rudder-sdk-node';
import { key, report, url } from './sender.mjs';
import { story } from './story.mjs';

const failures = [];
const analytics = new RudderAnalytics(key, {
  dataPlaneUrl: url,
  errorHandler: (error) => failures.push(String(error)),
});
const ids = ({ user, device }) => ({ userId: user, anonymousId: device });

await story({
  expose: (who, flag_key, variant, { id } = {}) =>
    analytics.track({ ...ids(who), event: '$exposure', properties: { flag_key, variant }, messageId: id }),
  identify: (who) => analytics.identify({ ...ids(who), traits: { plan: 'pro' } }),
  purchase: (who) => analytics.track({ ...ids(who), event: 'Order Completed', properties: { revenue: 1 } }),
  bad: (who) => analytics.track({ ...ids(who), event: '$exposure', properties: { variant: 'treatment' } }),
});
await analytics.flush();
report('@rudderstack/rudder-sdk-node', { failures });
