// What every SDK is made to say, in the same order: `story` drives an adapter of one SDK.
//
// An adapter has `expose(who, flag, variant, { id })`, where an absent variant says that the user left the experiment,
// and may have `identify(who)`, `purchase(who)`, `bad(who)`, `cannot`, the list of steps the SDK has no way to say, and
// `apart`, the milliseconds between two events. `who` has `user`, `device`, or both.

/** Lets the clock move on, so that no two events of one user have the same millisecond. */
export const pause = (milliseconds = 5) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export async function story(sdk) {
  const cannot = new Set(sdk.cannot ?? []);
  const expose = async (...event) => {
    await sdk.expose(...event);
    await pause(sdk.apart);
  };

  await expose({ user: 'set-user' }, 'checkout', 'treatment');

  if (!cannot.has('unset')) {
    await expose({ user: 'unset-user' }, 'checkout', 'treatment');
    await expose({ user: 'unset-user' }, 'checkout', undefined);
  }

  for (const variant of ['a', 'b', 'a']) {
    await expose({ user: 'flip-user' }, 'checkout', variant);
  }

  if (!cannot.has('duplicate')) {
    for (let time = 0; time < 2; time += 1) {
      await expose({ user: 'duplicate-user' }, 'checkout', 'treatment', { id: 'the-same-id-twice' });
    }
  }

  await expose({ user: 'good-user-1' }, 'checkout', 'treatment');
  if (!cannot.has('bad')) {
    await sdk.bad({ user: 'bad-user' });
    await pause();
  }
  await expose({ user: 'good-user-2' }, 'checkout', 'treatment');

  if (!cannot.has('anonymous')) {
    await expose({ device: 'anonymous-device' }, 'banner', 'on');
    if (sdk.identify) {
      await sdk.identify({ user: 'login-user', device: 'anonymous-device' });
      await pause();
    }
    await expose({ user: 'login-user', device: 'anonymous-device' }, 'checkout', 'treatment');
  }

  if (sdk.purchase) await sdk.purchase({ user: 'set-user' });
}
