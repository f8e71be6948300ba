#pragma once

#include "environment.h"

namespace mlxjs {

// Cholesky's factors that are checked when they are computed.
mx::array checked_factors(const mx::array& factors);

} // namespace mlxjs
