// The VPN (PROTOCOL §12): brings the tunnel up before anything needs it, watches it, and stops it with the node.
// If the cloud asks for no VPN, nothing happens: no process, no file, no check of an interface.
import { messageOf, VPNError, type CodaNode, type Plugin } from '../../src/index.ts';
import type { Session } from '../../src/kit.ts';
import type { Finding } from './check.ts';
import { TunnelWatch } from './tunnel-watch.ts';
import { Tunnel, type Terms } from './tunnel.ts';

const REMEDY = 'The node repairs the tunnel by itself. If that takes long, see coda logs and coda doctor.';

export interface VpnOptions {
  /** How long a tunnel may take to come up (PROTOCOL §12). */
  readonly upWithinMs?: number;
}

/** Runs OpenVPN with the bundle's profile, or watches the operator's own tunnel. */
export function vpn({ upWithinMs = 30_000 }: VpnOptions = {}): Plugin {
  return {
    name: 'vpn',
    apply(node) {
      const log = node.log;
      let opened: { tunnel: Tunnel; closing: AbortController } | undefined;
      let watch: TunnelWatch | undefined;

      const open = (): { tunnel: Tunnel; closing: AbortController } => {
        if (opened !== undefined) return opened;
        const closing = new AbortController();
        const tunnel = new Tunnel(node, { log, signal: closing.signal, upWithinMs });
        node.onClose('the VPN', () => {
          closing.abort();
          return tunnel.stop();
        });
        opened = { tunnel, closing };
        return opened;
      };

      // On a reconnect the tunnel of an earlier start may be the only way to the cloud.
      node.hooks.beforeConnect.tapPromise('vpn', async (request) => {
        const { vpnRequired, nodeAutoVpn } = node.settings;
        if (request.mode !== 'jwt' || !vpnRequired || !nodeAutoVpn) return;
        try {
          const { tunnel } = open();
          if (tunnel.hasSavedProfile) await tunnel.bringUp(savedTerms(node));
        } catch (thrown) {
          if (node.phase === 'closed') throw thrown;
          log.warn(`the tunnel of the earlier start is not up: ${messageOf(thrown)}; connecting without it`);
        }
      });

      node.hooks.network.tapPromise('vpn', async (session) => {
        if (!session.vpn.required) {
          await opened?.tunnel.stop();
          return undefined;
        }
        const { tunnel, closing } = open();
        const { profile: _, ...terms } = termsOf(session);
        const changed = (): void => node.networkChanged();
        watch = new TunnelWatch(tunnel, terms, { log, signal: closing.signal, changed });
        try {
          const finding = await bringUp(node, tunnel, termsOf(session));
          watch.note(finding);
          return true;
        } catch (thrown) {
          if (!node.settings.allowDegradedStartup || closing.signal.aborted) throw asVpnError(thrown);
          log.error(messageOf(thrown));
          watch.note(await tunnel.check(terms, 1_000));
          return undefined;
        }
      });

      node.hooks.start.tap('vpn', () => {
        if (watch === undefined) return;
        const ended = watch.run(node.jobs.admission);
        // Released before the tunnel itself, so that nothing restarts it while it is being stopped.
        node.onClose('the watch of the tunnel', () => {
          opened?.closing.abort();
          return ended;
        });
      });

      node.hooks.readiness.tap('vpn', (report) => {
        if (watch === undefined) return;
        report.vpnState = watch.state;
        report.add('vpn_interface', watch.finding?.interface ?? null);
        if (watch.state === 'degraded')
          report.notReady(`the VPN is degraded: ${watch.finding?.problem}`, REMEDY);
        if (watch.state === 'booting') report.notReady('the tunnel is coming up', REMEDY);
      });
    },
  };
}

function bringUp(node: CodaNode, tunnel: Tunnel, terms: Terms): Promise<Finding> {
  return node.settings.nodeAutoVpn ? tunnel.bringUp(terms) : tunnel.waitForOperatorTunnel(terms);
}

function termsOf({ vpn: asked, webappUrl, redisUrl }: Session): Terms {
  const { checkIntervalSec, interfaceHint, probeTargets, profile } = asked;
  return {
    checkIntervalSec,
    interfaceHint,
    probeTargets,
    webappUrl,
    redisUrl,
    ...(profile === undefined ? {} : { profile }),
  };
}

function savedTerms({ settings }: CodaNode): Terms {
  return {
    checkIntervalSec: settings.vpnCheckIntervalSec,
    interfaceHint: settings.vpnInterfaceHint,
    probeTargets: settings.vpnProbeTargets,
    webappUrl: settings.webappUrl,
    redisUrl: settings.redisUrl,
  };
}

function asVpnError(thrown: unknown): VPNError {
  return thrown instanceof VPNError ? thrown : new VPNError(messageOf(thrown), { cause: thrown });
}
