// Gives each kernel that MLX compiles for the CPU a folder of its own, for as
// long as that takes, and keeps the finished library in a store of the user's.
//
// MLX asks for the temporary directory, writes a source into it, runs g++ and
// loads the library, all within Compiled::eval_cpu. libmlx finds that function
// in the addon first (see blas.cpp). The two of the system's that it calls for
// this it would find in Node, so their places in libmlx's own table are written
// over; nobody else in the process notices.
//
// A kernel that the store lacks is built by a thread of its own: until it is
// there, its operations are computed one by one.

#include "../kernels.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "mlx/primitives.h"
#include "mlx/version.h"

#include "../private_folder.h"
#include "library.h"
#include "tape.h"

namespace mlxjs {

namespace fs = std::filesystem;
namespace mx = mlx::core;

namespace {

// Folders.

// The user's store: MLX_JS_CACHE says where, or that there is none, by being
// empty.
fs::path store_path() {
  auto own = std::getenv("MLX_JS_CACHE");
  auto caches = std::getenv("XDG_CACHE_HOME");
  auto home = std::getenv("HOME");
  if (own) {
    return *own == '/' ? fs::path(own) / "kernels" : fs::path();
  }
  if (caches && *caches == '/') {
    return fs::path(caches) / "mlx-js" / "kernels";
  }
  if (home && *home == '/') {
    return fs::path(home) / ".cache" / "mlx-js" / "kernels";
  }
  return {};
}

// Whether libraries can be made and loaded there.
bool is_usable(const fs::path& folder) {
  struct statvfs status;
  return access(folder.c_str(), W_OK | X_OK) == 0 &&
      statvfs(folder.c_str(), &status) == 0 &&
      (status.f_flag & (ST_NOEXEC | ST_RDONLY)) == 0;
}

// Where kernels are built, and whether they are kept there.
struct Place {
  fs::path folder;
  bool is_store;
};

// Looked for each time: a cleaner may have been there.
std::optional<Place> find_place() {
  auto store = store_path();
  if (!store.empty() && make_private_folder(store) && is_usable(store)) {
    return Place{store, true};
  }
  std::error_code error;
  auto temporary = fs::temp_directory_path(error);
  if (!error && is_guarded(temporary) && is_usable(temporary)) {
    return Place{temporary, false};
  }
  return std::nullopt;
}

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(const fs::path& path, int flags = O_RDONLY)
      : fd_(open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW)) {}
  Descriptor(Descriptor&& other) : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  operator int() const {
    return fd_;
  }

 private:
  int fd_ = -1;
};

constexpr auto prefix = "mlx-js-building-";

bool is_same(int fd, const fs::path& path) {
  struct stat opened, named;
  return fstat(fd, &opened) == 0 && lstat(path.c_str(), &named) == 0 &&
      opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// Where folders can't be locked, as in some that are on other machines.
constexpr time_t old_age = 24 * 60 * 60;

// Removes what processes left that have ended amid of building: a lock goes
// with the process that holds it, also when that is killed.
void sweep(const fs::path& place) {
  std::error_code error;
  for (auto& entry : fs::directory_iterator(place, error)) {
    auto& path = entry.path();
    if (path.filename().string().rfind(prefix, 0) != 0) {
      continue;
    }
    Descriptor folder(path, O_RDONLY | O_DIRECTORY);
    struct stat status;
    if (folder < 0 || fstat(folder, &status) != 0 ||
        status.st_uid != geteuid()) {
      continue;
    }
    bool locked = flock(folder, LOCK_EX | LOCK_NB) == 0;
    bool old = status.st_mtime < std::time(nullptr) - old_age;
    if (locked || (errno != EWOULDBLOCK && old)) {
      fs::remove_all(path, error);
    }
  }
}

void sweep_once(const fs::path& place) {
  static std::mutex mutex;
  static auto& swept = *new std::set<fs::path>;
  std::lock_guard lock(mutex);
  if (swept.insert(place).second) {
    sweep(place);
  }
}

// A folder that is there as long as this is, and locked meanwhile.
class BuildFolder {
 public:
  explicit BuildFolder(const fs::path& place) {
    sweep_once(place);
    // Another process may sweep it before it is locked.
    for (int tries = 0; tries < 100; tries++) {
      auto name = (place / (std::string(prefix) + "XXXXXX")).string();
      if (!mkdtemp(name.data())) {
        break;
      }
      Descriptor opened(name, O_RDONLY | O_DIRECTORY);
      bool taken =
          flock(opened, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
      if (opened >= 0 && !taken && is_same(opened, name)) {
        path_ = name;
        lock_ = std::move(opened);
        return;
      }
    }
    throw std::runtime_error(
        "[compile] expected to make a folder for kernels in " + place.string() +
        ", received: " + std::strerror(errno));
  }
  ~BuildFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  BuildFolder(const BuildFolder&) = delete;

  const fs::path& path() const {
    return path_;
  }

 private:
  fs::path path_;
  Descriptor lock_;
};

// The store: libraries under the hash of what they are made from, each with its
// own hash at the end, which the linker does not look at.

using Hash = unsigned __int128;

// FNV-1a.
Hash hash_of(const std::string& bytes) {
  auto out = Hash(0x6c62272e07bb0142) << 64 | 0x62b821756295c58d;
  auto prime = Hash(1) << 88 | 0x13b;
  for (unsigned char byte : bytes) {
    out = (out ^ byte) * prime;
  }
  return out;
}

std::string hex(Hash hash) {
  std::ostringstream out;
  out << std::hex << std::setfill('0') << std::setw(16)
      << static_cast<uint64_t>(hash >> 64) << std::setw(16)
      << static_cast<uint64_t>(hash);
  return out.str();
}

std::string seal(const std::string& bytes) {
  return "mlx-js:" + hex(hash_of(bytes));
}

std::optional<std::string> read(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return std::nullopt;
  }
  std::ifstream file(path, std::ios::binary);
  std::string out{std::istreambuf_iterator<char>(file), {}};
  return file ? std::optional(std::move(out)) : std::nullopt;
}

bool write(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  return !file.fail();
}

class Store {
 public:
  explicit Store(fs::path folder) : folder_(std::move(folder)) {}

  // The library of a key, if it is there and whole.
  std::optional<std::string> find(const std::string& key) const {
    auto path = path_of(key);
    auto bytes = read(path);
    auto length = seal("").size();
    if (!bytes || bytes->size() < length) {
      return std::nullopt;
    }
    auto end = bytes->substr(bytes->size() - length);
    bytes->resize(bytes->size() - length);
    if (end != seal(*bytes)) {
      return std::nullopt;
    }
    // What was used last is kept longest.
    utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    return bytes;
  }

  void put(const std::string& key, const std::string& bytes, fs::path part)
      const {
    std::error_code error;
    if (write(part, bytes + seal(bytes))) {
      fs::rename(part, path_of(key), error);
      trim();
    }
  }

  void remove(const std::string& key) const {
    std::error_code error;
    fs::remove(path_of(key), error);
  }

 private:
  static constexpr size_t most_libraries = 256;
  static constexpr uintmax_t most_bytes = uintmax_t(64) << 20;

  fs::path path_of(const std::string& key) const {
    return folder_ / (key + ".so");
  }

  void trim() const {
    struct Library {
      fs::file_time_type used;
      uintmax_t size;
      fs::path path;
    };
    std::vector<Library> libraries;
    std::error_code error;
    for (auto& entry : fs::directory_iterator(folder_, error)) {
      if (entry.path().extension() != ".so") {
        continue;
      }
      auto used = entry.last_write_time(error);
      auto size = error ? 0 : entry.file_size(error);
      if (!error) {
        libraries.push_back({used, size, entry.path()});
      }
    }
    std::sort(libraries.begin(), libraries.end(), [](auto& a, auto& b) {
      return a.used > b.used;
    });
    uintmax_t bytes = 0;
    for (size_t i = 0; i < libraries.size(); i++) {
      bytes += libraries[i].size;
      if (i >= most_libraries || bytes > most_bytes) {
        fs::remove(libraries[i].path, error);
      }
    }
  }

  fs::path folder_;
};

// Building.

// MLX puts paths between double quotes, where the shell looks for variables; so
// they become variables.
void name_path(
    std::string& command,
    const std::string& path,
    const std::string& name) {
  for (auto place = command.find(path); place != std::string::npos;
       place = command.find(path, place + name.size() + 1)) {
    command.replace(place, path.size(), "$" + name);
  }
}

std::string single_quoted(const std::string& text) {
  std::string out = "'";
  for (auto c : text) {
    out += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return out + "'";
}

// Where the headers for kernels are, if MLX has them beside it.
fs::path include_path() {
  Dl_info info{};
  dladdr(reinterpret_cast<void*>(&mx::version), &info);
  auto library = fs::path(info.dli_fname ? info.dli_fname : "");
  return library.parent_path().parent_path() / "include";
}

// What compiles a kernel, and where to.
struct Build {
  std::string kernel;
  std::string command;
  fs::path library;
  Place place;
  std::unique_ptr<BuildFolder> folder;
  std::string key;
};

// Thrown through MLX where a kernel is not there yet. No std::exception, which
// MLX would take for the compiler's.
struct NotYet {};

// Builds kernels beside all else: a few at a time, at the lowest priority. What
// is not done when the process ends is given up. Never freed, since its threads
// do not end.
class Builder {
 public:
  static Builder& get() {
    static auto& builder = *new Builder;
    return builder;
  }

  // Whether it is of no use to ask for a kernel: it is being built, or cannot
  // be.
  bool lacks(const std::string& kernel) {
    std::lock_guard lock(mutex_);
    auto found = kernels_.find(kernel);
    return found != kernels_.end() &&
        (found->second.building > 0 || found->second.failed);
  }

  void start(Build build) {
    std::lock_guard lock(mutex_);
    kernels_[build.kernel].building++;
    builds_.push_back(std::move(build));
    if (threads_ < most_threads()) {
      threads_++;
      std::thread([this] { run(); }).detach();
    }
  }

  // A library that was built where there is no store.
  std::optional<std::string> take(const std::string& key) {
    std::lock_guard lock(mutex_);
    auto found = built_.find(key);
    if (found == built_.end()) {
      return std::nullopt;
    }
    auto bytes = std::move(found->second);
    built_.erase(found);
    return bytes;
  }

 private:
  struct Kernel {
    int building = 0;
    bool failed = false;
  };

  Builder() {
    std::atexit([] { get().end(); });
  }

  static int most_threads() {
    auto cores = static_cast<int>(std::thread::hardware_concurrency());
    return std::clamp(cores / 2, 1, 4);
  }

  // A thread lives as long as there is something to build.
  void run() {
    // Linux gives each thread a priority of its own, which its children have,
    // too.
    setpriority(PRIO_PROCESS, 0, 19);
    std::unique_lock lock(mutex_);
    while (!builds_.empty() && !ended_) {
      auto build = std::move(builds_.front());
      builds_.pop_front();
      auto process = spawn(build.command);
      if (process > 0) {
        processes_.insert(process);
      }
      lock.unlock();
      std::optional<std::string> bytes;
      if (process > 0 && succeeds(process)) {
        bytes = read(build.library);
        if (bytes && build.place.is_store) {
          Store(build.place.folder)
              .put(build.key, *bytes, build.folder->path() / "part");
        }
      }
      lock.lock();
      processes_.erase(process);
      auto& kernel = kernels_[build.kernel];
      kernel.building--;
      if (!bytes) {
        kernel.failed = true;
      } else if (!build.place.is_store) {
        built_[build.key] = std::move(*bytes);
      }
      lock.unlock();
      build.folder.reset();
      lock.lock();
    }
    threads_--;
    changed_.notify_all();
  }

  // With a group of its own, to be ended with all that it starts.
  static pid_t spawn(const std::string& command) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&files);
    for (auto fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    }
    const char* arguments[] = {"sh", "-c", command.c_str(), nullptr};
    pid_t process = 0;
    auto error = posix_spawn(
        &process,
        "/bin/sh",
        &files,
        &attributes,
        const_cast<char**>(arguments),
        environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return error == 0 ? process : 0;
  }

  static bool succeeds(pid_t process) {
    int status = 0;
    while (waitpid(process, &status, 0) < 0) {
      if (errno != EINTR) {
        return false;
      }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  // Gives the threads time to remove their folders.
  void end() {
    std::unique_lock lock(mutex_);
    ended_ = true;
    for (auto process : processes_) {
      kill(-process, SIGKILL);
    }
    builds_.clear();
    changed_.wait_for(
        lock, std::chrono::seconds(1), [this] { return threads_ == 0; });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Build> builds_;
  std::unordered_map<std::string, Kernel> kernels_;
  // By their keys.
  std::unordered_map<std::string, std::string> built_;
  std::set<pid_t> processes_;
  int threads_ = 0;
  bool ended_ = false;
};

// Whether kernels are waited for, as in Python, so that two runs of a program
// round alike.
bool waits_for_kernels() {
  static bool waits = [] {
    auto value = std::getenv("MLX_JS_KERNELS");
    return value && std::string(value) == "wait";
  }();
  return waits;
}

// The evaluation of a compiled operation, which may build a kernel.
class Evaluation {
 public:
  explicit Evaluation(std::string kernel)
      : kernel_(std::move(kernel)),
        outer_(current_) {
    current_ = this;
  }
  ~Evaluation() {
    current_ = outer_;
  }
  Evaluation(const Evaluation&) = delete;

  // That of this thread.
  static Evaluation* current() {
    return current_;
  }

  // What MLX takes for the temporary directory.
  const fs::path& folder() {
    if (!folder_) {
      place_ = find_place();
      if (!place_) {
        throw std::runtime_error(
            "[compile] expected a folder for kernels that only this user can "
            "write to, received none: see MLX_JS_CACHE and TMPDIR");
      }
      folder_ = std::make_unique<BuildFolder>(place_->folder);
    }
    return folder_->path();
  }

  // Instead of popen: takes the library from the store, or has it built.
  FILE* build(std::string command) {
    auto& folder = this->folder();
    auto source = find(".cpp");
    auto library = fs::path(source).replace_extension(".so");
    auto includes = include_path();
    // The longest first.
    Names names{
        {"source", source},
        {"library", library},
        {"folder", folder},
        {"includes", includes}};
    for (auto& [name, path] : names) {
      name_path(command, path, name);
    }
    if (take(command, source, library)) {
      return popen(":", "r");
    }
    std::string assignments;
    for (auto& [name, path] : names) {
      assignments += name + "=" + single_quoted(path) + "; ";
    }
    // The compiler's own temporary files go there, too.
    command = assignments + "TMPDIR=\"$folder\" " + command;
    if (!waits_for_kernels()) {
      Builder::get().start(
          {kernel_, command, library, *place_, std::move(folder_), key_});
      throw NotYet{};
    }
    return popen(command.c_str(), "r");
  }

  // Once MLX has loaded it.
  void keep() {
    if (key_.empty() || !place_->is_store) {
      return;
    }
    if (auto bytes = read(find(".so"))) {
      Store(place_->folder).put(key_, *bytes, folder_->path() / "part");
    }
  }

 private:
  using Names = std::vector<std::pair<std::string, std::string>>;

  // MLX puts a source and the library of it side by side, under names of its
  // own, which change when the library is done.
  fs::path find(const char* extension) {
    auto files = folder() / "mlx" / mx::version() / "cpu";
    std::error_code error;
    for (auto& entry : fs::directory_iterator(files, error)) {
      if (entry.path().extension() == extension) {
        return entry.path();
      }
    }
    return {};
  }

  // From the store, where the library is whole and can be loaded: it may have
  // been made for another system.
  bool take(
      const std::string& command,
      const fs::path& source,
      const fs::path& library) {
    auto text = read(source);
    if (!text) {
      return false;
    }
    std::string parts;
    for (auto& part :
         {mx::version(), machine, command.c_str(), text->c_str()}) {
      parts += part + std::string(1, '\0');
    }
    key_ = hex(hash_of(parts));
    Store store(place_->folder);
    auto bytes = Builder::get().take(key_);
    if (!bytes && place_->is_store) {
      bytes = store.find(key_);
    }
    if (bytes && write(library, *bytes)) {
      if (dlopen(library.c_str(), RTLD_NOW)) {
        key_.clear();
        return true;
      }
      std::error_code error;
      fs::remove(library, error);
    }
    if (place_->is_store) {
      store.remove(key_);
    }
    return false;
  }

#if defined(__x86_64__)
  static constexpr auto machine = "x86_64";
#else
  static constexpr auto machine = "aarch64";
#endif

  static thread_local Evaluation* current_;

  std::string kernel_;
  Evaluation* outer_;
  std::optional<Place> place_;
  std::unique_ptr<BuildFolder> folder_;
  // That of a library which was not there.
  std::string key_;
};

thread_local Evaluation* Evaluation::current_ = nullptr;

// libmlx's table.

fs::path temporary_directory() {
  auto evaluation = Evaluation::current();
  // MLX for CUDA has a use of its own for it.
  return evaluation ? evaluation->folder() : fs::temp_directory_path();
}

FILE* open_pipe(const char* command, const char* mode) {
  auto evaluation = Evaluation::current();
  return evaluation ? evaluation->build(command) : popen(command, mode);
}

constexpr auto temporary_directory_name =
    "_ZNSt10filesystem19temp_directory_pathB5cxx11Ev";
constexpr auto open_pipe_name = "popen";

// By the addon that libmlx calls, if several are loaded.
bool redirect() {
  auto library = libmlx();
  library.redirect(
      temporary_directory_name, reinterpret_cast<void*>(&temporary_directory));
  library.redirect(open_pipe_name, reinterpret_cast<void*>(&open_pipe));
  return true;
}

} // namespace

bool may_compile_kernels() {
  static bool may = [] {
    auto library = libmlx();
    return library.calls(temporary_directory_name) &&
        library.calls(open_pipe_name) && find_place();
  }();
  return may;
}

} // namespace mlxjs

namespace mlx::core {

void Compiled::eval_cpu(
    const std::vector<array>& inputs,
    std::vector<array>& outputs) {
  using Function =
      void (*)(Compiled*, const std::vector<array>&, std::vector<array>&);
  static auto own = reinterpret_cast<Function>(dlsym(
      RTLD_NEXT,
      "_ZN3mlx4core8Compiled8eval_cpu"
      "ERKSt6vectorINS0_5arrayESaIS3_EERS5_"));
  [[maybe_unused]] static bool redirected = mlxjs::redirect();
  if (!mlxjs::Builder::get().lacks(lib_name())) {
    try {
      mlxjs::Evaluation evaluation(lib_name());
      own(this, inputs, outputs);
      evaluation.keep();
      return;
    } catch (const mlxjs::NotYet&) {
    }
  }
  mlxjs::evaluate_tape(*this, inputs, outputs);
}

} // namespace mlx::core
