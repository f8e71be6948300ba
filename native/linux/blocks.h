#pragma once

#include <cstdlib>
#include <cstring>

#ifdef MLX_JS_SANITIZE
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#endif

// The memory of arrays. MLX's kernels are not built with sanitizers; in the
// build that is (scripts/sanitize.mjs), `MLX_JS_GUARD` places each array at the
// end of pages of its own, before one that nobody may touch, so that a kernel
// that leaves an array ends the process there and then.
namespace mlxjs {

// In front of a block stands how many bytes of it are an array's. Blocks that
// end with a page begin where no number would.
inline size_t block_size(const void* block) {
  size_t size;
  std::memcpy(&size, block, sizeof(size));
  return size;
}

inline void set_block_size(void* block, size_t size) {
  std::memcpy(block, &size, sizeof(size));
}

#ifdef MLX_JS_SANITIZE

inline bool guarded() {
  static const bool out = std::getenv("MLX_JS_GUARD") != nullptr;
  return out;
}

inline size_t whole_pages(size_t bytes) {
  size_t page = getpagesize();
  return (bytes + page - 1) / page * page;
}

inline void* take_block(size_t bytes) {
  if (!guarded()) {
    return std::malloc(bytes);
  }
  auto length = whole_pages(bytes);
  auto start = mmap(
      nullptr,
      length + getpagesize(),
      PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS,
      -1,
      0);
  if (start == MAP_FAILED) {
    return nullptr;
  }
  auto end = static_cast<char*>(start) + length;
  mprotect(end, getpagesize(), PROT_NONE);
  return end - bytes;
}

inline void free_block(void* block) {
  if (!guarded() || block == nullptr) {
    std::free(block);
    return;
  }
  auto bytes = block_size(block) + sizeof(size_t);
  auto length = whole_pages(bytes);
  munmap(static_cast<char*>(block) + bytes - length, length + getpagesize());
}

#else

inline constexpr bool guarded() {
  return false;
}

inline void* take_block(size_t bytes) {
  return std::malloc(bytes);
}

inline void free_block(void* block) {
  std::free(block);
}

#endif

} // namespace mlxjs
