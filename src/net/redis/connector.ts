// Opens the sockets to Redis. Where a connection leads may be known only when it is opened, and be another place each time.
import { createConnection, isIP, Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';
import type { RedisPlace } from '../../protocol/urls.ts';
import { EACH_ADDRESS } from '../addresses.ts';
import { faultOfAddress } from '../targets.ts';

/** Tries each address of a name with time enough; the connector of ioredis has no option for that. */
export class AddressConnector extends AbstractConnector {
  readonly #target: TcpNetConnectOpts;
  readonly #tls: ConnectionOptions | undefined;

  /** `given` are the options of the client. */
  constructor(given: unknown) {
    const { host = 'localhost', port = 6379, family = 0, tls, disconnectTimeout } = given as RedisOptions;
    super(disconnectTimeout ?? 2_000);
    this.#target = { host, port, family, ...EACH_ADDRESS };
    this.#tls = tls;
  }

  connect(): Promise<Socket> {
    this.connecting = true;
    return Promise.resolve(this.open(this.target, false));
  }

  protected get target(): RedisPlace {
    const { host = '', port } = this.#target;
    return { host, port };
  }

  /** `isAnnounced`: a server has named the place, and not the URL. */
  protected open({ host, port }: RedisPlace, isAnnounced: boolean): Socket {
    const fault = !isAnnounced || isIP(host) === 0 ? undefined : faultOfAddress(host);
    if (fault !== undefined) return this.fail(new Error(`no connection is made: ${fault}`));
    const target = { ...this.#target, host, port };
    // The certificate of a server that a cluster names by its address is that of the name in the URL.
    const named = isIP(host) === 0 ? { servername: host } : {};
    const stream =
      this.#tls === undefined ? createConnection(target) : connectTls({ ...target, ...this.#tls, ...named });
    stream.once('error', (error) => (this.firstError = error));
    this.stream = stream;
    return stream;
  }

  /** As a connection that has failed: that is tried again, and a connector that rejects is not. */
  protected fail(error: Error): Socket {
    this.firstError = error;
    this.stream = new Socket().destroy();
    return this.stream;
  }
}

/** To a server of a cluster, at the address that the cluster has for it. */
export class AnnouncedConnector extends AddressConnector {
  override connect(): Promise<Socket> {
    this.connecting = true;
    return Promise.resolve(this.open(this.target, true));
  }
}

/** Says where a connection leads. */
export interface Direction {
  /** Whether a server has named this place, and not the URL. */
  isAnnounced(place: RedisPlace): boolean;
  /** Asked before each connection. */
  find(): RedisPlace | Promise<RedisPlace>;
  /** What a server says of itself (INFO) on a new connection; false if the connection has to lead elsewhere. */
  accepts(info: Readonly<Record<string, string>>): boolean;
}

export function connectorTo({ isAnnounced, find, accepts }: Direction): typeof AddressConnector {
  return class extends AddressConnector {
    override async connect(): Promise<Socket> {
      this.connecting = true;
      let place: RedisPlace;
      try {
        const found = find();
        place = 'host' in found ? found : await found;
      } catch (thrown) {
        return this.fail(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
      if (!this.connecting) throw new Error('Connection is closed.');
      return this.open(place, isAnnounced(place));
    }

    override check(info: Readonly<Record<string, string>>): boolean {
      return accepts(info);
    }
  };
}
