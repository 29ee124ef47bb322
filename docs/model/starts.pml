/* How the starts of jobs are counted, so that a job that kills its node is given up, and no other. One node, which is killed
 * again and again; its marks are written without fsync, and survive that (run-marker.ts). README.md explains it.
 */
#define JOBS 3
#define AHEAD 2             /* the node: 4 */

#define EARLY_MARK 14
#define READING    15
byte without;
#define LIMIT(x) (without != x)

#define FORGET_STARTS 12
#define ALWAYS_AHEAD  13
byte mutant;
#define IS(x) (mutant == x)

byte crashes, most;         /* kills of the node; starts that a job may have (maxDeliveries) */

#define WAITING 0
#define RUNNING 1
#define ENDED   2           /* its outcome is in memory */
#define OVER    3           /* its outcome is saved */
byte stage[JOBS];
bool admitted[JOBS];        /* in this life of the node */

byte before[JOBS];          /* starts by earlier processes, as this one knows */
byte marks[JOBS];           /* the file: starts, with those that have just begun */
bool running[JOBS], ahead[JOBS];
bool writesAhead = true;
bool reading;               /* a large circuit is being read */
byte started[JOBS];         /* GHOST: how often a run began */
byte cut[JOBS];             /* GHOST: how often the node was killed while it ran */
bool early[JOBS];           /* GHOST: it was counted without a start, once */
byte j, k, left;

#define PROMISE(name, holds) if :: (holds) :: else -> printf(name); printf(" is broken\n"); assert(false) fi
#define IS_STRICT (before[0] > 0 || before[1] > 0 || before[2] > 0 || most == 1)
#define ON_DEVICE (stage[0] == RUNNING || stage[1] == RUNNING || stage[2] == RUNNING)
#define UNSAVED (stage[0] == ENDED || stage[1] == ENDED || stage[2] == ENDED)
#define ALL_ADMITTED (admitted[0] && admitted[1] && admitted[2])
#define IS_NEXT(j) (stage[j] == WAITING && (j == 0 || stage[0] != WAITING) && (j <= 1 || stage[1] != WAITING))

inline write_marks() {
  k = 0;
  do
  :: k < JOBS -> marks[k] = before[k] + (running[k] || ahead[k] -> 1 : 0); k++
  :: else -> break
  od;
  k = 0
}

/* The next jobs are marked while the device is at work, unless the node has crashed lately. */
inline mark_ahead() {
  k = 0;
  do
  :: k < JOBS && stage[k] != WAITING -> k++
  :: else -> break
  od;
  if
  :: (writesAhead || IS(ALWAYS_AHEAD)) && k < JOBS && !ahead[k] ->
     left = AHEAD; k = 0;
     do
     :: k < JOBS -> ahead[k] = (left > 0 && stage[k] == WAITING); left = left - (ahead[k] -> 1 : 0); k++
     :: else -> break
     od;
     write_marks()
  :: else
  fi;
  k = 0; left = 0
}

proctype Job(byte i) {
  do
  /* intake.ts: a large circuit is read; that counts as a start, until it has been read. */
  :: d_step { stage[i] == WAITING && !admitted[i] && before[i] < most && !reading ->
     printf("job %d, which is large, is being read\n", i + 1);
     reading = true; running[i] = true; ahead[i] = false; write_marks() }
  :: d_step { reading && running[i] && stage[i] == WAITING ->
     printf("job %d has been read\n", i + 1);
     reading = false; running[i] = false; admitted[i] = true; write_marks() }

  /* intake.ts: a job that was started too often is given up, before any other one starts. */
  :: d_step { stage[i] == WAITING && !admitted[i] && !(reading && running[i]) ->
     admitted[i] = true;
     if
     :: before[i] >= most ->
        printf("job %d is given up\n", i + 1);
        PROMISE("own-starts-only", started[i] >= most || (early[i] && started[i] + 1 >= most));
        stage[i] = OVER; before[i] = 0
     :: else -> printf("job %d is taken\n", i + 1)
     fi }

  /* runner.ts: the mark is on disk before the run begins. After a crash, an outcome is saved before the next run. */
  :: d_step { ALL_ADMITTED && !ON_DEVICE && IS_NEXT(i) && !(IS_STRICT && UNSAVED) ->
     printf("job %d starts\n", i + 1);
     PROMISE("gives-up-in-time", cut[i] < most);
     stage[i] = RUNNING; started[i]++;
     running[i] = true;
     if :: !ahead[i] -> k = 0; do :: k < JOBS -> ahead[k] = false; k++ :: else -> break od; write_marks() :: else fi;
     mark_ahead() }
  :: d_step { stage[i] == RUNNING -> printf("job %d ends\n", i + 1);
     stage[i] = ENDED; if :: before[i] == 0 -> running[i] = false :: else fi }
  :: d_step { stage[i] == ENDED -> printf("the outcome of job %d is saved\n", i + 1);
     stage[i] = OVER; running[i] = false; before[i] = 0; ahead[i] = false }
  od
}

proctype Crash() {
  do
  :: d_step { crashes > 0 ->
     printf("the node is killed, and starts again\n");
     crashes--;
     j = 0;
     do
     :: j < JOBS ->
        if :: reading && running[j] && LIMIT(READING) -> started[j]++ :: else fi;
        if :: stage[j] == RUNNING -> cut[j]++ :: else fi;
        if :: ahead[j] && !running[j] && LIMIT(EARLY_MARK) -> early[j] = true :: else fi;
        if :: stage[j] != OVER -> stage[j] = WAITING; admitted[j] = false :: else fi;
        before[j] = (stage[j] == OVER || IS(FORGET_STARTS) -> 0 : marks[j]);
        running[j] = false; ahead[j] = false;
        j++
     :: else -> break
     od;
     j = 0; reading = false;
     writesAhead = (most > 1 && before[0] == 0 && before[1] == 0 && before[2] == 0) }
  od
}

c_code {
  static int setting(const char *name) {
    const char *text = getenv(name);
    return text ? atoi(text) : 0;
  }
}

init {
  atomic {
    c_code {
      now.without = setting("WITHOUT"); now.mutant = setting("MUTANT");
      now.crashes = setting("CRASHES"); now.most = setting("MOST");
    };
    run Job(0); run Job(1); run Job(2); run Crash()
  }
}
