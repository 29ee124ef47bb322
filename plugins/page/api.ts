// What goes between the node and its page. Types only, for both sides. Times are Unix milliseconds, durations milliseconds,
// if a name does not say otherwise. Every text is plain text: to be shown as it is, never as HTML.
//
//   GET  /                          the page; its files are below /page/assets/
//   GET  /page/state                Snapshot
//   GET  /page/events               server-sent events, see `PageEvents`
//   GET  /page/timeline             Timeline
//   GET  /page/jobs                 JobsPage; ?search= (a part of a job's id or of its error), ?outcome= (a
//                                   JobOutcome), ?before= (`next` of the page before), ?limit= (1 to 200, default 50)
//   GET  /page/jobs/<id>            JobDetail; 404 if nothing is known of the job
//   GET  /page/trend?hours=         Trend of the last 1 to 720 hours
//   GET  /page/device               DeviceMap
//   GET  /page/results              Results
//   POST /page/actions/<name>       see `Actions`; JSON in, ActionAnswer out
//
// An answer that is not 200 is a `Refusal`. Actions need `Authorization: Bearer <token>` and come from the page itself:
// 401 is for a token that is missing or wrong (an earlier run of the node had another one), 403 for another origin.
export type * from './api/state.ts';
export type * from './api/jobs.ts';
export type * from './api/device.ts';
export type * from './api/results.ts';
export type * from './api/actions.ts';
