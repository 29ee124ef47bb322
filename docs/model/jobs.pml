/* The way of a job between Redis, the nodes of one QPU, their disks and the cloud. README.md explains it without the
 * notation: what each step is, which file does it, and what the model leaves out.
 *
 * Each step below is indivisible. Everything may happen between two steps: a kill, a lost connection, another node's step.
 * There is one job: jobs share nothing here but the nodes and Redis, so what may happen to one does not depend on others.
 * A variable that no program has, only the reader of the model, is marked GHOST: the promises are about these.
 *
 * A variable that nobody will look at any more gets one value, whatever it was, so that fewer states are different.
 */

#ifndef NODES
#define NODES 2
#endif

/* How much may go wrong in one history; set by what starts the check. Troubles without a number may happen any number of
 * times. */
unsigned kills : 2, cuts : 2, forgets : 2, drains : 2, cancels : 2, slowSweeps : 2;
bool forgetful;             /* Redis may lose its last writes, or could */
bool drainable;             /* a node may drain, or could */
bool copies;                /* the option outcomeCopy: a second copy of each outcome, in Redis */

/* For the promise that every job ends, the troubles must be over at last, and time passes by itself only a few times: from
 * then on, whenever nothing else can happen. */
#ifdef LIVE
#define TICKS 2
#define LOSSES 1
unsigned ticks : 2 = TICKS, losses : 2 = LOSSES;
bool staysAway;             /* a node that is killed does not come back, unless only it can deliver an outcome */
#define MAY_READ(n) true
#define MAY_START(n) (!staysAway || n > 0 || (HAS_END(n) && redis.copy == NONE))
#define TIME_MAY_PASS ticks > 0
#define A_TICK_LESS ticks--
#define MAY_LOSE losses > 0
#define ONE_LOSS_LESS losses--
#else
#define MAY_READ(n) (n == 0 || ghost.seen)
#define MAY_START(n) true
#define TIME_MAY_PASS true
#define A_TICK_LESS skip
#define MAY_LOSE true
#define ONE_LOSS_LESS skip
#endif

/* The limits of the promises, by number. `without` is the one that is taken away. */
#define REPEAT        1
#define UNSAVED       2
#define LOST_DISK     3
#define DEAD_DISK     4
#define OPEN_READ     5
#define FOUND_SAVED   6
#define CUT_OFF       7
#define ONE_DIRECTORY 8
#define FORGETFUL     9
#define CLOCK        10
#define POWER        11
#define EARLY_START  12
#define LATE_CANCEL  13
#define UNCOPIED     16
#define FOUND_COPY   17
unsigned without : 5;
#define LIMIT(x) (without != (x))

/* Mistakes in the program that the promises must not survive. */
#define ACK_BEFORE_SAVE    1
#define POST_BEFORE_FSYNC  2
#define CANCEL_AFTER_POST  3
#define FORGET_LEASE       4
#define FORGET_DONE        5
#define HELD_FROM_ANSWER   6
#define STATUS_BEFORE_SAVE 7
#define NO_TIME_TO_RENEW   8
#define CANCEL_UNSURE      9
#define CANCEL_FIRST      10
#define RENEW_BLIND       11
#define POST_BEFORE_COPY  14
#define CANCEL_COPY       15
#define COPY_OF_OTHERS    16
unsigned mutant : 5;
#define IS(x) (mutant == x)

/* A state in the status hash. From OUTCOME on: a final state with that outcome, failed if odd. */
#define NONE      0
#define EXECUTING 1
#define CANCELLED 2
#define OUTCOME(run, failed) (2 + 2 * (run) + (failed))
#define IS_OUTCOME(s) ((s) > 3)
#define IS_FAILED(s)  ((s) > 3 && ((s) & 1))
#define IS_FINAL(s)   ((s) > 1)
#define MOST_RUNS 6

/* The entry of the job in the stream: not read yet, acknowledged, pending for a node (its number + 2). */
#define UNREAD 0
#define ACKED  1
#define PENDING(n) (HOME(n) + 2)
#define IS_PENDING(o) ((o) >= 2)
#define HOME(n) (LIMIT(ONE_DIRECTORY) -> (n) : 0)

/* What the journal says of the job. */
#define SAVED   1
#define SETTLED 2
#define DROPPED 3   /* settled by a cancel */
#define DONE    4
#define UNDONE  5   /* a dropped one that is done */

/* Where a node has the job. */
#define NOWHERE    0
#define READ       1   /* asked for; the answer is on its way */
#define LATE       2   /* the copy is there, and the lease is over: it is asked whose the entry is */
#define CHECKING   3
#define QUEUED     4
#define RUNNING    5
#define SAVING     6   /* from here on: in the outbox */
#define WAITING    7
#define POSTING    8   /* the request is on its way */
#define TAKEN      9   /* the cloud has it; the answer is on its way */
#define REFUSED   10   /* the cloud will not have it; the answer is on its way */
#define CANCELLING 11
#define SETTLING  12

#define DOWN     0
#define UP       1
#define DRAINING 2

/* Time: a lease is 3 ticks, and a node trusts it for less than 2. A connected node sweeps in each tick. */
#define LEASE 3
#define SAFE  2

typedef Entry {             /* what Redis has of the job */
  unsigned owner : 3;
  unsigned state : 4;
  unsigned copy : 4;        /* the second copy of an outcome */
  bool cancel;              /* the cancel key */
}
Entry redis;
Entry disk;                 /* what Redis has saved of it */
unsigned idle : 2;          /* ticks since the entry was read, taken over or renewed */

typedef Node {
  unsigned mode : 2;
  bool cut;                 /* no connection to Redis */
  bool sweeping;
  bool mayTake;             /* the others have had time to renew their leases */
  bool openRead;            /* Redis keeps a read of it open, and does not know that it is gone */
  bool slow;                /* its clock stands still */
  bool alone;               /* GHOST: it was cut off while Redis was up */
  bool early;               /* GHOST: it has just started */

  /* What it has of the job. */
  unsigned stage : 4;
  unsigned held : 2;        /* ticks since it asked Redis for it, or a sweep found it to be its own */
  unsigned out : 4;         /* its outcome */
  bool maybeSent;
  unsigned journal : 3;     /* the last record that was appended ... */
  unsigned written : 3;     /* ... that the system has ... */
  unsigned synced : 3;      /* ... that the disk has */
  unsigned done : 4;        /* how it ended here, as far as the node remembers */
  unsigned state : 4;       /* a state that Redis has not taken yet */
  bool copy;                /* a copy of the outcome that Redis has not taken yet */
  bool ack;                 /* an acknowledgement that Redis has not taken yet */
  bool mine;                /* a sweep has just seen it pending here */
  bool found;               /* pending here, and not known: to be fetched */
  bool again;               /* it was fetched, so it may have run before */
  bool marked;              /* started, as the disk says */
}
Node node[NODES];

typedef Ghost {
  bool seen;                /* read before; all nodes are alike, so node 1 is the first that reads */
  unsigned runs : 3;        /* started so far */
  bool ended;               /* a run has ended, and its outcome is not lost with a kill */
  bool saved;               /* an outcome is on a disk */
  unsigned got : 4;         /* the outcome that the cloud has */
  bool refused;
  bool cancelled;           /* Redis has said so once */
  bool attempted;           /* a post has begun */
  bool copyRefused;         /* Redis has refused a copy */
  unsigned mayRepeat : 2;   /* answers that are missing */
  bool excused;             /* a limit applies: it may have run twice */
  bool lost;                /* Redis has lost something of it */
}
Ghost ghost;                /* GHOST */

unsigned m : 2;              /* another node, within one step */

#define me node[n]
#define CONNECTED(n) (node[n].mode != DOWN && !node[n].cut)
#define FRESH(n) (node[n].held < SAFE)
#define KNOWN(n) (node[n].stage != NOWHERE || node[n].ack)
#define IS_DELIVERED (ghost.got != 0 || ghost.refused)      /* to the cloud, which has taken or refused it */
#define SAY(text) printf(text, n + 1)

/* -- a promise, with its short name ------------------------------------------------------------------------------------ */
#define PROMISE(name, holds) if :: (holds) :: else -> printf(name); printf(" is broken\n"); assert(false) fi

#define HAS_ANSWERS(n) (node[n].stage != READ && node[n].stage != LATE && node[n].stage != CHECKING && !node[n].sweeping)
#define PUNCTUAL(n) (node[n].mode == DOWN || node[n].cut || HAS_ANSWERS(n))
#define HAS(x, n) (x != n && (KNOWN(x) || node[x].done != NONE))
#define MEETS(x, n) (x != n && CONNECTED(x))
#define HAS_SAVED(x, n) (x != n && (node[x].stage >= WAITING || (node[x].mode == DOWN && node[x].written != NONE)))
#if NODES == 2
#define ALL_PUNCTUAL (PUNCTUAL(0) && PUNCTUAL(1))
#define OTHERS_HAVE(n) (HAS(0, n) || HAS(1, n))
#define OTHERS_SAVED(n) (HAS_SAVED(0, n) || HAS_SAVED(1, n))
#define OTHERS_CONNECTED(n) (MEETS(0, n) || MEETS(1, n))
#else
#define ALL_PUNCTUAL (PUNCTUAL(0) && PUNCTUAL(1) && PUNCTUAL(2))
#define OTHERS_HAVE(n) (HAS(0, n) || HAS(1, n) || HAS(2, n))
#define OTHERS_SAVED(n) (HAS_SAVED(0, n) || HAS_SAVED(1, n) || HAS_SAVED(2, n))
#define OTHERS_CONNECTED(n) (MEETS(0, n) || MEETS(1, n) || MEETS(2, n))
#endif

/* -- where a limit applies --------------------------------------------------------------------------------------------- */
#define MOST_REPEATS NODES
inline one_more_post() { if :: ghost.mayRepeat < MOST_REPEATS && !ghost.excused -> ghost.mayRepeat++ :: else fi }

/* From here on, only the promises hold that do not ask how often the job has run. */
inline excuse(limit) {
  if
  :: LIMIT(limit) ->
     ghost.excused = true;
     ghost.ended = false; ghost.mayRepeat = 0;
     m = 0;
     do
     :: m < NODES -> node[m].alone = false; node[m].early = false; m++
     :: else -> break
     od;
     m = 0
  :: else
  fi
}

/* An end of the job is on the disk of a node that is gone, and nobody else has it. With copies, Redis has it before a post;
 * but it may have refused the copy, and a cancel that comes after the copy is not in it. */
#define HAS_END(x) (node[x].written >= SAVED && node[x].written <= DROPPED)
#define END(x) (node[x].written == DROPPED -> CANCELLED : node[x].out)
#define LACKS_COPY(x) (ghost.copyRefused || (redis.copy != END(x) && (!ghost.attempted || node[x].written == DROPPED)))
inline excuse_what_is_only_on_disk(x) {
  if
  :: !copies -> excuse(DEAD_DISK)
  :: copies && LACKS_COPY(x) -> excuse(UNCOPIED)
  :: else
  fi
}

/* Another consumer gets the entry: by a takeover, or because Redis has lost who had it. */
#define HOLDER node[redis.owner - 2]
inline consider_old_owner() {
  if
  :: IS_PENDING(redis.owner) && redis.owner - 2 != n ->
     if
     :: (HOLDER.mode == DOWN || HOLDER.early) && HAS_END(redis.owner - 2) && redis.state != END(redis.owner - 2) ->
        excuse_what_is_only_on_disk(redis.owner - 2)
     :: HOLDER.mode != DOWN && HOLDER.stage >= RUNNING && HOLDER.alone -> excuse(CUT_OFF)
     :: HOLDER.mode != DOWN && HOLDER.stage >= RUNNING && !HOLDER.early && !HOLDER.alone && me.early ->
        excuse(EARLY_START)
     :: else
     fi
  :: else
  fi
}

/* Redis has lost what it knew of the job, and a node gets or keeps it that does not know what the others know. */
inline consider_lost_writes() {
  if
  :: ghost.lost && me.done == NONE && me.stage < RUNNING && (ghost.ended || OTHERS_HAVE(n)) -> excuse(FORGETFUL)
  :: else
  fi
}

/* The cloud has answered, and the node has no record of that. */
inline answer_is_missing() {
  if
  :: (me.stage == TAKEN || me.stage == REFUSED ||
      ((me.journal == SETTLED || me.journal == DONE) && me.written == SAVED)) && LIMIT(REPEAT) ->
     one_more_post()
  :: else
  fi
}

/* A run has ended, and its outcome is in memory only. */
inline run_is_lost(record) {
  if
  :: (me.stage == SAVING || me.stage == CANCELLING) && record != SAVED && record != DROPPED &&
     !ghost.saved && redis.copy == NONE && LIMIT(UNSAVED) ->
     ghost.ended = false
  :: else
  fi
}

/* -- what several steps do --------------------------------------------------------------------------------------------- */
inline nowhere() { me.stage = NOWHERE; me.held = SAFE; me.maybeSent = false; me.copy = false; me.again = false }

/* A new record is on its way to the disk. Without a kill to come, nobody can tell when it is there. */
inline append(what) {
  me.journal = what;
  if :: kills == 0 -> me.written = what; me.synced = what :: else fi
}

/* What is done stays in the journal until that is rewritten; it matters only if Redis forgets. */
inline forget_what_is_done(x) {
  if
  :: !forgetful && node[x].synced >= DONE ->
     node[x].journal = NONE; node[x].written = NONE; node[x].synced = NONE; node[x].out = 0
  :: else
  fi
}

/* The entry comes in, new or again. */
inline admit() {
  if
  :: me.done != NONE && !IS(FORGET_DONE) ->         /* it ended here lately, and Redis has lost that */
     me.state = me.done; me.ack = true; nowhere()
  :: else ->
     if :: IS(HELD_FROM_ANSWER) -> me.held = 0 :: else fi;
     me.stage = CHECKING
  fi
}

/* An outcome that another process had: it goes to the outbox, as one that may have been posted. */
inline take_outcome(outcome, limit) {
  me.out = outcome; me.stage = SAVING; me.held = SAFE; me.maybeSent = true; me.copy = copies;
  me.again = false; append(SAVED);
  if :: LIMIT(limit) -> one_more_post() :: else fi
}

inline no_copy() { nowhere(); if :: me.written == NONE -> me.out = 0 :: else fi }

inline cancelled_before_its_end() {
  me.done = (forgetful -> CANCELLED : NONE); me.state = CANCELLED; me.ack = true; nowhere();
  if :: me.written == NONE -> me.out = 0 :: else fi
}

inline end_run() { me.stage = SAVING; me.copy = copies; ghost.ended = !ghost.excused; append(SAVED) }

/* The final state goes to Redis once the disk has the outcome and, with copies, Redis has the copy. */
inline say_state() { if :: me.stage == WAITING && !me.copy -> me.state = me.out :: else fi }

/* Of an entry that comes for the first time, the job has not run. */
#define FINDS_COPY (me.again && redis.copy != NONE && redis.state != CANCELLED)
#define CANCELLED_IN_TIME (LIMIT(LATE_CANCEL) && me.state == CANCELLED && !IS_DELIVERED)
inline redis_takes_state() {
  if
  :: me.state != NONE ->
     PROMISE("saved-before-said", !IS_OUTCOME(me.state) || ghost.saved || IS_DELIVERED);
     PROMISE("final-state-stays",
             !IS_FINAL(redis.state) || redis.state == me.state || ghost.excused || CANCELLED_IN_TIME);
     PROMISE("cancelled-not-posted", me.state != CANCELLED || ghost.got == 0 || ghost.excused);
     redis.state = me.state;
     if :: redis.state == CANCELLED -> ghost.cancelled = true :: else fi
  :: else
  fi
}

inline redis_takes_ack() {
  if
  :: me.ack && IS_PENDING(redis.owner) ->
     PROMISE("nothing-lost", IS_DELIVERED || ghost.cancelled || ghost.saved);
     redis.owner = ACKED; idle = 0
  :: else
  fi;
  if :: me.ack -> redis.copy = NONE :: else fi          /* after the acknowledgement */
}

inline gone() {
  nowhere(); me.state = NONE; me.ack = false; me.found = false; me.mine = false; me.done = NONE;
  me.journal = me.written;
  if :: me.written == NONE -> me.out = 0 :: else fi;
  me.mode = DOWN; me.cut = false; me.sweeping = false; me.mayTake = false; me.slow = false; me.alone = false
}

inline killed() {
  gone();
  me.openRead = (redis.owner == UNREAD || forgets > 0);         /* as long as there may be something to read */
  if
  :: kills == 0 ->
     m = 0;
     do
     :: m < NODES ->
        node[m].written = node[m].journal; node[m].synced = node[m].journal;
        forget_what_is_done(m);
        m++
     :: else -> break
     od;
     m = 0
  :: else
  fi
}

inline close_reads() {
  if
  :: forgets == 0 ->
     m = 0;
     do
     :: m < NODES -> node[m].openRead = false; m++
     :: else -> break
     od;
     m = 0
  :: else
  fi
}

inline is_cut() { me.cut = true; me.alone = !ghost.excused }

inline connected_again() {
  me.sweeping = false; me.mine = false; me.cut = false; me.mayTake = IS(NO_TIME_TO_RENEW); me.early = false
}

inline all_are_cut() {
  m = 0;
  do
  :: m < NODES -> if :: node[m].mode != DOWN -> node[m].cut = true :: else fi; m++
  :: else -> break
  od;
  m = 0
}

inline ask_what_is_pending() { me.mine = (redis.owner == PENDING(n)) }

/* Drop what another node has, renew, find; of what Redis has said to be pending for this node. */
inline sweep() {
  if
  :: me.mine && redis.owner == PENDING(n) ->
     if :: !IS(FORGET_LEASE) && (me.mode == UP || me.stage >= RUNNING || me.ack) -> idle = 0 :: else fi;
     if
     :: me.mode == UP && !KNOWN(n) -> me.found = true; me.held = 0
     :: me.mode == UP && (me.stage == CHECKING || me.stage == QUEUED) -> consider_lost_writes(); me.held = 0
     :: else
     fi
  :: me.mine && redis.owner != PENDING(n) ->           /* taken over since: XCLAIM leaves it there, and says so */
     me.found = (IS(RENEW_BLIND) && !KNOWN(n));
     if :: IS(RENEW_BLIND) -> me.held = 0 :: else fi
  :: !me.mine && redis.owner == PENDING(n) -> me.found = false      /* it has come since */
  :: else ->
     me.found = false;
     if
     :: me.stage == QUEUED && (IS_PENDING(redis.owner) || IS_FINAL(redis.state)) -> me.stage = NOWHERE
     :: me.stage == QUEUED && !IS_PENDING(redis.owner) && !IS_FINAL(redis.state) -> consider_lost_writes(); me.held = 0
     :: else
     fi
  fi;
  if :: me.stage == NOWHERE && !me.found -> me.held = SAFE :: else fi;
  me.mine = false; me.sweeping = false; me.alone = false
}

/* -- a node, and the job there ----------------------------------------------------------------------------------------- */
proctype NodeAt(byte n) {
  do
  /* reader.ts: XREADGROUP. A node that has the job already, since Redis has lost that, adopts the entry (intake.ts). */
  :: d_step { me.mode == UP && !me.cut && redis.owner == UNREAD && MAY_READ(n) ->
     SAY("Redis gives node %d the entry\n");
     redis.owner = PENDING(n); idle = 0; ghost.seen = true;
     close_reads();
     consider_lost_writes();
     if :: me.stage == NOWHERE -> me.stage = READ; me.held = 0 :: else fi }
  :: d_step { me.openRead && redis.owner == UNREAD ->
     SAY("Redis gives the entry to the open read of node %d, which is gone\n");
     redis.owner = PENDING(n); idle = 0; me.openRead = false;
     PROMISE("given-to-the-living", LIMIT(OPEN_READ)) }

  /* intake.ts: the answer of Redis is there. */
  :: d_step { CONNECTED(n) && me.stage == READ ->
     SAY("node %d has the entry\n");
     me.found = false;
     if :: me.mode == UP -> admit() :: else -> nowhere() fi }

  /* intake.ts: Redis is asked what it knows of the job. Without an answer, the entry stays pending. */
  :: d_step { me.stage == CHECKING && CONNECTED(n) ->
     SAY("node %d asks Redis for the state of the job\n");
     if
     :: !FRESH(n) && !FINDS_COPY -> nowhere()                  /* the next sweep will tell whose it is */
     :: !FRESH(n) && FINDS_COPY -> me.out = redis.copy; me.stage = LATE
     :: FRESH(n) && FINDS_COPY ->                              /* the job has not been acknowledged yet */
        take_outcome(redis.copy, FOUND_COPY); me.maybeSent = !IS(CANCEL_COPY)
     :: FRESH(n) && !FINDS_COPY ->
        if
        :: redis.state == CANCELLED || (IS_OUTCOME(redis.state) && !IS_FAILED(redis.state)) -> me.ack = true; nowhere()
        :: IS_FAILED(redis.state) && (!redis.cancel || !IS(CANCEL_FIRST)) ->       /* it may have been posted */
           take_outcome(redis.state, (copies -> UNCOPIED : DEAD_DISK))
        :: else ->
           if
           :: redis.cancel -> cancelled_before_its_end()
           :: else -> consider_lost_writes(); me.stage = QUEUED; me.again = false
           fi
        fi
     fi }
  :: d_step { me.stage == LATE && CONNECTED(n) ->
     SAY("node %d asks Redis whose the job is, whose copy it has read late\n");
     if
     :: redis.owner == PENDING(n) || IS(COPY_OF_OTHERS) -> take_outcome(me.out, FOUND_COPY)
     :: else -> no_copy()
     fi }
  :: d_step { me.stage == LATE && me.cut ->
     SAY("node %d cannot ask Redis whose the job is\n"); no_copy() }
  :: d_step { me.stage == CHECKING && me.cut ->
     SAY("node %d cannot ask Redis for the state of the job\n"); nowhere() }

  /* runner.ts: the device is free, and the lease is fresh. */
  :: d_step { me.stage == QUEUED && me.mode == UP && FRESH(n) ->
     SAY("node %d starts the job\n");
     PROMISE("saved-runs-no-more", !ghost.ended || ghost.excused);
     m = 0;
     do
     :: m < NODES ->
        PROMISE("one-run-at-a-time", m == n || node[m].stage != RUNNING || ghost.excused);
        m++
     :: else -> break
     od;
     m = 0;
     if :: !ghost.excused || ghost.runs == 0 -> ghost.runs++; assert(ghost.runs <= MOST_RUNS) :: else fi;
     me.stage = RUNNING; me.held = SAFE; me.out = OUTCOME(ghost.runs, 0); me.state = EXECUTING; me.marked = drainable }

  /* endings.ts: the run ends, with a result or a failure. */
  :: d_step { me.stage == RUNNING ->
     SAY("node %d ends the run\n");
     end_run();
     if :: IS(STATUS_BEFORE_SAVE) -> me.state = me.out :: else fi;
     if :: IS(ACK_BEFORE_SAVE) -> me.ack = true :: else fi }
  :: d_step { me.stage == RUNNING -> SAY("at node %d the run fails\n"); me.out++; end_run() }

  /* journal.ts: write, then fsync. */
  :: d_step { me.mode != DOWN && me.written != me.journal ->
     SAY("node %d writes its journal\n"); me.written = me.journal }
  :: d_step { me.written == me.journal && (me.stage == SAVING || me.stage == CANCELLING) ->
     SAY("node %d has its journal on the disk\n");
     me.synced = me.written; me.marked = false;
     if
     :: me.stage == SAVING -> me.stage = WAITING; ghost.saved = true; say_state()
     :: else -> me.stage = SETTLING; me.state = CANCELLED; me.ack = true
     fi }

  /* lanes.ts, plugins/webhook: one attempt. */
  :: d_step { (me.stage == WAITING && (!me.copy || IS(POST_BEFORE_COPY))) ||
              (me.stage == SAVING && IS(POST_BEFORE_FSYNC)) ->
     SAY("node %d posts the outcome\n");
     PROMISE("saved-before-said", ghost.saved || IS_DELIVERED);
     ghost.attempted = (copies || !LIMIT(FOUND_SAVED));
     me.stage = POSTING }
  :: d_step { me.stage == POSTING ->
     SAY("the cloud takes the outcome of node %d\n");
     PROMISE("one-outcome", ghost.got == 0 || ghost.got == me.out || ghost.excused);
     PROMISE("no-needless-repeat", !IS_DELIVERED || ghost.mayRepeat > 0 || ghost.excused);
     PROMISE("cancelled-not-posted", redis.state != CANCELLED || ghost.excused);
     if :: IS_DELIVERED && ghost.mayRepeat > 0 -> ghost.mayRepeat-- :: else fi;
     if :: ghost.got == 0 -> ghost.got = me.out :: else fi;
     me.stage = TAKEN; me.maybeSent = false }
  :: d_step { me.stage == POSTING && ghost.got == 0 ->
     SAY("the cloud refuses the outcome of node %d\n");
     PROMISE("no-needless-repeat", !ghost.refused || ghost.mayRepeat > 0 || ghost.excused);
     if :: ghost.refused && ghost.mayRepeat > 0 -> ghost.mayRepeat-- :: else fi;
     ghost.refused = true;
     me.stage = REFUSED; me.maybeSent = false }
  :: d_step { me.stage == POSTING && MAY_LOSE -> ONE_LOSS_LESS;
     SAY("a request of node %d does not reach the cloud, as the node can tell\n");
     me.stage = WAITING }
  :: d_step { me.stage == POSTING && MAY_LOSE -> ONE_LOSS_LESS;
     SAY("a request of node %d does not reach the cloud\n");
     me.stage = WAITING; me.maybeSent = true }
  :: d_step { (me.stage == TAKEN || me.stage == REFUSED) && MAY_LOSE -> ONE_LOSS_LESS;
     SAY("node %d does not get the answer of the cloud\n");
     me.stage = WAITING; me.maybeSent = true;
     if :: LIMIT(REPEAT) -> one_more_post() :: else fi }

  /* ends.ts: it is settled; when Redis knows, it is forgotten. */
  :: d_step { me.stage == TAKEN || me.stage == REFUSED ->
     SAY("node %d has the answer of the cloud\n");
     me.stage = SETTLING; me.ack = true; append(SETTLED) }
  :: d_step { me.stage == SETTLING && !me.ack && me.state == NONE ->
     SAY("node %d is done with the job\n");
     nowhere();
     if
     :: me.journal == DROPPED -> me.done = (forgetful -> CANCELLED : NONE); append(UNDONE)
     :: else -> me.done = (forgetful -> me.out : NONE); append(DONE)
     fi;
     forget_what_is_done(n) }

  /* redis-writes.ts: the state, then the acknowledgement, in one packet. It may arrive in part, or without an answer. */
  :: d_step { CONNECTED(n) && (me.state != NONE || me.ack) ->
     SAY("Redis takes the writes of node %d\n");
     redis_takes_state(); redis_takes_ack();
     me.state = NONE; me.ack = false }
  :: d_step { CONNECTED(n) && cuts > 0 && me.state != NONE ->
     SAY("Redis takes the state from node %d, and the connection is lost\n");
     redis_takes_state(); is_cut(); cuts-- }
  :: d_step { CONNECTED(n) && cuts > 0 && me.ack ->
     SAY("Redis takes the writes of node %d, and the connection is lost\n");
     redis_takes_state(); redis_takes_ack(); is_cut(); cuts-- }

  /* outcome-copies.ts: the copy has a way of its own to Redis, so it may be there before the state. */
  :: d_step { CONNECTED(n) && me.copy ->
     SAY("Redis takes the copy of node %d\n");
     redis.copy = me.out; me.copy = false; say_state() }
  :: d_step { CONNECTED(n) && cuts > 0 && me.copy ->
     SAY("Redis takes the copy of node %d, and the connection is lost\n");
     redis.copy = me.out; is_cut(); cuts-- }
  :: d_step { CONNECTED(n) && me.copy ->
     SAY("Redis refuses the copy of node %d\n");
     me.copy = false; ghost.copyRefused = true; say_state() }

  /* plugins/cancellation, cancel.ts, outbox.ts: the node sees the cancel key. */
  :: d_step { CONNECTED(n) && redis.cancel && (me.stage == RUNNING || (me.stage == QUEUED && FRESH(n)) ||
              (IS(CANCEL_UNSURE) && (me.stage == QUEUED || me.stage == CHECKING))) ->
     SAY("node %d sees the cancel\n"); cancelled_before_its_end() }
  :: d_step { CONNECTED(n) && redis.cancel && (me.stage == SAVING || me.stage == WAITING) &&
              (!me.maybeSent || IS(CANCEL_AFTER_POST)) ->
     SAY("node %d sees the cancel, before any post\n");
     me.stage = CANCELLING; me.copy = false; append(DROPPED) }
  :: d_step { CONNECTED(n) && redis.cancel && me.stage == WAITING && me.maybeSent && !ghost.attempted &&
              !LIMIT(FOUND_SAVED) ->
     SAY("node %d sees the cancel of a job that it found in its outbox, before any post\n");
     PROMISE("cancel-wins", false) }

  /* recovery.ts: an expired entry of another consumer, right after this node has renewed its own. */
  :: d_step { me.mode == UP && !me.cut && me.mayTake &&
              IS_PENDING(redis.owner) && redis.owner != PENDING(n) && idle >= LEASE ->
     SAY("node %d takes the job over\n");
     consider_old_owner();
     redis.owner = PENDING(n); idle = 0;
     if :: me.stage == QUEUED -> me.stage = NOWHERE :: else fi;
     if :: !KNOWN(n) -> me.found = true; me.held = 0 :: else fi }

  /* recovery.ts: an entry that was found pending is read, as long as it is surely this node's. That claims nothing. */
  :: d_step { me.mode == UP && !me.cut && me.found && !KNOWN(n) && FRESH(n) ->
     SAY("node %d fetches the pending entry\n");
     consider_lost_writes();
     me.stage = READ; me.again = copies }

  /* recovery.ts: a sweep. It comes at least once in each tick, below, and at any time. */
#ifndef LIVE
  :: d_step { CONNECTED(n) && !me.sweeping -> SAY("node %d sweeps\n"); ask_what_is_pending(); sweep() }
  :: d_step { CONNECTED(n) && !me.sweeping && slowSweeps > 0 ->
     SAY("node %d asks Redis what is pending for it\n");
     slowSweeps--; me.sweeping = true; ask_what_is_pending() }
  :: d_step { CONNECTED(n) && me.sweeping -> SAY("node %d goes on with its sweep\n"); sweep() }
#endif

  /* node.ts: a drain. hand-back.ts: what has not begun goes to another node. Then the end: what still runs is given up. */
  :: d_step { me.mode == UP && drains > 0 -> SAY("node %d drains\n"); drains--; me.mode = DRAINING }
  :: d_step { me.mode == DRAINING && !me.cut && redis.owner == PENDING(n) && me.stage < RUNNING && !me.ack &&
              !me.marked && redis.state == NONE && redis.copy == NONE ->
     SAY("node %d hands the job back\n");
     PROMISE("handed-back-not-begun", (!ghost.ended && me.written != SAVED) || ghost.excused || ghost.lost);
     redis.owner = PENDING((n + 1) % NODES); idle = 0;
     nowhere(); me.found = false }
  :: d_step { me.mode == DRAINING ->
     SAY("node %d stops\n");
     me.written = me.journal; me.synced = me.written; me.marked = false;
     if :: me.written == SAVED -> ghost.saved = true :: else fi;
     answer_is_missing();
     gone(); forget_what_is_done(n) }

  /* A kill; a loss of power, which also takes what is not synced; a loss of the disk. */
  :: d_step { me.mode != DOWN && kills > 0 ->
     SAY("node %d is killed\n");
     kills--;
     answer_is_missing(); run_is_lost(me.written);
     killed() }
  :: d_step { me.mode != DOWN && kills > 0 ->
     SAY("node %d loses power\n");
     kills--;
     if
     :: (me.written == SETTLED || me.written == DONE) && me.synced == SAVED && LIMIT(POWER) -> one_more_post()
     :: else
     fi;
     answer_is_missing(); run_is_lost(me.synced);
     me.written = me.synced; me.marked = false;
     killed() }
  :: d_step { me.mode == DOWN && me.written != NONE && !LIMIT(LOST_DISK) ->
     SAY("node %d loses its disk\n");
     if :: copies && HAS_END(n) -> excuse_what_is_only_on_disk(n) :: else fi;
     if :: me.written == SAVED && !OTHERS_SAVED(n) && !(copies && ghost.excused) -> ghost.saved = false :: else fi;
     me.journal = NONE; me.written = NONE; me.synced = NONE; me.out = 0; me.marked = false }
  :: d_step { me.openRead -> SAY("Redis hears that node %d is gone\n"); me.openRead = false }

  /* outbox.ts, contents.ts: a start reads the journal. journal.ts: a rewrite leaves out what is done. */
  :: d_step { me.mode == DOWN && MAY_START(n) ->
     SAY("node %d starts\n");
     me.mode = UP; me.openRead = false; me.mayTake = true; me.early = !ghost.excused;
     me.synced = me.written;
     if
     :: me.written == SAVED ->
        me.stage = WAITING; me.maybeSent = true; ghost.saved = true; me.copy = copies; say_state()
     :: me.written == SETTLED -> me.stage = SETTLING; me.state = me.out; me.ack = true
     :: me.written == DROPPED -> me.stage = SETTLING; me.state = CANCELLED; me.ack = true
     :: me.written == DONE    -> me.done = (forgetful -> me.out : NONE)
     :: me.written == UNDONE  -> me.done = (forgetful -> CANCELLED : NONE)
     :: else
     fi;
     forget_what_is_done(n) }
  :: d_step { forgetful && me.mode != DOWN && me.written >= DONE && me.journal == me.written ->
     SAY("node %d rewrites its journal without the job\n");
     me.journal = NONE; me.written = NONE; me.synced = NONE; me.out = 0 }

  /* A connection is lost, for however long; it comes back with or without the answer that was on its way. */
  :: d_step { CONNECTED(n) && cuts > 0 -> SAY("node %d loses its connection to Redis\n"); cuts--; is_cut() }
  :: d_step { me.cut -> SAY("node %d is connected again\n"); connected_again() }
  :: d_step { me.cut && me.stage == READ ->
     SAY("node %d is connected again, and an answer is lost\n");
     connected_again();
     me.stage = NOWHERE; me.held = (me.found -> me.held : SAFE); me.again = false }

  :: d_step { !LIMIT(CLOCK) && me.mode != DOWN && !me.slow -> SAY("the clock of node %d stands still\n"); me.slow = true }
  od
}

#ifdef LIVE
#define IDLE(n) (node[n].stage == NOWHERE && !node[n].ack && node[n].state == NONE)
#define STATE_IS_FINAL (IS_FINAL(redis.state) || ghost.excused || (LIMIT(FORGETFUL) && ghost.lost))
#define all_ended (redis.owner == ACKED && STATE_IS_FINAL && (IS_DELIVERED || ghost.cancelled) && \
                   IDLE(0) && IDLE(1))
#endif

/* A node that is connected has swept, and has the answers to what it asked. */
inline a_tick() {
  printf("a third of a lease passes\n");
  if :: IS_PENDING(redis.owner) && idle < LEASE -> idle++ :: else fi;
  n = 0;
  do
  :: n < NODES ->
     if :: !me.slow && me.held < SAFE -> me.held++ :: else fi;
     if
     :: CONNECTED(n) -> me.mayTake = true
     :: me.cut && OTHERS_CONNECTED(n) -> me.alone = !ghost.excused
     :: else
     fi;
     me.early = false; me.slow = false;
     if :: CONNECTED(n) -> ask_what_is_pending(); sweep() :: else fi;
     n++
  :: else -> break
  od;
  n = 0
}

inline crash() {
  forgets--; saves = false;
  if
  :: redis.owner != disk.owner || redis.state != disk.state || redis.copy != disk.copy || redis.cancel != disk.cancel ->
     ghost.lost = true
  :: else
  fi;
  redis.owner = disk.owner; redis.state = disk.state; redis.copy = disk.copy; redis.cancel = disk.cancel;
  disk.owner = 0; disk.state = 0; disk.copy = 0; disk.cancel = 0;
  if :: !IS_PENDING(redis.owner) -> idle = 0 :: else fi;
  all_are_cut()
}

/* -- Redis, the cloud, time -------------------------------------------------------------------------------------------- */
proctype World() {
  byte n;
  bool saves;
  do
  /* A crash, or a failover: Redis loses what it has not saved, and all connections. */
  :: d_step { forgets > 0 && !saves ->
     printf("Redis saves what it has\n");
     saves = true;
     disk.owner = redis.owner; disk.state = redis.state; disk.copy = redis.copy; disk.cancel = redis.cancel }
  :: d_step { forgets > 0 -> printf("Redis crashes, and loses what it has not saved\n"); crash() }
  :: d_step { forgets > 0 && IS_PENDING(disk.owner) && idle < LEASE ->
     printf("Redis crashes, and loses what it has not saved, also that a lease was renewed\n"); crash(); idle++ }
  :: d_step { cuts > 0 -> printf("Redis cannot be reached\n"); cuts--; all_are_cut() }

  :: d_step { cancels > 0 && !redis.cancel && redis.owner != ACKED ->
     printf("the cloud cancels the job\n"); cancels--; redis.cancel = true }

  :: d_step { TIME_MAY_PASS && ALL_PUNCTUAL -> A_TICK_LESS; a_tick() }
#ifdef LIVE
  :: atomic { timeout && !all_ended -> d_step { a_tick() } }
#endif
  od
}

c_code {
  static int setting(const char *name) {
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
  }
}

init {
  byte n;
  atomic {
    c_code {
      now.without = setting("WITHOUT"); now.mutant = setting("MUTANT"); now.copies = setting("COPIES");
      now.forgetful = setting("FORGETS") > 0; now.drainable = setting("DRAINS") > 0;
      now.kills = setting("KILLS"); now.cuts = setting("CUTS"); now.forgets = setting("FORGETS");
      now.drains = setting("DRAINS"); now.cancels = setting("CANCELS"); now.slowSweeps = setting("SLOW_SWEEPS");
    };
    do
    :: n < NODES -> me.mode = UP; me.mayTake = true; me.held = SAFE; run NodeAt(n); n++
    :: else -> break
    od;
    n = 0;
#ifdef LIVE
    if :: staysAway = true :: staysAway = false fi;
#endif
    run World()
  }
}

#ifdef LIVE
ltl every_job_ends { <> all_ended }
#endif
