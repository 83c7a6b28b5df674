// @amplitude/node, the SDK before analytics-node: its events have no time, and no insert id of their own.
import * as amplitude from '@amplitude/node';
import { Identify } from '@amplitude/identify';
import { key, report, url } from './sender.mjs';
import { story } from './story.mjs';

const client = amplitude.init(key, { serverUrl: `${url}/2/httpapi`, uploadIntervalInSec: 0.2 });
const results = [];
const track = ({ user, device }, event_type, event_properties, insert_id) =>
  results.push(client.logEvent({ event_type, user_id: user, device_id: device, event_properties, insert_id }));

await story({
  expose: (who, flag_key, variant, { id } = {}) => track(who, '$exposure', { flag_key, variant }, id),
  identify: ({ user, device }) => {
    results.push(client.logEvent(new Identify().set('plan', 'pro').identifyUser(user, device)));
  },
  purchase: (who) => track(who, 'purchase', { price: 1 }),
  bad: () => track({ user: 'bad' }, '$exposure', { flag_key: 'checkout', variant: 'treatment' }),
});
const codes = (await Promise.all(results)).map(({ statusCode }) => statusCode);
report('@amplitude/node', { codes });
