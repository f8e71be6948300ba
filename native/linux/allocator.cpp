// MLX's allocator for the CPU takes memory from malloc and does not look
// whether it got any: where there is none, the process would end. libmlx for
// Linux asks for its allocator, and for what is in use, by names that the
// dynamic linker looks up in the addon first (see blas.cpp), so here is an
// allocator that does look. The allocators for GPUs do so themselves.

#include <dlfcn.h>
#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>

#include "mlx/backend/common/buffer_cache.h"
#include "mlx/backend/no_gpu/linux_memory.h"
#include "mlx/memory.h"
#include "mlx/mlx.h"

#include "../streams.h"
#include "blocks.h"

namespace mlx::core {

namespace allocator {

namespace {

// It works as MLX's: in front of the memory stands its size, and some of what
// is freed is kept for the next that needs as much.
class CheckedAllocator : public Allocator {
 public:
  Buffer malloc(size_t size) override {
    std::unique_lock lock(mutex_);
    auto memory = cache_.reuse_from_cache(size);
    if (memory == nullptr) {
      lock.unlock();
      memory = from_system(size);
      lock.lock();
    }
    active_ += size_of(memory);
    peak_ = std::max<size_t>(active_, peak_);
    return Buffer(memory);
  }

  void free(Buffer buffer) override {
    auto bytes = size(buffer);
    {
      std::lock_guard lock(mutex_);
      active_ -= bytes;
      if (bytes > 0 && clearing_ == 0 &&
          cache_.cache_size() + bytes <= cache_limit_) {
        cache_.recycle_to_cache(buffer.ptr());
        return;
      }
    }
    mlxjs::free_block(buffer.ptr());
  }

  size_t size(Buffer buffer) const override {
    return buffer.ptr() == nullptr ? 0 : size_of(buffer.ptr());
  }

  void clear_cache() {
    {
      std::lock_guard lock(mutex_);
      cache_.clear();
    }
    // Gives back what malloc keeps, too.
    malloc_trim(0);
  }

  // Clears it also of what work that is under way is yet to free, without
  // waiting for it: until that is done, nothing is kept.
  void clear_cache_after_work() {
    {
      std::lock_guard lock(mutex_);
      ++clearing_;
    }
    mlxjs::after_work([this] {
      std::lock_guard lock(mutex_);
      --clearing_;
    });
    clear_cache();
  }

  size_t set_cache_limit(size_t limit) {
    std::lock_guard lock(mutex_);
    std::swap(limit, cache_limit_);
    if (cache_.cache_size() > cache_limit_) {
      cache_.release_cached_buffers(cache_.cache_size() - cache_limit_);
    }
    return limit;
  }

  size_t set_memory_limit(size_t limit) {
    return memory_limit_.exchange(limit);
  }

  void reset_peak() {
    std::lock_guard lock(mutex_);
    peak_ = 0;
  }

  size_t active() const {
    return active_;
  }

  size_t peak() const {
    std::lock_guard lock(mutex_);
    return peak_;
  }

  size_t cached() const {
    std::lock_guard lock(mutex_);
    return cache_.cache_size();
  }

  size_t memory_limit() const {
    return memory_limit_;
  }

 private:
  static constexpr size_t header = sizeof(size_t);

  static size_t size_of(void* memory) {
    return mlxjs::block_size(memory);
  }

  void* from_system(size_t size) {
    auto memory = ask_system(size);
    if (memory == nullptr) {
      clear_cache();
      memory = ask_system(size);
    }
    if (memory == nullptr) {
      // Streams hold memory until they are done. And at an error MLX drops what
      // it has begun with, which their tasks may still use.
      mlxjs::wait_for_streams();
      clear_cache();
      memory = ask_system(size);
    }
    if (memory == nullptr) {
      throw std::runtime_error(
          "[malloc] Unable to allocate " + std::to_string(size) + " bytes.");
    }
    mlxjs::set_block_size(memory, size);
    return memory;
  }

  void* ask_system(size_t size) {
    auto memory =
        size > max_size - header ? nullptr : mlxjs::take_block(size + header);
    if (memory == nullptr || size < small) {
      return memory;
    }
    // Looks at the reserve now and then only, since that takes a microsecond.
    unasked_ += size;
    if (unasked_ >= often) {
      if (!leaves_reserve()) {
        mlxjs::set_block_size(memory, size);
        mlxjs::free_block(memory);
        return nullptr;
      }
      unasked_ = 0;
    }
    return memory;
  }

  // V8 and OpenBLAS end the process where they get no memory, so arrays do not
  // take the last of it. Of the address space, which may be limited, malloc
  // takes 64 MB for a thread that asks for the first time, however late.
  static bool leaves_reserve() {
    auto memory = mmap(
        nullptr,
        reserve,
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS,
        -1,
        0);
    return memory != MAP_FAILED && munmap(memory, reserve) == 0;
  }

  static constexpr size_t max_size = std::numeric_limits<size_t>::max();
  static constexpr size_t small = 1 << 12;
  static constexpr size_t often = 1 << 20;
  static constexpr size_t reserve = 1 << 28;

  mutable std::mutex mutex_;
  std::atomic<size_t> unasked_ = 0;
  BufferCache<void> cache_{4096, size_of, mlxjs::free_block};
  // MLX asks for this and the limit after each operation.
  std::atomic<size_t> active_ = 0;
  size_t peak_ = 0;
  // What is kept may be longer than what is asked for next.
  size_t cache_limit_ = mlxjs::guarded() ? 0 : size_t(1) << 25;
  size_t clearing_ = 0;
  std::atomic<size_t> memory_limit_ = get_memory_size() / 10 * 8;
};

// malloc gives what is free at the end of its memory back to the system where
// that is more than twice the largest block freed so far, of those up to 32 MB.
// Whoever writes there next waits while the system clears page after page: V8,
// for one, frees dead typed arrays by the dozen, and toTypedArray would spend
// most of its time on that. So malloc sees one of the largest freed at once,
// and keeps up to 64 MB. What the user sets (MALLOC_TRIM_THRESHOLD_) prevails.
void let_malloc_keep() {
  constexpr size_t largest = (size_t(1) << 25) - (size_t(1) << 17);
  void* volatile block = std::malloc(largest);
  std::free(block);
}

// Never destroyed, as MLX's own; none where there is a GPU.
CheckedAllocator* checked() {
  static auto out = [] {
    let_malloc_keep();
    return cu::is_available() ? nullptr : new CheckedAllocator;
  }();
  return out;
}

// What libmlx has under a name.
template <typename F>
F* own(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

} // namespace

Allocator& allocator() {
  static auto& out = checked()
      ? *checked()
      : own<Allocator&()>("_ZN3mlx4core9allocator9allocatorEv")();
  return out;
}

} // namespace allocator

using allocator::checked;
using allocator::own;

size_t get_active_memory() {
  return checked() ? checked()->active()
                   : own<size_t()>("_ZN3mlx4core17get_active_memoryEv")();
}

size_t get_peak_memory() {
  return checked() ? checked()->peak()
                   : own<size_t()>("_ZN3mlx4core15get_peak_memoryEv")();
}

void reset_peak_memory() {
  checked() ? checked()->reset_peak()
            : own<void()>("_ZN3mlx4core17reset_peak_memoryEv")();
}

size_t get_cache_memory() {
  return checked() ? checked()->cached()
                   : own<size_t()>("_ZN3mlx4core16get_cache_memoryEv")();
}

size_t get_memory_limit() {
  return checked() ? checked()->memory_limit()
                   : own<size_t()>("_ZN3mlx4core16get_memory_limitEv")();
}

size_t set_memory_limit(size_t limit) {
  return checked()
      ? checked()->set_memory_limit(limit)
      : own<size_t(size_t)>("_ZN3mlx4core16set_memory_limitEm")(limit);
}

size_t set_cache_limit(size_t limit) {
  return checked()
      ? checked()->set_cache_limit(limit)
      : own<size_t(size_t)>("_ZN3mlx4core15set_cache_limitEm")(limit);
}

void clear_cache() {
  checked() ? checked()->clear_cache_after_work()
            : own<void()>("_ZN3mlx4core11clear_cacheEv")();
}

} // namespace mlx::core
