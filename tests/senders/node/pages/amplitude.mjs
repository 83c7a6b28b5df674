// @amplitude/analytics-browser, with exposures of @amplitude/experiment-js-client that reading a variant tracks.
import * as amplitude from '@amplitude/analytics-browser';
import { Experiment } from '@amplitude/experiment-js-client';
import { story } from '../story.mjs';
import { deviceOf, flags, key, url } from './page.mjs';

await amplitude.init(key, {
  serverUrl: `${url}/2/httpapi`,
  flushIntervalMillis: 200,
  autocapture: false,
  enableDiagnostics: false,
  // Of bodies from 2 KiB on; smaller ones go as they are.
  enableRequestBodyCompression: true,
  remoteConfig: { fetchRemoteConfig: false },
}).promise;
const experiment = Experiment.initializeWithAmplitudeAnalytics('a-deployment-key', {
  serverUrl: flags,
  flagsServerUrl: flags,
  fetchOnStart: false,
});
await experiment.start();

const results = [];
const become = (who) => {
  amplitude.setUserId(who.user);
  amplitude.setDeviceId(deviceOf(who));
};
const track = (who, type, properties, options) => {
  become(who);
  results.push(amplitude.track(type, properties, options).promise);
};

await story({
  expose: async (who, flag_key, variant, { id } = {}) => {
    // The SDK exposes a variant once a session; under one id, an upload that comes again is what repeats it.
    if (id) return track(who, '$exposure', { flag_key, variant }, { insert_id: id });
    become(who);
    const user = { user_id: who.user, device_id: deviceOf(who), user_properties: { wants: variant } };
    await experiment.fetch(user);
    // The default variant has no value, and its exposure takes the property away.
    const told = experiment.variant(flag_key).value;
    if (told !== variant) throw new Error(`${flag_key} is ${told}, not ${variant}`);
  },
  identify: (who) => {
    become(who);
    results.push(amplitude.identify(new amplitude.Identify().set('plan', 'pro')).promise);
  },
  purchase: (who) => track(who, 'purchase', { price: 1 }),
  bad: () => track({ user: 'bad' }, '$exposure', { flag_key: 'checkout', variant: 'treatment' }),
});
const codes = (await Promise.all(results)).map(({ code }) => code);

// As pages do when they are left: text without a preflight, and nobody waits for the answer.
amplitude.setTransport('beacon');
track({ user: 'set-user' }, 'left');
amplitude.flush();
globalThis.told = { sdk: '@amplitude/analytics-browser', codes };
