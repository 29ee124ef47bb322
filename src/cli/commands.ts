// The table of commands. The help, the page docs/command-line.md and the completion of shells are made from it.
import { cac, type CAC } from 'cac';
import { version } from '../version.ts';
import { addCancel } from './cancel/command.ts';
import { addCompletion } from './completion/command.ts';
import { addConfig } from './config/command.ts';
import { addConvert } from './convert/command.ts';
import { addDev } from './dev/command.ts';
import { addDocs } from './docs/command.ts';
import { addDoctor } from './doctor/command.ts';
import { addExecutor } from './executor/command.ts';
import { addHelp, type CommandGroup } from './help.ts';
import { addJobs } from './jobs/command.ts';
import { addLogLevel } from './log-level/command.ts';
import { addLogs } from './logs/command.ts';
import { addPage } from './page/command.ts';
import { addPause, addResume } from './pause/command.ts';
import { addReset } from './reset/command.ts';
import { addResults } from './results/command.ts';
import { addRun } from './run/command.ts';
import { addService } from './service/command.ts';
import { addShow } from './show/command.ts';
import { addStart } from './start/command.ts';
import { addStats } from './stats/command.ts';
import { addStatus } from './status/command.ts';
import { addStopVpn } from './stop-vpn/command.ts';
import { addStop } from './stop/command.ts';
import { addSubmit } from './submit/command.ts';
import { addTop } from './top/command.ts';

/** In the order of `coda --help`. */
const GROUPS = [
  { title: 'Try it out', commands: [addDev, addSubmit, addCancel, addRun, addExecutor] },
  { title: 'Work with circuits', commands: [addShow, addConvert] },
  {
    title: 'Run a node',
    commands: [
      addStart,
      addStop,
      addStatus,
      addTop,
      addPage,
      addJobs,
      addStats,
      addLogs,
      addLogLevel,
      addPause,
      addResume,
      addService,
    ],
  },
  {
    title: 'Find and solve problems',
    commands: [addDoctor, addConfig, addResults, addStopVpn, addReset],
  },
  { title: 'Learn more', commands: [addDocs, addCompletion] },
] as const;

export interface CommandLine {
  readonly cli: CAC;
  readonly groups: readonly CommandGroup[];
}

export function commandLine(): CommandLine {
  const cli = cac('coda');
  const groups = GROUPS.map(({ title, commands }) => {
    const before = cli.commands.length;
    for (const add of commands) add(cli);
    return { title, commands: cli.commands.slice(before) };
  });
  addHelp(cli, groups);
  cli.option('--reset', 'The same as the command `reset`');
  cli.version(version);
  return { cli, groups };
}
