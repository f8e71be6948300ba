#include "file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

namespace mlxjs {

namespace {

using namespace std::chrono_literals;

std::chrono::nanoseconds changed_at(const struct stat& status) {
#ifdef __APPLE__
  auto& time = status.st_mtimespec;
#else
  auto& time = status.st_mtim;
#endif
  return std::chrono::seconds(time.tv_sec) +
      std::chrono::nanoseconds(time.tv_nsec);
}

bool is_same(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && changed_at(a) == changed_at(b);
}

struct stat status_of(int fd, const std::string& path) {
  struct stat out;
  if (fstat(fd, &out) != 0) {
    throw std::runtime_error(
        "[load] " + path +
        ": expected an open file, received: " + std::strerror(errno));
  }
  return out;
}

// How coarse the times of files are: the ticks of the system's clock.
std::chrono::nanoseconds tick() {
#ifdef __linux__
  timespec out;
  if (clock_getres(CLOCK_REALTIME_COARSE, &out) == 0) {
    return std::chrono::nanoseconds(out.tv_nsec);
  }
#endif
  return 1ms;
}

// A file that was written to within the last tick could be written to again
// without another time. So its state counts once a tick has passed, and if that
// never happens it has a writer at work.
struct stat settled_status(int fd, const std::string& path) {
  auto status = status_of(fd, path);
  static auto whole = tick();
  for (int tries = 0; tries < 50; tries++) {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    auto age = now - changed_at(status);
    if (age > whole) {
      return status;
    }
    // Clocks of other machines may be ahead.
    std::this_thread::sleep_for(std::min(whole, whole - age) + 50us);
    auto next = status_of(fd, path);
    if (is_same(status, next)) {
      return next;
    }
    status = next;
  }
  throw std::runtime_error(
      "[load] " + path +
      ": expected a file, received one that is being written");
}

int own_descriptor(int fd, const std::string& path) {
  auto out = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (out < 0) {
    throw std::runtime_error(
        "[load] " + path +
        ": expected an open file, received: " + std::strerror(errno));
  }
  return out;
}

std::atomic<int> open_files = 0;

} // namespace

int FileReader::count() {
  return open_files;
}

FileReader::FileReader(int fd, std::string path)
    : fd_(own_descriptor(fd, path)),
      path_(std::move(path)) {
  try {
    status_ = settled_status(fd_, path_);
  } catch (...) {
    close(fd_);
    throw;
  }
  open_files++;
}

FileReader::~FileReader() {
  open_files--;
  close(fd_);
}

bool FileReader::is_unchanged() const {
  return is_same(status_, status_of(fd_, path_));
}

size_t FileReader::read_part(char* data, size_t n, size_t offset) const {
  static constexpr size_t longest = size_t(1) << 30;
  size_t done = 0;
  while (done < n) {
    auto more =
        pread(fd_, data + done, std::min(n - done, longest), offset + done);
    if (more < 0 && errno == EINTR) {
      continue;
    }
    if (more < 0) {
      throw std::runtime_error(
          "[load] " + path_ +
          ": expected to read it, received: " + std::strerror(errno));
    }
    if (more == 0) {
      break;
    }
    done += more;
  }
  return done;
}

void FileReader::read(char* data, size_t n, size_t offset) {
  static constexpr size_t most_parts = 4;
  static constexpr size_t least_of_part = size_t(1) << 19;
  auto parts = std::clamp<size_t>(n / least_of_part, 1, most_parts);
  auto length = n / parts;
  // A thread more than the others are is this one.
  std::vector<std::future<size_t>> others;
  for (size_t i = 1; i < parts; i++) {
    auto start = i * length;
    auto end = i + 1 == parts ? n : start + length;
    others.push_back(std::async([=, this] {
      return read_part(data + start, end - start, offset + start);
    }));
  }
  auto done = read_part(data, parts == 1 ? n : length, offset);
  for (auto& other : others) {
    done += other.get();
  }
  // This comes after reading, since what was read before a change is good.
  if (!is_unchanged()) {
    throw std::runtime_error(
        "[load] " + path_ +
        ": expected the file as it was when it was loaded, received one that "
        "has changed");
  }
  if (done < n) {
    throw std::runtime_error(
        "[load] " + path_ + ": expected " + std::to_string(n) + " bytes at " +
        std::to_string(offset) + ", received " + std::to_string(done));
  }
}

} // namespace mlxjs
