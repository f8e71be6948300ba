#include "private_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <deque>

namespace mlxjs {

namespace fs = std::filesystem;

namespace {

// Whoever owns the root folder is the system, whatever number it has: inside of
// a user namespace that may be nobody's.
bool is_trusted(uid_t owner) {
  static auto system = [] {
    struct stat root;
    return lstat("/", &root) == 0 ? root.st_uid : 0;
  }();
  return owner == geteuid() || owner == 0 || owner == system;
}

bool others_can_write(const struct stat& status) {
  return (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

constexpr int most_links = 40;

} // namespace

bool is_guarded(const fs::path& path) {
  std::deque<fs::path> rest(path.begin(), path.end());
  fs::path at;
  int links = 0;
  while (!rest.empty()) {
    auto name = rest.front();
    rest.pop_front();
    if (name.empty() || name == ".") {
      continue;
    }
    // No link is left in front of it.
    auto next = name == ".." ? at.parent_path() : at / name;
    struct stat status;
    if (!next.is_absolute() || lstat(next.c_str(), &status) != 0 ||
        !is_trusted(status.st_uid)) {
      return false;
    }
    if (S_ISLNK(status.st_mode)) {
      std::error_code error;
      auto target = fs::read_symlink(next, error);
      if (error || ++links > most_links) {
        return false;
      }
      rest.insert(rest.begin(), target.begin(), target.end());
      continue;
    }
    if (S_ISDIR(status.st_mode) && others_can_write(status) &&
        (status.st_mode & S_ISVTX) == 0) {
      return false;
    }
    at = next;
  }
  return !at.empty();
}

bool is_private_folder(const fs::path& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
      status.st_uid == geteuid() && !others_can_write(status) &&
      is_guarded(path);
}

bool make_private_folder(const fs::path& path) {
  fs::path at;
  for (const auto& name : path) {
    at /= name;
    mkdir(at.c_str(), S_IRWXU);
  }
  return is_private_folder(path);
}

} // namespace mlxjs
