// TLS to Redis: a TLS client at a plain port, a plain client at a TLS port, and certificates that must not be accepted.
import { SERVER } from '../../../support/certificates.ts';
import { EXPIRED, SELF_SIGNED } from '../certificates.ts';
import type { Fault } from '../fault.ts';
import { EVERYWHERE } from '../place.ts';
import type { Night } from '../night.ts';

function trusted(night: Night): Promise<void> {
  return night.redisBehindTls(SERVER);
}

export const TLS_FAULTS: readonly Fault[] = [
  {
    name: 'rediss:// to a port without TLS',
    node: 'waits',
    inject: (night) => night.useRedisTls(),
    heal: trusted,
    cause: /TLS|rediss:|SSL/i,
    remedy: /redis:\/\/|without TLS|TLS/,
    where: EVERYWHERE,
  },
  {
    name: 'redis:// to a port with TLS',
    node: 'waits',
    inject: trusted,
    heal: (night) => night.redisWay.leadTo(night.redisPort),
    cause: /TLS|rediss/i,
    remedy: /rediss:\/\//,
    where: EVERYWHERE,
  },
  {
    name: 'a self-signed certificate of Redis',
    node: 'waits',
    async inject(night) {
      night.useRedisTls();
      await night.redisBehindTls(SELF_SIGNED);
    },
    heal: trusted,
    cause: /self.signed|certificate/i,
    remedy: /NODE_EXTRA_CA_CERTS|SSL_CERT_FILE/,
    where: EVERYWHERE,
  },
  {
    name: 'an expired certificate of Redis',
    node: 'waits',
    async inject(night) {
      night.useRedisTls();
      await night.redisBehindTls(EXPIRED);
    },
    heal: trusted,
    cause: /expired/i,
    remedy: /clock|renew|new certificate/i,
    where: EVERYWHERE,
  },
];
