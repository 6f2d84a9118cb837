// A program with an allocator of its own, which nothing that is preloaded can see.
#include <stddef.h>
#include <stdlib.h>

static char memory[1 << 20];
static size_t used;

void *mi_malloc(size_t size) {
  used += (size + 15) & ~(size_t)15;
  return memory + used - size;
}

static void *volatile kept;

int main(void) {
  kept = malloc(100);
  kept = mi_malloc(100);
  return 0;
}
