// The faults that every run of the tests plays: quick ones of each neighbourhood.
export const SHORT: readonly string[] = [
  'the status key of a job is of another type',
  'the consumer group is destroyed',
  'FLUSHALL',
  'Redis is a replica (READONLY)',
  'a slow link to Redis and to the cloud',
  'missing right: CLIENT TRACKING',
  'connect answered 401',
  'the disk of the results is full',
  'the port is taken',
  'a second node on the same state directory',
  'a misspelt setting in the environment',
  'a config file with a syntax error',
  'an executor module that is not there',
  'an executor whose factory throws',
];
