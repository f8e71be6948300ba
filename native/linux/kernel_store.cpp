#include "kernel_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <iterator>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>

#include "../private_folder.h"
#include "../variables.h"

namespace mlxjs {

namespace fs = std::filesystem;

namespace {

constexpr size_t most_libraries = 256;
constexpr uintmax_t most_bytes = uintmax_t(64) << 20;

// The user's store: MLX_JS_CACHE says where, or that there is none, by being
// empty.
fs::path store_path() {
  auto& variables = Variables::of_kernels();
  auto own = variables.find("MLX_JS_CACHE");
  auto caches = variables.find("XDG_CACHE_HOME");
  auto home = variables.find("HOME");
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

// As the standard library has it.
fs::path temporary_path() {
  for (auto name : {"TMPDIR", "TMP", "TEMP", "TEMPDIR"}) {
    if (auto path = Variables::of_kernels().find(name)) {
      return path;
    }
  }
  return "/tmp";
}

// Whether libraries can be made, found and loaded there.
bool is_usable(const fs::path& folder) {
  struct statvfs status;
  std::error_code error;
  return fs::is_directory(folder, error) &&
      access(folder.c_str(), R_OK | W_OK | X_OK) == 0 &&
      statvfs(folder.c_str(), &status) == 0 &&
      (status.f_flag & (ST_NOEXEC | ST_RDONLY)) == 0;
}

// The names in a folder, as far as it can be read.
std::vector<fs::path> paths_in(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code error;
  fs::directory_iterator at(folder, error), end;
  while (!error && at != end) {
    out.push_back(at->path());
    at.increment(error);
  }
  return out;
}

constexpr auto prefix = "mlx-js-building-";
constexpr auto library_name = "library.so";
constexpr auto keys_name = "keys";

bool is_same(int fd, const fs::path& path) {
  struct stat opened, named;
  return fstat(fd, &opened) == 0 && lstat(path.c_str(), &named) == 0 &&
      opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

// Where folders can't be locked, as in some that are on other machines.
constexpr time_t old_age = 24 * 60 * 60;

time_t now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec;
}

// What was written before may have got lost when the system stopped.
bool is_of_this_run_of_the_system(const fs::path& path) {
  struct stat status;
  auto start = now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME);
  return lstat(path.c_str(), &status) == 0 && status.st_ctime > start;
}

bool is_key(const std::string& text) {
  return text.size() == 32 &&
      text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Keeps what a compiler has finished after its process had ended.
void adopt(const Place& place, const fs::path& folder) {
  auto library = folder / library_name;
  auto bytes = read(library);
  auto lines = read(folder / keys_name);
  if (!bytes || !lines || !is_of_this_run_of_the_system(library)) {
    return;
  }
  std::vector<std::string> keys;
  std::istringstream in(*lines);
  for (std::string key; std::getline(in, key);) {
    if (is_key(key)) {
      keys.push_back(key);
    }
  }
  Store(place.folder).put(keys, *bytes, folder);
}

// Keeps or removes what processes left that ended while they were building: a
// lock goes with the last process that holds it, also when that is killed.
void sweep(const Place& place) {
  for (auto& path : paths_in(place.folder)) {
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
    bool old = status.st_mtime < now(CLOCK_REALTIME) - old_age;
    if (!locked && (errno == EWOULDBLOCK || !old)) {
      continue;
    }
    if (locked && place.is_store) {
      adopt(place, path);
    }
    std::error_code error;
    fs::remove_all(path, error);
  }
}

void sweep_once(const Place& place) {
  static std::mutex mutex;
  static auto& swept = *new std::set<fs::path>;
  std::lock_guard lock(mutex);
  if (swept.insert(place.folder).second) {
    sweep(place);
  }
}

// FNV-1a.
unsigned __int128 number_of(const std::string& bytes) {
  using Number = unsigned __int128;
  auto out = Number(0x6c62272e07bb0142) << 64 | 0x62b821756295c58d;
  auto prime = Number(1) << 88 | 0x13b;
  for (unsigned char byte : bytes) {
    out = (out ^ byte) * prime;
  }
  return out;
}

std::string seal(const std::string& bytes) {
  return "mlx-js:" + hash_of(bytes);
}

} // namespace

std::optional<Place> find_place() {
  auto store = store_path();
  if (!store.empty() && make_private_folder(store) && is_usable(store)) {
    return Place{store, true};
  }
  auto temporary = temporary_path();
  if (is_guarded(temporary) && is_usable(temporary)) {
    return Place{temporary, false};
  }
  return std::nullopt;
}

Descriptor::Descriptor(const fs::path& path, int flags)
    : fd_(open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW)) {}

Descriptor::~Descriptor() {
  if (fd_ >= 0) {
    close(fd_);
  }
}

BuildFolder::BuildFolder(const Place& place) {
  sweep_once(place);
  // Another process may sweep it before it is locked.
  for (int tries = 0; tries < 100; tries++) {
    auto name = (place.folder / (std::string(prefix) + "XXXXXX")).string();
    if (!mkdtemp(name.data())) {
      break;
    }
    Descriptor opened(name, O_RDONLY | O_DIRECTORY);
    bool taken = flock(opened, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (opened >= 0 && !taken && is_same(opened, name)) {
      path_ = name;
      lock_ = std::move(opened);
      return;
    }
    rmdir(name.c_str());
  }
  throw std::runtime_error(
      "[compile] expected to make a folder for kernels in " +
      place.folder.string() + ", received: " + std::strerror(errno));
}

BuildFolder::~BuildFolder() {
  if (!path_.empty()) {
    std::error_code error;
    fs::remove_all(path_, error);
  }
}

fs::path BuildFolder::library() const {
  return path_ / library_name;
}

fs::path BuildFolder::keys() const {
  return path_ / keys_name;
}

std::string hash_of(const std::string& bytes) {
  auto number = number_of(bytes);
  std::ostringstream out;
  out << std::hex << std::setfill('0') << std::setw(16)
      << static_cast<uint64_t>(number >> 64) << std::setw(16)
      << static_cast<uint64_t>(number);
  return out.str();
}

std::optional<std::string> read(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) ||
      fs::file_size(path, error) > most_bytes || error) {
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

std::optional<std::string> Store::find(const std::string& key) const {
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

// One file has a name for each kernel, and is there for each at once.
void Store::put(
    const std::vector<std::string>& keys,
    const std::string& bytes,
    const fs::path& workshop) const {
  auto sealed = bytes + seal(bytes);
  auto first = workshop / "sealed";
  auto next = workshop / "link";
  if (!write(first, sealed)) {
    return;
  }
  for (auto& key : keys) {
    std::error_code error;
    fs::remove(next, error);
    fs::create_hard_link(first, next, error);
    if (error && !write(next, sealed)) {
      break;
    }
    fs::rename(next, path_of(key), error);
  }
  trim();
}

void Store::remove(const std::string& key) const {
  std::error_code error;
  fs::remove(path_of(key), error);
}

fs::path Store::path_of(const std::string& key) const {
  return folder_ / (key + ".so");
}

void Store::trim() const {
  struct Library {
    std::pair<time_t, long> used;
    uintmax_t share;
    fs::path path;
  };
  std::vector<Library> libraries;
  for (auto& path : paths_in(folder_)) {
    struct stat status;
    if (path.extension() == ".so" && lstat(path.c_str(), &status) == 0) {
      auto size = static_cast<uintmax_t>(status.st_size);
      auto names = std::max<uintmax_t>(status.st_nlink, 1);
      auto& used = status.st_mtim;
      libraries.push_back({{used.tv_sec, used.tv_nsec}, size / names, path});
    }
  }
  std::sort(libraries.begin(), libraries.end(), [](auto& a, auto& b) {
    return a.used > b.used;
  });
  uintmax_t bytes = 0;
  for (size_t i = 0; i < libraries.size(); i++) {
    bytes += libraries[i].share;
    if (i >= most_libraries || bytes > most_bytes) {
      std::error_code error;
      fs::remove(libraries[i].path, error);
    }
  }
}

} // namespace mlxjs
