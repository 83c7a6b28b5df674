// @amplitude/experiment-node-server: exposures and assignments tracked by local evaluation.
import { LocalEvaluationClient } from '@amplitude/experiment-node-server';
import { flags, key, report, url } from './sender.mjs';
import { story } from './story.mjs';

const events = { apiKey: key, serverUrl: `${url}/2/httpapi`, flushIntervalMillis: 100 };

async function start(config) {
  const client = new LocalEvaluationClient('a-deployment-key', { serverUrl: flags, ...config });
  await client.start();
  return client;
}

const assignments = await start({ assignmentConfig: events });
let exposures = await start({ exposureConfig: events });
let seen = new Set();

/** What an SDK exposed once it does not expose again, until the process that runs it is another one. */
async function restarted(who, flag, variant) {
  const said = JSON.stringify([who, flag, variant]);
  if (seen.has(said)) {
    exposures.stop();
    exposures = await start({ exposureConfig: events });
    seen = new Set();
  }
  seen.add(said);
  return exposures;
}

const evaluate = (client, { user, device }, flag, wants) =>
  client.evaluateV2({ user_id: user, device_id: device, user_properties: { wants } }, [flag], { tracksExposure: true });

await story({
  expose: async (who, flag, variant) => {
    // The default variant is no exposure; its assignment takes the property away.
    if (variant === undefined) return evaluate(assignments, who, flag, 'off');
    return evaluate(await restarted(who, flag, variant), who, flag, variant);
  },
  bad: () => evaluate(exposures, { user: 'bad' }, 'checkout', 'treatment'),
});
exposures.stop();
assignments.stop();
report('@amplitude/experiment-node-server');
