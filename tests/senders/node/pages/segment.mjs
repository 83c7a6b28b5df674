// @segment/analytics-next, redirected by the settings that the server itself serves; exposures of
// @amplitude/experiment-js-client go through it, as Amplitude's documentation has it.
import { AnalyticsBrowser } from '@segment/analytics-next';
import { Experiment } from '@amplitude/experiment-js-client';
import { pause, story } from '../story.mjs';
import { deviceOf, flags, key, url } from './page.mjs';

const analytics = AnalyticsBrowser.load({ writeKey: key, cdnURL: url });
await analytics.ready();

const sent = [];
const experiment = Experiment.initialize('a-deployment-key', {
  serverUrl: flags,
  flagsServerUrl: flags,
  fetchOnStart: false,
  exposureTrackingProvider: { track: (exposure) => sent.push(analytics.track('$exposure', exposure)) },
});
await experiment.start();

let now;
const become = async (who) => {
  if (JSON.stringify(who) === JSON.stringify(now)) return;
  now = who;
  await analytics.reset();
  await analytics.setAnonymousId(deviceOf(who));
  if (who.user) await analytics.identify(who.user);
  await pause();
};

await story({
  // Each event is an upload of its own, and its time is corrected by when that came.
  apart: 100,
  expose: async (who, flag_key, variant, { id } = {}) => {
    await become(who);
    if (id) return sent.push(analytics.track('$exposure', { flag_key, variant }, { messageId: id }));
    const user = { user_id: who.user, device_id: deviceOf(who), user_properties: { wants: variant } };
    await experiment.fetch(user);
    const told = experiment.variant(flag_key).value;
    if (told !== variant) throw new Error(`${flag_key} is ${told}, not ${variant}`);
    await Promise.all(sent);
  },
  purchase: async (who) => {
    await become(who);
    sent.push(analytics.track('Order Completed', { revenue: 1 }));
  },
  bad: async (who) => {
    await become(who);
    sent.push(analytics.track('$exposure', { variant: 'treatment' }));
  },
});
await Promise.all(sent);
globalThis.told = { sdk: '@segment/analytics-next' };
