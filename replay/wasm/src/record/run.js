// Runs the module that the first argument names, in Node, and writes its trace to standard output. It follows record.js.
// Ends with a line of JSON on standard error: what the program returned, the events that were lost, a trap, or an error.
{
  const fs = require('node:fs');
  const path = require('node:path');
  const file = process.argv[1];
  const report = { status: 0, lost: 0, trap: null, error: null };

  const write = text => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += fs.writeSync(1, bytes, at);
  };

  // The compiled module, and the name of the function that runs it.
  const load = () => {
    const compiled = new WebAssembly.Module(fs.readFileSync(file));
    const imports = WebAssembly.Module.imports(compiled).map(({ module, name }) => `${module}.${name}`);
    const others = imports.filter(name => name !== 'heaprace.event');
    if (others.length > 0) {
      const shown = others.slice(0, 5).join(', ') + (others.length > 5 ? ` and ${others.length - 5} more` : '');
      throw new Error(`imports ${shown}, and only heaprace.event is there: record it where it has these, with record.js`);
    }
    if (imports.length === 0) {
      throw new Error('does not import heaprace.event: its allocator is not heaprace_recorder::WasmRecorder');
    }
    const functions = WebAssembly.Module.exports(compiled).filter(({ kind }) => kind === 'function');
    const entry = ['main', 'run'].find(name => functions.some(one => one.name === name));
    if (entry === undefined) throw new Error('exports neither main, as a program does, nor run');
    return [compiled, entry];
  };

  try {
    const [compiled, entry] = load();
    const recorder = new HeapraceRecorder(path.basename(file, '.wasm'), write);
    try {
      const { exports } = new WebAssembly.Instance(compiled, { heaprace: recorder.imports });
      recorder.memory = exports.memory;
      report.status = exports[entry](0, 0) ?? 0;
    } catch (error) {
      // A trap, or all of the stack used.
      if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
      report.trap = String(error.message);
    }
    if (recorder.events === 0) {
      const why = report.trap === null ? 'the program asked its allocator for nothing' : `the program trapped before: ${report.trap}`;
      throw new Error(`nothing was recorded: ${why}`);
    }
    recorder.finish(report.trap === null ? undefined : `the program trapped: ${report.trap}`);
    report.lost = recorder.lost;
  } catch (error) {
    report.error = error instanceof WebAssembly.CompileError ? `is no WebAssembly module: ${error.message}` : String(error.message);
  }
  fs.writeSync(2, '\n' + JSON.stringify(report) + '\n');
}
