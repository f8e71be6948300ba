#pragma once

#include <string>

namespace mlxjs {

// What is wrong with a file.
struct Fault {
  std::string expected;
  std::string received;
};

// Throws a Fault unless the file holds exported functions that MLX can read
// and evaluate: it believes whatever counts, numbers and shapes it finds.
void check_exported(const std::string& file);

} // namespace mlxjs
