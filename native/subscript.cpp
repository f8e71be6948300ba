#include "bind.h"

namespace mlxjs {

const std::vector<Binding> subscript_bindings{};

} // namespace mlxjs
