// The host's side of heaprace-recorder in WebAssembly: turns what a program asks of its allocator into a trace, as CSV.
// `replay record --wasm` runs it in Node. In a page, or beside imports of your own, use it by hand:
//
//   const recorder = new HeapraceRecorder('my-program', text => pieces.push(text));
//   const { instance } = await WebAssembly.instantiate(bytes, { heaprace: recorder.imports, ...others });
//   recorder.memory = instance.exports.memory; // only marks need it
//   // ... run the program; then:
//   recorder.finish(); // and the pieces are the trace
'use strict';

class HeapraceRecorder {
  // `write` gets the trace piece by piece.
  constructor(program, write) {
    this.write = write;
    this.memory = null;
    this.events = 0;
    // Blocks whose beginning or end was not seen. If there are any, the trace is not what the program did.
    this.lost = 0;
    // The ids of the live blocks by their addresses.
    this.ids = new Map();
    this.lastId = 0;
    this.text =
      '# heaprace-trace: 1\n# recorder: heaprace-recorder 0.1.0, in WebAssembly\n' +
      `# program: ${HeapraceRecorder.line(program)}\n# platform: wasm32-unknown\nop,id,size,align\n`;
    // What the program imports from `heaprace`. An i32 arrives signed.
    this.imports = {
      event: (op, block, size, align, old) => this.event(op, block >>> 0, size >>> 0, align >>> 0, old >>> 0),
    };
  }

  // A text as one line of at most 1000 characters.
  static line(text) {
    return Array.from(text).slice(0, 1000).join('').replace(/\p{Cc}/gu, ' ');
  }

  // An event, as the program tells of it: alloc, alloc_zeroed, realloc, dealloc, or a mark.
  event(op, block, size, align, old) {
    switch (op) {
      case 0: return this.alloc('alloc', block, size, align);
      case 1: return this.alloc('alloc_zeroed', block, size, align);
      case 2: return this.realloc(block, size, align, old);
      case 3: return this.dealloc(block);
      case 4: return this.mark(block, size);
      default: throw new Error(`heaprace-recorder is of another version than record.js: op ${op}`);
    }
  }

  alloc(name, block, size, align) {
    this.lastId += 1;
    this.put(block, this.lastId);
    this.add(`${name},${this.lastId},${size},${align}\n`);
  }

  realloc(block, size, align, old) {
    const id = this.ids.get(old);
    if (id === undefined) {
      this.lost += 1;
      return this.alloc('alloc', block, size, align);
    }
    this.ids.delete(old);
    this.put(block, id);
    this.add(`realloc,${id},${size}\n`);
  }

  dealloc(block) {
    const id = this.ids.get(block);
    if (id === undefined) {
      this.lost += 1;
      return;
    }
    this.ids.delete(block);
    this.add(`dealloc,${id}\n`);
  }

  // A block that is live at this address has ended, unseen.
  put(block, id) {
    if (this.ids.has(block)) {
      this.lost += 1;
      this.dealloc(block);
    }
    this.ids.set(block, id);
  }

  mark(at, bytes) {
    if (this.memory === null) throw new Error('a mark needs recorder.memory: set it once the program is instantiated');
    const name = new TextDecoder().decode(new Uint8Array(this.memory.buffer, at, bytes));
    this.text += `# mark: ${HeapraceRecorder.line(name)}\n`;
  }

  add(line) {
    this.events += 1;
    this.text += line;
    if (this.text.length > 1 << 16) this.flush();
  }

  flush() {
    this.write(this.text);
    this.text = '';
  }

  // Writes the rest. `cutOff` says why the program did not come to its end.
  finish(cutOff) {
    if (this.lost > 0) this.text += `# lost events: ${this.lost}\n`;
    if (cutOff !== undefined) this.text += `# cut off: ${HeapraceRecorder.line(cutOff)}\n`;
    this.flush();
  }
}

if (typeof module === 'object') module.exports = HeapraceRecorder;
