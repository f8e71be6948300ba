// On the CPU, MLX takes memory from malloc and does not look whether it got
// any: an array that is too large would end the process. libmlx for Linux asks
// for its allocator by a name that the dynamic linker looks up in the addon
// first (see blas.cpp), so here is one that looks. Those of GPUs do so
// themselves.

#include <dlfcn.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "mlx/mlx.h"

namespace mlx::core::allocator {

namespace {

class CheckedAllocator : public Allocator {
 public:
  explicit CheckedAllocator(Allocator& allocator) : allocator_(allocator) {}

  // It asks beforehand, since MLX counts what it did not get as in use.
  Buffer malloc(size_t size) override {
    if (size >= large && !is_there(size)) {
      clear_cache();
      if (!is_there(size)) {
        throw std::runtime_error(
            "[malloc] Unable to allocate " + std::to_string(size) + " bytes.");
      }
    }
    return allocator_.malloc(size);
  }

  void free(Buffer buffer) override {
    allocator_.free(buffer);
  }

  size_t size(Buffer buffer) const override {
    return allocator_.size(buffer);
  }

  Buffer make_buffer(void* ptr, size_t size) override {
    return allocator_.make_buffer(ptr, size);
  }

  void release(Buffer buffer) override {
    allocator_.release(buffer);
  }

 private:
  // From here on, malloc asks the system, which takes microseconds.
  static constexpr size_t large = size_t(1) << 26;

  static bool is_there(size_t size) {
    // MLX's header is in front.
    auto memory = std::malloc(size + sizeof(size_t));
    std::free(memory);
    return memory != nullptr;
  }

  Allocator& allocator_;
};

// MLX's own, checked where it is for the CPU.
Allocator& checked() {
  auto function = dlsym(RTLD_NEXT, "_ZN3mlx4core9allocator9allocatorEv");
  auto& own = reinterpret_cast<Allocator& (*)()>(function)();
  return cu::is_available() ? own : *new CheckedAllocator(own);
}

} // namespace

// Never destroyed, as MLX's own.
Allocator& allocator() {
  static auto& out = checked();
  return out;
}

} // namespace mlx::core::allocator
