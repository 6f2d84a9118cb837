// An allocator that a C++ program links: some operators of its own, and not all forms, as real ones had.
#include <cstddef>
#include <cstdint>
#include <new>
#ifdef LIBRARY
alignas(64) static char room[1 << 20];
static size_t used;

void *operator new(std::size_t size) {
    char *block = room + used;
    used += (size + 15) / 16 * 16;
    if (used > sizeof room) throw std::bad_alloc();
    return block;
}
void *operator new[](std::size_t size) { return operator new(size); }
// What glibc's free would do with such a block ends the program.
void operator delete(void *) noexcept {}
void operator delete[](void *) noexcept {}
extern "C" void *pool_alloc(std::size_t size) { return operator new(size); }
#else
#include <cstdio>
#include <string>
#include <vector>
int main() {
    std::vector<std::string *> all;
    for (int i = 0; i < 1000; i++) all.push_back(new std::string(100 + i, 'x'));
    for (auto one : all) delete one;
    struct alignas(128) Wide { char bytes[128]; };
    Wide *wide = new Wide;
    bool aligned = reinterpret_cast<std::uintptr_t>(wide) % 128 == 0;
    delete wide;
    try {
        operator new(std::size_t(1) << 60);
        std::puts("no exception");
    } catch (std::bad_alloc &) {
        std::puts(aligned ? "done" : "not aligned");
    }
}
#endif
