//! Work in a child, made by fork.

use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::board::{Board, BoardBox};
use super::{ChildWatch, Done, Ending, panic_text};

/// Codes of a child that has ended by itself: unlikely ones, so that an allocator that calls `exit` is noticed.
const RETURNED: i32 = 93;
const PANICKED: i32 = 94;

/// Interval at which the parent looks, in milliseconds. A child that ends is noticed at once.
const LOOK_MS: i32 = 10;

/// A child that has not begun by then waits for a lock that another thread held during the fork: another one is
/// made.
const BEGIN_WITHIN: Duration = Duration::from_secs(3);
const MOST_BEGINNINGS: u32 = 20;

/// How much longer the work may wait than compute.
const WAITING: u32 = 10;

/// Does the work in a child, and waits until it has ended.
///
/// # Errors
///
/// If the system gives no process.
pub(in crate::fuzz) fn run(mut watch: ChildWatch<'_>, work: impl FnOnce(&Board)) -> io::Result<Done> {
    let mut work = Some(work);
    for _ in 0..MOST_BEGINNINGS {
        let board = BoardBox::new()?;
        let child = Child::fork(&board, &mut work)?;
        if let Some(ending) = child.wait(&board, &mut watch)? {
            return Ok(Done { board, ending });
        }
    }
    Err(io::Error::other("a child process does not begin its work"))
}

/// A child that has not been waited for. Dropping it ends it.
struct Child {
    id: libc::pid_t,
    /// What it writes to standard error.
    stderr: File,
}

impl Child {
    /// Only the child takes the work.
    fn fork<W: FnOnce(&Board)>(board: &BoardBox, work: &mut Option<W>) -> io::Result<Self> {
        let (reader, writer) = pipe()?;
        // Signals are for the parent, which decides; the child would run the parent's handlers.
        let blocked = Blocked::all();
        // SAFETY: the child's code below ends in `_exit`, and uses nothing that another thread may have locked,
        // other than what `begun` is for. The C library keeps its allocator usable in a child.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                let code = child(board, work.take(), writer.as_raw_fd(), blocked);
                // SAFETY: ends this process without running what the parent has registered for its own end.
                unsafe { libc::_exit(code) }
            }
            id => Ok(Child { id, stderr: File::from(reader) }),
        }
    }

    /// How it ended; `None` if it has not begun.
    fn wait(mut self, board: &Board, watch: &mut ChildWatch<'_>) -> io::Result<Option<Ending>> {
        let started = Instant::now();
        let mut seen = (board.progress(), started, self.processor_time());
        let mut errors = Vec::new();
        loop {
            let mut waited = libc::pollfd { fd: self.stderr.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one descriptor, which is ours.
            unsafe { libc::poll(&raw mut waited, 1, LOOK_MS) };
            let is_open = self.read_errors(&mut errors);
            if let Some(ending) = self.ended(!is_open)? {
                if matches!(ending, Ending::Killed(_) | Ending::Exited(_)) {
                    self.read_errors(&mut errors);
                    board.say(&last_line(&errors));
                }
                (watch.on_progress)(board);
                return Ok(Some(ending));
            }
            (watch.on_progress)(board);
            if watch.interrupt.load(Ordering::Relaxed) {
                return Ok(Some(Ending::Interrupted));
            }
            if board.begun.load(Ordering::Relaxed) == 0 {
                if started.elapsed() > BEGIN_WITHIN {
                    return Ok(None);
                }
                continue;
            }
            let progress = board.progress();
            if progress != seen.0 {
                seen = (progress, Instant::now(), self.processor_time());
            }
            let computed = self.processor_time().zip(seen.2).map(|(now, then)| now.saturating_sub(then));
            let is_stuck = computed.is_some_and(|computed| computed >= watch.patience);
            if is_stuck || seen.1.elapsed() >= watch.patience * WAITING {
                return Ok(Some(Ending::Stalled));
            }
        }
    }

    /// How it ended, if it has. If it has closed its standard error, it is about to.
    fn ended(&mut self, is_closed: bool) -> io::Result<Option<Ending>> {
        let mut status = 0;
        // SAFETY: the child is ours and has not been waited for.
        let waited = unsafe { libc::waitpid(self.id, &raw mut status, libc::WNOHANG) };
        if waited == 0 {
            if is_closed {
                // Without the pipe, `poll` does not wait.
                std::thread::sleep(Duration::from_micros(200));
            }
            return Ok(None);
        }
        if waited < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(None) } else { Err(error) };
        }
        self.id = 0;
        Ok(Some(match (libc::WIFSIGNALED(status), libc::WEXITSTATUS(status)) {
            (true, _) => Ending::Killed(libc::WTERMSIG(status)),
            (false, RETURNED) => Ending::Returned,
            (false, PANICKED) => Ending::Panicked,
            (false, code) => Ending::Exited(code),
        }))
    }

    /// Reads what there is, keeps the last of it, and returns whether there may be more later.
    fn read_errors(&mut self, errors: &mut Vec<u8>) -> bool {
        let mut block = [0; 4096];
        loop {
            match self.stderr.read(&mut block) {
                Ok(0) => return false,
                Ok(read) => errors.extend_from_slice(&block[..read]),
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
            errors.drain(..errors.len().saturating_sub(block.len()));
        }
    }

    /// The processor's time that it has taken.
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    fn processor_time(&self) -> Option<Duration> {
        // SAFETY: the kernel fills both, and zeroes are valid numbers.
        let (mut clock, mut time): (libc::clockid_t, libc::timespec) = unsafe { mem::zeroed() };
        // SAFETY: the places are ours.
        let is_known = unsafe {
            libc::clock_getcpuclockid(self.id, &raw mut clock) == 0 && libc::clock_gettime(clock, &raw mut time) == 0
        };
        is_known.then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    fn processor_time(&self) -> Option<Duration> {
        None
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.id > 0 {
            // SAFETY: the child is ours and has not been waited for, so its number is its own.
            unsafe {
                libc::kill(self.id, libc::SIGKILL);
                while libc::waitpid(self.id, ptr::null_mut(), 0) < 0
                    && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
                {}
            }
        }
    }
}

/// The child's life.
fn child<W: FnOnce(&Board)>(board: &BoardBox, work: Option<W>, stderr: RawFd, blocked: Blocked) -> i32 {
    // SAFETY: calls without pointers to anything but our own, in a process of one thread.
    unsafe {
        // If the parent is killed, the work is useless.
        #[cfg(target_os = "linux")]
        {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            // A fault that is sought is no reason for a dump of memory.
            libc::prctl(libc::PR_SET_DUMPABLE, 0);
        }
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::setpgid(0, 0);
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
            libc::signal(signal, libc::SIG_DFL);
        }
        libc::dup2(stderr, libc::STDERR_FILENO);
    }
    drop(blocked);
    // The standard hook would print, and find out where each function comes from, which takes longer than the rest.
    let place = ptr::from_ref::<Board>(board).expose_provenance();
    panic::set_hook(Box::new(move |info| {
        // SAFETY: the board is mapped until this process has ended.
        let board = unsafe { &*ptr::with_exposed_provenance::<Board>(place) };
        let at = info.location().map(|location| format!(", at {location}")).unwrap_or_default();
        board.say(&format!("{}{at}", panic_text(info.payload())));
    }));
    board.begun.store(1, Ordering::Relaxed);
    let work = work.expect("each child is made with the work");
    match catch_unwind(AssertUnwindSafe(|| work(board))) {
        Ok(()) => RETURNED,
        Err(_) => PANICKED,
    }
}

/// Blocks all signals of this thread until it is dropped.
struct Blocked {
    before: libc::sigset_t,
}

impl Blocked {
    fn all() -> Self {
        // SAFETY: the sets are ours; zeroes are valid ones.
        unsafe {
            let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Blocked { before }
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: the set is the one before.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut()) };
    }
}

/// A pipe that programs started meanwhile do not inherit, and whose reader does not wait.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: there is room for both ends.
    if unsafe { libc::pipe(ends.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: both were just opened, and are nobody else's.
    let [reader, writer] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
    // SAFETY: these are ours.
    unsafe {
        libc::fcntl(reader.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC);
        libc::fcntl(writer.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC);
        libc::fcntl(reader.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK);
    }
    Ok((reader, writer))
}

/// The last line that is not empty.
fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}
