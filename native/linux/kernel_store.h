#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mlxjs {

// Where kernels are built, and whether they are kept there.
struct Place {
  std::filesystem::path folder;
  bool is_store;
};

// Looked for each time: a cleaner may have been there.
std::optional<Place> find_place();

// A file that is open, or none.
class Descriptor {
 public:
  Descriptor() = default;
  Descriptor(const std::filesystem::path& path, int flags);
  Descriptor(Descriptor&& other) : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  operator int() const {
    return fd_;
  }

 private:
  int fd_ = -1;
};

// A folder that is there, and locked, as long as this object is. The first one
// that a process makes in a place also looks after those that other processes
// have left there.
class BuildFolder {
 public:
  explicit BuildFolder(const Place& place);
  ~BuildFolder();
  BuildFolder(const BuildFolder&) = delete;

  const std::filesystem::path& path() const {
    return path_;
  }
  // What the compiler makes. It has this name only when it is whole, with the
  // keys of its kernels.
  std::filesystem::path library() const;
  std::filesystem::path keys() const;
  // A process that has this, too, keeps the folder locked.
  int lock() const {
    return lock_;
  }
  // Leaves the folder to whoever has its lock.
  void leave() {
    path_.clear();
  }

 private:
  std::filesystem::path path_;
  Descriptor lock_;
};

// A hash in hexadecimal digits.
std::string hash_of(const std::string& bytes);

// The bytes of a file; none where there is no such file, or one too large to be
// a library.
std::optional<std::string> read(const std::filesystem::path& path);
bool write(const std::filesystem::path& path, const std::string& bytes);

// Libraries under the keys of their kernels, each with its own hash at the end,
// which the linker does not look at.
class Store {
 public:
  explicit Store(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // The library of a key, if it is there and whole.
  std::optional<std::string> find(const std::string& key) const;
  // Keeps a library for all of its kernels. Its file is made in another folder
  // first, on the same file system.
  void put(
      const std::vector<std::string>& keys,
      const std::string& bytes,
      const std::filesystem::path& workshop) const;
  void remove(const std::string& key) const;

 private:
  std::filesystem::path path_of(const std::string& key) const;
  void trim() const;

  std::filesystem::path folder_;
};

} // namespace mlxjs
