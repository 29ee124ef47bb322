/* The way of a job between Redis, the nodes of one QPU, their disks and the cloud. README.md explains it without the
 * notation: what each step is, which file does it, and what the model leaves out.
 *
 * Each step below is indivisible. Everything may happen between two steps: a kill, a lost connection, another node's step.
 * A variable that no program has, only the reader of the model, is marked GHOST: the promises are about these.
 */

#ifndef NODES
#define NODES 2
#endif
#ifndef JOBS
#define JOBS 1
#endif

/* How much may go wrong in one history; set by what starts the check. Troubles without a number may happen any number of
 * times. */
byte kills, cuts, forgets, drains, cancels, slowSweeps;

/* For the promise that every job ends, the troubles must be over at last, and time passes by itself only a few times: from
 * then on, whenever nothing else can happen. */
#ifdef LIVE
#define TICKS 2
#define LOSSES 1
byte ticks = TICKS, losses = LOSSES;
bool staysAway;             /* a node that is killed does not come back, unless it has something to deliver */
#define HOLDS(n, j) (node[n].job[j].written >= SAVED && node[n].job[j].written <= DROPPED)
#define MAY_READ(n, j) true
#define MAY_START(n) (!staysAway || n > 0 || HOLDS(n, 0))
#define TIME_MAY_PASS ticks > 0
#define A_TICK_LESS ticks--
#define MAY_LOSE losses > 0
#define ONE_LOSS_LESS losses--
#else
#define MAY_START(n) true
#define MAY_READ(n, j) (n <= j || ghost[j].seen)
#define TIME_MAY_PASS true
#define A_TICK_LESS skip
#define MAY_LOSE true
#define ONE_LOSS_LESS skip
#endif

/* The limits of the promises, by the number that README.md gives them. `without` is the one that is taken away. */
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
bool forgetful;             /* Redis may lose its last writes, or could */
byte without;
#define LIMIT(x) (without != x)

/* Mutants: mistakes in the program that the promises must not survive. */
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
byte mutant;
#define IS(x) (mutant == x)

/* A state in the status hash. From OUTCOME on: a final state with that outcome, failed if odd. */
#define NONE      0
#define EXECUTING 1
#define CANCELLED 2
#define OUTCOME(run, failed) (2 + 2 * (run) + (failed))
#define IS_OUTCOME(s) ((s) > 3)
#define IS_FAILED(s)  ((s) > 3 && ((s) & 1))
#define IS_FINAL(s)   ((s) > 1)

/* The entry of a job in the stream: not read yet, pending for a node (its number + 2), acknowledged. */
#define UNREAD 0
#define ACKED  1
#define PENDING(n) (HOME(n) + 2)
#define IS_PENDING(o) ((o) >= 2)
#define HOLDER(o) ((o) - 2)
#define HOME(n) (LIMIT(ONE_DIRECTORY) -> (n) : 0)

/* What the journal says of a job. */
#define SAVED   1
#define SETTLED 2
#define DROPPED 3   /* settled by a cancel */
#define DONE    4
#define UNDONE  5   /* a dropped one that is done */

/* Where a node has a job. */
#define NOWHERE    0
#define READ       1   /* asked for; the answer is on its way */
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
#define IN_OUTBOX(s) ((s) >= SAVING)

#define DOWN     0
#define UP       1
#define DRAINING 2

/* Time: a lease is 3 ticks, and a node trusts it for less than 2. A connected node sweeps in each tick. */
#define LEASE 3
#define SAFE  2

typedef Entry {             /* what Redis has of a job */
  byte owner;
  byte state;
  bool cancel;              /* the cancel key */
}
Entry redis[JOBS];
Entry disk[JOBS];           /* what Redis has saved of it */
byte idle[JOBS];            /* ticks since the entry was read, taken over or renewed */

typedef Held {              /* what a node has of a job */
  byte stage;
  byte held;                /* ticks since it asked Redis for it, or a sweep found it to be its own */
  byte out;                 /* its outcome */
  bool maybeSent;
  byte journal;             /* the last record that was appended ... */
  byte written;             /* ... that the system has ... */
  byte synced;              /* ... that the disk has */
  byte done;                /* how it ended here, as far as the node remembers */
  byte state;               /* a state that Redis has not taken yet */
  bool ack;                 /* an acknowledgement that Redis has not taken yet */
  bool mine;                /* a sweep has just seen it pending here */
  bool found;               /* pending here, and not known: to be fetched */
  bool marked;              /* started, as the disk says */
}
typedef Nodes {
  byte mode;
  bool cut;                 /* no connection to Redis */
  bool sweeping;
  bool mayTake;             /* the others have had time to renew their leases */
  bool openRead;            /* Redis keeps a read of it open, and does not know that it is gone */
  bool alone;               /* GHOST: it was cut off while Redis was up */
  bool early;               /* GHOST: it has just started */
  Held job[JOBS];
}
Nodes node[NODES];

typedef Ghost {
  bool seen;                /* read before; all nodes are alike, so node 1 is the first that reads job 1 */
  byte runs;                /* started so far */
  bool ended;               /* a run has ended, and its outcome is not lost with a kill */
  bool saved;               /* an outcome is on a disk */
  byte got;                 /* the outcome that the cloud has */
  bool refused;
  bool attempted;           /* a post has begun */
  byte mayRepeat;           /* answers that are missing */
  bool excused;             /* a limit applies: it may have run twice */
  bool lost;                /* Redis has lost something of it */
}
Ghost ghost[JOBS];          /* GHOST */

#define J  node[n].job[j]
#define R  redis[j]
#define G  ghost[j]
#define CONNECTED (node[n].mode != DOWN && !node[n].cut)
#define FRESH(n, j) (node[n].job[j].held < SAFE)
#define KNOWN(n, j) (node[n].job[j].stage != NOWHERE || node[n].job[j].ack)
#define SAY(text) printf(text, n + 1, j + 1)
#define SAY1(text) printf(text, n + 1)

/* -- a promise, with its short name ------------------------------------------------------------------------------------ */
#define PROMISE(name, holds) if :: (holds) :: else -> printf(name); printf(" is broken\n"); assert(false) fi

#define PUNCTUAL(n) (node[n].mode == DOWN || node[n].cut || (!ASKED(n) && !node[n].sweeping))
#define HAS(m, j, n) (m != n && (KNOWN(m, j) || node[m].job[j].done != NONE))
#define IS_JUST_BACK(n) node[n].early
#define END_ON_DISK(n, j) (node[n].job[j].written == DROPPED -> CANCELLED : node[n].job[j].out)
#define MEETS(m, n) (m != n && node[m].mode != DOWN && !node[m].cut)
#define ASKED1(n, j) (node[n].job[j].stage == READ)
#if JOBS == 1
#define ASKED(n) ASKED1(n, 0)
#else
#define ASKED(n) (ASKED1(n, 0) || ASKED1(n, 1))
#endif
#if NODES == 1
#define time_may_pass PUNCTUAL(0)
#define OTHERS_HAVE(n, j) false
#define OTHERS_CONNECTED(n) false
#elif NODES == 2
#define time_may_pass (PUNCTUAL(0) && PUNCTUAL(1))
#define OTHERS_HAVE(n, j) (HAS(0, j, n) || HAS(1, j, n))
#define OTHERS_CONNECTED(n) (MEETS(0, n) || MEETS(1, n))
#else
#define time_may_pass (PUNCTUAL(0) && PUNCTUAL(1) && PUNCTUAL(2))
#define OTHERS_HAVE(n, j) (HAS(0, j, n) || HAS(1, j, n) || HAS(2, j, n))
#define OTHERS_CONNECTED(n) (MEETS(0, n) || MEETS(1, n) || MEETS(2, n))
#endif

#define MOST_REPEATS 2
inline one_more_post() { if :: G.mayRepeat < MOST_REPEATS -> G.mayRepeat++ :: else fi }

inline excuse(limit) { if :: LIMIT(limit) -> G.excused = true :: else fi }

inline nowhere() { J.stage = NOWHERE; J.held = SAFE; J.maybeSent = false }

/* Another consumer gets the entry of `owner`: by a takeover, or because Redis has lost who had it. */
inline consider_old_owner(owner) {
  if
  :: IS_PENDING(owner) && HOLDER(owner) != n ->
     if
     :: (node[HOLDER(owner)].mode == DOWN || IS_JUST_BACK(HOLDER(owner))) &&
        node[HOLDER(owner)].job[j].written >= SAVED && node[HOLDER(owner)].job[j].written <= DROPPED &&
        R.state != END_ON_DISK(HOLDER(owner), j) ->
        excuse(DEAD_DISK)
     :: node[HOLDER(owner)].mode != DOWN && node[HOLDER(owner)].job[j].stage >= RUNNING &&
        node[HOLDER(owner)].alone ->
        excuse(CUT_OFF)
     :: node[HOLDER(owner)].mode != DOWN && node[HOLDER(owner)].job[j].stage >= RUNNING &&
        !IS_JUST_BACK(HOLDER(owner)) && !node[HOLDER(owner)].alone && node[n].early ->
        excuse(EARLY_START)
     :: else
     fi
  :: else
  fi
}

/* Redis has lost what it knew of the job, and a node gets it that knows nothing of it either. */
inline consider_lost_writes() {
  if
  :: G.lost && J.done == NONE && J.stage < RUNNING && (G.ended || OTHERS_HAVE(n, j)) -> excuse(FORGETFUL)
  :: else
  fi
}

/* The entry comes in, new or again. */
inline admit() {
  if
  :: J.done != NONE && !IS(FORGET_DONE) ->          /* it ended here lately, and Redis has lost that */
     J.state = J.done; J.ack = true; nowhere()
  :: else ->
     if :: IS(HELD_FROM_ANSWER) -> J.held = 0 :: else fi;
     J.stage = CHECKING
  fi
}

inline cancelled_before_its_end() {
  J.done = CANCELLED; J.state = CANCELLED; J.ack = true; nowhere();
  if :: J.written == NONE -> J.out = 0 :: else fi
}

inline lost_with_the_process() {
  J.stage = NOWHERE; J.state = NONE; J.ack = false; J.found = false; J.mine = false; J.done = NONE; J.maybeSent = false; J.held = SAFE;
  J.journal = J.written;
  if :: J.written == NONE -> J.out = 0 :: else fi
}

#define CANCELLED_IN_TIME (LIMIT(LATE_CANCEL) && J.state == CANCELLED && G.got == 0 && !G.refused)
inline take_state() {
  if
  :: J.state != NONE ->
     PROMISE("saved-before-said", !IS_OUTCOME(J.state) || G.saved);
     PROMISE("final-state-stays", !IS_FINAL(R.state) || R.state == J.state || G.excused || CANCELLED_IN_TIME);
     PROMISE("cancelled-not-posted", J.state != CANCELLED || G.got == 0 || G.excused);
     R.state = J.state
  :: else
  fi
}

inline take_ack() {
  if
  :: J.ack && R.owner != ACKED ->
     PROMISE("nothing-lost", G.got != 0 || G.refused || R.state == CANCELLED || G.saved);
     R.owner = ACKED; idle[j] = 0
  :: else
  fi
}

inline gone() {
  node[n].mode = DOWN; node[n].cut = false; node[n].sweeping = false; node[n].mayTake = false;
  node[n].alone = false
}

inline connected_again() {
  node[n].sweeping = false; j = 0;
  do
  :: j < JOBS -> J.mine = false; j++
  :: else -> break
  od;
  j = 0;
  node[n].cut = false; node[n].mayTake = IS(NO_TIME_TO_RENEW); node[n].early = false
}

/* A run has ended, and its outcome is in memory only. */
inline run_is_lost(record) {
  if
  :: (J.stage == SAVING || J.stage == CANCELLING) && record != SAVED && record != DROPPED && !G.saved && LIMIT(UNSAVED) ->
     G.ended = false
  :: else
  fi
}

/* The cloud has answered, and the node has no record of that. */
inline answer_is_missing() {
  if
  :: (J.stage == TAKEN || J.stage == REFUSED || (J.journal == SETTLED && J.written == SAVED) ||
      (J.journal == DONE && J.written == SAVED)) && LIMIT(REPEAT) ->
     one_more_post()
  :: else
  fi
}

inline all_cut() {
  n = 0;
  do
  :: n < NODES -> if :: node[n].mode != DOWN -> node[n].cut = true :: else fi; n++
  :: else -> break
  od;
  n = 0
}

/* Drop what another node has, renew, find; of what Redis has said to be pending for this node. */
inline sweep() {
  j = 0;
  do
  :: j < JOBS ->
     if
     :: J.mine && R.owner == PENDING(n) ->
        if
        :: !IS(FORGET_LEASE) && (node[n].mode == UP || J.stage >= RUNNING || J.ack) -> idle[j] = 0
        :: else
        fi;
        if
        :: node[n].mode == UP && !KNOWN(n, j) -> J.found = true; J.held = 0
        :: node[n].mode == UP && (J.stage == CHECKING || J.stage == QUEUED) -> J.held = 0
        :: else
        fi
     :: J.mine && R.owner != PENDING(n) ->          /* taken over since: XCLAIM leaves it there, and says so */
        J.found = (IS(RENEW_BLIND) && !KNOWN(n, j));
        if :: IS(RENEW_BLIND) -> J.held = 0 :: else fi
     :: !J.mine && R.owner == PENDING(n) -> J.found = false    /* it has come since */
     :: else ->
        J.found = false;
        if
        :: J.stage == QUEUED && (IS_PENDING(R.owner) || IS_FINAL(R.state)) -> J.stage = NOWHERE
        :: J.stage == QUEUED && !IS_PENDING(R.owner) && !IS_FINAL(R.state) -> J.held = 0
        :: else
        fi;
     fi;
     if :: J.stage == NOWHERE && !J.found -> J.held = SAFE :: else fi;
     J.mine = false;
     j++
  :: else -> break
  od;
  j = 0;
  node[n].sweeping = false; node[n].alone = false
}

inline ask_what_is_pending() {
  j = 0;
  do
  :: j < JOBS -> J.mine = (R.owner == PENDING(n)); j++
  :: else -> break
  od;
  j = 0
}

/* -- one job at one node ------------------------------------------------------------------------------------------------ */
proctype JobAt(byte n; byte j) {
  byte owner, other;
  do
  /* reader.ts: XREADGROUP. A node that has the job already, since Redis has lost that, adopts the entry (intake.ts). */
  :: d_step { node[n].mode == UP && !node[n].cut && R.owner == UNREAD && MAY_READ(n, j) ->
     SAY("Redis gives node %d the entry of job %d\n");
     R.owner = PENDING(n); idle[j] = 0;
     G.seen = true;
     consider_lost_writes();
     if :: J.stage == NOWHERE -> J.stage = READ; J.held = 0 :: else fi }
  :: d_step { node[n].openRead && R.owner == UNREAD ->
     SAY("Redis gives the open read of node %d, which is gone, the entry of job %d\n");
     R.owner = PENDING(n); idle[j] = 0;
     node[n].openRead = false;
     PROMISE("given-to-the-living", LIMIT(OPEN_READ)) }

  /* intake.ts: the answer of Redis is there. */
  :: d_step { CONNECTED && J.stage == READ ->
     SAY("node %d has the entry of job %d\n");
     J.found = false;
     if :: node[n].mode == UP -> admit() :: else -> nowhere() fi }

  /* intake.ts: Redis is asked what it knows of the job. Without an answer, the entry stays pending. */
  :: d_step { J.stage == CHECKING && CONNECTED ->
     SAY("node %d asks Redis for the state of job %d\n");
     if
     :: !FRESH(n, j) -> nowhere()            /* it may be another node's by now: the next sweep will tell */
     :: FRESH(n, j) && (R.state == CANCELLED || (IS_OUTCOME(R.state) && !IS_FAILED(R.state))) -> J.ack = true; nowhere()
     :: else ->
        if
        :: IS_FAILED(R.state) && (!R.cancel || !IS(CANCEL_FIRST)) ->  /* another node ran it, and may have posted that */
           J.out = R.state; J.stage = SAVING; J.held = SAFE; J.journal = SAVED; J.maybeSent = !IS(CANCEL_FIRST);
           if :: LIMIT(DEAD_DISK) -> one_more_post() :: else fi
        :: R.cancel && (!IS_FAILED(R.state) || IS(CANCEL_FIRST)) -> cancelled_before_its_end()
        :: else -> consider_lost_writes(); J.stage = QUEUED
        fi
     fi }
  :: d_step { J.stage == CHECKING && node[n].cut ->
     SAY("node %d cannot ask Redis for the state of job %d\n"); nowhere() }

  /* runner.ts: the device is free, and the lease is fresh. */
  :: d_step { J.stage == QUEUED && node[n].mode == UP && FRESH(n, j) ->
     SAY("node %d starts job %d\n");
     PROMISE("saved-runs-no-more", !G.ended || G.excused);
     other = 0;
     do
     :: other < NODES ->
        PROMISE("one-run-at-a-time", other == n || node[other].job[j].stage != RUNNING || G.excused);
        other++
     :: else -> break
     od;
     other = 0;
     G.runs++;
     J.stage = RUNNING; J.held = SAFE; J.out = OUTCOME(G.runs, 0); J.state = EXECUTING; J.marked = true }

  /* endings.ts: the run ends, with a result or a failure. */
  :: d_step { J.stage == RUNNING -> SAY("node %d ends the run of job %d\n");
     J.stage = SAVING; J.journal = SAVED; G.ended = true;
     if :: IS(STATUS_BEFORE_SAVE) -> J.state = J.out :: else fi;
     if :: IS(ACK_BEFORE_SAVE) -> J.ack = true :: else fi }
  :: d_step { J.stage == RUNNING -> SAY("at node %d the run of job %d fails\n");
     J.out++; J.stage = SAVING; J.journal = SAVED; G.ended = true }

  /* journal.ts: write, then fsync. */
  :: d_step { node[n].mode != DOWN && J.written != J.journal ->
     SAY("node %d writes the journal of job %d\n"); J.written = J.journal }
  :: d_step { J.written == J.journal && (J.stage == SAVING || J.stage == CANCELLING) ->
     SAY("at node %d the disk has the journal of job %d\n");
     J.synced = J.written;
     if
     :: J.stage == SAVING -> J.stage = WAITING; J.state = J.out; G.saved = true
     :: else -> J.stage = SETTLING; J.state = CANCELLED; J.ack = true
     fi;
     J.marked = false }

  /* lanes.ts, plugins/webhook: one attempt. */
  :: d_step { J.stage == WAITING || (IS(POST_BEFORE_FSYNC) && J.stage == SAVING) ->
     SAY("node %d posts the outcome of job %d\n");
     PROMISE("saved-before-said", G.saved);
     G.attempted = true; J.stage = POSTING }
  :: d_step { J.stage == POSTING ->
     SAY("the cloud takes the outcome of node %d for job %d\n");
     PROMISE("one-outcome", G.got == 0 || G.got == J.out || G.excused);
     PROMISE("no-needless-repeat", (G.got == 0 && !G.refused) || G.mayRepeat > 0 || G.excused);
     PROMISE("cancelled-not-posted", R.state != CANCELLED || G.excused);
     if :: (G.got != 0 || G.refused) && G.mayRepeat > 0 -> G.mayRepeat-- :: else fi;
     if :: G.got == 0 -> G.got = J.out :: else fi;
     J.stage = TAKEN }
  :: d_step { J.stage == POSTING && G.got == 0 ->
     SAY("the cloud refuses the outcome of node %d for job %d\n");
     PROMISE("no-needless-repeat", !G.refused || G.mayRepeat > 0 || G.excused);
     if :: G.refused && G.mayRepeat > 0 -> G.mayRepeat-- :: else fi;
     G.refused = true; J.stage = REFUSED }
  :: d_step { J.stage == POSTING && MAY_LOSE -> ONE_LOSS_LESS;
     SAY("a request of node %d for job %d does not reach the cloud, as the node can tell\n");
     J.stage = WAITING }
  :: d_step { J.stage == POSTING && MAY_LOSE -> ONE_LOSS_LESS;
     SAY("a request of node %d for job %d does not reach the cloud\n");
     J.stage = WAITING; J.maybeSent = true }
  :: d_step { (J.stage == TAKEN || J.stage == REFUSED) && MAY_LOSE -> ONE_LOSS_LESS;
     SAY("node %d does not get the answer of the cloud for job %d\n");
     J.stage = WAITING; J.maybeSent = true;
     if :: LIMIT(REPEAT) -> one_more_post() :: else fi }

  /* outbox.ts: it is settled; when Redis knows, it is forgotten. */
  :: d_step { J.stage == TAKEN || J.stage == REFUSED ->
     SAY("node %d has the answer of the cloud for job %d\n");
     J.stage = SETTLING; J.journal = SETTLED; J.ack = true }
  :: d_step { J.stage == SETTLING && !J.ack && J.state == NONE ->
     SAY("node %d is done with job %d\n");
     nowhere();
     if
     :: J.journal == DROPPED -> J.done = CANCELLED; J.journal = UNDONE
     :: else -> J.done = J.out; J.journal = DONE
     fi }

  /* redis-writes.ts: the state, then the acknowledgement, in one packet. It may arrive in part, or without an answer. */
  :: d_step { CONNECTED && (J.state != NONE || J.ack) ->
     SAY("Redis takes the writes of node %d for job %d\n");
     take_state(); take_ack();
     J.state = NONE; J.ack = false }
  :: d_step { CONNECTED && cuts > 0 && J.state != NONE ->
     SAY("Redis takes the state of node %d for job %d, and the connection is lost\n");
     take_state(); node[n].cut = true; node[n].alone = true; cuts-- }
  :: d_step { CONNECTED && cuts > 0 && J.ack ->
     SAY("Redis takes the writes of node %d for job %d, and the connection is lost\n");
     take_state(); take_ack(); node[n].cut = true; node[n].alone = true; cuts-- }

  /* plugins/cancellation, pipeline.ts, outbox.ts: the node sees the cancel key. */
  :: d_step { CONNECTED && R.cancel && (J.stage == RUNNING || (J.stage == QUEUED && FRESH(n, j)) ||
              (IS(CANCEL_UNSURE) && (J.stage == QUEUED || J.stage == CHECKING))) ->
     SAY("node %d sees the cancel of job %d\n"); cancelled_before_its_end() }
  :: d_step { CONNECTED && R.cancel && (J.stage == SAVING || J.stage == WAITING) &&
              (!J.maybeSent || IS(CANCEL_AFTER_POST)) ->
     SAY("node %d sees the cancel of job %d, before any post\n");
     J.stage = CANCELLING; J.journal = DROPPED }
  :: d_step { CONNECTED && R.cancel && J.stage == WAITING && J.maybeSent && !G.attempted && !LIMIT(FOUND_SAVED) ->
     SAY("node %d sees the cancel of job %d, which it found in its outbox, before any post\n");
     PROMISE("cancel-wins", false) }

  /* recovery.ts: an expired entry of another consumer, right after this node has renewed its own. */
  :: d_step { node[n].mode == UP && !node[n].cut && node[n].mayTake &&
              IS_PENDING(R.owner) && R.owner != PENDING(n) && idle[j] >= LEASE ->
     SAY("node %d takes over job %d\n");
     owner = R.owner;
     consider_old_owner(owner); owner = 0;
     R.owner = PENDING(n); idle[j] = 0;
     if :: J.stage == QUEUED -> J.stage = NOWHERE :: else fi;
     if :: !KNOWN(n, j) -> J.found = true; J.held = 0 :: else fi }

  /* recovery.ts: XCLAIM of an entry that was found pending. */
  :: d_step { node[n].mode == UP && !node[n].cut && J.found && !KNOWN(n, j) && FRESH(n, j) ->
     SAY("node %d fetches the pending entry of job %d\n");
     if
     :: IS_PENDING(R.owner) ->
        owner = R.owner;
        if :: owner != PENDING(n) -> consider_old_owner(owner) :: else fi;
        owner = 0;
        consider_lost_writes();
        R.owner = PENDING(n); idle[j] = 0; J.stage = READ; J.held = 0
     :: else -> J.found = false
     fi }

  /* hand-back.ts: at the end of a drain, a job that has not begun goes to another node. */
  :: d_step { node[n].mode == DRAINING && !node[n].cut && R.owner == PENDING(n) && J.stage < RUNNING && !J.ack &&
              !J.marked && R.state == NONE ->
     SAY("node %d hands job %d back\n");
     PROMISE("handed-back-not-begun", (!G.ended && J.written != SAVED) || G.excused || G.lost);
     R.owner = PENDING((n + 1) % NODES); idle[j] = 0;
     nowhere(); J.found = false }

  /* journal.ts: a rewrite leaves out what is done. */
  :: d_step { forgetful && node[n].mode != DOWN && J.written >= DONE && J.journal == J.written ->
     SAY("node %d rewrites its journal without job %d\n");
     J.journal = NONE; J.written = NONE; J.synced = NONE; J.out = 0 }
  od
}

/* -- a node ------------------------------------------------------------------------------------------------------------- */
proctype Node(byte n) {
  byte j;
  do
  /* recovery.ts: a sweep. It comes at least once in each tick, below, and at any time. */
#ifndef LIVE
  :: d_step { CONNECTED && !node[n].sweeping -> SAY1("node %d sweeps\n"); ask_what_is_pending(); sweep() }
  :: d_step { CONNECTED && !node[n].sweeping && slowSweeps > 0 ->
     SAY1("node %d asks Redis what is pending for it\n");
     slowSweeps--; node[n].sweeping = true; ask_what_is_pending() }
  :: d_step { CONNECTED && node[n].sweeping -> SAY1("node %d goes on with its sweep\n"); sweep() }
#endif

  /* node.ts: a drain, and its end; what still runs is given up. */
  :: d_step { node[n].mode == UP && drains > 0 -> SAY1("node %d drains\n"); drains--; node[n].mode = DRAINING }
  :: d_step { node[n].mode == DRAINING ->
     SAY1("node %d stops\n");
     j = 0;
     do
     :: j < JOBS ->
        J.written = J.journal; J.synced = J.written;
        if :: J.written == SAVED -> G.saved = true :: else fi;
        answer_is_missing();
        J.marked = false;
        lost_with_the_process(); j++
     :: else -> break
     od;
     j = 0;
     gone() }

  /* A kill; and a loss of power, which also takes what is not synced. */
  :: d_step { node[n].mode != DOWN && kills > 0 ->
     SAY1("node %d is killed\n");
     kills--; j = 0;
     do
     :: j < JOBS ->
        answer_is_missing();
        run_is_lost(J.written);
        lost_with_the_process(); j++
     :: else -> break
     od;
     j = 0;
     gone(); node[n].openRead = true }
  :: d_step { node[n].mode != DOWN && kills > 0 ->
     SAY1("node %d loses power\n");
     kills--; j = 0;
     do
     :: j < JOBS ->
        if :: J.written == SETTLED && J.synced == SAVED && LIMIT(POWER) -> one_more_post() :: else fi;
        if :: J.written == DONE && J.synced == SAVED && LIMIT(POWER) -> one_more_post() :: else fi;
        answer_is_missing();
        run_is_lost(J.synced);
        J.written = J.synced; J.marked = false;
        lost_with_the_process(); j++
     :: else -> break
     od;
     j = 0;
     gone(); node[n].openRead = true }
  :: d_step { node[n].openRead -> SAY1("Redis hears that node %d is gone\n"); node[n].openRead = false }
  :: d_step { node[n].mode == DOWN && !LIMIT(LOST_DISK) ->
     SAY1("node %d loses its disk\n");
     j = 0;
     do
     :: j < JOBS ->
        if :: J.written == SAVED -> G.saved = false :: else fi;
        J.journal = NONE; J.written = NONE; J.synced = NONE; J.out = 0; J.marked = false; j++
     :: else -> break
     od;
     j = 0 }

  /* outbox.ts, contents.ts: a start reads the journal. */
  :: d_step { node[n].mode == DOWN && MAY_START(n) ->
     SAY1("node %d starts\n");
     node[n].mode = UP; node[n].openRead = false;
     node[n].mayTake = true; node[n].early = true;
     j = 0;
     do
     :: j < JOBS ->
        J.synced = J.written;
        if
        :: J.written == SAVED   -> J.stage = WAITING; J.maybeSent = true; J.state = J.out; G.saved = true
        :: J.written == SETTLED -> J.stage = SETTLING; J.state = J.out; J.ack = true
        :: J.written == DROPPED -> J.stage = SETTLING; J.state = CANCELLED; J.ack = true
        :: J.written == DONE    -> J.done = J.out
        :: J.written == UNDONE  -> J.done = CANCELLED
        :: else
        fi;
        j++
     :: else -> break
     od;
     j = 0 }

  /* A connection is lost, for however long; it comes back with or without the answer that was on its way. */
  :: d_step { CONNECTED && cuts > 0 ->
     SAY1("node %d loses its connection to Redis\n"); cuts--; node[n].cut = true; node[n].alone = true }
  :: d_step { node[n].cut -> SAY1("node %d is connected again\n"); connected_again() }
  :: d_step { node[n].cut -> SAY1("node %d is connected again, and an answer is lost\n");
     connected_again(); j = 0;
     do
     :: j < JOBS -> if :: J.stage == READ -> J.stage = NOWHERE; J.held = (J.found -> J.held : SAFE) :: else fi; j++
     :: else -> break
     od;
     j = 0 }
  od
}

#ifdef LIVE
#define IDLE(n, j) (node[n].job[j].stage == NOWHERE && !node[n].job[j].ack && node[n].job[j].state == NONE)
#define ENDED(j) (redis[j].owner == ACKED && (IS_FINAL(redis[j].state) || ghost[j].excused || (LIMIT(FORGETFUL) && ghost[j].lost)) && \
                  (ghost[j].got != 0 || ghost[j].refused || redis[j].state == CANCELLED))
#define all_ended (ENDED(0) && IDLE(0, 0) && IDLE(1, 0))
#endif

inline a_tick() {
  printf("a third of a lease passes\n");
  n = 0;
  do
  :: n < NODES ->
     if
     :: true -> slow = false
     :: !LIMIT(CLOCK) -> slow = true; SAY1("... but not for node %d\n")
     fi;
     d_step {
       j = 0;
       do
       :: j < JOBS ->
          if :: !slow && J.held < SAFE -> J.held++ :: else fi;
          j++
       :: else -> break
       od;
       j = 0;
       if
       :: CONNECTED -> node[n].mayTake = true
       :: node[n].cut && OTHERS_CONNECTED(n) -> node[n].alone = true
       :: else
       fi;
       node[n].early = false;
       slow = false
     };
     n++
  :: else -> break
  od;
  d_step {
    j = 0;
    do
    :: j < JOBS -> if :: IS_PENDING(R.owner) && idle[j] < LEASE -> idle[j]++ :: else fi; j++
    :: else -> break
    od;
    n = 0;
    do
    :: n < NODES -> if :: CONNECTED -> ask_what_is_pending(); sweep() :: else fi; n++
    :: else -> break
    od;
    n = 0; j = 0
  }
}

/* -- Redis, the cloud, time --------------------------------------------------------------------------------------------- */
proctype World() {
  byte j, n;
  bool slow, saves;
  do
  /* A crash, or a failover: Redis loses what it has not saved, and all connections. */
  :: d_step { forgets > 0 && !saves ->
     printf("Redis saves what it has\n");
     saves = true; j = 0;
     do
     :: j < JOBS -> disk[j].owner = R.owner; disk[j].state = R.state; disk[j].cancel = R.cancel; j++
     :: else -> break
     od;
     j = 0 }
  :: atomic { forgets > 0 ->
     printf("Redis crashes, and loses what it has not saved\n");
     forgets--; saves = false; j = 0;
     do
     :: j < JOBS ->
        if :: R.owner != disk[j].owner || R.state != disk[j].state || R.cancel != disk[j].cancel -> G.lost = true :: else fi;
        R.owner = disk[j].owner; R.state = disk[j].state; R.cancel = disk[j].cancel;
        disk[j].owner = 0; disk[j].state = 0; disk[j].cancel = 0;
        /* Maybe also that a lease was renewed. */
        if :: true :: IS_PENDING(R.owner) && idle[j] < LEASE -> idle[j]++ fi;
        j++
     :: else -> break
     od;
     j = 0;
     all_cut() }
  :: d_step { cuts > 0 -> printf("Redis cannot be reached\n"); cuts--; all_cut() }

  :: d_step { cancels > 0 && !redis[0].cancel && redis[0].owner != ACKED ->
     printf("the cloud cancels job 1\n"); cancels--; redis[0].cancel = true }

  /* Time passes. A node that is connected has swept, and has the answers to what it asked. */
  :: atomic { TIME_MAY_PASS && time_may_pass -> A_TICK_LESS; a_tick() }
#ifdef LIVE
  :: atomic { timeout && !all_ended -> a_tick() }
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
  byte n, j;
  atomic {
    c_code {
      now.without = setting("WITHOUT"); now.mutant = setting("MUTANT");
      now.kills = setting("KILLS"); now.cuts = setting("CUTS"); now.forgets = setting("FORGETS");
      now.drains = setting("DRAINS"); now.cancels = setting("CANCELS");
      now.slowSweeps = setting("SLOW_SWEEPS");
    };
    forgetful = forgets > 0;
    do
    :: n < NODES ->
       node[n].mode = UP; node[n].mayTake = true; node[n].early = true;
       j = 0;
       do
       :: j < JOBS -> node[n].job[j].held = SAFE; run JobAt(n, j); j++
       :: else -> break
       od;
       run Node(n);
       n++
    :: else -> break
    od;
#ifdef LIVE
    if :: staysAway = true :: staysAway = false fi;
#endif
    run World()
  }
}

#ifdef LIVE
ltl every_job_ends { <> all_ended }
#endif
