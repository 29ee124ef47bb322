// The text of the service files: a hardened systemd unit, and a launchd plist.

export interface ServiceTerms {
  /** The program and its arguments, absolute. */
  readonly command: readonly string[];
  /** The folder of the config file; relative paths start here. */
  readonly workingDirectory: string;
  /** The user that runs it; null: one that systemd makes. Ignored for a user's own unit. */
  readonly user: string | null;
  /** The drain timeout, and some time to close. */
  readonly stopTimeoutSec: number;
  /** The home of the user, for launchd. */
  readonly home: string;
}

export const SERVICE_NAME = 'coda-node';
export const LAUNCHD_LABEL = 'com.conductorquantum.coda-node';
/** systemd reads it as root before the node starts: a place for CODA_NODE_TOKEN. */
export const ENVIRONMENT_FILE = '/etc/coda-node.env';
/** What `%S/coda-node` is for the system's manager. */
export const SYSTEM_STATE = `/var/lib/${SERVICE_NAME}`;

/** For the system's manager: of all that root may do, the node may only make a tunnel. */
export function systemUnit(terms: ServiceTerms): string {
  const identity = terms.user === null ? ['DynamicUser=yes'] : [`User=${terms.user}`];
  return unit(terms, 'multi-user.target', [
    ...identity,
    `EnvironmentFile=-${ENVIRONMENT_FILE}`,
    '# For the VPN tunnel. Without a VPN, remove both lines.',
    'AmbientCapabilities=CAP_NET_ADMIN',
    'CapabilityBoundingSet=CAP_NET_ADMIN',
    '# No MemoryDenyWriteExecute: the JavaScript engine compiles at run time. No PrivateDevices: the executor needs hardware.',
    ...[
      'ProtectSystem=strict',
      'ProtectHome=read-only',
      'PrivateTmp=yes',
      'ProtectClock=yes',
      'ProtectControlGroups=yes',
      'ProtectHostname=yes',
      'ProtectKernelLogs=yes',
      'ProtectKernelModules=yes',
      'ProtectKernelTunables=yes',
      'RestrictNamespaces=yes',
      'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    ],
  ]);
}

/** For a user's own manager, which cannot give capabilities or isolate the service. */
export function userUnit(terms: ServiceTerms): string {
  return unit(terms, 'default.target', [`EnvironmentFile=-%E/${SERVICE_NAME}.env`]);
}

function unit(terms: ServiceTerms, wantedBy: string, further: readonly string[]): string {
  return `[Unit]
Description=Coda node
Documentation=https://coda.conductorquantum.com
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
# systemd-notify, a child of the node, reports when the node is up and that its health server answers.
Type=notify
NotifyAccess=all
WatchdogSec=60
ExecStart=${terms.command.map(word).join(' ')}
WorkingDirectory=${specifiers(terms.workingDirectory)}
StateDirectory=${SERVICE_NAME}
StateDirectoryMode=0700
Environment=CODA_STATE_DIR=%S/${SERVICE_NAME}
TimeoutStartSec=300
# SIGTERM lets the running job finish and its result be delivered.
KillMode=mixed
TimeoutStopSec=${Math.ceil(terms.stopTimeoutSec)}
Restart=on-failure
RestartSec=10
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
${further.map((line) => `${line}\n`).join('')}
[Install]
WantedBy=${wantedBy}
`;
}

/** A word of a command line in a unit. */
function word(text: string): string {
  const escaped = specifiers(text).replaceAll('$', '$$$$');
  return /^[\w./@%+:,=$-]+$/.test(escaped) ? escaped : `"${escaped.replace(/["\\]/g, '\\$&')}"`;
}

/** systemd replaces what follows a percent sign. */
function specifiers(text: string): string {
  return text.replaceAll('%', '%%');
}

export function launchdState(home: string): string {
  return `${home}/Library/Application Support/${SERVICE_NAME}`;
}

export function launchdPlist({ command, workingDirectory, home, stopTimeoutSec }: ServiceTerms): string {
  const logs = `${home}/Library/Logs/${SERVICE_NAME}.log`;
  const state = launchdState(home);
  const string = (text: string): string => `<string>${xml(text)}</string>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>${string(LAUNCHD_LABEL)}
  <key>ProgramArguments</key>
  <array>
${command.map((argument) => `    ${string(argument)}`).join('\n')}
  </array>
  <key>WorkingDirectory</key>${string(workingDirectory)}
  <key>EnvironmentVariables</key>
  <dict>
    <key>CODA_STATE_DIR</key>${string(state)}
    <key>PATH</key>${string('/opt/homebrew/bin:/opt/homebrew/sbin:/usr/local/bin:/usr/local/sbin:/usr/bin:/bin:/usr/sbin:/sbin')}
  </dict>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>ThrottleInterval</key><integer>10</integer>
  <key>ExitTimeOut</key><integer>${Math.ceil(stopTimeoutSec)}</integer>
  <key>Umask</key><integer>63</integer>
  <key>StandardOutPath</key>${string(logs)}
  <key>StandardErrorPath</key>${string(logs)}
</dict>
</plist>
`;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
