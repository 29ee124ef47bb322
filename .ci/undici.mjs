// What the bundle has in place of undici's own entry, which also loads fetch, caches and WebSockets and slows a start.
// These files of undici are private, so package.json asks for one exact version of it.
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import connect from 'undici/lib/api/api-connect.js';

// As undici's entry does it with all methods; this one opens the tunnel through a proxy.
Object.assign(Dispatcher.prototype, { connect });

export { default as Agent } from 'undici/lib/dispatcher/agent.js';
export { default as Pool } from 'undici/lib/dispatcher/pool.js';
export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js';
export { default as buildConnector } from 'undici/lib/core/connect.js';
