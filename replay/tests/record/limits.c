// Each mode takes something away from itself, then makes 200,000 requests and prints "done".
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

static int work(void) {
    for (int i = 0; i < 100000; i++) free(malloc(i % 100 + 1));
    return 0;
}

static void limit(int which, rlim_t bytes) {
    struct rlimit limit = {bytes, bytes};
    if (setrlimit(which, &limit)) exit(2);
}

// Any attempt to open a file ends the process.
static void forbid_open(void) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) exit(77);
}

static ucontext_t outside, inside;

static void *until_cancelled(void *unused) {
    for (;;) {
        for (int i = 0; i < 1000; i++) free(malloc(i + 1));
        pthread_testcancel();
    }
    return unused;
}

static volatile sig_atomic_t ticks;

static void tick(int signal) {
    ticks += signal != 0;
    // glibc has such a block at hand, apart from those that it may be interrupted with.
    free(malloc(300));
}

int main(int count, char **words) {
    const char *mode = count > 1 ? words[1] : "";
    if (!strcmp(mode, "addresses")) {
        // Little more than what the process has: the recorder must not need more later.
        limit(RLIMIT_AS, 16 << 20);
    } else if (!strcmp(mode, "descriptors")) {
        while (open("/dev/null", O_RDONLY) >= 0) {
        }
    } else if (!strcmp(mode, "closed")) {
        for (int file = 3; file < 256; file++) close(file);
        if (open("/dev/null", O_RDONLY) != 3) return 3;
    } else if (!strcmp(mode, "root")) {
        if (chroot(words[2]) || chdir("/") || setgid(65534) || setuid(65534)) return 77;
    } else if (!strcmp(mode, "locked")) {
        // Without the rights of root, the limit of what may be locked holds.
        if (setuid(65534) && getuid() == 0) return 77;
        if (mlockall(MCL_CURRENT | MCL_FUTURE)) return 3;
    } else if (!strcmp(mode, "seccomp")) {
        free(malloc(10));
        forbid_open();
    } else if (!strcmp(mode, "stack")) {
        char *stack = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(stack, 4096, PROT_NONE);
        getcontext(&inside);
        inside.uc_stack.ss_sp = stack + 4096;
        inside.uc_stack.ss_size = 2 * 4096;
        inside.uc_link = &outside;
        makecontext(&inside, (void (*)(void))work, 0);
        swapcontext(&outside, &inside);
    } else if (!strcmp(mode, "cancel")) {
        for (int round = 0; round < 20; round++) {
            pthread_t threads[4];
            for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, until_cancelled, NULL);
            usleep(5000);
            for (int i = 0; i < 4; i++) pthread_cancel(threads[i]);
            for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
        }
    } else if (!strcmp(mode, "signals")) {
        free(malloc(300));
        signal(SIGALRM, tick);
        struct itimerval often = {{0, 50}, {0, 50}};
        setitimer(ITIMER_REAL, &often, NULL);
    } else if (!strcmp(mode, "exits")) {
        work();
        puts("done");
        fflush(stdout);
        _exit(0);
    }
    work();
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &never, NULL);
    puts("done");
    return 0;
}
