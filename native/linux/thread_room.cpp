// For LD_PRELOAD, with ThreadSanitizer: room on the stacks of threads. It takes
// 0.8 MB of each for what it knows of the thread, and Node, which says how
// large a worker's stack is, would let JavaScript have that, too.
#include <dlfcn.h>
#include <pthread.h>

extern "C" int pthread_attr_setstacksize(
    pthread_attr_t* attributes,
    size_t size) noexcept {
  static const auto own =
      reinterpret_cast<decltype(&pthread_attr_setstacksize)>(
          dlsym(RTLD_NEXT, "pthread_attr_setstacksize"));
  return own(attributes, size + (1 << 20));
}
