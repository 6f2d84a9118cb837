# What the native workloads share; each of them reads this file. A workload sets `program`, writes the functions `version`, `prepare` and
# `record`, and ends with `main "$@"`. It can also set:
#
#   packages   the Debian packages that have the program's other parts and its input; their versions count as well
#   crate      NAME VERSION: the crate of crates.io that has the program, which is not the system's (see `install`)
#
# A workload is called in three ways:
#
#   NAME FILE         records into FILE, whose ending decides the format
#   NAME --real FILE  runs the program for real on contenders, in HEAPRACE_ROUNDS rounds and with the options HEAPRACE_RUN_OPTIONS, and
#                     writes the figures into FILE as JSON
#   NAME --versions   says, as KEY=VALUE, which versions decide what the program does; where it is not there, says so and exits with 3
#
# All of it happens in a new folder and in an environment of its own, so that a run does not depend on who runs it, and where. The programs
# are those of the system, not what else is in the path.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=/usr/bin:/bin
export PATH LC_ALL=C
packages=
crate=

# The folder that a crate's program is installed in: `crate_folder NAME VERSION`
crate_folder() {
  echo "${HEAPRACE_PROGRAMS:-${HOME:-/root}/.cache/heaprace/programs}/$1-$2"
}

# Runs a program in an environment that has what is named here, the member of our family if one is to be run, and nothing else: `clean [VARIABLE=VALUE]... PROGRAM [ARGUMENT]...`
clean() {
  env -i PATH="$PATH" LC_ALL=C TZ=UTC HOME=/nonexistent ${HEAPRACE_MEMBER:+"HEAPRACE_MEMBER=$HEAPRACE_MEMBER"} "$@"
}

# Runs a command whose program says much on standard error, which matters only if it fails.
quietly() {
  "$@" 2> messages || { cat messages >&2; return 1; }
}

absent() {
  echo "$1"
  exit 3
}

versions() {
  command -v "$program" > /dev/null || absent "there is no $program in $PATH${crate:+; traces/workloads/native/install makes it}"
  libc=$(getconf GNU_LIBC_VERSION 2> /dev/null) || absent "this system has no glibc"
  [ -r /etc/os-release ] || absent "this system does not say what it is: there is no /etc/os-release"
  echo "$program=$(version)"
  echo "glibc=${libc#glibc }"
  for package in $packages; do
    installed=$(dpkg-query --show --showformat '${Version}' "$package" 2> /dev/null) && [ -n "$installed" ] ||
      absent "there is no package $package"
    echo "$package=$installed"
  done
  # Cargo keeps what it built the program with.
  [ -z "$crate" ] || echo "rustc=$(sed -n 's/.*"rustc":"rustc \([^ ]*\).*/\1/p' "$(crate_folder $crate)/.crates2.json")"
  # In a shell of its own, as the file sets variables.
  (. /etc/os-release && echo "system=${ID:-unknown} ${VERSION_ID:-of no version}")
}

main() {
  [ -z "$crate" ] || PATH=$(crate_folder $crate)/bin:$PATH
  # The verb of `replay` that `record` runs the program with.
  verb="record --extents --output"
  if [ "${1:-}" = --real ]; then
    verb="run --compare --rounds ${HEAPRACE_ROUNDS:-15} ${HEAPRACE_RUN_OPTIONS:-} --json"
    said=$(versions) || absent "$said"
    shift
  fi
  [ $# -eq 1 ] || { echo "usage: $0 FILE | --real FILE | --versions" >&2; exit 2; }
  [ "$1" != --versions ] || { versions; exit; }
  case $1 in /*) trace=$1 ;; *) trace=$PWD/$1 ;; esac
  replay=${HEAPRACE_REPLAY:-$here/../../../target/release/replay}
  [ -x "$replay" ] || { echo "$0: there is no $replay; 'cargo build --release' in Heaprace's folder makes it" >&2; exit 1; }
  replay=$(cd "$(dirname "$replay")" && pwd)/replay
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  prepare
  # Here under a name that is always the same, because the program's environment has it.
  record "trace.${trace##*.}"
  mv "trace.${trace##*.}" "$trace"
}
