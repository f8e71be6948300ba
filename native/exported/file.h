#pragma once

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../convert.h"

namespace mlxjs::exported {

// What is wrong with a file.
struct Fault {
  std::string expected;
  std::string received;
};

// An array without data.
inline mx::array placeholder(mx::Shape shape, mx::Dtype dtype) {
  return mx::array(std::move(shape), dtype, nullptr, {});
}

// A file of exported functions, read from its start to its end.
class File {
 public:
  explicit File(const std::string& name)
      : fd_(open(name.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status;
    if (fd_ < 0 || fstat(fd_, &status) != 0) {
      throw std::runtime_error("[import_function] Failed to open " + name);
    }
    size_ = status.st_size;
  }
  ~File() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  size_t place() const {
    return place_;
  }
  size_t left() const {
    return size_ - place_;
  }

  void skip(size_t n, const char* what) {
    if (n > left()) {
      throw Fault{
          std::string(what) + " of " + std::to_string(n) + " bytes at " +
              std::to_string(place_),
          "a file of " + std::to_string(size_) + " bytes"};
    }
    place_ += n;
  }

  template <typename T>
  T number(const char* what) {
    T out;
    copy(&out, sizeof(T), what);
    return out;
  }

  bool boolean() {
    auto x = number<uint8_t>("a boolean");
    if (x > 1) {
      throw Fault{"a boolean at " + before(1), std::to_string(x)};
    }
    return x == 1;
  }
  int integer() {
    return number<int32_t>("an integer");
  }
  float real() {
    return number<float>("a number");
  }
  // One of a number of choices.
  int choice(int count) {
    auto x = integer();
    if (x < 0 || x >= count) {
      throw Fault{
          "a number below " + std::to_string(count) + " at " + before(4),
          std::to_string(x)};
    }
    return x;
  }
  // How many there are of something that takes so many bytes each.
  size_t count(size_t bytes) {
    auto n = number<uint64_t>("a count");
    if (n > left() / bytes) {
      throw Fault{
          "a count of at most " + std::to_string(left() / bytes) + " at " +
              before(8),
          std::to_string(n)};
    }
    return n;
  }
  std::string text() {
    std::string out(count(1), '\0');
    copy(out.data(), out.size(), "a text");
    return out;
  }
  template <typename T, typename List = std::vector<T>>
  List list() {
    List out(count(sizeof(T)));
    for (auto& x : out) {
      x = number<T>("a number");
    }
    return out;
  }
  std::vector<int> integers() {
    return list<int>();
  }
  mx::Shape sizes() {
    return list<int32_t, mx::Shape>();
  }

  mx::Dtype dtype() {
    auto& all = Convert<mx::Dtype>::all;
    auto out = all[choice(std::size(all))];
    auto size = number<uint8_t>("a size");
    if (size != out.size()) {
      throw Fault{"the size of a dtype at " + before(1), std::to_string(size)};
    }
    return out;
  }

  mx::Shape shape() {
    auto out = sizes();
    double size = 1;
    for (auto n : out) {
      size *= n < 0 ? INFINITY : std::max(n, 1);
    }
    // Zeros do not hide what is beside them: MLX multiplies that, too.
    if (!(size < 1e15)) {
      throw Fault{"a shape before " + before(0), "one that no array can have"};
    }
    return out;
  }

  // Notes where a constant's values are, which follow.
  void skip_values(const mx::array& a) {
    constants_.insert({a.id(), place_});
    skip(a.nbytes(), "values");
  }
  // An array with its values, if it is a constant.
  std::optional<mx::array> values_of(const mx::array& a) {
    auto found = constants_.find(a.id());
    if (found == constants_.end()) {
      return std::nullopt;
    }
    mx::array out(mx::allocator::malloc(a.nbytes()), a.shape(), a.dtype());
    copy_from(found->second, out.data<char>(), a.nbytes());
    return out;
  }

  void stream() {
    integer();
    auto type = choice(2);
    auto index = integer();
    mx::Device device(type == 0 ? mx::Device::cpu : mx::Device::gpu, index);
    if (index < 0 || (type == 0 && index > 0)) {
      throw Fault{"a device at " + before(4), std::to_string(index)};
    }
    if (!mx::is_available(device)) {
      throw Fault{
          "operations for a device that there is here",
          "some for GPU " + std::to_string(index)};
    }
  }

 private:
  std::string before(size_t n) const {
    return std::to_string(place_ - n);
  }

  void copy(void* to, size_t n, const char* what) {
    auto from = place_;
    skip(n, what);
    copy_from(from, to, n);
  }

  void copy_from(size_t from, void* to, size_t n) {
    auto out = static_cast<char*>(to);
    while (n > 0) {
      if (from < start_ || from >= start_ + window_.size()) {
        window_.resize(1 << 16);
        auto got = pread(fd_, window_.data(), window_.size(), from);
        window_.resize(std::max<ssize_t>(got, 0));
        start_ = from;
        if (window_.empty()) {
          throw std::runtime_error("[import_function] Unable to read.");
        }
      }
      auto offset = from - start_;
      auto m = std::min(n, window_.size() - offset);
      std::copy_n(window_.data() + offset, m, out);
      out += m;
      from += m;
      n -= m;
    }
  }

  int fd_;
  size_t size_ = 0;
  size_t place_ = 0;
  std::vector<char> window_;
  size_t start_ = 0;
  // The places of values, by the arrays' ids.
  std::unordered_map<std::uintptr_t, size_t> constants_;
};

} // namespace mlxjs::exported
