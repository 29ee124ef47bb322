// The parsers of the three platforms, on output as the commands print it, and the choice between interfaces.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseTunnel, parseIfconfig, parseIp, parseNetAdapter } from '../../src/net/tunnels.ts';

const IP = `[{"ifindex":1,"ifname":"lo","flags":["LOOPBACK","UP","LOWER_UP"],"operstate":"UNKNOWN","link_type":"loopback","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,"scope":"host"}]},
{"ifindex":2,"ifname":"eth0","flags":["BROADCAST","MULTICAST","UP","LOWER_UP"],"operstate":"UP","link_type":"ether","addr_info":[{"family":"inet","local":"192.168.1.5","prefixlen":24,"scope":"global"}]},
{"ifindex":3,"ifname":"coda67b73e","flags":["POINTOPOINT","MULTICAST","NOARP","UP","LOWER_UP"],"operstate":"UNKNOWN","link_type":"none","addr_info":[{"family":"inet","local":"10.98.0.2","prefixlen":24,"scope":"global"},{"family":"inet6","local":"fe80::563:b9:9586:ad87","prefixlen":64,"scope":"link"}]},
{"ifindex":4,"ifname":"tun9","flags":["NO-CARRIER","POINTOPOINT","MULTICAST","NOARP","UP"],"operstate":"DOWN","link_type":"none","addr_info":[{"family":"inet","local":"10.8.0.6","prefixlen":24,"scope":"global"}]},
{"ifindex":5,"ifname":"tun10","flags":["POINTOPOINT","UP","LOWER_UP"],"operstate":"UNKNOWN","link_type":"none","addr_info":[{"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}]}]`;

const IFCONFIG = `lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 16384
\tinet 127.0.0.1 netmask 0xff000000
en0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500
\tinet 192.168.1.23 netmask 0xffffff00 broadcast 192.168.1.255
utun0: flags=8051<UP,POINTOPOINT,RUNNING,MULTICAST> mtu 1380
\tinet6 fe80::7ff:2b9a:1d1c:8f5a%utun0 prefixlen 64 scopeid 0xf
\tnd6 options=201<PERFORMNUD,DAD>
utun4: flags=8051<UP,POINTOPOINT,RUNNING,MULTICAST> mtu 1500
\tinet 10.98.0.2 --> 10.98.0.2 netmask 0xffffff00
`;

const ADAPTERS =
  '[{"Name":"Ethernet","InterfaceDescription":"Intel(R) Ethernet Connection","Status":"Up"},' +
  '{"Name":"Local Area Connection","InterfaceDescription":"TAP-Windows Adapter V9","Status":"Disconnected"},' +
  '{"Name":"OpenVPN Data Channel Offload","InterfaceDescription":"OpenVPN Data Channel Offload","Status":"Up"}]';

describe('tunnel interfaces', () => {
  it('are read from `ip` on Linux by their flags, since a tun device never reports `state UP`', () => {
    assert.deepEqual(parseIp(IP), [
      { name: 'coda67b73e', up: true },
      { name: 'tun9', up: false },
      { name: 'tun10', up: false },
    ]);
  });

  it('are read from `ifconfig` on macOS, where the system has utun devices of its own', () => {
    assert.deepEqual(parseIfconfig(IFCONFIG), [
      { name: 'utun0', up: false },
      { name: 'utun4', up: true },
    ]);
  });

  it('are read from Get-NetAdapter on Windows, which prints a list, one object or nothing', () => {
    assert.deepEqual(parseNetAdapter(ADAPTERS), [
      { name: 'Local Area Connection', up: false },
      { name: 'OpenVPN Data Channel Offload', up: true },
    ]);
    assert.deepEqual(
      parseNetAdapter('{"Name":"x","InterfaceDescription":"Wintun Userspace Tunnel","Status":"Up"}'),
      [{ name: 'x', up: true }],
    );
    assert.deepEqual(parseNetAdapter('\r\n'), []);
  });

  it('are chosen by their exact name or, without a name, one that is up', () => {
    const tunnels = parseIp(IP);
    assert.equal(chooseTunnel(tunnels, 'tun1'), undefined);
    assert.deepEqual(chooseTunnel(tunnels, 'tun10'), { name: 'tun10', up: false });
    assert.deepEqual(chooseTunnel(tunnels, undefined), { name: 'coda67b73e', up: true });
    assert.equal(chooseTunnel([], undefined), undefined);
  });
});
