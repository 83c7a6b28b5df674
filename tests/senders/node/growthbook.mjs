// @growthbook/growthbook: its own tracking plugin, and a tracking callback into Segment as its documentation has it.
import { GrowthBookClient } from '@growthbook/growthbook';
import { growthbookTrackingPlugin } from '@growthbook/growthbook/plugins';
import { Analytics } from '@segment/analytics-node';
import { flags, key, report, url } from './sender.mjs';
import { story } from './story.mjs';

const into = process.argv[5];
const segment = into === 'segment' ? new Analytics({ writeKey: key, host: url }) : undefined;
const plugins = segment ? [] : [growthbookTrackingPlugin({ ingestorHost: url, queueFlushInterval: 500 })];
const trackingCallback = ({ key: experimentId }, { key: variationId }, { attributes }) =>
  segment?.track({
    event: 'Experiment Viewed',
    userId: attributes.user_id,
    anonymousId: attributes.device_id,
    properties: { experimentId, variationId },
  });

async function start() {
  const client = new GrowthBookClient({ apiHost: flags, clientKey: key, plugins, trackingCallback });
  await client.init();
  return client;
}

const flushed = () => new Promise((resolve) => setTimeout(resolve, segment ? 0 : 1000));
let client = await start();
let seen = new Set();

async function evaluate({ user, device }, flag, wants) {
  // What the plugin told it does not tell again, until the process that runs it is another one.
  const told = JSON.stringify([user, device, flag, wants]);
  if (seen.has(told)) {
    await flushed();
    client = await start();
    seen = new Set();
  }
  seen.add(told);
  const attributes = { id: user ?? device, user_id: user, device_id: device, wants };
  client.createScopedInstance({ attributes }).getFeatureValue(flag, 'none');
}

await story({
  // An experiment always has a variation, and its events have no id of the customer's choice.
  cannot: ['unset', 'duplicate'],
  expose: evaluate,
  bad: (who) => evaluate(who, 'f'.repeat(1025), 'treatment'),
});
await segment?.closeAndFlush();
await flushed();
client.destroy();
report('@growthbook/growthbook');
