import { randomUUID } from 'node:crypto';

import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';

import { EffectKind, EventSchema } from './gen/exposure/v1/event_pb.js';
import { ExposureQueryService } from './gen/exposure/v1/exposure_query_service_pb.js';
import { IngestService } from './gen/exposure/v1/ingest_service_pb.js';
import { PropertyService } from './gen/exposure/v1/property_service_pb.js';

const USER = 'user-1';

// Made once for each exposure: whatever is sent again under this insertId counts once.
const exposureOf = (flagKey, variant) => create(EventSchema, {
  userId: USER,
  insertId: randomUUID(),
  timeUs: BigInt(Date.now()) * 1000n,
  body: { case: 'exposure', value: { flagKey, variant } },
});

const withKey = (next) => (request) => {
  request.header.set('authorization', `Bearer ${process.env.KEY}`);
  return next(request);
};
const transport = createGrpcTransport({
  baseUrl: `http://${process.env.SERVER}`,
  interceptors: [withKey],
  defaultTimeoutMs: 10_000,
});
const ingest = createClient(IngestService, transport);
const properties = createClient(PropertyService, transport);
const queries = createClient(ExposureQueryService, transport);

// The user saw a variant of one flag, and is no longer part of another: without a variant the property is unset.
const events = [exposureOf('checkout', 'treatment'), exposureOf('banner', undefined)];

// The second time stands for a retry after an answer that was lost.
for (let attempt = 0; attempt < 2; attempt += 1) {
  const { outcomes } = await ingest.ingest({ events, library: 'track-node/1' });
  outcomes.forEach(({ result }, index) => {
    let what = result.case;
    if (result.case === 'accepted') what += ` EFFECT_KIND_${EffectKind[result.value.effects[0].kind]}`;
    if (result.case === 'rejected') what += ` ${result.value.message}`;
    console.log(`${events[index].body.value.flagKey}: ${what}`);
  });
}

const { userProperties } = await properties.getUserProperties({ userId: USER });
for (const { flagKey, variant } of userProperties.properties) console.log(`${USER} has ${flagKey}=${variant}`);

const why = await queries.explain({ userId: USER, flagKey: 'checkout' });
console.log(`checkout is ${why.variant} by ${why.decidedBy.insertId} of ${why.decidedBy.library}`);
