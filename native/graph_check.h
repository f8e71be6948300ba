#pragma once

#include <vector>

#include "environment.h"

namespace mlxjs {

// A graph that was made for other shapes or comes from a file. Throws for an
// operation whose inputs do not fit each other, and checks what the operations
// have as their indices now, in place of what was checked before. Outputs may
// become others.
void check_graph(
    std::vector<mx::array>& outputs,
    const std::vector<mx::array>& inputs);

} // namespace mlxjs
