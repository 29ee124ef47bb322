// The faults that every run of the tests plays: quick ones of each neighbourhood that no other test plays in all places.
export const SHORT: readonly string[] = [
  'wrong password at the start',
  'Redis out of memory (maxmemory 1mb)',
  'the stream key is of another type',
  'the status key of a job is of another type',
  'the consumer group is destroyed',
  'FLUSHALL',
  'Redis is a replica (READONLY)',
  'a slow link to Redis and to the cloud',
  'rediss:// to a port without TLS',
  'missing right: xack',
  'missing right: CLIENT TRACKING',
  'connect answered 401',
  'the disk of the results is full',
  'a second node on the same state directory',
  'a misspelt setting in the environment',
  'a config file with a syntax error',
];
