#include "kernel_builder.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "mlx/version.h"

#include "../variables.h"

namespace mlxjs {

namespace fs = std::filesystem;
namespace mx = mlx::core;

namespace {

#if defined(__x86_64__)
constexpr auto machine = "x86_64";
#else
constexpr auto machine = "aarch64";
#endif

// Kernels of a step come within milliseconds.
constexpr auto moment = std::chrono::milliseconds(20);
constexpr size_t most_at_once = 32;
// As many as the store keeps.
constexpr size_t most_waiting = 256;
// MLX never frees a kernel. So beyond this number of operations, a program that
// goes on making new functions gets no more kernels.
constexpr size_t most_operations = 1024;
// A compiler that takes longer is given up.
constexpr auto most_seconds = std::chrono::seconds(300);

std::string symbol_of(const std::string& key) {
  return "mlx_js_" + key;
}

std::string single_quoted(const std::string& text) {
  std::string out = "'";
  for (auto c : text) {
    out += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return out + "'";
}

// Whoever started the process may have had its children's ends ignored, so what
// the compiler made tells how it went.
void wait_for(pid_t process) {
  while (waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
  }
}

struct Loaded {
  std::mutex mutex;
  std::vector<void*> handles;
};

Loaded& loaded() {
  static auto& out = *new Loaded;
  return out;
}

} // namespace

fs::path include_path() {
  Dl_info info{};
  dladdr(reinterpret_cast<void*>(&mx::version), &info);
  auto library = fs::path(info.dli_fname ? info.dli_fname : "");
  return library.parent_path().parent_path() / "include";
}

Source::Source(const std::string& text, std::string command)
    : command(std::move(command)) {
  // Where MLX begins the kernel.
  auto end = std::min(text.rfind("extern \"C\"  {"), text.size());
  preamble = text.substr(0, end);
  body = text.substr(end);
  std::string parts;
  for (auto& part :
       {mx::version(), machine, this->command.c_str(), text.c_str()}) {
    parts += part + std::string(1, '\0');
  }
  key = hash_of(parts);
}

void* Libraries::find(const std::string& key) {
  std::lock_guard lock(loaded().mutex);
  for (auto handle : loaded().handles) {
    if (dlsym(handle, symbol_of(key).c_str())) {
      return handle;
    }
  }
  return nullptr;
}

void* Libraries::load(const fs::path& path, const std::string& key) {
  auto handle = dlopen(path.c_str(), RTLD_NOW);
  if (handle && !dlsym(handle, symbol_of(key).c_str())) {
    dlclose(handle);
    return nullptr;
  }
  if (handle) {
    std::lock_guard lock(loaded().mutex);
    loaded().handles.push_back(handle);
  }
  return handle;
}

// A run of the compiler, in a folder of its own.
class Builder::Compilation {
 public:
  explicit Compilation(const Tasks& tasks) : folder_(tasks[0].place) {
    std::string text = tasks[0].source.preamble, keys;
    for (auto& [operation, source, place] : tasks) {
      text += source.body + "\nextern \"C\" { char " + symbol_of(source.key) +
          "; }\n";
      keys += source.key + "\n";
    }
    auto source = folder_.path() / "kernels.cpp";
    if (write(source, text) && write(folder_.keys(), keys)) {
      start(source, tasks[0]);
    }
  }

  const BuildFolder& folder() const {
    return folder_;
  }
  void lower_priority() {
    if (process_ > 0) {
      setpriority(PRIO_PGRP, process_, 19);
    }
  }
  void wait() {
    if (process_ > 0) {
      wait_for(process_);
    }
  }
  // To be finished without this process.
  void leave() {
    folder_.leave();
  }

 private:
  // The shell outlives this process, so what it needs to end by itself is said
  // there.
  void start(const fs::path& source, const Task& task) {
    auto part = folder_.path() / "part.so";
    std::string script;
    for (auto& [name, path] :
         std::initializer_list<std::pair<const char*, fs::path>>{
             {"source", source},
             {"library", part},
             {"folder", folder_.path()},
             {"finished", folder_.library()},
             {"includes", include_path()}}) {
      script += name + ("=" + single_quoted(path)) + "; ";
    }
    // The compiler's own temporary files go there, too.
    script +=
        "TMPDIR=\"$folder\"; export TMPDIR; limit=; "
        "command -v timeout > /dev/null && limit='timeout -k 5 " +
        std::to_string(most_seconds.count()) + "'; $limit " +
        task.source.command + " && mv \"$library\" \"$finished\"";
    if (!task.place.is_store) {
      script += "; [ -e /proc/" + std::to_string(getpid()) +
          " ] || rm -rf \"$folder\"";
    }
    spawn(script);
  }

  // With a group of its own: what ends this process from a terminal does not
  // concern it.
  void spawn(const std::string& script) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, folder_.lock(), 3);
    for (auto fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    }
    const char* arguments[] = {"sh", "-c", script.c_str(), nullptr};
    std::vector<const char*> variables;
    for (auto& line : Variables::of_kernels().lines()) {
      variables.push_back(line.c_str());
    }
    variables.push_back(nullptr);
    auto error = posix_spawn(
        &process_,
        "/bin/sh",
        &files,
        &attributes,
        const_cast<char**>(arguments),
        const_cast<char**>(variables.data()));
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) {
      process_ = 0;
    }
  }

  BuildFolder folder_;
  pid_t process_ = 0;
};

Builder& Builder::get() {
  static auto& builder = *new Builder;
  return builder;
}

Builder::Builder() {
  std::atexit([] { get().end(); });
}

Builder::Kernels Builder::look(const std::string& operation) {
  std::lock_guard lock(mutex_);
  auto found = kernels_.find(operation);
  auto out = found == kernels_.end() ? Kernels{.failed = full_} : found->second;
  out.refused = tasks_.size() >= most_waiting;
  return out;
}

template <typename F>
void Builder::change(const std::string& operation, F f) {
  auto& kernels = kernels_[operation];
  lacking_ -= kernels.lacking();
  f(kernels);
  lacking_ += kernels.lacking();
  full_ = kernels_.size() >= most_operations;
}

void Builder::start(const std::string& operation, Source source, Place place) {
  std::lock_guard lock(mutex_);
  if (ended_ || tasks_.size() >= most_waiting ||
      !keys_.insert(source.key).second) {
    return;
  }
  change(operation, [](auto& kernels) { kernels.waiting++; });
  tasks_.push_back({operation, std::move(source), std::move(place)});
  if (!running_) {
    try {
      std::thread([this] { run(); }).detach();
      running_ = true;
    } catch (const std::system_error&) {
      // The next one may get a thread.
    }
  }
}

bool Builder::build(const Source& source, const Place& place) {
  return build_at_once({{"", source, place}}, false);
}

void Builder::fail(const std::string& operation) {
  std::lock_guard lock(mutex_);
  change(operation, [](auto& kernels) { kernels.failed = true; });
}

void Builder::succeed(const std::string& operation) {
  std::lock_guard lock(mutex_);
  change(operation, [](auto& kernels) { kernels.loaded = true; });
}

// A thread lives as long as there is something to build.
void Builder::run() {
  std::unique_lock lock(mutex_);
  while (!tasks_.empty() && !ended_) {
    ended_changed_.wait_for(lock, moment, [this] { return ended_; });
    if (ended_) {
      return;
    }
    auto tasks = take(most_at_once);
    lock.unlock();
    build(tasks);
    lock.lock();
  }
  running_ = false;
}

// What can be built in one run.
Builder::Tasks Builder::take(size_t most) {
  Tasks out;
  auto is_like = [&](const Task& task) {
    auto& first = tasks_.front();
    return task.source.preamble == first.source.preamble &&
        task.source.command == first.source.command &&
        task.place.folder == first.place.folder;
  };
  auto end = std::find_if_not(tasks_.begin(), tasks_.end(), is_like);
  auto length = std::min<size_t>(end - tasks_.begin(), most);
  end = tasks_.begin() + length;
  std::move(tasks_.begin(), end, std::back_inserter(out));
  tasks_.erase(tasks_.begin(), end);
  return out;
}

void Builder::build(const Tasks& tasks) {
  auto start = std::chrono::steady_clock::now();
  bool built = build_at_once(tasks, true);
  bool late = std::chrono::steady_clock::now() - start > most_seconds;
  for (auto& task : tasks) {
    // One that the compiler refuses must not cost the others.
    bool alone = !built && !late && tasks.size() > 1 && !has_ended();
    finish(task, alone ? build_at_once({task}, true) : built);
  }
}

// Tells whether the kernels are there.
bool Builder::build_at_once(const Tasks& tasks, bool in_background) {
  try {
    Compilation compilation(tasks);
    if (in_background) {
      compilation.lower_priority();
    }
    compilation.wait();
    // What is loaded now could be in the way of the process's end.
    if (in_background && has_ended()) {
      compilation.leave();
      return false;
    }
    auto& folder = compilation.folder();
    auto bytes = read(folder.library());
    if (!bytes || !Libraries::load(folder.library(), tasks[0].source.key)) {
      return false;
    }
    if (tasks[0].place.is_store) {
      std::vector<std::string> keys;
      for (auto& task : tasks) {
        keys.push_back(task.source.key);
      }
      Store(tasks[0].place.folder).put(keys, *bytes, folder.path());
    }
    return true;
  } catch (const std::exception&) {
    // No folder, or no memory.
    return false;
  }
}

void Builder::finish(const Task& task, bool built) {
  std::lock_guard lock(mutex_);
  keys_.erase(task.source.key);
  change(task.operation, [&](auto& kernels) {
    kernels.waiting--;
    kernels.failed |= !built;
  });
}

bool Builder::has_ended() {
  std::lock_guard lock(mutex_);
  return ended_;
}

// Compilers that run hold the locks of their folders. The next process finds
// there what they have made. All that waits is built in one run: nobody knows
// what else the machine has to do by then.
void Builder::end() {
  std::unique_lock lock(mutex_);
  ended_ = true;
  ended_changed_.notify_all();
  while (!tasks_.empty()) {
    auto tasks = take(most_waiting);
    if (!tasks[0].place.is_store) {
      continue;
    }
    try {
      Compilation compilation(tasks);
      compilation.lower_priority();
      compilation.leave();
    } catch (const std::exception&) {
      // The next process builds them.
    }
  }
}

} // namespace mlxjs
