// The story in React Native's SDKs: exposures that reading a variant tracks, through the analytics SDK beside it.
import * as amplitude from '@amplitude/analytics-react-native';
import { Experiment } from '@amplitude/experiment-react-native-client';
import { flags, key, report, url } from './sender.mjs';
import { story } from './story.mjs';

await amplitude.init(key, undefined, {
  serverUrl: `${url}/2/httpapi`,
  flushIntervalMillis: 200,
  trackingSessionEvents: false,
}).promise;
const experiment = Experiment.initializeWithAmplitudeAnalytics('a-deployment-key', {
  serverUrl: flags,
  flagsServerUrl: flags,
});
await experiment.start();

// A phone always has a device.
const deviceOf = ({ user, device }) => device ?? `${user}-device`;
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
experiment.stop?.();
report('@amplitude/experiment-react-native-client', { codes });
