#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernel_store.h"

namespace mlxjs {

// What a kernel is made from.
struct Source {
  // MLX's text of it, and the compiler's command, in which $source, $library,
  // $folder and $includes stand for paths.
  Source(const std::string& text, std::string command);

  std::string command;
  // What kernels that are built together have in common, and the rest.
  std::string preamble;
  std::string body;
  // Of all of it, and of MLX's version.
  std::string key;
};

// Where the headers for kernels are, if MLX has them beside it.
std::filesystem::path include_path();

// The libraries that are loaded. Each has a symbol for each of its kernels.
class Libraries {
 public:
  // The symbol of a kernel, or null.
  static void* find(const std::string& key);
  // The symbol of a kernel in a library that it loads; null where that cannot
  // be loaded or is not the kernel's.
  static void* load(const std::filesystem::path& path, const std::string& key);
};

// Builds kernels beside all else, at the lowest priority: all that are waiting
// in one run of the compiler, most of whose time goes to MLX's headers. What is
// under way or waiting when the process ends is built nevertheless, for the
// store. Never freed, since its thread does not wait for the end of the
// process.
class Builder {
 public:
  static Builder& get();

  // Whether MLX need not be asked for a kernel of the operation: there is none,
  // and one is being built or cannot be built.
  bool lacks(const std::string& operation) {
    return look(operation).lacking();
  }
  // Whether that is so of any operation.
  bool any_lacking() const {
    return lacking_ != 0 || full_;
  }
  // Whether no other kernel of the operation is to be built now.
  bool is_busy(const std::string& operation) {
    auto kernels = look(operation);
    return kernels.waiting > 0 || kernels.failed || kernels.refused;
  }

  void start(const std::string& operation, Source source, Place place);
  // Builds a kernel while the caller waits, and tells whether it is there then.
  bool build(const Source& source, const Place& place);
  // The operation does without kernels from now on.
  void fail(const std::string& operation);
  // The operation has a kernel.
  void succeed(const std::string& operation);

 private:
  // The kernels of one operation: MLX makes them for shapes, numbers of
  // dimensions or strides that differ.
  struct Kernels {
    int waiting = 0;
    bool loaded = false;
    bool failed = false;
    // Too many wait already.
    bool refused = false;

    bool lacking() const {
      return !loaded && (waiting > 0 || failed || refused);
    }
  };
  struct Task {
    std::string operation;
    Source source;
    Place place;
  };
  using Tasks = std::vector<Task>;
  class Compilation;

  Builder();
  Kernels look(const std::string& operation);
  template <typename F>
  void change(const std::string& operation, F f);
  void run();
  Tasks take(size_t most);
  void build(const Tasks& tasks);
  bool build_at_once(const Tasks& tasks, bool in_background);
  void finish(const Task& task, bool built);
  bool has_ended();
  void end();

  std::mutex mutex_;
  std::condition_variable ended_changed_;
  std::deque<Task> tasks_;
  std::set<std::string> keys_;
  std::unordered_map<std::string, Kernels> kernels_;
  // How many operations are lacking.
  std::atomic<size_t> lacking_ = 0;
  // Whether there are so many operations that others do without kernels.
  std::atomic<bool> full_ = false;
  bool running_ = false;
  bool ended_ = false;
};

} // namespace mlxjs
