// Replays a trace's operations through an allocator's module, as the only argument says (JSON):
// allocator, driver: files of the modules; slots, pairs, freeing_pairs: of the recording, which is standard input;
// observe: whether to write answers to standard output, or to time laps; touch: whether to write new bytes;
// fewest, most: number of laps; alike: share by which two settled laps differ at most; budget_ms.
// Ends with a line of JSON on standard error.
'use strict';
const fs = require('node:fs');
const job = JSON.parse(process.argv[1]);
const PAIR_BYTES = 8;
const instantiate = (file, imports) =>
  new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(file)), imports).exports;

const deadline = process.hrtime.bigint() + BigInt(job.budget_ms) * 1000000n;
const report = { laps: [], ended: null };

let allocator, driver, startPages, buffer, answers;

// Copies pairs of the recording into the driver's buffer.
function fill(first, count) {
  let at = 0;
  while (at < count * PAIR_BYTES) {
    const read = fs.readSync(0, buffer, at, count * PAIR_BYTES - at, first * PAIR_BYTES + at);
    if (read === 0) throw new Error('the recording is shorter than it was');
    at += read;
  }
}

function writeAll(bytes) {
  for (let at = 0; at < bytes.length;) at += fs.writeSync(1, bytes, at);
}

// Replays pairs of the recording, chunk by chunk, and returns the nanoseconds of processor time that they took; null if
// the time ran out.
function replay(from, pairs, run) {
  const chunk = driver.capacity();
  let us = 0;
  for (let at = 0; at < pairs; at += chunk) {
    const count = Math.min(chunk, pairs - at);
    fill(from + at, count);
    const used = process.cpuUsage();
    run(count);
    const { user, system } = process.cpuUsage(used);
    us += user + system;
    if (job.observe) writeAll(answers.subarray(0, count * PAIR_BYTES));
    if (process.hrtime.bigint() > deadline) return null;
  }
  return 1000 * us;
}

// Whether the last two laps are alike in their time, and in the pages that they added.
function settled(laps) {
  if (laps.length < 3) return false;
  const [first, second, third] = laps.slice(-3);
  const alike = (one, other, slack) => Math.abs(one - other) <= Math.max(slack, job.alike * Math.max(one, other));
  return alike(second.ns, third.ns, 0) && alike(second.pages - first.pages, third.pages - second.pages, 1);
}

function laps() {
  const run = job.observe ? driver.replay_observed : job.touch ? driver.replay_touching : driver.replay;
  let failed = 0;
  while (true) {
    const ns = replay(0, job.pairs, run);
    if (ns === null) return 'budget';
    const lap = { ns, pages: allocator.pages() - startPages, failed: driver.failed() - failed };
    failed = driver.failed();
    // What fails in a later lap alone would not be the same work.
    if (report.laps.length > 0 && lap.failed > report.laps[0].failed) return 'full';
    report.laps.push(lap);
    const count = report.laps.length;
    if (count >= job.most || (count >= job.fewest && settled(report.laps))) return null;
    job.freeing_pairs > 0 && replay(job.pairs, job.freeing_pairs, driver.replay);
  }
}

try {
  allocator = instantiate(job.allocator, {});
  driver = instantiate(job.driver, { allocator });
  startPages = allocator.pages();
  if (!driver.prepare(job.slots)) throw new Error('no memory for the slots of the driver');
  const bytes = driver.capacity() * PAIR_BYTES;
  buffer = new Uint8Array(driver.memory.buffer, driver.ops(), bytes);
  answers = new Uint8Array(driver.memory.buffer, driver.answers(), bytes);
  // Two words before all answers: the pages before the first event, and where the heap begins.
  if (job.observe) writeAll(new Uint8Array(Uint32Array.of(startPages, allocator.__heap_base.value).buffer));
  report.ended = laps();
} catch (error) {
  // A trap, or all of the stack used.
  const trapped = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
  report[trapped ? 'trap' : 'error'] = String(error.message);
}
fs.writeSync(2, '\n' + JSON.stringify(report) + '\n');
