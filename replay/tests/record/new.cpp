// What tests/all/record.rs records of C++: plain, array, nothrow and over-aligned new, with sized delete.
#include <cstdlib>
#include <new>

static void *volatile kept;

static void *hide(void *block) {
  kept = block;
  return kept;
}

int main() {
  free(hide(malloc(54321)));
  void *a = hide(operator new(101));
  void *b = hide(operator new[](202));
  void *c = hide(operator new(303, std::nothrow));
  void *d = hide(operator new(512, std::align_val_t(128)));
  operator delete(a, std::size_t(101));
  operator delete[](b);
  operator delete(c, std::nothrow);
  operator delete(d, std::size_t(512), std::align_val_t(128));
  free(hide(malloc(54321)));
}
