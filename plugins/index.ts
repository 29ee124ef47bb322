// The built-in plugins, by the name that a config file uses for them.
// They are applied in this order, which is also the order of their taps within a hook.
import type { Plugin } from '../src/index.ts';
import type { BuiltinName } from '../src/kit.ts';
import { batching } from './batching/index.ts';
import { cancellation } from './cancellation/index.ts';
import { connect } from './connect/index.ts';
import { discovery } from './discovery/index.ts';
import { door } from './door/index.ts';
import { health } from './health/index.ts';
import { heartbeat } from './heartbeat/index.ts';
import { metrics } from './metrics/index.ts';
import { page } from './page/index.ts';
import { history } from './history/index.ts';
import { pause } from './pause/index.ts';
import { python } from './python/index.ts';
import { simulator } from './simulator/index.ts';
import { tracing } from './tracing/index.ts';
import { vpn } from './vpn/index.ts';
import { webhook } from './webhook/index.ts';

const PLUGINS = {
  door,
  health,
  simulator,
  python,
  discovery,
  connect,
  vpn: () => vpn(),
  cancellation,
  batching,
  webhook,
  heartbeat,
  metrics,
  history,
  pause,
  tracing,
  page,
} satisfies Record<BuiltinName, () => Plugin>;

export const builtinPlugins: ReadonlyMap<string, () => Plugin> = new Map(Object.entries(PLUGINS));
