#pragma once

#include <vector>

#include "environment.h"

namespace mlxjs {

// Checks a graph that was made for other shapes or comes from a file: throws
// for an operation whose inputs do not fit each other, and replaces the checks
// of indices that were made before by checks of the indices that the operations
// have now. Outputs may be replaced, too.
void check_graph(
    std::vector<mx::array>& outputs,
    const std::vector<mx::array>& inputs);

} // namespace mlxjs
