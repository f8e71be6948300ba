#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "environment.h"

// MLX's transformations, of graphs of any depth.
namespace mlxjs::transforms {

using Arrays = std::vector<mx::array>;
using Function = std::function<Arrays(const Arrays&)>;
// It gives its outputs, and the axis of each.
using MappedFunction =
    std::function<std::pair<Arrays, std::vector<int>>(const Arrays&)>;

std::pair<Arrays, Arrays>
vjp(const Function& f, const Arrays& primals, const Arrays& cotangents);

std::pair<Arrays, Arrays>
jvp(const Function& f, const Arrays& primals, const Arrays& tangents);

Arrays vmap(
    const MappedFunction& f,
    const Arrays& inputs,
    const std::vector<int>& in_axes);

} // namespace mlxjs::transforms
