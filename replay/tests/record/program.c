// What tests/all/record.rs records. The first argument says what to do; MARK encloses what the test compares.
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK 54321
#define THREADS 4
#define OBJECTS 20000

static void *volatile kept;

// The compiler must not leave out what it sees to have no effect.
static void *hide(void *block) {
  kept = block;
  return kept;
}

static void mark(void) { free(hide(malloc(MARK))); }

static void check(int holds) {
  if (!holds) _exit(99);
}

static void sequence(void) {
  mark();
  char *a = hide(malloc(100));
  a = hide(realloc(a, 200));
  char *b = hide(calloc(3, 50));
  a = hide(realloc(a, 20));
  void *c = NULL;
  check(posix_memalign(&c, 256, 300) == 0 && (uintptr_t)hide(c) % 256 == 0);
  void *d = hide(aligned_alloc(64, 128));
  void *e = hide(memalign(4096, 10));
  void *f = hide(reallocarray(NULL, 7, 11));
  f = hide(reallocarray(f, 7, 13));
  void *g = hide(malloc(0));
  void *h = hide(valloc(9));
  void *i = hide(pvalloc(9));
  check(malloc_usable_size(a) >= 20 && malloc_usable_size(NULL) == 0);
  // What fails is no event, and leaves the block as it was.
  errno = 0;
  check(hide(reallocarray(f, SIZE_MAX, 2)) == NULL && errno == ENOMEM);
  check(hide(malloc(SIZE_MAX / 2)) == NULL && hide(calloc(SIZE_MAX, 2)) == NULL);
  check(hide(realloc(f, SIZE_MAX / 2)) == NULL);
  errno = 7;
  check(posix_memalign(&c, 24, 1) == EINVAL && posix_memalign(&c, 64, SIZE_MAX / 2) == ENOMEM && errno == 7);
  free(NULL);
  free(b);
  check(hide(realloc(g, 0)) == NULL);
  void *j = hide(realloc(NULL, 33));
  free(j), free(i), free(h), free(f), free(e), free(d), free(c), free(a);
  mark();
}

static void *_Atomic slots[OBJECTS];

// Every thread takes from each slot what another one has left there, so blocks go from thread to thread as fast as they can.
static void *work(void *argument) {
  unsigned long thread = (unsigned long)argument;
  for (int i = 0; i < OBJECTS; i++) {
    void *mine = malloc(1000 + thread);
    memset(mine, 1, 1000);
    void *theirs = __atomic_exchange_n((void **)&slots[i % 50], mine, __ATOMIC_ACQ_REL);
    if (i % 3 == 0) theirs = realloc(theirs, 500 + thread);
    free(theirs);
  }
  return NULL;
}

static void threads(void) {
  pthread_t thread[THREADS];
  // Twice, so that the second ones get what the first ones had: the stacks, and what pthread_self says.
  for (int round = 0; round < 2; round++) {
    for (unsigned long i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, work, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
  }
}

static void many(int size, int count) {
  for (int i = 0; i < count; i++) hide(malloc(size));
}

static void forks(char *self) {
  void *inherited = hide(malloc(111));
  // A fork that the C library knows of, one that it does not, and one that shares the memory and becomes this program again.
  if (fork() == 0) {
    free(inherited);
    many(222, 10);
    _exit(0);
  }
  wait(NULL);
  if (syscall(SYS_fork) == 0) {
    many(333, 10);
    _exit(0);
  }
  wait(NULL);
  if (vfork() == 0) {
    execl(self, self, "child", (char *)NULL);
    _exit(9);
  }
  wait(NULL);
  many(555, 10);
  free(inherited);
}

static char *written(char *block, int from, int bytes) {
  return memset(block + from, 1, bytes);
}

// How much is written stands in the trace; here, that nothing else changes.
static void extents(void) {
  mark();
  char *a = hide(malloc(100));
  free(written(a, 0, 10));
  a = hide(malloc(100));
  written(a, 99, 1), free(a);
  a = hide(calloc(10, 10));
  for (int i = 0; i < 100; i++) check(a[i] == 0);
  free(written(a, 0, 33));
  free(hide(malloc(0)));
  free(hide(malloc(24)));
  a = written(hide(malloc(50)), 0, 50);
  a = hide(realloc(a, 1000));
  for (int i = 0; i < 50; i++) check(a[i] == 1);
  written(a, 50, 20);
  a = hide(realloc(a, 60));
  for (int i = 0; i < 60; i++) check(a[i] == 1);
  free(a);
  // Growth within what glibc has rounded up to.
  a = written(hide(malloc(100)), 0, 100);
  free(hide(realloc(a, 104)));
  a = written(hide(calloc(1, 40)), 0, 40);
  free(hide(realloc(a, 500)));
  void *b = NULL;
  check(posix_memalign(&b, 256, 300) == 0);
  free(written(hide(b), 0, 7));
  free(hide(aligned_alloc(64, 128)));
  // All that is usable, of which the program asked for a part.
  a = hide(malloc(10));
  free(written(a, 0, malloc_usable_size(a)));
  errno = 7;
  a = hide(malloc(64 << 20));
  check(errno == 7);
  free(written(a, 0, 5000));
  free(hide(calloc(64, 1 << 20)));
  a = written(hide(malloc(300000)), 0, 300000);
  a = hide(realloc(a, 64 << 20));
  for (int i = 0; i < 300000; i++) check(a[i] == 1);
  written(a, 1 << 20, 1), free(a);
  free(written(hide(malloc(500000)), 0, 500000));
  free(written(hide(malloc(500000)), 0, 12));
  mark();
  // What is not written is not resident.
  FILE *status = fopen("/proc/self/status", "r");
  char line[256];
  long peak_kib = 0;
  while (fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %ld", &peak_kib);
  check(peak_kib > 0 && peak_kib < 20000);
}

// Twice forked, so that the last process has objects of both others.
static void inherits(void) {
  char *kept = hide(malloc(1001)), *freed = hide(malloc(1002)), *grown = hide(malloc(1003));
  free(hide(malloc(1004)));
  if (fork() == 0) {
    void *own = hide(malloc(1005));
    free(freed);
    if (fork() == 0) {
      free(own);
      grown = hide(realloc(grown, 2003));
      free(grown);
      exit(0);
    }
    wait(NULL);
    exit(0);
  }
  free(hide(malloc(1006)));
  wait(NULL);
  free(kept);
}

static volatile sig_atomic_t seen;

static void note(int signal) { seen = signal; }

// Ends with the number of the first signal.
static void waits(void) {
  int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
  for (int i = 0; i < 4; i++) {
    struct sigaction before;
    sigaction(signals[i], NULL, &before);
    if (before.sa_handler != SIG_IGN) signal(signals[i], note);
  }
  puts("ready"), fflush(stdout);
  while (!seen) usleep(1000);
  many(888, 10);
  exit(seen);
}

int main(int count, char **arguments) {
  const char *mode = count > 1 ? arguments[1] : "";
  if (!strcmp(mode, "sequence")) sequence();
  if (!strcmp(mode, "threads")) threads();
  if (!strcmp(mode, "extents")) extents();
  // Live at the end are, with the first bytes written: a few blocks among many that come and go, and one that grew.
  if (!strcmp(mode, "left")) {
    for (int i = 0; i < 200000; i++) {
      char *block = written(hide(malloc(888)), 0, i % 888);
      if (i % 20000) free(block);
    }
    char *block = written(hide(malloc(50)), 0, 50);
    block = hide(realloc(block, 999));
    written(block, 50, 27);
  }
  if (!strcmp(mode, "forks")) forks(arguments[0]);
  if (!strcmp(mode, "inherits")) inherits();
  if (!strcmp(mode, "waits")) waits();
  // A child that goes on after its parent.
  if (!strcmp(mode, "daemon") && fork() == 0) many(222, 10), sleep(3), exit(0);
  // Memory that is no block.
  if (!strcmp(mode, "maps")) {
    hide(malloc(100));
    memset(mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, 64 << 20);
    usleep(300000);
  }
  if (!strcmp(mode, "child")) many(444, 10);
  if (!strcmp(mode, "execs")) {
    many(666, 10);
    execl(arguments[0], arguments[0], "child", (char *)NULL);
  }
  // More than the file's first pieces have room for.
  if (!strcmp(mode, "many")) many(777, 200000);
  if (!strcmp(mode, "exits")) many(777, 200000), _exit(5);
  if (!strcmp(mode, "aborts")) many(777, 200000), abort();
  if (!strcmp(mode, "crashes")) many(777, 200000), *(volatile int *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
  // What the program sees of its recorder: no open file, and its own errno.
  if (!strcmp(mode, "clean")) {
    errno = 7;
    hide(malloc(1));
    check(errno == 7);
    int file = dup(0);
    check(file == 3);
  }
  return 0;
}
