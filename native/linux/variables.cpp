#include "variables.h"

#include <unistd.h>

namespace mlxjs {

// Never destroyed, since threads may outlive static objects.
const Variables& Variables::get() {
  static auto& variables = *new Variables;
  return variables;
}

Variables::Variables() {
  for (auto line = environ; line && *line; line++) {
    lines_.push_back(*line);
  }
}

const char* Variables::find(const std::string& name) const {
  auto start = name + "=";
  for (auto& line : lines_) {
    if (line.starts_with(start)) {
      return line.c_str() + start.size();
    }
  }
  return nullptr;
}

} // namespace mlxjs
