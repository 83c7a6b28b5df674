// posthog-node: exposures that reading a flag tracks, flags evaluated by the service that `host` also stands for.
import { PostHog } from 'posthog-node';
import { key, report, url } from './sender.mjs';
import { story } from './story.mjs';

const start = () => new PostHog(key, { host: url });
let client = start();
let seen = new Set();
const failures = [];

/** What a client told of a user once it does not tell again, until the process that runs it is another one. */
async function restarted(who, flag, variant) {
  const told = JSON.stringify([who, flag, variant]);
  if (seen.has(told)) {
    await client.shutdown();
    client = start();
    seen = new Set();
  }
  client.on('error', (error) => failures.push(String(error)));
  seen.add(told);
  return client;
}

const called = (who, flag, variant, uuid) =>
  client.capture({
    distinctId: who.user ?? who.device,
    event: '$feature_flag_called',
    properties: { $feature_flag: flag, $feature_flag_response: variant, $device_id: who.device },
    uuid,
  });

await story({
  // No response of a flag means that a user left an experiment.
  cannot: ['unset'],
  expose: async (who, flag, variant, { id } = {}) => {
    if (id) return called(who, flag, variant, '0199aaaa-0000-7000-8000-000000000001');
    if (who.device) return called(who, flag, variant);
    const told = await (await restarted(who, flag, variant)).getFeatureFlag(flag, who.user, {
      personProperties: { wants: variant },
    });
    if (told !== variant) throw new Error(`${flag} is ${told}, not ${variant}`);
  },
  identify: ({ user, device }) => client.alias({ distinctId: user, alias: device }),
  purchase: ({ user }) => client.capture({ distinctId: user, event: 'purchase', properties: { price: 1 } }),
  bad: ({ user }) => called({ user }, undefined, 'treatment'),
});
await client.shutdown();
report('posthog-node', { failures });
