// macOS guards its list of variables itself.

#include "../variables.h"

#include <cstdlib>

namespace mlxjs {

void Variables::read(napi_env) {}

const char* variable(const char* name) {
  return std::getenv(name);
}

} // namespace mlxjs
