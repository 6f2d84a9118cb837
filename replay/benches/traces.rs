//! Every trace of the library through every contender of the group `default`.

heaprace::benches![];
