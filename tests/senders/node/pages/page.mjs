// What a page is given in its query.
const query = new URLSearchParams(location.search);
export const [url, key, flags] = ['url', 'key', 'flags'].map((name) => query.get(name));

/** A device for each user: a browser always has one. */
export const deviceOf = ({ user, device }) => device ?? `${user}-device`;
