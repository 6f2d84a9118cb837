//! allocators of Heaprace
