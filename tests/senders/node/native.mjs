// What React Native and its storage module give the SDKs on a phone, as little of it as they ask for.
const device = { version: '1.0', platform: 'iOS', language: 'en', osName: 'ios', osVersion: '17' };

export const NativeModules = {
  AmplitudeReactNative: {
    getApplicationContext: async () => device,
    getLegacySessionData: async () => ({}),
    getLegacyEvents: async () => [],
    removeLegacyEvent: async () => undefined,
  },
  ExperimentReactNativeClient: { getApplicationContext: async () => device },
};
export const Platform = { OS: 'ios', select: (of) => of.ios ?? of.default };
export const AppState = { currentState: 'active', addEventListener: () => ({ remove: () => undefined }) };
export class NativeEventEmitter {}

const stored = new Map();
export default {
  getItem: async (name) => stored.get(name) ?? null,
  setItem: async (name, value) => void stored.set(name, value),
  removeItem: async (name) => void stored.delete(name),
  getAllKeys: async () => [...stored.keys()],
  multiGet: async (names) => names.map((name) => [name, stored.get(name) ?? null]),
  clear: async () => stored.clear(),
};
