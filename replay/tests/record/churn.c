// What tests/all/real.rs runs on contenders: objects of many sizes come, grow, shrink and go, always in the same order.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 2000

static uint64_t state = 88172645463325252u;

static size_t below(size_t limit) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state % limit;
}

static char *blocks[SLOTS];
static size_t sizes[SLOTS];

// The first and the last byte of each block say whose it is.
static void sign(size_t slot) {
  if (blocks[slot] == NULL) _exit(4);
  blocks[slot][0] = blocks[slot][sizes[slot] - 1] = (char)(slot * 7);
}

static void check(size_t slot) {
  if (blocks[slot][0] != (char)(slot * 7)) _exit(5);
}

int main(int count, char **arguments) {
  const char *mode = count > 1 ? arguments[1] : "";
  if (!strcmp(mode, "fails")) return 6;
  if (!strcmp(mode, "frees twice")) {
    char *volatile block = malloc(100);
    free(block), free(block);
    return 0;
  }
  if (!strcmp(mode, "reads")) {
    char *byte = malloc(1);
    return read(0, byte, 1) == 1 && *byte == 'x' ? 0 : 3;
  }
  for (int round = 0; round < 60000; round++) {
    size_t slot = below(SLOTS), size = 1 + below(below(50) ? 300 : 20000);
    if (blocks[slot] == NULL) {
      blocks[slot] = below(4) ? malloc(size) : calloc(1, size);
    } else if (below(3) == 0) {
      check(slot);
      blocks[slot] = realloc(blocks[slot], size);
      if (blocks[slot] != NULL) check(slot);
    } else {
      check(slot);
      free(blocks[slot]);
      blocks[slot] = NULL;
      continue;
    }
    sizes[slot] = size;
    sign(slot);
  }
  return 0;
}
