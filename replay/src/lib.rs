//! replay of Heaprace
