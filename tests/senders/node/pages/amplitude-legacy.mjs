// amplitude-js, the SDK before analytics-browser: forms, posted to the root of a host.
import amplitude from 'amplitude-js';
import { story } from '../story.mjs';
import { deviceOf, key, url } from './page.mjs';

const client = amplitude.getInstance();
const apiEndpoint = `${new URL(url).host}/`;
await new Promise((resolve) => client.init(key, null, { apiEndpoint, forceHttps: false }, resolve));

const results = [];
const become = (who) => {
  client.setUserId(who.user ?? null);
  client.setDeviceId(deviceOf(who));
};
const track = (who, type, properties) => {
  become(who);
  results.push(new Promise((resolve) => client.logEvent(type, properties, (status) => resolve(status))));
};

await story({
  // What repeats an event of this SDK is an upload that comes again.
  cannot: ['duplicate'],
  expose: (who, flag_key, variant) => track(who, '$exposure', { flag_key, variant }),
  identify: (who) => {
    become(who);
    client.identify(new amplitude.Identify().set('plan', 'pro'));
  },
  purchase: (who) => track(who, 'purchase', { price: 1 }),
  bad: () => track({ user: 'bad' }, '$exposure', { flag_key: 'checkout', variant: 'treatment' }),
});
globalThis.told = { sdk: 'amplitude-js', codes: await Promise.all(results) };
