// An addon of its own: another thread links MLX's libraries, which takes 3 ms,
// while the main thread compiles JavaScript. It needs neither them nor the C++
// library, so that it is there at once.
#include <dlfcn.h>
#include <node_api.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cstdlib>

namespace {

char* path;
pthread_t thread;
// Once in a process, whichever of its workers is first.
std::atomic<bool> started = false;
// By the one of both threads that links.
std::atomic<bool> taken = false;

// The main thread finds what is loaded. What is wrong it is told, too, when it
// loads the file itself.
void* link(void*) {
  if (!taken.exchange(true)) {
    dlopen(path, RTLD_LAZY);
  }
  return nullptr;
}

// On a single processor it would only take longer.
bool are_several_processors() {
  cpu_set_t processors;
  return sched_getaffinity(0, sizeof(processors), &processors) == 0 &&
      CPU_COUNT(&processors) > 1;
}

bool begin(napi_env env, napi_value file) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, file, nullptr, 0, &length) != napi_ok ||
      !are_several_processors() || started.exchange(true)) {
    return false;
  }
  path = static_cast<char*>(std::malloc(length + 1));
  return path != nullptr &&
      napi_get_value_string_utf8(env, file, path, length + 1, &length) ==
      napi_ok &&
      pthread_create(&thread, nullptr, link, nullptr) == 0;
}

// Begins to link the addon of a path. Whether there is something to wait for.
napi_value start(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, out;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_boolean(env, begin(env, argument), &out);
  return out;
}

// Waits until all is linked; a thread that has not come to it yet leaves it to
// this one.
napi_value finish(napi_env, napi_callback_info) {
  if (taken.exchange(true)) {
    pthread_join(thread, nullptr);
  } else {
    pthread_detach(thread);
  }
  return nullptr;
}

} // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(
      env, "start", NAPI_AUTO_LENGTH, start, nullptr, &function);
  napi_set_named_property(env, exports, "start", function);
  napi_create_function(
      env, "finish", NAPI_AUTO_LENGTH, finish, nullptr, &function);
  napi_set_named_property(env, exports, "finish", function);
  return exports;
}
