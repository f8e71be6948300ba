#pragma once

#include "file.h"

namespace mlxjs::exported {

// Throws a Fault unless the file holds exported functions that MLX can read
// and evaluate: it believes whatever counts, numbers and shapes it finds.
void check(const std::string& file);

} // namespace mlxjs::exported
