;; Two plug-ins for `wasm-interpreter`, written for it. Each takes bytes at address 1024, and gives the address and the number of
;; its answer's bytes, packed in 64 bits. `host.note` tells the host a number.

;;;; words: an index of the words of a text, in a hash table that doubles in memory of its own
(module
  (import "host" "note" (func $note (param i32)))
  (memory (export "memory") 2)
  (global $top (mut i32) (i32.const 65536))
  (global $table (mut i32) (i32.const 0))
  (global $slots (mut i32) (i32.const 64))
  (global $used (mut i32) (i32.const 0))

  ;; A block of zeroed bytes from the end of the memory, which grows where it must.
  (func $take (param $bytes i32) (result i32)
    (local $block i32)
    (local.set $block (global.get $top))
    (global.set $top (i32.add (global.get $top) (local.get $bytes)))
    (if (i32.gt_u (global.get $top) (i32.shl (memory.size) (i32.const 16)))
      (then (if (i32.eq (memory.grow (i32.add (i32.shr_u (local.get $bytes) (i32.const 16)) (i32.const 1))) (i32.const -1))
        (then unreachable))))
    (local.get $block))

  ;; The slot of a hash: 8 bytes, the hash and how often it came.
  (func $slot (param $hash i32) (result i32)
    (local $at i32) (local $address i32)
    (local.set $at (i32.and (local.get $hash) (i32.sub (global.get $slots) (i32.const 1))))
    (loop $probe (result i32)
      (local.set $address (i32.add (global.get $table) (i32.shl (local.get $at) (i32.const 3))))
      (if (i32.or (i32.eqz (i32.load (local.get $address))) (i32.eq (i32.load (local.get $address)) (local.get $hash)))
        (then (return (local.get $address))))
      (local.set $at (i32.and (i32.add (local.get $at) (i32.const 1)) (i32.sub (global.get $slots) (i32.const 1))))
      (br $probe)))

  (func $double
    (local $old i32) (local $end i32) (local $new i32)
    (local.set $old (global.get $table))
    (local.set $end (i32.add (local.get $old) (i32.shl (global.get $slots) (i32.const 3))))
    (global.set $slots (i32.shl (global.get $slots) (i32.const 1)))
    (global.set $table (call $take (i32.shl (global.get $slots) (i32.const 3))))
    (call $note (global.get $slots))
    (loop $next
      (if (i32.load (local.get $old))
        (then
          (local.set $new (call $slot (i32.load (local.get $old))))
          (i64.store (local.get $new) (i64.load (local.get $old)))))
      (local.set $old (i32.add (local.get $old) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $old) (local.get $end)))))

  (func $count (param $hash i32)
    (local $slot i32)
    (local.set $slot (call $slot (local.get $hash)))
    (if (i32.eqz (i32.load (local.get $slot)))
      (then
        (global.set $used (i32.add (global.get $used) (i32.const 1)))
        (i32.store (local.get $slot) (local.get $hash))))
    (i32.store offset=4 (local.get $slot) (i32.add (i32.load offset=4 (local.get $slot)) (i32.const 1)))
    (if (i32.gt_u (i32.shl (global.get $used) (i32.const 1)) (global.get $slots)) (then (call $double))))

  (func (export "run") (param $length i32) (result i64)
    (local $at i32) (local $end i32) (local $hash i32) (local $byte i32)
    (global.set $table (call $take (i32.const 512)))
    (local.set $at (i32.const 1024))
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (loop $next
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (i32.gt_u (local.get $byte) (i32.const 64))
        (then (local.set $hash (i32.mul (i32.xor (local.get $hash) (local.get $byte)) (i32.const 0x01000193))))
        (else
          (if (local.get $hash) (then (call $count (local.get $hash))))
          (local.set $hash (i32.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (i64.or
      (i64.shl (i64.extend_i32_u (global.get $table)) (i64.const 32))
      (i64.extend_i32_u (i32.shl (global.get $slots) (i32.const 3))))))

;;;; sorted: the bytes of a text in order
(module
  (import "host" "note" (func $note (param i32)))
  (memory (export "memory") 1)
  (func (export "run") (param $length i32) (result i64)
    (local $byte i32) (local $at i32) (local $left i32)
    ;; 256 counters at address 0.
    (loop $count
      (local.set $byte (i32.shl (i32.load8_u offset=1024 (local.get $at)) (i32.const 2)))
      (i32.store (local.get $byte) (i32.add (i32.load (local.get $byte)) (i32.const 1)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $count (i32.lt_u (local.get $at) (local.get $length))))
    (local.set $at (i32.const 0))
    (local.set $byte (i32.const 0))
    (loop $write
      (local.set $left (i32.load (i32.shl (local.get $byte) (i32.const 2))))
      (if (local.get $left)
        (then
          (memory.fill (i32.add (local.get $at) (i32.const 1024)) (local.get $byte) (local.get $left))
          (local.set $at (i32.add (local.get $at) (local.get $left)))))
      (local.set $byte (i32.add (local.get $byte) (i32.const 1)))
      (br_if $write (i32.lt_u (local.get $byte) (i32.const 256))))
    (call $note (local.get $at))
    (i64.or (i64.shl (i64.const 1024) (i64.const 32)) (i64.extend_i32_u (local.get $length)))))
