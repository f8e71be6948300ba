#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include <sys/stat.h>

#include "mlx/io/load.h"

namespace mlxjs {

namespace io = mlx::core::io;

// Bytes that can be read at any place or, from a position that it keeps, in
// order.
class PlacedReader : public io::Reader {
 public:
  bool is_open() const override {
    return true;
  }
  bool good() const override {
    return true;
  }
  size_t tell() override {
    return position_;
  }
  void seek(int64_t offset, std::ios_base::seekdir way) override {
    auto from = way == std::ios_base::beg ? 0
        : way == std::ios_base::end       ? size()
                                          : position_;
    position_ = from + offset;
  }
  void read(char* data, size_t n) override {
    read(data, n, position_);
    position_ += n;
  }
  void read(char* data, size_t n, size_t offset) override = 0;

 private:
  virtual size_t size() const = 0;

  size_t position_ = 0;
};

// A file that is open, and stays so while something is to be read from it. What
// was checked is what is read: where another program writes to it or cuts it
// short in between, reading is an error. Another file that gets its name does
// no harm. It is read, not mapped, since what is missing from a map ends the
// process.
class FileReader : public PlacedReader {
 public:
  // Takes a descriptor of its own for the same file.
  FileReader(int fd, std::string path);
  ~FileReader() override;
  FileReader(const FileReader&) = delete;

  // How many files are open.
  static int count();

  // Whether it is as it was when it was opened.
  bool is_unchanged() const;

  // It may be called on any thread. Several read what is long: to copy it into
  // new memory takes longer than a disk may.
  void read(char* data, size_t n, size_t offset) override;
  std::string label() const override {
    return path_;
  }

 private:
  size_t size() const override {
    return status_.st_size;
  }

  // Gives how many bytes there were.
  size_t read_part(char* data, size_t n, size_t offset) const;

  int fd_;
  std::string path_;
  struct stat status_;
};

} // namespace mlxjs
