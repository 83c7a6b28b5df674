// @amplitude/analytics-node: exposures tracked by hand, and properties set by an identify.
import * as amplitude from '@amplitude/analytics-node';
import { key, report, url } from './sender.mjs';
import { story } from './story.mjs';

await amplitude.init(key, { serverUrl: `${url}/2/httpapi`, flushIntervalMillis: 200 }).promise;

// No explicit flush: it makes one attempt, and what a 400 did not name is not sent again.
const results = [];
const options = ({ user, device }) => ({ user_id: user, device_id: device });
const sent = (result) => results.push(result.promise);

await story({
  expose: (who, flag_key, variant, { id } = {}) =>
    sent(amplitude.track('$exposure', { flag_key, variant }, { ...options(who), insert_id: id })),
  identify: (who) => sent(amplitude.identify(new amplitude.Identify().set('plan', 'pro'), options(who))),
  purchase: (who) => sent(amplitude.track('purchase', { price: 1 }, options(who))),
  // Too short an id: the server answers 400 for the whole upload, and the SDK sends the others again.
  bad: () => sent(amplitude.track('$exposure', { flag_key: 'checkout', variant: 'treatment' }, { user_id: 'bad' })),
});
const codes = (await Promise.all(results)).map(({ code }) => code);
report('@amplitude/analytics-node', { codes });
