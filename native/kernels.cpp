#include "kernels.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>

#include "mlx/version.h"

namespace mlxjs {

namespace fs = std::filesystem;

namespace {

// What belongs to the process rather than to an environment: its temporary
// directory. Never destroyed, since workers may outlive static objects.
struct State {
  std::mutex mutex;
  std::atomic<bool> used = false;
  bool prepared = false;
  // How many evaluations are under way, on all threads.
  int evaluating = 0;
  std::string usual;
  fs::path folder;
  fs::path libraries;
  fs::path store;
  fs::file_time_type changed;
};

State& state() {
  static auto out = new State;
  return *out;
}

// A folder that only this user can write to, or nothing.
fs::path private_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  chmod(path.c_str(), S_IRWXU);
  struct stat info;
  bool is_private = lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
      info.st_uid == geteuid() && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
  return is_private ? path : fs::path();
}

fs::path store_path() {
  auto caches = std::getenv("XDG_CACHE_HOME");
  auto home = std::getenv("HOME");
  fs::path base;
  if (caches && *caches == '/') {
    base = caches;
  } else if (home && *home == '/') {
#ifdef __APPLE__
    base = fs::path(home) / "Library" / "Caches";
#else
    base = fs::path(home) / ".cache";
#endif
  } else {
    return {};
  }
  return private_folder(
      base / "mlx-js" / (std::string("kernels-") + mlx::core::version()));
}

bool is_library(const fs::path& path) {
  return path.extension() == ".so";
}

// Without a folder of its own the process uses MLX's.
void prepare(State& s) {
  std::error_code error;
  auto temporary = fs::temp_directory_path(error);
  if (error) {
    return;
  }
  s.usual = temporary.string();
  auto name = (temporary / "mlx-js-XXXXXX").string();
  if (!mkdtemp(name.data())) {
    return;
  }
  s.folder = name;
  s.libraries = s.folder / "mlx" / mlx::core::version() / "cpu";
  fs::create_directories(s.libraries, error);
  s.store = store_path();
  if (!s.store.empty()) {
    for (auto& entry : fs::directory_iterator(s.store, error)) {
      if (is_library(entry.path())) {
        auto link = s.libraries / entry.path().filename();
        fs::create_symlink(entry.path(), link, error);
      }
    }
  }
  s.changed = fs::last_write_time(s.libraries, error);
  // Taking a variable away is not safe beside other threads that look for one;
  // exchanging its value is. So it is there from now on, with what it means.
  setenv("TMPDIR", s.usual.c_str(), 1);
}

// Moves what is new to the store, where a library is whole or not there.
void publish(State& s) {
  std::error_code error;
  auto changed = fs::last_write_time(s.libraries, error);
  if (s.store.empty() || error || changed == s.changed) {
    return;
  }
  s.changed = changed;
  for (auto& entry : fs::directory_iterator(s.libraries, error)) {
    if (!is_library(entry.path()) || entry.is_symlink(error)) {
      continue;
    }
    auto target = s.store / entry.path().filename();
    if (fs::exists(target, error)) {
      continue;
    }
    auto part = target;
    part += std::to_string(getpid());
    if (fs::copy_file(entry.path(), part, error)) {
      fs::rename(part, target, error);
    }
  }
}

} // namespace

void use_kernel_folder() {
  state().used = true;
}

KernelFolder::KernelFolder() : entered_(state().used) {
  if (!entered_) {
    return;
  }
  auto& s = state();
  std::lock_guard lock(s.mutex);
  if (!s.prepared) {
    s.prepared = true;
    prepare(s);
  }
  if (s.evaluating++ == 0 && !s.folder.empty()) {
    setenv("TMPDIR", s.folder.c_str(), 1);
  }
}

KernelFolder::~KernelFolder() {
  if (!entered_) {
    return;
  }
  auto& s = state();
  std::lock_guard lock(s.mutex);
  if (--s.evaluating == 0 && !s.folder.empty()) {
    setenv("TMPDIR", s.usual.c_str(), 1);
    publish(s);
  }
}

void remove_kernel_folder() {
  auto& s = state();
  std::lock_guard lock(s.mutex);
  if (!s.folder.empty()) {
    std::error_code error;
    fs::remove_all(s.folder, error);
    s.folder.clear();
  }
}

} // namespace mlxjs
